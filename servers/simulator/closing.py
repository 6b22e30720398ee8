"""How an order ends: its last status, its release of funds, its place in the history."""

from __future__ import annotations

from decimal import Decimal

from servers.simulator.account import KEPT, Account
from servers.simulator.values import Row


def finish(account: Account, order: Row, status: str, at: int, *, reason: str = "", cancel_type: str = "") -> None:
    """Move an order from the open ones to the history and release what it held."""
    if status == "Cancelled" and Decimal(order["cumExecQty"]) > 0:
        status = "PartiallyFilledCanceled"
    if order["orderStatus"] == "Untriggered" and status == "Cancelled":
        status = "Deactivated"
    order["orderStatus"] = status
    order["rejectReason"] = reason or "EC_NoError"
    order["cancelType"] = cancel_type or "UNKNOWN"
    order["leavesQty"] = order["leavesValue"] = "0"
    order["lockedCoin"], order["lockedAmount"] = "", "0"
    order["updatedTime"] = str(at)
    account.state["orders"] = [row for row in account.state["orders"] if row is not order]
    account.state["closed"].append(order)
    del account.state["closed"][:-KEPT]
