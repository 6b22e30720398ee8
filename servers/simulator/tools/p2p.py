"""P2P: the market's offers, the account's own advertisements, its orders with other people."""

from __future__ import annotations

from decimal import Decimal

from servers.simulator.account import DAY_MS, FUND
from servers.simulator.errors import SimulatorError, param_error
from servers.simulator.funds import find_row, known_coin, pay, receive
from servers.simulator.pages import select
from servers.simulator.people import trader
from servers.simulator.registry import Call, on_every_call, tool
from servers.simulator.tools.fiat import FIAT
from servers.simulator.values import CENT, Row, cut, dec, text

_METHODS = {"14": "Bank Transfer", "75": "Revolut"}
_WAITING, _PAID, _CANCELLED, _DONE = 10, 20, 40, 50
_RELEASE_MS = 120_000


def _pairs(rows: list[Row], number: int, size: int) -> Row:
    if number < 1 or not 1 <= size <= 100:
        raise param_error("page and size must be positive, size at most 100")
    return {"count": len(rows), "items": rows[(number - 1) * size : number * size]}


def _fair(call: Call, coin: str, fiat: str) -> Decimal:
    if fiat not in FIAT:
        raise param_error(f"currencyId {fiat[:10]} is not supported")
    return call.market.usd(known_coin(coin, "tokenId"), call.now // 60_000 * 60_000) / FIAT[fiat]


@tool("getAds")
def ads(call: Call) -> Row:
    coin, fiat, side = call.word("tokenId"), call.word("currencyId"), call.word("side")
    fair, rows = _fair(call, coin, fiat), []
    for place in range(12):
        person = trader(place)
        # Side 0 offers are asked of people who sell to us, side 1 of people who buy from us.
        edge = Decimal(place + 1) / 1000
        price = (fair * (1 + edge if side == "1" else 1 - edge)).quantize(CENT)
        quantity = cut(Decimal(300 + place * 150) * FIAT[fiat] / call.market.usd(coin, call.now // DAY_MS * DAY_MS))
        rows.append({
            "id": str(1_900_000_000 + place), "accountId": person["userId"], "userId": person["userId"],
            "nickName": person["nickName"], "tokenId": coin, "currencyId": fiat, "side": int(side), "priceType": 0,
            "price": text(price), "premium": "0", "lastQuantity": text(quantity), "quantity": text(quantity),
            "frozenQuantity": "0", "executedQuantity": "0", "minAmount": "20",
            "maxAmount": text((price * quantity).quantize(CENT)),
            "remark": "", "status": 10, "payments": list(_METHODS), "orderNum": 40 + place * 7,
            "finishNum": 40 + place * 7,
            "recentOrderNum": 12 + place, "recentExecuteRate": 98 - place % 5, "isOnline": True, "authStatus": 2,
            "paymentPeriod": 15, "itemType": "ORIGIN",
        })  # fmt: skip
    return _pairs(rows, call.whole("page", 1), call.whole("size", 10))


def _methods(call: Call) -> list[Row]:
    account = call.account
    return [
        {"id": str(account.uid % 10**6 + place), "paymentType": kind, "paymentName": name, "realName": "Account Holder",
         "bankName": "Simulated Bank" if kind == "14" else "", "accountNo": f"SIM{account.uid % 10**8:08d}{place}",
         "online": "1", "visible": 1}
        for place, (kind, name) in enumerate(_METHODS.items(), 1)
    ]  # fmt: skip


@tool("getUserPayment")
def payments(call: Call) -> Row:
    return {"list": _methods(call)}


def _check_ad(call: Call, coin: str, fiat: str) -> tuple[Decimal, Decimal]:
    """Price and quantity of an advertisement after its checks."""
    known = {method["id"] for method in _methods(call)}
    if not call.args["paymentIds"] or not set(call.args["paymentIds"]) <= known:
        raise param_error("paymentIds must name payment methods of this account")
    fair, quantity = _fair(call, coin, fiat), call.amount("quantity")
    if call.word("priceType") == "1":
        premium = call.number("premium")
        if not 80 <= premium <= 120:
            raise param_error("premium must lie between 80 and 120")
        price = (fair * premium / 100).quantize(CENT)
    else:
        price = call.amount("price")
    if not fair * Decimal("0.5") <= price <= fair * Decimal("1.5"):
        raise param_error("price is too far from the market")
    if not 0 < call.number("minAmount") <= call.number("maxAmount") or call.number("maxAmount") > price * quantity:
        raise param_error("minAmount and maxAmount do not fit price and quantity")
    if not 1 <= call.whole("paymentPeriod") <= 180:
        raise param_error("paymentPeriod must lie between 1 and 180 minutes")
    return price, quantity


_COPIED = ("premium", "minAmount", "maxAmount", "remark", "tradingPreferenceSet", "paymentIds", "paymentPeriod")


@tool("postAd")
def post_ad(call: Call) -> Row:
    coin, fiat, side = call.word("tokenId"), call.word("currencyId"), call.word("side")
    price, quantity = _check_ad(call, coin, fiat)
    if side == "1":
        pay(call, FUND, (coin, quantity), "P2P_FREEZE")
    row = call.account.add_row("ads", {
        "id": str(call.account.next_number()), "tokenId": coin, "currencyId": fiat, "side": int(side),
        "price": text(price),
        "priceType": int(call.word("priceType")), "quantity": text(quantity), "lastQuantity": text(quantity),
        "frozenQuantity": "0", "executedQuantity": "0", "status": 10, "createDate": str(call.now),
        "updateDate": str(call.now), "itemType": call.word("itemType"), "changes": [],
        "userId": str(call.account.uid), "nickName": "me", **{name: call.args[name] for name in _COPIED},
    })  # fmt: skip
    return {
        "itemId": row["id"],
        "securityRiskToken": "",
        "riskTokenType": "",
        "riskVersion": "",
        "needSecurityRisk": False,
    }


def _live_ad(call: Call, name: str) -> Row:
    row = find_row(call.account.table("ads"), "id", call.word(name), 912000040)
    if row["status"] == 30:
        raise SimulatorError(912000040)
    return row


@tool("updateAd")
def update_ad(call: Call) -> Row:
    row = _live_ad(call, "id")
    row["changes"] = [at for at in row["changes"] if call.now - at < 300_000]
    if len(row["changes"]) >= 10:
        raise SimulatorError(912000040, "At most 10 changes of an advertisement in 5 minutes")
    price, quantity = _check_ad(call, row["tokenId"], row["currencyId"])
    if row["side"] == 1:
        change = quantity - Decimal(row["lastQuantity"])
        if change > 0:
            pay(call, FUND, (row["tokenId"], change), "P2P_FREEZE")
        else:
            receive(call, FUND, (row["tokenId"], -change), "P2P_UNFREEZE")
    row["changes"].append(call.now)
    row |= {"price": text(price), "quantity": text(quantity), "lastQuantity": text(quantity), "status": 10,
            "priceType": int(call.word("priceType")), "updateDate": str(call.now),
            **{name: call.args[name] for name in _COPIED}}  # fmt: skip
    return {"itemId": row["id"], "securityRiskToken": "", "needSecurityRisk": False}


@tool("removeAd")
def remove_ad(call: Call) -> Row:
    row = _live_ad(call, "itemId")
    if row["side"] == 1:
        receive(call, FUND, (row["tokenId"], Decimal(row["lastQuantity"])), "P2P_UNFREEZE")
    row["status"], row["lastQuantity"], row["updateDate"] = 30, "0", str(call.now)
    return {}


def _shown_ad(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "changes"}


@tool("getMyAds")
def my_ads(call: Call) -> Row:
    fields = {"itemId": "id", "status": "status", "side": "side", "tokenId": "tokenId", "currencyId": "currencyId"}
    rows = [_shown_ad(row) for row in reversed(select(call, call.account.table("ads"), **fields))]
    return _pairs(rows, call.whole("page", 1), call.whole("size", 10))


@tool("getMyAdDetails")
def ad_details(call: Call) -> Row:
    row = find_row(call.account.table("ads"), "id", call.word("itemId"), 912000040)
    terms = [method for method in _methods(call) if method["id"] in row["paymentIds"]]
    return {**_shown_ad(row), "paymentTerms": terms, "feeRate": "0", "fee": "0"}


@on_every_call
def _orders(call: Call) -> list[Row]:
    """The account's orders: one that awaits its payment and two that were cancelled, made when first looked at."""
    rows = call.account.table("p2pOrders")
    if not rows and call.tool in _ORDER_TOOLS:
        opened = call.account.state["created"]
        for place, status in enumerate((_CANCELLED, _CANCELLED, _WAITING)):
            person = trader(place + 3)
            call.account.add_row("p2pOrders", {
                "id": str(call.account.next_number()), "side": 0, "tokenId": "USDT", "orderType": "ORIGIN",
                "amount": text(Decimal(100 + place * 50)), "currencyId": "EUR", "price": "0.93",
                "notifyTokenQuantity": text(cut(Decimal(100 + place * 50) / Decimal("0.93"), Decimal("0.0001"))),
                "fee": "0", "targetUserId": person["userId"], "targetNickName": person["nickName"], "status": status,
                "selfUnreadMsgCount": "0", "createDate": str(opened + (place * 12 + 5) * DAY_MS), "paidAt": 0,
                "userId": str(call.account.uid), "paymentType": 0, "counterparty": place + 3,
            })  # fmt: skip
    for row in rows:
        if row["status"] == _PAID and call.now >= row["paidAt"] + _RELEASE_MS:
            row["status"] = _DONE
            receive(call, FUND, (row["tokenId"], Decimal(row["notifyTokenQuantity"])), "P2P_BUY")
    return rows


_ORDER_TOOLS = ("getAllOrders", "getPendingOrders", "getOrderDetail", "getChatMessages", "getCounterpartyUserInfo",
                "markOrderAsPaid")  # fmt: skip


def _shown_order(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in ("paidAt", "counterparty")}


@tool("getAllOrders", "getPendingOrders")
def orders(call: Call) -> Row:
    first, last = call.whole("beginTime", call.now - 90 * DAY_MS), call.whole("endTime", call.now)
    rows = [row for row in _orders(call) if first <= dec(row["createDate"]) <= last]
    if call.tool == "getPendingOrders":
        rows = [row for row in rows if row["status"] in (_WAITING, _PAID)]
    rows = select(call, rows, status="status", tokenId="tokenId", side="side")
    return _pairs([_shown_order(row) for row in reversed(rows)], call.whole("page"), call.whole("size"))


def _order(call: Call) -> Row:
    return find_row(_orders(call), "id", call.word("orderId"), 912000050)


@tool("getOrderDetail")
def order_detail(call: Call) -> Row:
    row = _order(call)
    person = trader(row["counterparty"])
    terms = [{"id": str(550_000 + place), "paymentType": kind, "paymentName": name, "realName": person["realName"]}
             for place, (kind, name) in enumerate(_METHODS.items())]  # fmt: skip
    return {
        **_shown_order(row), "quantity": row["notifyTokenQuantity"], "sellerRealName": person["realName"],
        "buyerRealName": "Account Holder", "paymentTermList": terms, "paymentPeriod": 15, "remark": "",
        "payCode": row["id"][-6:], "transferDate": str(row["paidAt"] or ""),
        "itemId": str(1_900_000_000 + row["counterparty"]),
    }  # fmt: skip


@tool("getCounterpartyUserInfo")
def counterparty(call: Call) -> Row:
    if not call.word("orderId") and not call.word("originalUid"):
        raise param_error("orderId or originalUid is required")
    known = [row for row in _orders(call) if call.word("orderId") in ("", row["id"])]
    row = next((one for one in known if call.word("originalUid") in ("", one["targetUserId"])), None)
    if row is None:
        raise SimulatorError(912000050)
    person, place = trader(row["counterparty"]), row["counterparty"]
    return {
        **person, "realNameEn": "", "kycLevel": "1", "email": f"{person['nickName'][0]}***@***", "mobile": "***",
        "userType": "PERSONAL",
        "totalFinishCount": 40 + place * 7, "recentFinishCount": 12 + place, "recentRate": "98",
        "averageReleaseTime": "3",
        "averageTransferTime": "5", "accountCreateDays": 400 + place * 31, "firstTradeDays": 380 + place * 31,
        "goodAppraiseRate": "99", "goodAppraiseCount": 30 + place, "badAppraiseCount": place % 2, "isOnline": True,
    }  # fmt: skip


@tool("markOrderAsPaid")
def mark_paid(call: Call) -> Row:
    row = _order(call)
    if row["status"] != _WAITING:
        raise SimulatorError(912000050, "The order does not await a payment")
    known = {str(550_000 + place): kind for place, kind in enumerate(_METHODS)}
    if known.get(call.word("paymentId")) != call.word("paymentType"):
        raise param_error("paymentType and paymentId must be those of the order")
    row["status"], row["paidAt"], row["paymentType"] = _PAID, call.now, int(call.word("paymentType"))
    return {}


@tool("getChatMessages")
def chat(call: Call) -> Row:
    row = _order(call)
    start = int(row["createDate"])
    lines = [
        ("SYSTEM", "The order was created. Please pay within 15 minutes."),
        ("USER", "Hello, please use my bank account."),
    ]
    if row["paidAt"]:
        lines.append(("SYSTEM", "The buyer has marked the order as paid."))
    rows = [
        {"id": f"{row['id']}{place}", "message": line, "userId": row["targetUserId"] if kind == "USER" else "0",
         "nickName": row["targetNickName"] if kind == "USER" else "", "msgType": 0 if kind == "SYSTEM" else 1,
         "contentType": "str", "createDate": str(row["paidAt"] if place == 2 else start + place * 30_000), "isRead": 1,
         "orderId": row["id"], "roleType": kind.lower()}
        for place, (kind, line) in enumerate(lines)
    ]  # fmt: skip
    number, size = call.whole("currentPage", 1), call.whole("size")
    return {"result": _pairs(rows, number, size)["items"]}
