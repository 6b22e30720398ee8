"""The coins and contracts of the simulated market; options and dated futures are made from dates, the rest stands."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final

LAUNCH: Final = 1_583_020_800_000  # 2020-03-01
MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_FUTURES_LETTERS: Final = {3: "H", 6: "M", 9: "U", 12: "Z"}


@dataclass(frozen=True, slots=True)
class Coin:
    """`collateral` is the share of the coin's value that counts as margin; `rate` is the yearly borrow rate."""

    name: str
    base: float
    swing: float
    digits: int
    collateral: Decimal
    rate: Decimal
    chains: tuple[str, ...]


def _coin(name: str, base: float, swing: float, digits: int, terms: tuple[str, str, tuple[str, ...]]) -> Coin:
    collateral, rate, chains = terms
    return Coin(name, base, swing, digits, Decimal(collateral), Decimal(rate), chains)


COINS: Final = {
    coin.name: coin
    for coin in (
        _coin("USDT", 1.0, 0.0, 4, ("1", "0.0613", ("ETH", "TRX", "ARBI"))),
        _coin("USDC", 1.0, 0.0, 4, ("1", "0.0588", ("ETH", "SOL", "BASE"))),
        _coin("BTC", 96000.0, 0.35, 8, ("0.95", "0.0175", ("BTC",))),
        _coin("ETH", 3300.0, 0.45, 8, ("0.9", "0.0263", ("ETH", "ARBI", "BASE"))),
        _coin("SOL", 165.0, 0.55, 6, ("0.85", "0.0701", ("SOL",))),
        _coin("XRP", 2.3, 0.5, 4, ("0.85", "0.0438", ("XRP",))),
        _coin("DOGE", 0.19, 0.6, 2, ("0.8", "0.0526", ("DOGE",))),
        _coin("ADA", 0.72, 0.5, 2, ("0.8", "0.0482", ("ADA",))),
        _coin("LINK", 17.5, 0.5, 4, ("0.8", "0.0464", ("ETH", "ARBI"))),
        _coin("AVAX", 24.0, 0.5, 4, ("0.8", "0.0491", ("CAVAX",))),
        _coin("LTC", 92.0, 0.45, 6, ("0.8", "0.0394", ("LTC",))),
        _coin("MNT", 1.1, 0.4, 2, ("0.8", "0.0351", ("MANTLE", "ETH"))),
    )
}


@dataclass(frozen=True, slots=True)
class Instrument:
    """What may be traded and in which steps. `factor` is the constant ratio between its price and the coin's index."""

    category: str
    symbol: str
    base: str
    quote: str
    settle: str
    contract: str
    tick: Decimal
    step: Decimal
    min_qty: Decimal
    max_qty: Decimal
    min_value: Decimal
    max_leverage: Decimal
    factor: float = 1.0
    launch: int = LAUNCH
    delivery: int = 0
    strike: Decimal = Decimal(0)
    option: str = ""

    @property
    def is_spot(self) -> bool:
        return self.category == "spot"

    @property
    def is_inverse(self) -> bool:
        return self.category == "inverse"

    @property
    def is_option(self) -> bool:
        return self.category == "option"

    @property
    def is_perpetual(self) -> bool:
        return self.contract.endswith("Perpetual")


# base coin: spot tick, spot step, contract tick, contract step, highest leverage
_STEPS: Final = {
    "BTC": ("0.01", "0.000001", "0.1", "0.001", "100"),
    "ETH": ("0.01", "0.00001", "0.01", "0.01", "100"),
    "SOL": ("0.01", "0.001", "0.01", "0.1", "75"),
    "XRP": ("0.0001", "0.01", "0.0001", "0.1", "75"),
    "DOGE": ("0.00001", "0.1", "0.00001", "1", "50"),
    "ADA": ("0.0001", "0.01", "0.0001", "1", "50"),
    "LINK": ("0.001", "0.001", "0.001", "0.1", "50"),
    "AVAX": ("0.001", "0.001", "0.001", "0.1", "50"),
    "LTC": ("0.01", "0.00001", "0.01", "0.1", "50"),
    "MNT": ("0.0001", "0.01", "0.0001", "1", "25"),
}


def _spot(base: str, quote: str) -> Instrument:
    tick, step, _, _, _ = _STEPS[base]
    small = Decimal(step)
    return Instrument(
        "spot",
        base + quote,
        base,
        quote,
        quote,
        "Spot",
        Decimal(tick),
        small,
        small,
        small * 10**8,
        Decimal(5),
        Decimal(10),
    )


def _linear(base: str, symbol: str, settle: str) -> Instrument:
    _, _, tick, step, leverage = _STEPS[base]
    small = Decimal(step)
    return Instrument(
        "linear",
        symbol,
        base,
        settle,
        settle,
        "LinearPerpetual",
        Decimal(tick),
        small,
        small,
        small * 10**6,
        Decimal(5),
        Decimal(leverage),
        1.0002,
    )


def _inverse(base: str) -> Instrument:
    tick = Decimal(_STEPS[base][2])
    leverage = Decimal(_STEPS[base][4])
    return Instrument(
        "inverse",
        base + "USD",
        base,
        "USD",
        base,
        "InversePerpetual",
        tick,
        Decimal(1),
        Decimal(1),
        Decimal(25_000_000),
        Decimal(1),
        leverage,
        1.0001,
    )


