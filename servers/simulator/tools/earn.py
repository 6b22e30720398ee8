"""Flexible savings and on-chain earn: products, orders, positions, yield."""

from __future__ import annotations

from decimal import Decimal

from servers.simulator.errors import SimulatorError, param_error
from servers.simulator.funds import find_row, pay, receive, refuse_repeat, wallet_named
from servers.simulator.interest import DAY_MS, HOUR_MS, accrued, hourly_rows, percent, rate_at
from servers.simulator.pages import between, listed, select
from servers.simulator.registry import Call, tool
from servers.simulator.values import Row, is_multiple, text

# product id: category, coin, yearly rate, least, most, precision, lock-up in days (0: flexible)
PRODUCTS = {
    "430": ("FlexibleSaving", "USDT", "0.031", "1", "500000", "0.0001", 0),
    "431": ("FlexibleSaving", "USDC", "0.028", "1", "500000", "0.0001", 0),
    "432": ("FlexibleSaving", "BTC", "0.0021", "0.0001", "20", "0.00000001", 0),
    "433": ("FlexibleSaving", "ETH", "0.0084", "0.001", "400", "0.00000001", 0),
    "8": ("OnChain", "ETH", "0.0265", "0.01", "300", "0.00000001", 0),
    "9": ("OnChain", "SOL", "0.0612", "0.1", "5000", "0.000001", 0),
    "11": ("OnChain", "USDC", "0.0498", "10", "200000", "0.0001", 30),
}


def _product(call: Call, name: str = "productId") -> tuple[str, tuple[str, str, str, str, str, str, int]]:
    number = call.word(name)
    found = PRODUCTS.get(number)
    if found is None or found[0] != call.word("category"):
        raise SimulatorError(180012)
    return number, found


def yearly_rate(number: str, at: int) -> Decimal:
    return rate_at(Decimal(PRODUCTS[number][2]), f"earn{number}", at)


@tool("getEarnProduct")
def products(call: Call) -> Row:
    rows = []
    for number, (category, coin, _, least, most, precision, days) in PRODUCTS.items():
        if category != call.word("category") or call.word("coin", coin) != coin:
            continue
        rows.append({
            "category": category, "estimateApr": percent(yearly_rate(number, call.now)), "coin": coin,
            "minStakeAmount": least, "maxStakeAmount": most, "precision": precision, "productId": number,
            "status": "Available", "bonusEvents": [], "minRedeemAmount": least, "maxRedeemAmount": most,
            "duration": "Fixed" if days else "Flexible", "term": days, "swapCoin": "", "swapCoinPrecision": "",
            "stakeExchangeRate": "", "redeemExchangeRate": "", "rewardDistributionType": "Compound",
            "rewardIntervalMinute": 60, "redeemProcessingMinute": 0, "stakeTime": "", "interestCalculationTime": "",
        })  # fmt: skip
    return {"list": rows}


@tool("placeEarnOrder")
def place_order(call: Call) -> Row:
    number, (category, coin, *_) = _product(call)
    if call.word("coin") != coin:
        raise param_error(f"coin must be {coin} for this product")
    amount, link = call.amount("amount"), call.word("orderLinkId")
    refuse_repeat(call.account.table("earnOrders"), link)
    position = _stake(call, number, amount) if call.word("orderType") == "Stake" else _redeem(call, number, amount)
    order = {
        "coin": coin, "orderValue": text(amount), "orderType": call.word("orderType"),
        "orderId": call.account.next_id(),
        "orderLinkId": link, "status": "Success", "createdAt": str(call.now), "productId": number,
        "updatedAt": str(call.now), "swapOrderValue": "", "estimateRedeemTime": "", "estimateStakeTime": "",
        "redeemPositionId": position, "category": category,
    }  # fmt: skip
    call.account.add_row("earnOrders", order)
    return {"orderId": order["orderId"], "orderLinkId": link}


def _stake(call: Call, number: str, amount: Decimal) -> str:
    _, coin, _, least, most, precision, days = PRODUCTS[number]
    if not Decimal(least) <= amount <= Decimal(most) or not is_multiple(amount, Decimal(precision)):
        raise SimulatorError(180016)
    pay(call, wallet_named(call.word("accountType")), (coin, amount), "EARN_STAKE", code=180011)
    row = call.account.add_row("earnPositions", {
        "id": str(call.account.next_number()), "productId": number, "coin": coin, "amount": text(amount),
        "rate": text(yearly_rate(number, call.now)), "since": call.now, "autoReinvest": 0,
        "until": call.now + days * DAY_MS if days else 0,
    })  # fmt: skip
    return str(row["id"])


