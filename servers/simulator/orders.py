"""Orders from request to resting: checks, funds, locks, amendment, cancellation; fills are made by matching."""

from __future__ import annotations

from decimal import Decimal

from servers.simulator import margin, matching, positions
from servers.simulator.account import UNIFIED, Account
from servers.simulator.closing import finish
from servers.simulator.errors import SimulatorError, param_error
from servers.simulator.instruments import Instrument
from servers.simulator.market import Market
from servers.simulator.registry import Call
from servers.simulator.values import ZERO, Row, dec, is_multiple, text

MOST_ORDERS = 500
BAND = Decimal("0.1")


def place_order(call: Call, category: str, spec: Row) -> Row:
    """Check, store and match one order; raises SimulatorError with Bybit's code when it is refused."""
    item = call.market.instrument(category, spec["symbol"], call.now)
    order = _draft(call, item, spec)
    _check_identity(call.account, order, category)
    _check_size(order, item)
    _check_position_index(call.account, item, order)
    _check_protection(call, item, order)
    if order["triggerPrice"]:
        _arm(call, item, order)
        return order
    _limit_price(call, item, order)
    _clip_reduce_only(call.account, item, order)
    check_funds(call.account, call.market, item, order, call.now)
    call.account.state["orders"].append(order)
    matching.match(call.account, call.market, order, call.now)
    return order


def _draft(call: Call, item: Instrument, spec: Row) -> Row:
    is_market = spec["orderType"] == "Market"
    if not is_market and not spec.get("price"):
        raise param_error("price is required for a Limit order")
    trigger = _price(item, spec, "triggerPrice")
    unit_default = "quoteCoin" if item.is_spot and is_market and spec["side"] == "Buy" else "baseCoin"
    return {
        "category": item.category,
        "orderId": call.account.next_id(),
        "orderLinkId": str(spec.get("orderLinkId", "")),
        "blockTradeId": "",
        "symbol": item.symbol,
        "price": "0" if is_market else _price(item, spec, "price"),
        "qty": text(dec(spec["qty"], "qty")),
        "side": spec["side"],
        "isLeverage": str(spec.get("isLeverage", "")) if item.is_spot else "",
        "positionIdx": int(spec.get("positionIdx", 0)),
        "orderStatus": "Untriggered" if trigger else "New",
        "createType": "CreateByUser",
        "cancelType": "UNKNOWN",
        "rejectReason": "EC_NoError",
        "avgPrice": "",
        "leavesQty": text(dec(spec["qty"], "qty")),
        "leavesValue": "0",
        "cumExecQty": "0",
        "cumExecValue": "0",
        "cumExecFee": "0",
        "timeInForce": "IOC" if is_market else str(spec.get("timeInForce", "GTC")),
        "orderType": spec["orderType"],
        "stopOrderType": "Stop" if trigger else "",
        "orderIv": str(spec.get("orderIv", "")),
        "marketUnit": str(spec.get("marketUnit", unit_default)) if item.is_spot and is_market else "",
        "triggerPrice": trigger,
        "takeProfit": _price(item, spec, "takeProfit"),
        "stopLoss": _price(item, spec, "stopLoss"),
        "tpslMode": str(spec.get("tpslMode", "Full")) if spec.get("takeProfit") or spec.get("stopLoss") else "",
        "tpLimitPrice": _price(item, spec, "tpLimitPrice"),
        "slLimitPrice": _price(item, spec, "slLimitPrice"),
        "tpTriggerBy": str(spec.get("tpTriggerBy", "")),
        "slTriggerBy": str(spec.get("slTriggerBy", "")),
        "triggerDirection": int(spec.get("triggerDirection", 0)),
        "triggerBy": str(spec.get("triggerBy", "LastPrice")) if trigger else "",
        "lastPriceOnCreated": text(call.market.last(item, call.now)),
        "reduceOnly": spec.get("reduceOnly") is True,
        "closeOnTrigger": spec.get("closeOnTrigger") is True,
        "placeType": "price" if item.is_option else "",
        "smpType": str(spec.get("smpType", "None")),
        "smpGroup": 0,
        "smpOrderId": "",
        "createdTime": str(call.now),
        "updatedTime": str(call.now),
        "orderFilter": str(spec.get("orderFilter", "StopOrder" if trigger and not item.is_spot else "Order")),
        "lockedCoin": "",
        "lockedAmount": "0",
    }


def _price(item: Instrument, spec: Row, name: str) -> str:
    """A price argument as text; '' when absent, '0' counts as absent."""
    if spec.get(name) in (None, "", "0"):
        return ""
    price = dec(spec[name], name)
    if price <= 0:
        raise param_error(f"{name} must be greater than 0")
    if not is_multiple(price, item.tick):
        raise SimulatorError(170134) if item.is_spot else param_error(f"{name} invalid, tick size is {text(item.tick)}")
    return text(price)


