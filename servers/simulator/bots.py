"""What trading bots earn: their money is set apart at the start, follows the price, and comes back at the close."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from servers.simulator.errors import SimulatorError, param_error
from servers.simulator.funds import find_row
from servers.simulator.instruments import Instrument
from servers.simulator.registry import Call
from servers.simulator.values import ZERO, Row, cut, dec, text

_STEP_S: Final = 60
_MOST_STEPS: Final = 1500
GRID_FEE: Final = Decimal("0.001")


def find_bot(call: Call, kind: str, number: int) -> Row:
    rows = [row for row in call.account.table("bots") if row["kind"] == kind]
    return find_row(rows, "id", number, 131002)


def running_bot(call: Call, kind: str, number: int) -> Row:
    bot = find_bot(call, kind, number)
    if bot["closedAt"]:
        raise SimulatorError(131002, "The bot has already been closed")
    return bot


def ladder(spec: Row) -> tuple[Decimal, Decimal, int]:
    """Lowest price, highest price and number of cells of a grid; refused when they make no grid."""
    low, high, cells = (
        dec(spec["min_price"], "min_price"),
        dec(spec["max_price"], "max_price"),
        int(spec["cell_number"]),
    )
    if not 0 < low < high:
        raise param_error("max_price must be above min_price and both above 0")
    if not 2 <= cells <= 400:
        raise param_error("cell_number must lie between 2 and 400")
    return low, high, cells


def count_crossings(call: Call, item: Instrument, bot: Row) -> int:
    """How many grid lines the price has crossed since the start; looked at once a minute, carried on from last time."""
    low, high, cells = Decimal(bot["low"]), Decimal(bot["high"]), bot["cells"]
    width = (high - low) / cells
    first, last = bot["seen"] // 1000 + _STEP_S, _until(call, bot) // 1000
    stride = max(_STEP_S, (last - first) // _MOST_STEPS // _STEP_S * _STEP_S)
    for second in range(first, last + 1, stride):
        price = min(max(call.market.last(item, second * 1000), low), high)
        cell = int((price - low) / width)
        bot["trips"] += abs(cell - bot["cell"])
        bot["cell"], bot["seen"] = cell, second * 1000
    return int(bot["trips"])


def _until(call: Call, bot: Row) -> int:
    return int(bot["closedAt"] or call.now)


def price_at_end(call: Call, item: Instrument, bot: Row) -> Decimal:
    return call.market.last(item, _until(call, bot))


def grid_profit(call: Call, item: Instrument, bot: Row) -> Decimal:
    """Each pair of crossings earns one cell's width on one cell's quantity, less fees."""
    pairs = count_crossings(call, item, bot) // 2
    low, high, cells = Decimal(bot["low"]), Decimal(bot["high"]), bot["cells"]
    width, middle = (high - low) / cells, (high + low) / 2
    per_cell = Decimal(bot["invested"]) * Decimal(bot["leverage"]) / cells / middle
    return cut(pairs * per_cell * max(width - middle * GRID_FEE * 2, ZERO))


def direction_profit(call: Call, item: Instrument, bot: Row) -> Decimal:
    """Gain of the position that the bot holds on average; a grid holds half of its money in the base coin."""
    start, end = Decimal(bot["startPrice"]), price_at_end(call, item, bot)
    share = Decimal(bot["share"])
    return cut(Decimal(bot["invested"]) * Decimal(bot["leverage"]) * share * (end - start) / start)


def worth(call: Call, item: Instrument, bot: Row) -> Decimal:
    """What the bot's money is worth now; never below zero, since a bot can only lose what it was given."""
    total = Decimal(bot["invested"]) + grid_profit(call, item, bot) + direction_profit(call, item, bot)
    return max(total, ZERO)


def yearly(profit: Decimal, bot: Row, now: int) -> str:
    age = max(int(bot["closedAt"] or now) - bot["since"], 3_600_000)
    return text((profit / Decimal(bot["invested"]) * 31_536_000_000 / age).quantize(Decimal("0.0001")))
