"""Lets time pass on an account: fills, triggers, funding, interest, deliveries, liquidation, each at its instant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from servers.simulator import margin, matching, orders, positions
from servers.simulator.account import UNIFIED, Account
from servers.simulator.closing import finish
from servers.simulator.errors import SimulatorError
from servers.simulator.instruments import COINS, Instrument
from servers.simulator.market import FUNDING_MS, Market
from servers.simulator.values import ZERO, Row, cut, text

HOUR_MS = 3_600_000
MOST_EVENTS = 5_000
HOURS_A_YEAR = 8760


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens at `at` milliseconds."""

    at: int
    run: Callable[[], None]


def settle(account: Account, market: Market, now: int) -> int:
    """Bring the account from its last settled instant to `now`; returns the instant reached, which never goes back."""
    state = account.state
    now = max(now, state["settled"])
    if now == state["settled"]:
        return now
    for _ in range(MOST_EVENTS):
        events = _next_events(account, market, now)
        if not events:
            break
        state["settled"] = max(state["settled"], events[0].at)
        for event in events:
            event.run()
    _trail(account, market, state["settled"], now)
    state["settled"] = now
    _liquidate(account, market, now)
    return now


def _next_events(account: Account, market: Market, now: int) -> list[Event]:
    """Everything that happens at the next instant at which anything does."""
    events = [*_timed_events(account, market, now), *_order_events(account, market, now)]
    first = min((event.at for event in events), default=0)
    return [event for event in events if event.at == first]


def _order_events(account: Account, market: Market, now: int) -> list[Event]:
    start, end = account.state["settled"] // 1000 + 1, now // 1000
    if start > end:
        return []
    ranges: dict[tuple[str, str], tuple[Decimal, Decimal]] = {}
    found = []
    for order in account.state["orders"]:
        item = positions.instrument_of(market, order)
        price, is_fall = _target(item, order)
        if not item.is_option:
            place = (item.category, item.symbol)
            low, high = ranges.setdefault(place, market.extremes(item, start, end))
            if low > price if is_fall else high < price:
                continue
        second = market.first_hit(item, (start, end), price, is_fall=is_fall)
        if second is not None:
            found.append(_order_event(account, market, order, second * 1000))
    return found


def _target(item: Instrument, order: Row) -> tuple[Decimal, bool]:
    """The last price that fills or triggers a resting order, and whether it is reached by falling."""
    if order["orderStatus"] == "Untriggered":
        return Decimal(order["triggerPrice"]), order["triggerDirection"] == 2
    price = Decimal(order["price"])
    return (price - item.tick, True) if order["side"] == "Buy" else (price, False)


def _order_event(account: Account, market: Market, order: Row, at: int) -> Event:
    act = trigger if order["orderStatus"] == "Untriggered" else _fill_rest

    def run() -> None:
        # Another event of the same instant may have ended the order.
        if any(row is order for row in account.state["orders"]):
            act(account, market, order, at)

    return Event(at, run)


def _fill_rest(account: Account, market: Market, order: Row, at: int) -> None:
    item = positions.instrument_of(market, order)
    leaves = Decimal(order["leavesQty"])
    if order["reduceOnly"] and not item.is_spot:
        leaves = min(leaves, positions.size_against(account, item, order["positionIdx"], order["side"]))
    if not leaves:
        finish(account, order, "Cancelled", at, cancel_type="CancelByReduceOnly")
        return
    matching.fill(account, market, order, (Decimal(order["price"]), leaves, at), is_maker=True)
    finish(account, order, "Filled", at)


def trigger(account: Account, market: Market, order: Row, at: int) -> None:
    """Turn a conditional order into a live one at its trigger price and match it."""
    item = positions.instrument_of(market, order)
    if order["reduceOnly"] and not item.is_spot:
        most = positions.size_against(account, item, order["positionIdx"], order["side"])
        if not most:
            finish(account, order, "Cancelled", at, cancel_type="CancelByReduceOnly")
            return
        order["leavesQty"] = order["qty"] = text(min(most, Decimal(order["leavesQty"])))
    order["orderStatus"] = "Triggered"
    try:
        orders.check_funds(account, market, item, order, at)
    except SimulatorError:
        finish(account, order, "Rejected", at, reason="EC_NoEnoughBalance")
        return
    matching.match(account, market, order, at)


