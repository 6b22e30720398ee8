"""Simple interest by whole hours, exact and cut to eight decimals; shared by savings, pools and loans."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from servers.simulator.paths import seed_of, unit
from servers.simulator.values import Row, cut, text

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000
HOURS_A_YEAR: Final = 8760


def accrued(amount: Decimal, yearly: Decimal, since: int, until: int) -> Decimal:
    """Interest on an amount at a yearly rate over the whole hours between two instants in milliseconds."""
    return cut(amount * yearly / HOURS_A_YEAR) * max((until - since) // HOUR_MS, 0)


def rate_at(base: Decimal, name: str, at: int) -> Decimal:
    """A yearly rate that wanders by a tenth around `base`, steady within each day."""
    wander = Decimal(round(0.9 + 0.2 * unit(seed_of("rate", name) ^ (at // DAY_MS)), 4))
    return (base * wander).quantize(Decimal("0.0001"))


def percent(rate: Decimal) -> str:
    return f"{text((rate * 100).quantize(Decimal('0.01')))}%"


def hourly_rows(position: Row, until: int, most: int) -> list[tuple[int, Decimal]]:
    """The newest `most` hourly credits of a position with amount, rate and since, oldest first."""
    each = cut(Decimal(position["amount"]) * Decimal(position["rate"]) / HOURS_A_YEAR)
    hours = max((until - position["since"]) // HOUR_MS, 0)
    return [(position["since"] + hour * HOUR_MS, each) for hour in range(max(1, hours - most + 1), hours + 1)]
