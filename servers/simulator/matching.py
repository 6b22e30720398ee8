"""Fills: takes from the book, books executions, finishes orders. Whether an order is allowed was decided before."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from servers.simulator import positions, protection
from servers.simulator.account import KEPT, UNIFIED, Account
from servers.simulator.closing import finish
from servers.simulator.instruments import Instrument
from servers.simulator.market import Levels, Market
from servers.simulator.values import ZERO, Row, cut, floor_to, text

DEPTH: Final = 50
_RATES: Final = {
    "spot": (Decimal("0.001"), Decimal("0.001")),
    "linear": (Decimal("0.0002"), Decimal("0.00055")),
    "inverse": (Decimal("0.0002"), Decimal("0.00055")),
    "option": (Decimal("0.0002"), Decimal("0.0003")),
}


def fee_rate(item: Instrument, is_maker: bool) -> Decimal:
    maker, taker = _RATES[item.category]
    return maker if is_maker else taker


def walk_cost(levels: Levels, qty: Decimal) -> Decimal:
    """What taking `qty` off these levels costs; what the book cannot give is priced at its last level."""
    cost, left = ZERO, qty
    for price, size in levels:
        part = min(left, size)
        cost += part * price
        left -= part
    return cost + left * levels[-1][0]


def base_for_quote(market: Market, item: Instrument, order: Row, now: int) -> Decimal:
    """Base quantity that a market order stated in quote coin buys or sells."""
    bids, asks = market.book(item, now, DEPTH)
    left, qty = Decimal(order["leavesQty"]), ZERO
    for price, size in asks if order["side"] == "Buy" else bids:
        part = min(size, floor_to(left / price, item.step))
        qty += part
        left -= part * price
        if part < size:
            break
    return qty


def match(account: Account, market: Market, order: Row, at: int) -> None:
    """Fill what can be filled against the book at `at`, then rest, cancel or finish by time in force."""
    item = positions.instrument_of(market, order)
    levels = _reachable(market, item, order, at)
    wanted = Decimal(order["leavesQty"])
    if order["marketUnit"] == "quoteCoin":
        wanted = base_for_quote(market, item, order, at)
    rule = order["timeInForce"]
    if rule in ("PostOnly", "RPI") and levels:
        finish(account, order, "Cancelled", at, reason="EC_PostOnlyWillTakeLiquidity")
        return
    if rule == "FOK" and sum((size for _, size in levels), ZERO) < wanted:
        finish(account, order, "Cancelled", at, reason="EC_NoEnoughQtyToFill")
        return
    for price, size in levels:
        part = min(size, wanted)
        if part <= 0:
            break
        wanted -= part
        fill(account, market, order, (price, part, at), is_maker=False)
    _settle_rest(account, item, order, at, wanted)


def _reachable(market: Market, item: Instrument, order: Row, at: int) -> Levels:
    bids, asks = market.book(item, at, DEPTH)
    levels = asks if order["side"] == "Buy" else bids
    if order["orderType"] == "Market":
        return levels
    limit = Decimal(order["price"])
    if order["side"] == "Buy":
        return [level for level in levels if level[0] <= limit]
    return [level for level in levels if level[0] >= limit]


def _settle_rest(account: Account, item: Instrument, order: Row, at: int, wanted: Decimal) -> None:
    has_fill = Decimal(order["cumExecQty"]) > 0
    if order["marketUnit"] == "quoteCoin" and has_fill and not wanted:
        finish(account, order, "Filled", at)
    elif not wanted:
        finish(account, order, "Filled" if has_fill else "Cancelled", at)
    elif order["timeInForce"] in ("IOC", "FOK"):
        status = "PartiallyFilledCanceled" if has_fill else "Cancelled"
        finish(account, order, status, at, reason="EC_NoImmediateQtyToFill")
    else:
        order["orderStatus"] = "PartiallyFilled" if has_fill else "New"
        order["leavesValue"] = text(positions.worth(item, Decimal(order["price"]), wanted))
        _relock(item, order)


def _relock(item: Instrument, order: Row) -> None:
    if not item.is_spot:
        return
    leaves = Decimal(order["leavesQty"])
    order["lockedCoin"] = item.quote if order["side"] == "Buy" else item.base
    order["lockedAmount"] = text(leaves * Decimal(order["price"]) if order["side"] == "Buy" else leaves)


def fill(account: Account, market: Market, order: Row, deal: tuple[Decimal, Decimal, int], *, is_maker: bool) -> None:
    """Book one execution of `order`; `deal` is price, quantity and time in milliseconds."""
    item = positions.instrument_of(market, order)
    price, qty, at = deal
    value = positions.worth(item, price, qty)
    rate = fee_rate(item, is_maker)
    closed = ZERO
    if item.is_spot:
        fee = cut((qty if order["side"] == "Buy" else value) * rate)
        _book_spot(account, item, order, (price, qty, fee, rate, at))
    else:
        fee = _contract_fee(market, item, (price, qty, at), rate)
        closed = positions.apply_fill(account, positions.Fill(order, item, price, qty, fee, at, rate))
        protection.follow_fill(account, item, order, at)
    _advance(order, item, (value, qty, fee), at)
    _record(account, market, item, order, {"price": price, "qty": qty, "fee": fee, "rate": rate, "value": value,
            "at": at, "closed": closed, "maker": is_maker})  # fmt: skip


def _contract_fee(market: Market, item: Instrument, deal: tuple[Decimal, Decimal, int], rate: Decimal) -> Decimal:
    price, qty, at = deal
    if not item.is_option:
        return cut(positions.worth(item, price, qty) * rate)
    # An option's fee is taken on the underlying and never exceeds 7 % of the premium.
    return cut(min(market.usd(item.base, at) * qty * rate, price * qty * Decimal("0.07")))


def _book_spot(
    account: Account, item: Instrument, order: Row, deal: tuple[Decimal, Decimal, Decimal, Decimal, int]
) -> None:
    price, qty, fee, rate, at = deal
    value = price * qty
    entry = {
        "type": "TRADE",
        "time": at,
        "symbol": item.symbol,
        "category": "spot",
        "side": order["side"],
        "orderId": order["orderId"],
        "orderLinkId": order["orderLinkId"],
        "tradePrice": text(price),
    }
    spent, gained = ((item.quote, value), (item.base, qty)) if order["side"] == "Buy" else (
        (item.base, qty), (item.quote, value))  # fmt: skip
    account.book_cash(UNIFIED, spent[0], -spent[1], {**entry, "qty": text(qty)})
    account.book_cash(
        UNIFIED, gained[0], gained[1] - fee, {**entry, "qty": text(qty), "fee": text(fee), "feeRate": text(rate)}
    )
    # What was paid is no longer held by the order.
    order["lockedAmount"] = text(max(Decimal(order["lockedAmount"]) - spent[1], ZERO))


def _advance(order: Row, item: Instrument, amounts: tuple[Decimal, Decimal, Decimal], at: int) -> None:
    value, qty, fee = amounts
    done, total = Decimal(order["cumExecQty"]) + qty, Decimal(order["cumExecValue"]) + value
    used = value if order["marketUnit"] == "quoteCoin" else qty
    order["cumExecQty"], order["cumExecValue"] = text(done), text(total)
    order["cumExecFee"] = text(Decimal(order["cumExecFee"]) + fee)
    order["avgPrice"] = text(cut(done / total if item.is_inverse else total / done))
    order["leavesQty"] = text(max(Decimal(order["leavesQty"]) - used, ZERO))
    order["updatedTime"] = str(at)


def _record(account: Account, market: Market, item: Instrument, order: Row, deal: Row) -> None:
    fee_coin = item.settle
    if item.is_spot:
        fee_coin = item.base if order["side"] == "Buy" else item.quote
    account.state["executions"].append(
        {
            "category": item.category,
            "symbol": item.symbol,
            "orderType": order["orderType"],
            "underlyingPrice": text(market.usd(item.base, deal["at"])) if item.is_option else "",
            "orderLinkId": order["orderLinkId"],
            "side": order["side"],
            "indexPrice": text(market.usd(item.base, deal["at"])),
            "orderId": order["orderId"],
            "stopOrderType": order["stopOrderType"] or "UNKNOWN",
            "leavesQty": order["leavesQty"],
            "execTime": str(deal["at"]),
            "feeCurrency": fee_coin,
            "isMaker": deal["maker"],
            "execFee": text(deal["fee"]),
            "feeRate": text(deal["rate"]),
            "execId": account.next_id(),
            "tradeIv": "",
            "blockTradeId": "",
            "markPrice": text(market.mark(item, deal["at"])),
            "execPrice": text(deal["price"]),
            "markIv": "",
            "orderQty": order["qty"],
            "orderPrice": order["price"],
            "execValue": text(deal["value"]),
            "execType": order.get("execType", "Trade"),
            "execQty": text(deal["qty"]),
            "closedSize": text(deal["closed"]),
            "seq": account.next_number(),
        }
    )
    del account.state["executions"][:-KEPT]
