"""Fixed-term earn: products that lock a coin until they mature."""

from __future__ import annotations

from decimal import Decimal

from servers.simulator.errors import SimulatorError, param_error
from servers.simulator.funds import find_row, pay, receive, refuse_repeat, wallet_named
from servers.simulator.interest import DAY_MS, accrued, percent
from servers.simulator.pages import between, listed, select
from servers.simulator.registry import Call, on_every_call, tool
from servers.simulator.values import Row, text

# product id: category, coin, days, yearly rate, least, most
PRODUCTS = {
    "1001": ("FixedTermSaving", "USDT", 14, "0.042", "10", "300000"),
    "1002": ("FixedTermSaving", "USDT", 30, "0.0475", "10", "300000"),
    "1003": ("FixedTermSaving", "BTC", 30, "0.0055", "0.001", "10"),
    "2001": ("FundPool", "USDC", 60, "0.061", "100", "500000"),
    "2002": ("FundPool", "ETH", 60, "0.031", "0.05", "200"),
    "3001": ("FundPoolPremium", "USDT", 90, "0.082", "10000", "1000000"),
}


@tool("getFixedTermProduct")
def products(call: Call) -> Row:
    rows = []
    for number, (category, coin, days, rate, least, most) in PRODUCTS.items():
        if call.word("coin", coin) == coin:
            rows.append({
                "productId": number, "category": category, "coin": coin, "duration": f"{days}d", "status": "Available",
                "minPurchaseAmount": least, "maxPurchaseAmount": most,
                "isSupportReinvest": category != "FixedTermSaving",
                "isSupportEarlyRedeem": True, "earlyRedeemApr": "0%" if category == "FixedTermSaving" else "1%",
                "tieredApyList": [{"min": least, "max": most, "apy": percent(Decimal(rate))}],
                "remainingAmount": str(int(Decimal(most)) * 40), "redeemLimitDays": 1,
            })  # fmt: skip
    return {"list": rows}


@on_every_call
def _mature(call: Call) -> list[Row]:
    """Pay out what has run its time, or start it anew where it rolls over; the positions still open remain."""
    open_rows = []
    for row in call.account.table("fixedTerm"):
        _, coin, days, rate, *_ = PRODUCTS[row["productId"]]
        while row["until"] <= call.now and row["autoInvest"] == "Enable":
            earned = accrued(Decimal(row["amount"]), Decimal(rate), row["since"], row["until"])
            row["amount"] = text(Decimal(row["amount"]) + earned)
            row["since"], row["until"] = row["until"], row["until"] + days * DAY_MS
            _note_order(call, row, "Reinvest", "")
        if row["until"] <= call.now:
            earned = accrued(Decimal(row["amount"]), Decimal(rate), row["since"], row["until"])
            receive(call, row["wallet"], (coin, Decimal(row["amount"]) + earned), "EARN_FIXED_MATURED")
            _note_order(call, row, "Redeem", "")
        else:
            open_rows.append(row)
    call.account.state["tables"]["fixedTerm"] = open_rows
    return open_rows


def _note_order(call: Call, position: Row, kind: str, link: str) -> Row:
    category, coin, *_ = PRODUCTS[position["productId"]]
    return call.account.add_row("fixedTermOrders", {
        "orderId": call.account.next_id(), "orderLinkId": link, "orderType": kind, "productId": position["productId"],
        "category": category, "coin": coin, "amount": position["amount"], "positionId": position["positionId"],
        "status": "Success", "createdTime": str(call.now), "updatedTime": str(call.now),
    })  # fmt: skip


def _check_product(call: Call) -> tuple[str, str, int, str, str, str]:
    product = PRODUCTS.get(call.word("productId"))
    if product is None or product[0] != call.word("category"):
        raise SimulatorError(180012)
    return product


@tool("placeFixedTermOrder")
def place_order(call: Call) -> Row:
    _mature(call)
    category, coin, days, _, least, most = _check_product(call)
    amount, link = call.amount("amount"), call.word("orderLinkId")
    if call.word("coin") != coin:
        raise param_error(f"coin must be {coin} for this product")
    if not Decimal(least) <= amount <= Decimal(most):
        raise SimulatorError(180016)
    if call.flag("autoInvest") and category == "FixedTermSaving":
        raise param_error("autoInvest works for FundPool products only")
    refuse_repeat(call.account.table("fixedTermOrders"), link)
    wallet = wallet_named(call.word("accountType"))
    pay(call, wallet, (coin, amount), "EARN_FIXED_STAKE", code=180011)
    position = call.account.add_row("fixedTerm", {
        "positionId": str(call.account.next_number()), "productId": call.word("productId"), "coin": coin,
        "category": category, "amount": text(amount), "wallet": wallet, "since": call.now,
        "until": call.now + days * DAY_MS, "autoInvest": "Enable" if call.flag("autoInvest") else "Disable",
    })  # fmt: skip
    order = _note_order(call, position, "Stake", link)
    return {"orderId": order["orderId"], "orderLinkId": link}


def _held(call: Call) -> Row:
    _check_product(call)
    row = find_row(_mature(call), "positionId", call.word("positionId"), 180013)
    if row["productId"] != call.word("productId"):
        raise SimulatorError(180013)
    return row


@tool("redeemFixedTerm")
def redeem(call: Call) -> Row:
    row = _held(call)
    if row["until"] - call.now < DAY_MS:
        raise SimulatorError(180001, "Redemption is closed during the last day before maturity")
    reduced = Decimal("0.01") if row["category"] != "FixedTermSaving" else Decimal(0)
    earned = accrued(Decimal(row["amount"]), reduced, row["since"], call.now)
    receive(call, row["wallet"], (row["coin"], Decimal(row["amount"]) + earned), "EARN_FIXED_REDEEM")
    call.account.state["tables"]["fixedTerm"] = [one for one in call.account.table("fixedTerm") if one is not row]
    order = _note_order(call, row, "Redeem", "")
    return {"orderId": order["orderId"], "orderLinkId": ""}


@tool("setFixedTermAutoInvest")
def set_auto_invest(call: Call) -> Row:
    row = _held(call)
    if row["category"] == "FixedTermSaving":
        raise SimulatorError(180028, "Only FundPool products support automatic rollover")
    row["autoInvest"] = call.word("status")
    return {}


@tool("getFixedTermPosition")
def positions(call: Call) -> Row:
    rows = []
    for row in select(call, _mature(call), productId="productId", category="category", coin="coin"):
        rate = Decimal(PRODUCTS[row["productId"]][3])
        rows.append({
            "positionId": row["positionId"], "productId": row["productId"], "category": row["category"],
            "coin": row["coin"], "amount": row["amount"], "apy": percent(rate), "autoInvest": row["autoInvest"],
            "accruedYield": text(accrued(Decimal(row["amount"]), rate, row["since"], call.now)), "status": "Active",
            "createdTime": str(row["since"]), "settlementTime": str(row["until"]),
        })  # fmt: skip
    return {"list": rows}


@tool("getFixedTermOrder")
def orders(call: Call) -> Row:
    _mature(call)
    if call.word("productId") and not call.word("category"):
        raise param_error("category is required with productId")
    fields = {name: name for name in ("orderType", "productId", "category", "orderId")}
    return listed(call, between(call, select(call, call.account.table("fixedTermOrders"), **fields), "createdTime"))
