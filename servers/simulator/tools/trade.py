"""Orders: single, in batches, and the same through the trading connection (ws...)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from servers.simulator import margin, orders, positions
from servers.simulator.closing import finish
from servers.simulator.errors import SimulatorError, param_error
from servers.simulator.market import Market
from servers.simulator.pages import between, page, select
from servers.simulator.registry import Call, tool
from servers.simulator.values import ONE, ZERO, Row, dec, text

WEEK_MS = 604_800_000


def _receipt(order: Row) -> Row:
    return {"orderId": order["orderId"], "orderLinkId": order["orderLinkId"]}


@tool("createOrder", "wsCreateOrder")
def create_order(call: Call) -> Row:
    return _receipt(orders.place_order(call, call.word("category"), call.args))


@tool("amendOrder", "wsAmendOrder")
def amend_order(call: Call) -> Row:
    return _receipt(orders.amend_order(call, call.word("category"), call.args))


@tool("cancelOrder", "wsCancelOrder")
def cancel_order(call: Call) -> Row:
    return _receipt(orders.cancel_order(call, call.word("category"), call.args))


def _run_batch(call: Call, act: Callable[[Call, str, Row], Row]) -> Row:
    """Each entry succeeds or fails alone; its code stands at the same place in the extended information."""
    category, entries = call.word("category"), call.args["request"]
    most = 10 if category == "spot" else 20
    if not 1 <= len(entries) <= most:
        raise param_error(f"request must hold 1 to {most} orders")
    done, codes = [], []
    for entry in entries:
        shown = {"category": category, "symbol": entry["symbol"], "orderId": "", "orderLinkId": ""}
        shown["orderLinkId"] = str(entry.get("orderLinkId", ""))
        try:
            order = act(call, category, entry)
            shown |= {**_receipt(order), "createAt": order["createdTime"]}
            codes.append({"code": 0, "msg": "OK"})
        except SimulatorError as refusal:
            codes.append({"code": refusal.code, "msg": refusal.message})
        done.append(shown)
    call.ext_info = {"list": codes}
    return {"list": done}


@tool("batchCreateOrders", "wsBatchCreateOrders")
def batch_create(call: Call) -> Row:
    return _run_batch(call, orders.place_order)


@tool("batchAmendOrders", "wsBatchAmendOrders")
def batch_amend(call: Call) -> Row:
    return _run_batch(call, orders.amend_order)


@tool("batchCancelOrders", "wsBatchCancelOrders")
def batch_cancel(call: Call) -> Row:
    return _run_batch(call, orders.cancel_order)


def _scoped(call: Call, rows: list[Row]) -> list[Row]:
    """Orders of the category that match symbol, base coin, settle coin and filter."""
    category = call.word("category")
    chosen = [row for row in rows if row["category"] == category]
    base, settle = call.word("baseCoin"), call.word("settleCoin")
    if base or settle:
        chosen = [row for row in chosen if _has_coins(call.market, row, base, settle)]
    wanted = call.word("orderFilter")
    if wanted in ("StopOrder", "tpslOrder"):
        chosen = [row for row in chosen if row["stopOrderType"]]
    elif wanted in ("OcoOrder", "BidirectionalTpslOrder"):
        chosen = []
    elif wanted in ("Order", "OpenOrder"):
        chosen = [row for row in chosen if not row["stopOrderType"]]
    return select(call, chosen, symbol="symbol", orderId="orderId", orderLinkId="orderLinkId")


def _has_coins(market: Market, row: Row, base: str, settle: str) -> bool:
    item = positions.instrument_of(market, row)
    return (not base or item.base == base) and (not settle or item.settle == settle)


@tool("cancelAllOrders")
def cancel_all(call: Call) -> Row:
    category = call.word("category")
    if category in ("linear", "inverse") and not any(call.word(name) for name in ("symbol", "baseCoin", "settleCoin")):
        raise param_error("symbol, baseCoin or settleCoin is required")
    if call.word("symbol"):
        call.market.instrument(category, call.word("symbol"), call.now)
    chosen = _scoped(call, call.account.state["orders"])
    if category == "spot" and not call.word("orderFilter"):
        chosen = [row for row in chosen if not row["stopOrderType"]]
    if call.word("stopOrderType"):
        chosen = [row for row in chosen if row["stopOrderType"] == "Stop"]
    for order in chosen:
        finish(call.account, order, "Cancelled", call.now, cancel_type="CancelByUser")
    return {"list": [_receipt(order) for order in chosen], "success": "1"}


def _paged(call: Call, rows: list[Row]) -> Row:
    chosen, cursor = page(call, rows)
    shown = [orders.public_order(row) for row in chosen]
    return {"category": call.word("category"), "list": shown, "nextPageCursor": cursor}


@tool("getOpenOrders")
def open_orders(call: Call) -> Row:
    category = call.word("category")
    names = ("symbol", "baseCoin", "settleCoin", "orderId", "orderLinkId")
    if category == "linear" and not any(call.word(name) for name in names):
        raise param_error("symbol, baseCoin or settleCoin is required")
    rows = call.account.state["orders"]
    if call.args.get("openOnly") in (1, "1"):
        rows = [*call.account.state["closed"], *rows]
    return _paged(call, list(reversed(_scoped(call, rows))))


@tool("getOrderHistory")
def order_history(call: Call) -> Row:
    start, end = call.whole("startTime"), call.whole("endTime")
    if start and end and end - start > WEEK_MS:
        raise param_error("the time range must not exceed 7 days")
    rows = between(call, [*call.account.state["closed"], *call.account.state["orders"]], "createdTime")
    if not start and not end:
        rows = [row for row in rows if int(row["createdTime"]) >= call.now - WEEK_MS]
    if call.word("orderStatus"):
        rows = [row for row in rows if row["orderStatus"] == call.word("orderStatus")]
    return _paged(call, sorted(_scoped(call, rows), key=lambda row: int(row["updatedTime"]), reverse=True))


@tool("getSpotBorrowQuota")
def spot_borrow_quota(call: Call) -> Row:
    item = call.market.instrument("spot", call.word("symbol"), call.now)
    is_buy = call.word("side") == "Buy"
    coin = item.quote if is_buy else item.base
    own = call.account.free("UNIFIED", coin)
    has_margin = call.account.settings["spotMargin"] == "1"
    loan = orders.max_borrowable(call.account, call.market, coin, call.now) if has_margin else ZERO
    price = call.market.last(item, call.now)
    divisor = price if is_buy else ONE
    eight = Decimal("0.00000001")
    return {
        "symbol": item.symbol,
        "side": call.word("side"),
        "borrowCoin": coin,
        "maxTradeQty": text(((own + loan) / divisor).quantize(eight)),
        "maxTradeAmount": text((((own + loan) / divisor) * price).quantize(eight)),
        "spotMaxTradeQty": text((own / divisor).quantize(eight)),
        "spotMaxTradeAmount": text(((own / divisor) * price).quantize(eight)),
    }


@tool("preCheckOrder")
def pre_check(call: Call) -> Row:
    before = margin.summarise(call.account, call.market, call.now)
    category = call.word("category")
    item = call.market.instrument(category, call.word("symbol"), call.now)
    price = dec(call.args["price"], "price") if call.word("price") else call.market.best(item, call.now)[1]
    value = positions.worth(item, price, call.amount("qty"))
    lowered = item.is_option and call.word("side") == "Buy"
    leverage = positions.leverage_of(call.account, item, call.word("side"))
    extra = ZERO if lowered else value / leverage
    extra_maintenance = ZERO if lowered else value * positions.maintenance_rate(item)
    if extra > before.available:
        raise SimulatorError(110007)
    balance = max(before.margin_balance, ONE)
    return {
        "orderId": call.account.stable_id("precheck", call.now),
        "orderLinkId": call.word("orderLinkId"),
        "preImrE4": int(before.initial / balance * 10_000),
        "preMmrE4": int(before.maintenance / balance * 10_000),
        "postImrE4": int((before.initial + extra) / balance * 10_000),
        "postMmrE4": int((before.maintenance + extra_maintenance) / balance * 10_000),
    }


@tool("setDcp")
def set_dcp(call: Call) -> Row:
    windows = call.account.settings.setdefault("dcp", {})
    windows[call.word("product", "OPTIONS")] = str(call.whole("timeWindow"))
    return {}