def _timed_events(account: Account, market: Market, now: int) -> list[Event]:
    since = account.state["settled"]
    events = []
    if account.state["borrowed"] and _next_multiple(since, HOUR_MS) <= now:
        at = _next_multiple(since, HOUR_MS)
        events.append(Event(at, lambda: _charge_interest(account, at)))
    if account.state["positions"] and _next_multiple(since, FUNDING_MS) <= now:
        moment = _next_multiple(since, FUNDING_MS)
        events.append(Event(moment, lambda: _pay_funding(account, market, moment)))
    for held in positions.open_positions(account):
        item = positions.instrument_of(market, held)
        if item.delivery and item.delivery <= now:
            events.append(_delivery_event(account, market, held, item))
    return events


def _next_multiple(moment: int, step: int) -> int:
    return (moment // step + 1) * step


def _charge_interest(account: Account, at: int) -> None:
    for coin in sorted(account.state["borrowed"]):
        owed = account.borrowed(coin)
        rate = COINS[coin].rate / HOURS_A_YEAR
        interest = cut(owed * rate)
        account.set_borrowed(coin, owed + interest)
        account.add_row(
            "borrowHistory",
            {
                "createdTime": at,
                "currency": coin,
                "hourlyBorrowRate": text(cut(rate, Decimal("0.000000000001"))),
                "borrowCost": text(interest),
                "borrowAmount": text(owed),
                "interestBearingBorrowSize": text(owed),
                "costExemption": "0",
                "freeBorrowedAmount": "0",
                "unrealisedLoss": "0",
                "InterestBearingBorrowSize": text(owed),
            },
        )


def _pay_funding(account: Account, market: Market, at: int) -> None:
    """Longs pay shorts when the rate is positive; the payment changes cash and the position's realised result."""
    for held in positions.open_positions(account):
        item = positions.instrument_of(market, held)
        if not item.is_perpetual:
            continue
        rate = market.funding_rate(item, at)
        value = positions.worth(item, market.mark(item, at), Decimal(held["size"]))
        paid = cut(value * rate) * positions.SIGNS[held["side"]]
        held["realised"] = text(Decimal(held["realised"]) - paid)
        entry = {
            "type": "SETTLEMENT",
            "time": at,
            "symbol": item.symbol,
            "category": item.category,
            "side": held["side"],
            "funding": text(-paid),
            "feeRate": text(rate),
            "size": held["size"],
            "qty": held["size"],
            "cashFlow": "0",
            "tradePrice": text(market.mark(item, at)),
        }
        account.book_cash(UNIFIED, item.settle, -paid, entry)
        account.add_realised(item.settle, -paid)
        if item.settle == "USDC":
            _note_session(account, market, item, held, at)


def _note_session(account: Account, market: Market, item: Instrument, held: Row, at: int) -> None:
    mark = market.mark(item, at)
    account.add_row("settlements", {
        "symbol": item.symbol, "side": held["side"], "size": held["size"], "sessionAvgPrice":
        text(positions.entry_price(item, held)), "markPrice": text(mark), "realisedPnl":
        text(positions.unrealised(item, held, mark)), "createdTime": str(at),
    })  # fmt: skip


def _delivery_event(account: Account, market: Market, held: Row, item: Instrument) -> Event:
    return Event(item.delivery, lambda: _deliver(account, market, held, item))


def _deliver(account: Account, market: Market, held: Row, item: Instrument) -> None:
    """Close a position of an expired contract at its settlement value and drop its open orders."""
    at, index = item.delivery, market.usd(item.base, item.delivery)
    price = index
    if item.is_option:
        gap = index - item.strike if item.option == "Call" else item.strike - index
        price = max(gap, ZERO)
    size, entry = Decimal(held["size"]), positions.entry_price(item, held)
    sign = positions.SIGNS[held["side"]]
    profit = (price - entry) * size * sign
    cash = price * size * sign if item.is_option else profit
    if item.is_inverse:
        profit = cash = (Decimal(held["cost"]) - positions.worth(item, price, size)) * sign
    del account.state["positions"][positions.key_of(item, int(held["positionIdx"]))]
    for order in [row for row in account.state["orders"] if row["symbol"] == item.symbol]:
        finish(account, order, "Cancelled", at, cancel_type="CancelByDelivery")
    account.book_cash(UNIFIED, item.settle, cash, {"type": "DELIVERY", "time": at, "symbol": item.symbol,
                      "category": item.category, "tradePrice": text(price)})  # fmt: skip
    account.add_realised(item.settle, profit)
    account.add_row("deliveries", {
        "deliveryTime": at, "symbol": item.symbol, "side": held["side"], "position": held["size"],
        "entryPrice": text(entry), "deliveryPrice": text(index), "strike": text(item.strike), "fee": "0",
        "deliveryRpl": text(profit), "category": item.category,
    })  # fmt: skip


def _trail(account: Account, market: Market, since: int, now: int) -> None:
    """Close positions whose price has fallen back from its best by the trailing distance."""
    for held in positions.open_positions(account):
        distance = Decimal(held["trailingStop"])
        item = positions.instrument_of(market, held)
        if not distance or item.is_option:
            continue
        low, high = market.extremes(item, since // 1000, now // 1000)
        is_long = held["side"] == "Buy"
        best = high if is_long else low
        if held["trailBest"]:
            earlier = Decimal(held["trailBest"])
            best = max(best, earlier) if is_long else min(best, earlier)
        active = Decimal(held["activePrice"])
        if active and (best < active if is_long else best > active):
            continue
        held["trailBest"] = text(best)
        last = market.last(item, now)
        if (best - last if is_long else last - best) >= distance:
            close_position(account, market, held, now, "TrailingStop")


def close_position(account: Account, market: Market, held: Row, now: int, kind: str) -> Row:
    """Close a whole position at market with an order of the system; returns that order."""
    item = positions.instrument_of(market, held)
    order: Row = {
        **system_order(account, item, now),
        "qty": held["size"],
        "leavesQty": held["size"],
        "side": "Sell" if held["side"] == "Buy" else "Buy",
        "positionIdx": held["positionIdx"],
        "stopOrderType": kind if kind == "TrailingStop" else "",
        "execType": "Trade" if kind == "TrailingStop" else "BustTrade",
        "createType": f"CreateBy{kind}",
        "reduceOnly": True,
    }
    account.state["orders"].append(order)
    matching.match(account, market, order, now)
    return order


def system_order(account: Account, item: Instrument, now: int) -> Row:
    """A blank market order that the exchange itself places."""
    return {
        **dict.fromkeys(("orderLinkId", "blockTradeId", "isLeverage", "avgPrice", "orderIv", "marketUnit",
        "triggerPrice", "takeProfit", "stopLoss", "tpslMode", "tpLimitPrice", "slLimitPrice", "tpTriggerBy",
        "slTriggerBy", "triggerBy", "lastPriceOnCreated", "placeType", "smpOrderId", "lockedCoin",
        "stopOrderType"), ""),
        "category": item.category, "symbol": item.symbol, "orderId": account.next_id(), "price": "0",
        "orderStatus": "New", "cancelType": "UNKNOWN", "rejectReason": "EC_NoError", "leavesValue": "0",
        "cumExecQty": "0", "cumExecValue": "0", "cumExecFee": "0", "timeInForce": "IOC", "orderType": "Market",
        "triggerDirection": 0, "reduceOnly": False, "closeOnTrigger": False, "smpType": "None", "smpGroup": 0,
        "createdTime": str(now), "updatedTime": str(now), "orderFilter": "Order", "lockedAmount": "0",
    }  # fmt: skip


def _liquidate(account: Account, market: Market, now: int) -> None:
    """Close every contract position when the margin balance no longer covers the maintenance margin."""
    if not account.state["positions"]:
        return
    summary = margin.summarise(account, market, now)
    if not summary.maintenance or summary.margin_balance >= summary.maintenance:
        return
    for held in positions.open_positions(account):
        close_position(account, market, held, now, "Liq")
