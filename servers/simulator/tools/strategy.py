"""Strategies that cut one large order into children: TWAP, chase, iceberg. Children are real orders of the account."""

from __future__ import annotations

from decimal import Decimal

from servers.simulator import orders
from servers.simulator.closing import finish
from servers.simulator.errors import SimulatorError, param_error
from servers.simulator.funds import find_row
from servers.simulator.instruments import Instrument
from servers.simulator.pages import between, page, select
from servers.simulator.registry import Call, on_every_call, tool
from servers.simulator.values import Row, dec, floor_to, text

_CATEGORIES = {"UTA_USDT": "linear", "UTA_USDC": "linear", "UTA_USDC_FUTURE": "linear", "UTA_USDT_FUTURE": "linear",
               "UTA_SPOT": "spot", "UTA_INVERSE": "inverse", "UTA_INVERSE_FUTURE": "inverse"}  # fmt: skip
_RUNNING, _TERMINATED, _DONE = 2, 3, 6


def _item(call: Call) -> Instrument:
    return call.market.instrument(_CATEGORIES[call.word("category")], call.word("symbol"), call.now)


def _create(call: Call, kind: str, members: Row) -> Row:
    size, item = call.amount("size"), _item(call)
    if size < item.min_qty:
        raise param_error(f"size must be at least {text(item.min_qty)}")
    row = call.account.add_row("strategies", {
        "strategyId": call.account.next_id(), "strategyType": kind, "category": call.word("category"),
        "symbol": item.symbol, "side": call.word("side"), "size": text(size), "status": _RUNNING, "doneSize": "0",
        "createdTime": str(call.now), "updatedTime": str(call.now), "next": call.now, "spec": call.args,
        "orders": [], "reduceOnly": call.flag("reduceOnly"), "terminateReason": "", **members,
    })  # fmt: skip
    _advance(call, row)
    if not row["orders"]:
        raise SimulatorError(110007)
    return {"strategyId": row["strategyId"]}