def _check_identity(account: Account, order: Row, category: str) -> None:
    link = order["orderLinkId"]
    if len(link) > 36:
        raise param_error("orderLinkId is longer than 36 characters")
    if category == "option" and not link:
        raise param_error("orderLinkId is required for options")
    known = (*account.state["orders"], *account.state["closed"])
    if link and any(row["orderLinkId"] == link for row in known):
        raise SimulatorError(110072)
    if len(account.state["orders"]) >= MOST_ORDERS:
        raise SimulatorError(170810 if category == "spot" else 110020)


def _check_size(order: Row, item: Instrument) -> None:
    qty = dec(order["qty"], "qty")
    if qty <= 0:
        raise param_error("qty must be greater than 0")
    if order["marketUnit"] == "quoteCoin":
        if qty < item.min_value:
            raise SimulatorError(170140)
        return
    if not is_multiple(qty, item.step):
        raise SimulatorError(170136) if item.is_spot else param_error(f"qty invalid, step is {text(item.step)}")
    if not item.min_qty <= qty <= item.max_qty:
        raise param_error(f"qty must lie between {text(item.min_qty)} and {text(item.max_qty)}")
    is_measured = order["orderType"] == "Limit" and not order["reduceOnly"] and not item.is_inverse
    if is_measured and qty * Decimal(order["price"]) < item.min_value:
        raise SimulatorError(170140 if item.is_spot else 110094)


def _check_position_index(account: Account, item: Instrument, order: Row) -> None:
    if item.is_spot:
        return
    is_hedged = positions.is_hedged(account, item)
    if is_hedged != (order["positionIdx"] in (1, 2)):
        raise param_error("position idx not match position mode")


def _check_protection(call: Call, item: Instrument, order: Row) -> None:
    basis = Decimal(order["triggerPrice"] or order["price"]) or call.market.last(item, call.now)
    up, down = ("takeProfit", "stopLoss") if order["side"] == "Buy" else ("stopLoss", "takeProfit")
    if order[up] and Decimal(order[up]) <= basis:
        raise param_error(f"{up} set for {order['side']} position should be higher than base_price: {text(basis)}")
    if order[down] and Decimal(order[down]) >= basis:
        raise param_error(f"{down} set for {order['side']} position should be lower than base_price: {text(basis)}")


def _arm(call: Call, item: Instrument, order: Row) -> None:
    """Store a conditional order; it holds no margin until its trigger price is reached."""
    last, trigger = call.market.last(item, call.now), Decimal(order["triggerPrice"])
    if item.is_spot and not order["triggerDirection"]:
        order["triggerDirection"] = 1 if trigger > last else 2
    if not order["triggerDirection"]:
        raise param_error("triggerDirection is required")
    if order["triggerDirection"] == 1 and trigger <= last:
        raise SimulatorError(110092)
    if order["triggerDirection"] == 2 and trigger >= last:
        raise SimulatorError(110093)
    if item.is_spot and order["orderFilter"] == "Order":
        order["orderFilter"] = "tpslOrder"
    call.account.state["orders"].append(order)


def price_band(market: Market, item: Instrument, now: int) -> tuple[Decimal, Decimal]:
    """Highest price of a buy order and lowest of a sell order."""
    last = market.last(item, now)
    width = BAND * 5 if item.is_option else BAND
    low = (last * (1 - width) / item.tick).to_integral_value() * item.tick
    high = (last * (1 + width) / item.tick).to_integral_value() * item.tick
    return max(high, last + item.tick * 20), max(min(low, last - item.tick * 20), item.tick)


def _limit_price(call: Call, item: Instrument, order: Row) -> None:
    if order["orderType"] == "Market":
        return
    highest, lowest = price_band(call.market, item, call.now)
    price = Decimal(order["price"])
    allowed = min(price, highest) if order["side"] == "Buy" else max(price, lowest)
    if allowed == price:
        return
    group = "lpaSpot" if item.is_spot else "lpaPerp"
    if not call.account.settings.get(group, False):
        raise SimulatorError(110003)
    order["price"] = text(allowed)


def _clip_reduce_only(account: Account, item: Instrument, order: Row) -> None:
    if not order["reduceOnly"] or item.is_spot:
        return
    most = positions.size_against(account, item, order["positionIdx"], order["side"])
    if not most:
        raise SimulatorError(110017)
    if Decimal(order["qty"]) > most:
        order["qty"] = order["leavesQty"] = text(most)


def check_funds(account: Account, market: Market, item: Instrument, order: Row, now: int) -> None:
    """Make sure that the account can pay for the open part of an order, and lock what a spot order needs."""
    if item.is_spot:
        _lock_spot(account, market, item, order, now)
        return
    if order["reduceOnly"]:
        return
    index, leaves = order["positionIdx"], Decimal(order["leavesQty"])
    opening = max(leaves - positions.size_against(account, item, index, order["side"]), ZERO)
    price = Decimal(order["price"]) or market.best(item, now)[1]
    value = positions.worth(item, price, opening)
    if item.is_option:
        need = value if order["side"] == "Buy" else market.usd(item.base, now) * opening * Decimal("0.1")
    else:
        need = value / positions.leverage_of(account, item, order["side"]) + value * matching.fee_rate(item, False)
    if need * market.usd(item.settle, now) > margin.summarise(account, market, now).available:
        raise SimulatorError(110007)


