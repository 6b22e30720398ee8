"""Trades agreed outside the book (requests for quote, spreads): each leg is booked like any other execution."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from servers.simulator import matching, orders, positions, settle
from servers.simulator.closing import finish
from servers.simulator.errors import SimulatorError, param_error
from servers.simulator.registry import Call
from servers.simulator.values import Row, is_multiple, text


@dataclass(frozen=True, slots=True)
class Leg:
    """One side of a block: what is traded, which way, how much, at which price."""

    category: str
    symbol: str
    side: str
    qty: Decimal
    price: Decimal


def flip(side: str) -> str:
    return "Sell" if side == "Buy" else "Buy"


def draft_leg(call: Call, leg: Leg) -> Row:
    """An order for the leg that has passed the checks on size and funds but is not stored."""
    item = call.market.instrument(leg.category, leg.symbol, call.now)
    if leg.qty < item.min_qty or not is_multiple(leg.qty, item.step):
        raise param_error(f"qty of {leg.symbol} must be a multiple of {text(item.step)}")
    index = 0
    if positions.is_hedged(call.account, item):
        index = 1 if leg.side == "Buy" else 2
    order = settle.system_order(call.account, item, call.now)
    order |= {"side": leg.side, "qty": text(leg.qty), "leavesQty": text(leg.qty), "price": text(leg.price),
              "orderType": "Limit", "positionIdx": index, "execType": "BlockTrade"}  # fmt: skip
    orders.check_funds(call.account, call.market, item, order, call.now)
    return order


def trade_block(call: Call, legs: list[Leg], at: int) -> list[Row]:
    """Execute all legs or none; returns their finished orders. Raises SimulatorError when one cannot be paid."""
    drafts = [(leg, draft_leg(call, leg)) for leg in legs]
    for leg, order in drafts:
        matching.fill(call.account, call.market, order, (leg.price, leg.qty, at), is_maker=False)
        finish(call.account, order, "Filled", at)
    return [order for _, order in drafts]


def can_trade(call: Call, legs: list[Leg]) -> bool:
    try:
        for leg in legs:
            draft_leg(call, leg)
    except SimulatorError:
        return False
    return True
