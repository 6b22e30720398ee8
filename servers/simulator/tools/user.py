"""People and keys: sub-accounts, API keys, referrals, affiliates, the card."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from servers.simulator.account import DAY_MS, Account
from servers.simulator.errors import param_error
from servers.simulator.pages import between, page, select
from servers.simulator.people import referred_friends, sub_accounts, sub_named
from servers.simulator.registry import Call, tool
from servers.simulator.values import Row, text

_PERMISSIONS = {
    "ContractTrade": ["Order", "Position"], "Spot": ["SpotTrade"], "Wallet": ["AccountTransfer", "SubMemberTransfer"],
    "Options": ["OptionsTrade"], "Derivatives": ["DerivativesTrade"], "CopyTrading": ["CopyTrading"],
    "BlockTrade": ["BlockTrade"], "Exchange": ["ExchangeHistory"], "NFT": [], "Affiliate": ["Affiliate"],
    "Earn": ["Earn"], "FiatP2P": ["FiatP2POrder", "Advertising"], "FiatBybitPay": [], "FiatConvertBroker": [],
    "FiatGlobalPay": [], "BitCard": ["BitCard"], "ByXPost": [],
}  # fmt: skip


def _iso(moment: int) -> str:
    return datetime.fromtimestamp(moment / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _key(account: Account, owner: str, note: str) -> Row:
    created = account.state["created"]
    return {
        "id": str(account.uid % 10**7 + len(owner)),
        "note": note,
        "apiKey": account.stable_hex("key", owner)[:18],
        "readOnly": 0,
        "secret": "",
        "permissions": {name: list(values) for name, values in _PERMISSIONS.items()},
        "ips": ["*"],
        "type": 1,
        "deadlineDay": 60,
        "expiredAt": _iso(created + 90 * DAY_MS),
        "createdAt": _iso(created),
    }


@tool("queryAPIKey")
def api_key(call: Call) -> Row:
    account = call.account
    return {
        **_key(account, "master", "agent"),
        "unified": 0,
        "uta": 1,
        "userID": account.uid,
        "inviterID": 0,
        "vipLevel": "No VIP",
        "mktMakerLevel": "0",
        "affiliateID": 0,
        "rsaPublicKey": "",
        "isMaster": True,
        "parentUid": "0",
        "kycLevel": "LEVEL_1",
        "kycRegion": "NLD",
    }


@tool("listSubAPIKeysV5")
def sub_api_keys(call: Call) -> Row:
    sub = sub_named(call.account, str(call.whole("subuid")))
    key = {**_key(call.account, sub["uid"], sub["username"]), "secret": "******", "status": 1, "flag": "hmac"}
    rows, cursor = page(call, [key])
    return {"result": rows, "nextPageCursor": cursor}


@tool("querySubMembers")
def sub_members(call: Call) -> Row:
    return {"subMembers": sub_accounts(call.account)}


def _paged_members(call: Call, rows: list[Row]) -> Row:
    start, size = call.whole("nextCursor"), call.whole("pageSize", 100)
    following = start + size if start + size < len(rows) else 0
    return {"subMembers": rows[start : start + size], "nextCursor": str(following)}


@tool("querySubMembersV5")
def sub_members_paged(call: Call) -> Row:
    return _paged_members(call, sub_accounts(call.account))


@tool("queryEscrowSubMembersV5")
def escrow_members(call: Call) -> Row:
    # This account manages no client's escrow account.
    return _paged_members(call, [])


@tool("getMemberAccountType")
def member_account_type(call: Call) -> Row:
    names = [part for part in call.word("memberIds", str(call.account.uid)).split(",") if part]
    for name in names:
        if name != str(call.account.uid):
            sub_named(call.account, name)
    return {"accounts": [{"uid": name, "accountType": ["UNIFIED", "FUND"]} for name in names]}


@tool("queryReferrals")
def referrals(call: Call) -> Row:
    wanted = call.args.get("status") or []
    rows = [
        row for row in referred_friends(call.account) if not wanted or row["status"] in [int(one) for one in wanted]
    ]
    chosen, cursor = page(call, list(reversed(rows)), 20, size="size")
    return {"list": chosen, "nextPageCursor": cursor}


def _client(account: Account, friend: Row) -> Row:
    traded = Decimal(round(20_000 + 80_000 * account.chance("traded", friend["userId"]), 2))
    return {
        "userId": friend["userId"],
        "registerTime": _iso(int(friend["createdTime"])),
        "source": "AffiliatePortal",
        "remarks": 1,
        "isKyc": friend["status"] == 1,
        "takerVol30Day": text(traded),
        "makerVol30Day": text(traded / 2),
        "tradeVol30Day": text(traded * 3 / 2),
        "depositAmount30Day": text((traded / 20).quantize(Decimal("0.01"))),
        "takerVol365Day": text(traded),
        "makerVol365Day": text(traded / 2),
        "tradeVol365Day": text(traded * 3 / 2),
        "depositAmount365Day": text((traded / 20).quantize(Decimal("0.01"))),
        "commission": text((traded * Decimal("0.00012")).quantize(Decimal("0.0001"))),
    }


@tool("getAffiliateUserList")
def affiliate_users(call: Call) -> Row:
    friends = referred_friends(call.account)
    count = call.whole("size") or 100
    hidden = [suffix for flag, suffix in (("need30", "30Day"), ("need365", "365Day")) if not call.flag(flag)]
    rows = []
    start = call.whole("cursor")
    for friend in friends[start : start + count]:
        client = _client(call.account, friend)
        rows.append({name: value for name, value in client.items() if not any(name.endswith(end) for end in hidden)})
        if not call.flag("needDeposit"):
            rows[-1] = {name: value for name, value in rows[-1].items() if not name.startswith("deposit")}
    return {"list": rows, "nextPageCursor": str(start + count) if start + count < len(friends) else ""}


@tool("getAffiliateUserInfo")
def affiliate_user(call: Call) -> Row:
    friend = next((row for row in referred_friends(call.account) if row["userId"] == call.word("uid")), None)
    if friend is None:
        raise param_error("uid is not a direct client of this affiliate")
    client = _client(call.account, friend)
    return {
        "uid": friend["userId"],
        "vipLevel": "99",
        "takerVol30Day": client["takerVol30Day"],
        "makerVol30Day": client["makerVol30Day"],
        "tradeVol30Day": client["tradeVol30Day"],
        "depositAmount30Day": client["depositAmount30Day"],
        "takerVol365Day": client["takerVol365Day"],
        "makerVol365Day": client["makerVol365Day"],
        "tradeVol365Day": client["tradeVol365Day"],
        "depositAmount365Day": client["depositAmount365Day"],
        "totalWalletBalance": "2",
        "depositUpdateTime": _iso(call.now // DAY_MS * DAY_MS),
        "volUpdateTime": _iso(call.now // DAY_MS * DAY_MS),
        "KycLevel": 1,
    }


_SHOPS = (("Grocer", "5411"), ("Railways", "4112"), ("Bookshop", "5942"), ("Coffee bar", "5814"))


@tool("queryCardAssetRecords")
def card_records(call: Call) -> Row:
    if not any(call.word(name) for name in ("type", "txnId", "orderNo")):
        raise param_error("type is required unless txnId or orderNo is sent")
    account, rows = call.account, []
    for place in range(12):
        shop, code = _SHOPS[place % len(_SHOPS)]
        amount = Decimal(round(4 + 60 * account.chance("card", place), 2)).quantize(Decimal("0.01"))
        rows.append({
            "txnId": account.stable_id("card", place), "orderNo": str(account.uid * 100 + place), "type":
            "SIDE_QUERY_REFUND" if place == 5 else "SIDE_QUERY_FINANCIAL", "statusCode": "1", "merchName": shop,
            "mccCode": code, "pan4": "4471", "cardToken": account.stable_hex("cardtoken")[:16],
            "basicAmount": text(amount),
            "basicCurrency": "EUR", "totalFees": "0", "transactionAmount": text(amount), "transactionCurrency": "EUR",
            "txnCreate": str(account.state["created"] + place * 2 * DAY_MS), "merchCountry": "NLD",
        })  # fmt: skip
    fields = {"type": "type", "txnId": "txnId", "orderNo": "orderNo", "pan4": "pan4", "merchName": "merchName",
              "cardToken": "cardToken", "statusCode": "statusCode"}  # fmt: skip
    found = between(call, select(call, rows, **fields), "txnCreate", ("createBeginTime", "createEndTime"))
    number, limit = call.whole("page", 1), call.whole("limit", 100)
    shown = list(reversed(found))[(number - 1) * limit : number * limit]
    return {"totalCount": len(found), "pageNo": number, "pageSize": limit, "data": shown}
