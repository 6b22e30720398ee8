"""Take profit and stop loss of contract positions, kept as conditional reduce-only orders beside the position."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from servers.simulator import positions
from servers.simulator.account import Account
from servers.simulator.closing import finish
from servers.simulator.instruments import Instrument
from servers.simulator.values import Row, dec, text

NAMES: Final = {"takeProfit": "TakeProfit", "stopLoss": "StopLoss"}


def children(account: Account, item: Instrument, index: int) -> list[Row]:
    return [
        row
        for row in account.state["orders"]
        if row["category"] == item.category
        and row["symbol"] == item.symbol
        and row["positionIdx"] == index
        and row.get("createType") == "CreateByTpSl"
    ]


def follow_fill(account: Account, item: Instrument, order: Row, at: int) -> None:
    """After a fill: take over the order's own take profit and stop loss, and end those of a closed position."""
    index = int(order["positionIdx"])
    held = positions.find(account, item, index)
    for child in children(account, item, index):
        if held is None or child["side"] == held["side"]:
            finish(account, child, "Cancelled", at, cancel_type="CancelByReduceOnly")
        elif child["tpslMode"] == "Full":
            child["qty"] = child["leavesQty"] = held["size"]
    if held is None or item.is_option or order["reduceOnly"]:
        return
    wanted = {name: order[name] for name in NAMES if order[name]}
    if wanted:
        set_protection(account, item, index, {**order, **wanted}, at)


def set_protection(account: Account, item: Instrument, index: int, spec: Row, at: int) -> None:
    """Replace the protection that `spec` names on an open position; an empty price or '0' removes it."""
    held = account.state["positions"][positions.key_of(item, index)]
    held["tpslMode"] = spec.get("tpslMode") or "Full"
    for name, kind in NAMES.items():
        if name not in spec:
            continue
        for child in children(account, item, index):
            if child["stopOrderType"].endswith(kind):
                finish(account, child, "Cancelled", at, cancel_type="CancelByTpSlTsClear")
        price = spec[name] if spec[name] != "0" else ""
        held[name] = price
        if price:
            account.state["orders"].append(_child(account, held, (name, price), spec, at))
    held["updatedTime"] = str(at)


def _child(account: Account, held: Row, level: tuple[str, str], spec: Row, at: int) -> Row:
    name, price = level
    short = "tp" if name == "takeProfit" else "sl"
    is_long = held["side"] == "Buy"
    limit = spec.get(f"{short}LimitPrice") or "0"
    is_limit = spec.get(f"{short}OrderType") == "Limit" and limit != "0"
    part = dec(spec.get(f"{short}Size") or "0", f"{short}Size")
    is_partial = held["tpslMode"] == "Partial" and 0 < part < Decimal(held["size"])
    size = text(part) if is_partial else held["size"]
    return {
        **_BLANK,
        "category": held["category"],
        "symbol": held["symbol"],
        "orderId": account.next_id(),
        "price": limit if is_limit else "0",
        "qty": size,
        "leavesQty": size,
        "side": "Sell" if is_long else "Buy",
        "positionIdx": held["positionIdx"],
        "timeInForce": "GTC" if is_limit else "IOC",
        "orderType": "Limit" if is_limit else "Market",
        "stopOrderType": f"{'Partial' if is_partial else ''}{NAMES[name]}",
        "triggerPrice": price,
        "tpslMode": "Partial" if is_partial else "Full",
        "triggerDirection": 1 if is_long == (name == "takeProfit") else 2,
        "triggerBy": spec.get(f"{short}TriggerBy") or "LastPrice",
        "createdTime": str(at),
        "updatedTime": str(at),
    }


_BLANK: Final[Row] = {
    "orderLinkId": "",
    "blockTradeId": "",
    "isLeverage": "",
    "orderStatus": "Untriggered",
    "createType": "CreateByTpSl",
    "cancelType": "UNKNOWN",
    "rejectReason": "EC_NoError",
    "avgPrice": "",
    "leavesValue": "0",
    "cumExecQty": "0",
    "cumExecValue": "0",
    "cumExecFee": "0",
    "orderIv": "",
    "marketUnit": "",
    "takeProfit": "",
    "stopLoss": "",
    "tpLimitPrice": "",
    "slLimitPrice": "",
    "tpTriggerBy": "",
    "slTriggerBy": "",
    "lastPriceOnCreated": "",
    "reduceOnly": True,
    "closeOnTrigger": True,
    "placeType": "",
    "smpType": "None",
    "smpGroup": 0,
    "smpOrderId": "",
    "orderFilter": "tpslOrder",
    "lockedCoin": "",
    "lockedAmount": "0",
}
