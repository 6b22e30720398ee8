"""Option prices and Greeks by Black and Scholes with a smile; the float result is quantised before it becomes money."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache

from servers.simulator.instruments import Instrument

_YEAR_MS = 31_536_000_000.0


@dataclass(frozen=True, slots=True)
class Quote:
    """Value of one option. `mark` is in US dollars for one unit of the base coin; `iv` a yearly fraction."""

    mark: Decimal
    underlying: Decimal
    iv: Decimal
    delta: Decimal
    gamma: Decimal
    vega: Decimal
    theta: Decimal


def _share_below(value: float) -> float:
    return 0.5 * (1 + math.erf(value / math.sqrt(2)))


def _fixed(value: float) -> Decimal:
    return Decimal(value).quantize(Decimal("0.00000001"), rounding=ROUND_HALF_EVEN)


@lru_cache(maxsize=4096)
def quote_option(item: Instrument, spot: float, now: int) -> Quote:
    strike = float(item.strike)
    years = max((item.delivery - now) / _YEAR_MS, 1e-6)
    moneyness = math.log(strike / spot)
    iv = (0.52 if item.base == "BTC" else 0.66) + 0.25 * moneyness * moneyness
    spread = iv * math.sqrt(years)
    upper = -moneyness / spread + spread / 2
    lower = upper - spread
    is_call = item.option == "Call"
    call = spot * _share_below(upper) - strike * _share_below(lower)
    value = call if is_call else call - spot + strike
    density = math.exp(-upper * upper / 2) / math.sqrt(2 * math.pi)
    ticks = (Decimal(max(value, 0.0)) / item.tick).to_integral_value(rounding=ROUND_HALF_EVEN)
    return Quote(
        mark=max(ticks, Decimal(1)) * item.tick,
        underlying=_fixed(spot),
        iv=_fixed(iv),
        delta=_fixed(_share_below(upper) - (0 if is_call else 1)),
        gamma=_fixed(density / (spot * spread)),
        vega=_fixed(spot * density * math.sqrt(years) / 100),
        theta=_fixed(-spot * density * iv / (2 * math.sqrt(years)) / 365),
    )