STANDING: Final = {
    (item.category, item.symbol): item
    for item in (
        *(_spot(base, "USDT") for base in _STEPS),
        *(_spot(base, "USDC") for base in ("BTC", "ETH", "SOL")),
        *(_linear(base, base + "USDT", "USDT") for base in _STEPS),
        *(_linear(base, base + "PERP", "USDC") for base in ("BTC", "ETH", "SOL")),
        *(_inverse(base) for base in ("BTC", "ETH", "SOL", "XRP")),
    )
}
STRIKE_STEPS: Final = {"BTC": 1000, "ETH": 50}


def code_of(day: datetime) -> str:
    return f"{day.day}{MONTHS[day.month - 1]}{day.year % 100}"


def fridays(now: int) -> list[datetime]:
    """Delivery days on offer: the next two Fridays and the last Friday of this quarter, at 08:00 UTC."""
    moment = datetime.fromtimestamp(now / 1000, UTC)
    day = moment.replace(hour=8, minute=0, second=0, microsecond=0) + timedelta(days=(4 - moment.weekday()) % 7)
    if day <= moment:
        day += timedelta(days=7)
    quarter = day
    while (quarter + timedelta(days=7)).month == quarter.month or quarter.month % 3:
        quarter += timedelta(days=7)
    days = [day, day + timedelta(days=7)]
    return days if quarter in days else [*days, quarter]


def _read_day(code: str) -> int:
    """The delivery instant that a code such as 25DEC26 names, or 0 when it names none."""
    digits, month, year = code[:-5], code[-5:-2], code[-2:]
    if not (digits.isascii() and digits.isdigit() and year.isascii() and year.isdigit() and month in MONTHS):
        return 0
    try:
        day = datetime(2000 + int(year), MONTHS.index(month) + 1, int(digits), 8, tzinfo=UTC)
    except ValueError:
        return 0
    return int(day.timestamp() * 1000) if day.weekday() == 4 else 0


@lru_cache(maxsize=4096)
def option(symbol: str) -> Instrument | None:
    """The option that a symbol such as BTC-25DEC26-90000-C-USDT names, or None."""
    parts = symbol.split("-")
    if len(parts) != 5 or parts[0] not in STRIKE_STEPS or parts[3] not in ("C", "P") or parts[4] != "USDT":
        return None
    base, code, strike, side, _ = parts
    delivery = _read_day(code)
    if not delivery or not strike.isascii() or not strike.isdigit() or len(strike) > 7:
        return None
    if strike.startswith("0") or int(strike) % STRIKE_STEPS[base]:
        return None
    tick, step = (Decimal(5), Decimal("0.01")) if base == "BTC" else (Decimal("0.1"), Decimal("0.1"))
    return Instrument(
        "option",
        symbol,
        base,
        "USDT",
        "USDT",
        "Option",
        tick,
        step,
        step,
        step * 50_000,
        Decimal(0),
        Decimal(1),
        launch=delivery - 28 * 86_400_000,
        delivery=delivery,
        strike=Decimal(strike),
        option="Call" if side == "C" else "Put",
    )


@lru_cache(maxsize=1024)
def dated(category: str, symbol: str) -> Instrument | None:
    """The dated future that a symbol such as BTCUSDT-25DEC26 (linear) or BTCUSDZ26 (inverse) names, or None."""
    if category == "linear":
        stem, _, code = symbol.partition("-")
        delivery = _read_day(code) if code else 0
        parent = STANDING.get(("linear", stem))
        is_known = bool(delivery) and parent is not None and stem in ("BTCUSDT", "ETHUSDT")
    else:
        parent = STANDING.get(("inverse", symbol[:-3]))
        delivery = _quarter_end(symbol[-3:])
        is_known = bool(delivery) and parent is not None and symbol[:-3] in ("BTCUSD", "ETHUSD")
    if not is_known or parent is None:
        return None
    kind = "LinearFutures" if category == "linear" else "InverseFutures"
    return replace(
        parent, symbol=symbol, contract=kind, factor=1.004, delivery=delivery, launch=delivery - 180 * 86_400_000
    )


def _quarter_end(code: str) -> int:
    month = next((number for number, letter in _FUTURES_LETTERS.items() if code[:1] == letter), 0)
    if not month or not code[1:].isascii() or not code[1:].isdigit():
        return 0
    following = datetime(2000 + int(code[1:]) + month // 12, month % 12 + 1, 1, 8, tzinfo=UTC)
    day = following - timedelta(days=1)
    day -= timedelta(days=(day.weekday() - 4) % 7)
    return int(day.timestamp() * 1000)


def dated_symbols(category: str, now: int) -> list[str]:
    day = fridays(now)[-1]
    if category == "linear":
        return [f"{stem}-{code_of(day)}" for stem in ("BTCUSDT", "ETHUSDT")]
    code = f"{_FUTURES_LETTERS[day.month]}{day.year % 100}"
    return [stem + code for stem in ("BTCUSD", "ETHUSD")]