def _redeem(call: Call, number: str, amount: Decimal) -> str:
    """Take from the named or the oldest positions of the product; earned interest comes along."""
    rows = [row for row in call.account.table("earnPositions") if row["productId"] == number]
    if call.word("redeemPositionId"):
        rows = [find_row(rows, "id", call.word("redeemPositionId"), 180013)]
    if not rows:
        raise SimulatorError(180013)
    if sum(Decimal(row["amount"]) for row in rows) < amount:
        raise SimulatorError(180011)
    target, left, paid = wallet_named(call.word("toAccountType", call.word("accountType"))), amount, Decimal(0)
    for row in rows:
        part = min(left, Decimal(row["amount"]))
        if not part:
            continue
        if row["until"] > call.now:
            raise SimulatorError(180001, "The position has not matured yet")
        left -= part
        paid += part + accrued(part, Decimal(row["rate"]), row["since"], call.now)
        row["amount"] = text(Decimal(row["amount"]) - part)
    call.account.state["tables"]["earnPositions"] = [
        row for row in call.account.table("earnPositions") if Decimal(row["amount"])
    ]
    receive(call, target, (PRODUCTS[number][1], paid), "EARN_REDEEM")
    return str(rows[0]["id"])


@tool("getEarnOrderHistory")
def order_history(call: Call) -> Row:
    if call.whole("endTime") and call.whole("endTime") - call.whole("startTime") > 7 * DAY_MS:
        raise param_error("the time range must not exceed 7 days")
    fields = {name: name for name in ("category", "orderId", "orderLinkId", "productId")}
    return listed(call, between(call, select(call, call.account.table("earnOrders"), **fields), "createdAt"), 50)


def _positions(call: Call) -> list[Row]:
    rows = [
        row for row in call.account.table("earnPositions") if PRODUCTS[row["productId"]][0] == call.word("category")
    ]
    return select(call, rows, productId="productId", coin="coin")


@tool("getEarnPosition")
def positions(call: Call) -> Row:
    rows = []
    for row in _positions(call):
        earned = accrued(Decimal(row["amount"]), Decimal(row["rate"]), row["since"], call.now)
        rows.append({
            "coin": row["coin"], "productId": row["productId"], "amount": row["amount"], "totalPnl": text(earned),
            "claimableYield": text(earned), "id": row["id"], "status": "Active", "orderId": "",
            "estimateRedeemTime": "", "estimateStakeTime": "", "estimateInterestCalculationTime": "",
            "settlementTime": str(row["until"] or ""), "autoReinvest": row["autoReinvest"],
            "estimateApr": percent(Decimal(row["rate"])), "createdAt": str(row["since"]),
        })  # fmt: skip
    return {"list": rows}


@tool("modifyEarnPosition")
def modify_position(call: Call) -> Row:
    row = find_row(call.account.table("earnPositions"), "id", call.whole("positionId"), 180013)
    if row["productId"] != str(call.whole("productId")):
        raise SimulatorError(180013)
    if not row["until"]:
        raise SimulatorError(180028)
    row["autoReinvest"] = call.whole("autoReinvest")
    return {}


@tool("getEarnAprHistory")
def apr_history(call: Call) -> Row:
    number, (category, *_) = _product(call)
    start, end = call.whole("startTime"), min(call.whole("endTime"), call.now)
    step = HOUR_MS if category == "FlexibleSaving" else DAY_MS
    if end - start > 182 * DAY_MS or start > end:
        raise param_error("the time range must not exceed 182 days")
    newest = end // step * step
    stamps = range(newest, max(start, newest - 1000 * step) - 1, -step)
    return {"list": [{"timestamp": str(at), "apr": percent(yearly_rate(number, at))} for at in stamps]}


@tool("getEarnHourlyYieldHistory", "getEarnYieldHistory")
def yield_history(call: Call) -> Row:
    """Credits of each whole hour, for every position of the category."""
    rows = []
    for position in _positions(call):
        for at, amount in hourly_rows(position, call.now, 400):
            rows.append({
                "coin": position["coin"], "productId": position["productId"], "amount": text(amount),
                "yieldType": "Normal", "distributionMode": "Auto", "effectiveStakingAmount": position["amount"],
                "orderId": f"{position['id']}{at // HOUR_MS}", "status": "Success", "createdAt": str(at),
                "hourlyDate": str(at),
            })  # fmt: skip
    rows.sort(key=lambda row: int(row["createdAt"]))
    found = listed(call, between(call, rows, "createdAt"), 50)
    return {"yield": found["list"], "nextPageCursor": found["nextPageCursor"]}