@tool("createTwapStrategy")
def create_twap(call: Call) -> Row:
    interval, item = call.whole("interval", 30), _item(call)
    slices = max(call.whole("duration") // interval, 1)
    part = max(floor_to(call.amount("size") / slices, item.step), item.min_qty)
    return _create(call, "twap", {"every": interval * 1000, "part": text(part)})


@tool("createIcebergStrategy")
def create_iceberg(call: Call) -> Row:
    item, size = _item(call), call.amount("size")
    if bool(call.word("subSize")) == bool(call.word("orderCount")):
        raise param_error("one of subSize and orderCount is required")
    part = call.amount("subSize") if call.word("subSize") else floor_to(size / call.whole("orderCount"), item.step)
    return _create(call, "iceberg", {"every": 1000, "part": text(max(part, item.min_qty))})


@tool("createChaseOrderStrategy")
def create_chase(call: Call) -> Row:
    return _create(call, "chaseOrder", {"every": 5000, "part": text(call.amount("size"))})


def _children(call: Call, row: Row) -> list[Row]:
    account = call.account
    return [
        order for order in (*account.state["closed"], *account.state["orders"]) if order["orderId"] in row["orders"]
    ]


def _advance(call: Call, row: Row) -> None:
    """Place the children that are due; one at a time for iceberg and chase, one a slice for TWAP."""
    known = _children(call, row)
    is_open = any(order["orderStatus"] in ("New", "PartiallyFilled") for order in known)
    for _ in range(100):
        done = sum((Decimal(order["cumExecQty"]) for order in _children(call, row)), Decimal(0))
        row["doneSize"] = text(done)
        left = Decimal(row["size"]) - done
        if left <= 0:
            row["status"], row["terminateReason"] = _DONE, "finished"
            return
        if row["status"] != _RUNNING or row["next"] > call.now or (is_open and row["strategyType"] != "twap"):
            return
        child = _place_child(call, row, min(Decimal(row["part"]), left))
        if child is None:
            return
        row["next"] += row["every"]
        is_open = child["orderStatus"] in ("New", "PartiallyFilled")


def _place_child(call: Call, row: Row, qty: Decimal) -> Row | None:
    category = _CATEGORIES[row["category"]]
    item = call.market.instrument(category, row["symbol"], call.now)
    spec: Row = {
        "symbol": row["symbol"], "side": row["side"], "qty": text(qty), "reduceOnly": row["reduceOnly"],
        "positionIdx": int(row["spec"].get("positionIdx") or 0), "orderType": "Market", "marketUnit": "baseCoin",
    }  # fmt: skip
    crosses = row["spec"].get("chaseDistance") == "-1"
    if row["strategyType"] != "twap" and not crosses:
        bid, ask = call.market.best(item, call.now)
        price = row["spec"].get("limitPrice") or text(bid if row["side"] == "Buy" else ask)
        spec |= {"orderType": "Limit", "price": price}
        if row["spec"].get("postOnly") in (1, "1"):
            spec["timeInForce"] = "PostOnly"
    try:
        order = orders.place_order(call, category, spec)
    except SimulatorError as refusal:
        row["status"], row["terminateReason"] = _TERMINATED, f"{refusal.code} {refusal.message}"
        return None
    row["orders"].append(order["orderId"])
    return order


@on_every_call
def _bring_up(call: Call) -> list[Row]:
    rows = call.account.table("strategies")
    for row in rows:
        if row["status"] == _RUNNING:
            _advance(call, row)
            row["updatedTime"] = str(call.now)
    return rows


@tool("stopStrategy")
def stop(call: Call) -> Row:
    row = find_row(_bring_up(call), "strategyId", call.word("strategyId"), 131002)
    if row["status"] not in (_RUNNING, 4, 5):
        raise SimulatorError(131002, "The strategy has already ended")
    for order in _children(call, row):
        if order["orderStatus"] in ("New", "PartiallyFilled"):
            finish(call.account, order, "Cancelled", call.now, cancel_type="CancelByUser")
    row["status"], row["terminateReason"], row["updatedTime"] = _TERMINATED, "terminated by user", str(call.now)
    return {"strategyId": row["strategyId"]}


@tool("queryStrategyList")
def strategies(call: Call) -> Row:
    fields = {name: name for name in ("strategyId", "status", "symbol", "category", "strategyType")}
    rows = select(call, _bring_up(call), **fields)
    start, end = call.whole("beginTimeE0"), call.whole("endTimeE0", 1 << 40)
    rows = [row for row in rows if start <= int(row["createdTime"]) // 1000 <= end]
    hidden = ("spec", "orders", "next", "every", "part")
    chosen, cursor = page(call, list(reversed(rows)), 20, size="pageSize")
    shown = [{name: value for name, value in row.items() if name not in hidden} for row in chosen]
    return {"list": shown, "nextPageCursor": cursor}


# Status of a child order in the strategy's own numbering.
_STATES = {"New": 1, "PartiallyFilled": 2, "Filled": 3, "Cancelled": 4, "PartiallyFilledCanceled": 4, "Rejected": 5}


@tool("queryStrategyOrderList")
def strategy_orders(call: Call) -> Row:
    row = find_row(_bring_up(call), "strategyId", call.word("strategyId"), 131002)
    rows = [{
        "strategyId": row["strategyId"], "orderId": order["orderId"], "symbol": order["symbol"], "side": order["side"],
        "orderType": order["orderType"], "price": order["price"], "qty": order["qty"],
        "cumExecQty": order["cumExecQty"],
        "avgPrice": order["avgPrice"], "cumExecFee": order["cumExecFee"], "rejectReason": order["rejectReason"],
        "status": _STATES.get(order["orderStatus"], 5), "createdTime": order["createdTime"],
        "updatedTime": order["updatedTime"],
    } for order in _children(call, row)]  # fmt: skip
    rows = between(call, select(call, rows, status="status", symbol="symbol"), "createdTime")
    start, end = call.whole("BeginTimeE0"), call.whole("EndTimeE0", 1 << 40)
    rows = [one for one in rows if start <= dec(one["createdTime"]) // 1000 <= end]
    chosen, cursor = page(call, list(reversed(rows)), 20, size="pageSize")
    return {"list": chosen, "nextPageCursor": cursor}
