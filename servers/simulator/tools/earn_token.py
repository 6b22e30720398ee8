"""BYUSDT, the token that stands for USDT in savings and earns interest by the hour."""

from __future__ import annotations

from decimal import Decimal

from servers.simulator.account import UNIFIED
from servers.simulator.errors import SimulatorError
from servers.simulator.funds import receive
from servers.simulator.interest import DAY_MS, HOUR_MS, HOURS_A_YEAR, accrued, percent, rate_at
from servers.simulator.pages import between, listed, select
from servers.simulator.registry import Call, tool
from servers.simulator.values import ZERO, Row, cut, text

COIN = "BYUSDT"
_BASE = Decimal("0.0445")


def _rate(at: int) -> Decimal:
    return rate_at(_BASE, COIN, at)


def _position(call: Call) -> Row:
    held: Row = call.account.settings.setdefault("byusdt", {"amount": "0", "since": call.now, "earned": "0"})
    # Interest up to now is put aside before the amount changes.
    earned = accrued(Decimal(held["amount"]), _BASE, held["since"], call.now)
    hours = (call.now - held["since"]) // HOUR_MS
    held["earned"] = text(Decimal(held["earned"]) + earned)
    held["since"] += hours * HOUR_MS
    return held


@tool("getTokenProduct")
def product(call: Call) -> Row:
    saved = sum((Decimal(row["amount"]) for row in call.account.table("earnPositions") if row["coin"] == "USDT"), ZERO)
    return {
        "coin": COIN, "apr": percent(_rate(call.now)), "minMintAmount": "1", "maxMintAmount": "200000",
        "minRedeemAmount": "1", "maxRedeemAmount": "200000", "remainingQuota": "48000000", "precision": "4",
        "mintFeeRate": "0", "redeemFeeRate": "0", "status": "Available", "savingBalance": text(saved),
    }  # fmt: skip


@tool("placeTokenOrder")
def place_order(call: Call) -> Row:
    rows, link, amount = call.account.table("tokenOrders"), call.word("orderLinkId"), call.amount("amount")
    earlier = next((row for row in rows if row["orderLinkId"] == link), None)
    if earlier is not None:
        return {"orderId": earlier["orderId"], "orderLinkId": link}
    if not 1 <= amount <= 200_000:
        raise SimulatorError(180016)
    held = _position(call)
    if call.word("orderType") == "Mint":
        _take_savings(call, amount)
        held["amount"] = text(Decimal(held["amount"]) + amount)
    else:
        if Decimal(held["amount"]) < amount:
            raise SimulatorError(180011)
        held["amount"] = text(Decimal(held["amount"]) - amount)
        receive(call, UNIFIED, ("USDT", amount), "EARN_TOKEN_REDEEM")
    order = call.account.add_row("tokenOrders", {
        "orderId": call.account.next_id(), "orderLinkId": link, "coin": COIN, "orderType": call.word("orderType"),
        "amount": text(amount), "receivedAmount": text(amount), "fee": "0", "status": "Success",
        "accountType": call.word("accountType"), "createdTime": str(call.now), "updatedTime": str(call.now),
    })  # fmt: skip
    return {"orderId": order["orderId"], "orderLinkId": link}


def _take_savings(call: Call, amount: Decimal) -> None:
    """Minting spends USDT that lies in flexible savings or, when named, in the Unified wallet."""
    if call.word("accountType") == UNIFIED:
        call.account.take(UNIFIED, "USDT", amount, {"type": "EARN_TOKEN_MINT", "time": call.now}, code=180011)
        return
    rows = [row for row in call.account.table("earnPositions") if row["coin"] == "USDT" and row["productId"] == "430"]
    if sum((Decimal(row["amount"]) for row in rows), ZERO) < amount:
        raise SimulatorError(180011)
    left = amount
    for row in rows:
        part = min(left, Decimal(row["amount"]))
        earned = accrued(part, Decimal(row["rate"]), row["since"], call.now)
        receive(call, UNIFIED, ("USDT", earned), "EARN_INTEREST")
        row["amount"], left = text(Decimal(row["amount"]) - part), left - part
    kept = [row for row in call.account.table("earnPositions") if Decimal(row["amount"])]
    call.account.state["tables"]["earnPositions"] = kept


@tool("getTokenOrderList")
def orders(call: Call) -> Row:
    fields = {name: name for name in ("orderLinkId", "orderId", "orderType")}
    return listed(call, between(call, select(call, call.account.table("tokenOrders"), **fields), "createdTime"))


@tool("getTokenPosition")
def position(call: Call) -> Row:
    held = _position(call)
    each = cut(Decimal(held["amount"]) * _BASE / HOURS_A_YEAR)
    return {"coin": COIN, "totalAmount": held["amount"], "availableAmount": held["amount"], "lockedAmount": "0",
            "totalYield": held["earned"], "yesterdayYield": text(each * 24),
            "apr": percent(_rate(call.now))}  # fmt: skip


@tool("getTokenHistoricalApr")
def historical_apr(call: Call) -> Row:
    days = {"1": 7, "2": 30, "3": 180}[call.word("range")]
    newest = call.now // DAY_MS * DAY_MS
    rows = [
        {"timestamp": str(newest - day * DAY_MS), "apr": percent(_rate(newest - day * DAY_MS))} for day in range(days)
    ]
    return {"coin": COIN, "list": rows}


def _yield_rows(call: Call, step: int) -> list[Row]:
    held = _position(call)
    amount = Decimal(held["amount"])
    orders_made = call.account.table("tokenOrders")
    if not amount or not orders_made:
        return []
    first = int(orders_made[0]["createdTime"]) // step + 1
    each = cut(amount * _BASE / HOURS_A_YEAR) * (step // HOUR_MS)
    return [
        {"coin": COIN, "yieldAmount": text(each), "effectiveAmount": held["amount"], "apr": percent(_rate(at * step)),
         "status": "Distributed", "createdTime": str(at * step)}
        for at in range(max(first, call.now // step - 400), call.now // step + 1)
    ]  # fmt: skip


@tool("getTokenDailyYield")
def daily_yield(call: Call) -> Row:
    return listed(call, between(call, _yield_rows(call, DAY_MS), "createdTime"), 5)


@tool("getTokenHourlyYield")
def hourly_yield(call: Call) -> Row:
    return listed(call, between(call, _yield_rows(call, HOUR_MS), "createdTime"))