def _lock_spot(account: Account, market: Market, item: Instrument, order: Row, now: int) -> None:
    order["lockedCoin"], order["lockedAmount"] = "", "0"
    coin, need = _spot_need(market, item, order, now)
    short = need - account.free(UNIFIED, coin)
    if short > 0:
        if order["isLeverage"] != "1" or account.settings.get("spotMargin") != "1":
            raise SimulatorError(170131)
        if short > max_borrowable(account, market, coin, now):
            raise SimulatorError(170131)
        borrow(account, coin, short, now)
    order["lockedCoin"], order["lockedAmount"] = coin, text(need)


def _spot_need(market: Market, item: Instrument, order: Row, now: int) -> tuple[str, Decimal]:
    leaves = Decimal(order["leavesQty"])
    if order["marketUnit"] == "quoteCoin":
        if order["side"] == "Buy":
            return item.quote, leaves
        return item.base, matching.base_for_quote(market, item, order, now)
    if order["side"] == "Sell":
        return item.base, leaves
    if order["orderType"] == "Market":
        asks = market.book(item, now, matching.DEPTH)[1]
        return item.quote, matching.walk_cost(asks, leaves)
    return item.quote, leaves * Decimal(order["price"])


def max_borrowable(account: Account, market: Market, coin: str, now: int) -> Decimal:
    """Most that the free margin would carry at the account's spot margin leverage."""
    available = margin.summarise(account, market, now).available
    leverage = Decimal(account.settings["spotLeverage"])
    return (available * (leverage - 1) / market.usd(coin, now)).quantize(Decimal("0.0001"))


def borrow(account: Account, coin: str, amount: Decimal, now: int) -> None:
    account.set_borrowed(coin, account.borrowed(coin) + amount)
    account.book_cash(UNIFIED, coin, amount, {"type": "SPOT_BORROW", "time": now})


def find_open(call: Call, category: str, spec: Row) -> Row:
    """The open order that orderId (first) or orderLinkId names; raises 110001 or, for spot, 170213."""
    if not spec.get("orderId") and not spec.get("orderLinkId"):
        raise param_error("orderId or orderLinkId is required")
    field = "orderId" if spec.get("orderId") else "orderLinkId"
    for row in call.account.state["orders"]:
        if row[field] == spec[field] and row["category"] == category and row["symbol"] == spec["symbol"]:
            return row
    raise SimulatorError(170213 if category == "spot" else 110001)


def cancel_order(call: Call, category: str, spec: Row) -> Row:
    call.market.instrument(category, spec["symbol"], call.now)
    order = find_open(call, category, spec)
    finish(call.account, order, "Cancelled", call.now, cancel_type="CancelByUser")
    return order


def amend_order(call: Call, category: str, spec: Row) -> Row:
    """Change an open order in place; what is not sent stays. A new price that crosses fills at once."""
    item = call.market.instrument(category, spec["symbol"], call.now)
    order = find_open(call, category, spec)
    changed = {name: _price(item, spec, name) for name in _PRICES if spec.get(name) not in (None, "", "0")}
    changed |= {name: "" for name in ("takeProfit", "stopLoss") if spec.get(name) == "0"}
    if spec.get("qty"):
        changed |= _new_size(order, dec(spec["qty"], "qty"))
    if not changed and not spec.get("orderIv"):
        raise SimulatorError(10001, "The order remains unchanged as the parameters entered match the existing ones.")
    if order["orderType"] == "Market":
        changed.pop("price", None)
    trial = {**order, **changed}
    _check_size(trial, item)
    _check_protection(call, item, trial)
    if order["orderStatus"] == "Untriggered":
        order.update(changed)
    else:
        _reprice(call, item, order, trial)
    order["updatedTime"] = str(call.now)
    return order


_PRICES = ("price", "triggerPrice", "takeProfit", "stopLoss", "tpLimitPrice", "slLimitPrice")


def _new_size(order: Row, qty: Decimal) -> Row:
    done = Decimal(order["cumExecQty"])
    if qty <= done:
        raise param_error("qty must be greater than the executed quantity")
    return {"qty": text(qty), "leavesQty": text(qty - done)}


def _reprice(call: Call, item: Instrument, order: Row, trial: Row) -> None:
    account = call.account
    _limit_price(call, item, trial)
    kept = list(account.state["orders"])
    place = next(position for position, row in enumerate(kept) if row is order)
    # The old order must not hold funds while the new one is judged.
    account.state["orders"] = kept[:place] + kept[place + 1 :]
    try:
        check_funds(account, call.market, item, trial, call.now)
    finally:
        account.state["orders"] = kept
    order.update(trial)
    matching.match(account, call.market, order, call.now)


def public_order(order: Row) -> Row:
    """The order as Bybit shows it, without the simulator's own fields."""
    return {name: value for name, value in order.items() if name not in ("lockedCoin", "lockedAmount", "orderFilter")}
