"""Conversions between coins at a quoted rate, and of small balances."""

from __future__ import annotations

from decimal import Decimal

from servers.simulator.account import FUND, UNIFIED
from servers.simulator.errors import SimulatorError, param_error
from servers.simulator.funds import find_row, known_coin, pay, receive, wallet_named
from servers.simulator.instruments import COINS
from servers.simulator.pages import between, page, select
from servers.simulator.registry import Call, tool
from servers.simulator.values import Row, cut, text

_SPREAD = Decimal("0.999")
_LIFE_MS = 15_000
_DUST_LIMIT = 200
_DUST_TARGETS = ("USDT", "USDC", "MNT")


def rate_between(call: Call, source: str, target: str) -> Decimal:
    """Units of `target` for one of `source`, after the exchange's spread."""
    return cut(call.market.usd(source, call.now) / call.market.usd(target, call.now) * _SPREAD)


@tool("CoinListQuery")
def coin_list(call: Call) -> Row:
    wallet = wallet_named(call.word("accountType"))
    names = [known_coin(call.word("coin"))] if call.word("coin") and call.word("side") != "1" else list(COINS)
    rows = []
    for name in names:
        low, high = _limits(call, name)
        rows.append({
            "coin": name, "fullName": name, "icon": "", "iconNight": "", "accuracyLength": COINS[name].digits,
            "coinType": "crypto", "balance": text(call.account.free(wallet, name)),
            "uBalance": text(cut(call.account.free(wallet, name) * call.market.usd(name, call.now))),
            "timePeriod": 0, "singleFromMinLimit": text(low), "singleFromMaxLimit": text(high),
            "singleToMinLimit": "0", "singleToMaxLimit": "0", "dailyFromMinLimit": "0", "dailyFromMaxLimit": "0",
            "dailyToMinLimit": "0", "dailyToMaxLimit": "0", "disableFrom": False, "disableTo": False,
        })  # fmt: skip
    return {"coins": rows}


def _limits(call: Call, coin: str) -> tuple[Decimal, Decimal]:
    price = call.market.usd(coin, call.now)
    step = Decimal(1).scaleb(-COINS[coin].digits)
    return max(cut(Decimal("0.5") / price, step), step), cut(200_000 / price, step)


@tool("CoinConvertLimitQuery")
def convert_limit(call: Call) -> Row:
    wallet_named(call.word("accountType"))
    source, target = known_coin(call.word("fromCoin"), "fromCoin"), known_coin(call.word("toCoin"), "toCoin")
    low, high = _limits(call, source)
    return {"fromCoin": source, "toCoin": target, "minAmount": text(low), "maxAmount": text(high),
            "balance": text(call.account.free(wallet_named(call.word("accountType")), source))}  # fmt: skip


@tool("QuoteApply")
def apply_quote(call: Call) -> Row:
    wallet = wallet_named(call.word("accountType"))
    source, target = known_coin(call.word("fromCoin"), "fromCoin"), known_coin(call.word("toCoin"), "toCoin")
    if source == target or call.word("requestCoin") not in (source, target):
        raise param_error("fromCoin and toCoin must differ and requestCoin be one of them")
    rate, amount = rate_between(call, source, target), call.amount("requestAmount")
    is_source = call.word("requestCoin") == source
    spent, gained = (amount, cut(amount * rate)) if is_source else (cut(amount / rate) + Decimal("0.00000001"), amount)
    low, high = _limits(call, source)
    if not low <= spent <= high:
        raise SimulatorError(790000, f"The amount must lie between {text(low)} and {text(high)}")
    row = {
        "quoteTxId": call.account.next_id(), "exchangeRate": text(rate), "fromCoin": source,
        "fromCoinType": call.word("fromCoinType", "crypto"), "toCoin": target,
        "toCoinType": call.word("toCoinType", "crypto"), "fromAmount": text(spent), "toAmount": text(gained),
        "expiredTime": str(call.now + _LIFE_MS), "requestId": call.word("requestId"), "extTaxAndFee": [],
    }  # fmt: skip
    call.account.add_row(
        "convertQuotes", {**row, "wallet": wallet, "accountType": call.word("accountType"), "used": False}
    )
    return row


@tool("ConvertExecute")
def execute_quote(call: Call) -> Row:
    quote = find_row(call.account.table("convertQuotes"), "quoteTxId", call.word("quoteTxId"), 790000)
    if quote["used"] or call.now > int(quote["expiredTime"]):
        raise SimulatorError(790000)
    pay(call, quote["wallet"], (quote["fromCoin"], Decimal(quote["fromAmount"])), "CONVERT")
    receive(call, quote["wallet"], (quote["toCoin"], Decimal(quote["toAmount"])), "CONVERT")
    quote["used"] = True
    call.account.add_row("conversions", {
        "accountType": quote["accountType"], "exchangeTxId": quote["quoteTxId"], "userId": str(call.account.uid),
        "fromCoin": quote["fromCoin"], "fromCoinType": quote["fromCoinType"], "toCoin": quote["toCoin"],
        "toCoinType": quote["toCoinType"], "fromAmount": quote["fromAmount"], "toAmount": quote["toAmount"],
        "exchangeStatus": "success", "extInfo": {"paramType": "", "paramValue": ""},
        "convertRate": quote["exchangeRate"], "createdAt": str(call.now),
    })  # fmt: skip
    return {"quoteTxId": quote["quoteTxId"], "exchangeStatus": "processing"}


@tool("QueryResult")
def query_result(call: Call) -> Row:
    wallet_named(call.word("accountType"))
    row = find_row(call.account.table("conversions"), "exchangeTxId", call.word("quoteTxId"), 790000)
    return {"result": row}


@tool("ConvertHistoryQuery")
def convert_history(call: Call) -> Row:
    wanted = [part for part in call.word("accountType").split(",") if part]
    rows = [row for row in reversed(call.account.table("conversions")) if not wanted or row["accountType"] in wanted]
    index, limit = max(call.whole("index", 1), 1), min(max(call.whole("limit", 20), 1), 100)
    return {"list": rows[(index - 1) * limit : index * limit]}


def _orders(call: Call) -> list[Row]:
    rows = select(call, call.account.table("conversions"), fromCoin="fromCoin", toCoin="toCoin")
    return [
        {
            "exchangeTxId": row["exchangeTxId"],
            "fromCoin": row["fromCoin"],
            "fromAmount": row["fromAmount"],
            "toCoin": row["toCoin"],
            "toAmount": row["toAmount"],
            "exchangeRate": row["convertRate"],
            "createdTime": row["createdAt"],
            "exchangeStatus": 1,
        }
        for row in reversed(rows)
    ]


@tool("QueryOrderByPage")
def orders_by_page(call: Call) -> Row:
    rows, cursor = page(call, _orders(call), 10)
    return {"orderBody": rows, "nextPageCursor": cursor}


@tool("QueryOrderFromOpenApi")
def orders_filtered(call: Call) -> Row:
    rows = between(call, _orders(call), "createdTime")
    if call.word("exchangeStatus") not in ("", "0", "1"):
        rows = []
    chosen, cursor = page(call, rows, 10)
    return {"list": chosen, "nextPageCursor": cursor}


def _dust(call: Call, wallet: str, target: str) -> list[Row]:
    rows = []
    for coin in sorted(call.account.state["cash"][wallet]):
        amount = call.account.free(wallet, coin)
        value = amount * call.market.usd(coin, call.now)
        if 0 < value <= _DUST_LIMIT and coin != target:
            rate = rate_between(call, coin, target)
            gross = cut(amount * rate)
            fee = cut(gross * Decimal("0.02"))
            rows.append({"fromCoin": coin, "supportConvert": 1, "availableBalance": text(amount),
                         "baseValue": text(cut(value)), "toCoin": target, "toAmount": text(gross - fee),
                         "exchangeRate": text(rate), "feeInfo": {"feeCoin": target, "amount": text(fee),
                         "feeRate": "0.02"}, "taxFeeInfo": {"totalAmount": "0", "feeCoin": "",
                         "taxFeeItems": []}})  # fmt: skip
    return rows


@tool("QuerySmallAssetList")
def small_assets(call: Call) -> Row:
    rows = _dust(call, wallet_named(call.word("accountType")), "USDT")
    return {"smallAssetCoins": select(call, rows, fromCoin="fromCoin"), "supportToCoins": list(_DUST_TARGETS)}


@tool("SmallAssetQuote")
def small_asset_quote(call: Call) -> Row:
    wallet, target, names = wallet_named(call.word("accountType")), call.word("toCoin"), call.args["fromCoinList"]
    if target not in _DUST_TARGETS or not 1 <= len(names) <= 20:
        raise param_error("toCoin must be USDT, USDC or MNT and fromCoinList hold 1 to 20 coins")
    rows = [row for row in _dust(call, wallet, target) if row["fromCoin"] in names]
    if len(rows) != len(set(names)):
        raise SimulatorError(131002, "A coin of fromCoinList has no small balance to convert")
    quote = call.account.next_id()
    total = sum((Decimal(row["feeInfo"]["amount"]) for row in rows), Decimal(0))
    call.account.add_row("dustQuotes", {"quoteId": quote, "wallet": wallet, "toCoin": target, "coins": rows,
                         "expires": call.now + 30_000, "used": False})  # fmt: skip
    return {
        "quoteId": quote,
        "result": {
            "quoteCreateTime": str(call.now),
            "quoteExpireTime": str(call.now + 30_000),
            "exchangeCoins": rows,
            "totalFeeInfo": {"feeCoin": target, "amount": text(total), "feeRate": "0.02"},
        },
    }


@tool("SmallAssetConvert")
def small_asset_convert(call: Call) -> Row:
    quote = find_row(call.account.table("dustQuotes"), "quoteId", call.word("quoteId"), 790000)
    if quote["used"] or call.now > quote["expires"]:
        raise SimulatorError(790000)
    quote["used"] = True
    trade, gained = call.account.next_id(), Decimal(0)
    for row in quote["coins"]:
        pay(call, quote["wallet"], (row["fromCoin"], Decimal(row["availableBalance"])), "CONVERT")
        gained += Decimal(row["toAmount"])
    receive(call, quote["wallet"], (quote["toCoin"], gained), "CONVERT")
    call.account.add_row("dustConversions", {
        "accountType": "eb_convert_uta" if quote["wallet"] == UNIFIED else "eb_convert_funding", "exchangeTxId": trade,
        "toCoin": quote["toCoin"], "toAmount": text(gained), "subRecords": quote["coins"], "status": "success",
        "createdAt": str(call.now), "exchangeSource": "small_asset_uta" if quote["wallet"] != FUND else "small_asset",
        "feeCoin": quote["toCoin"], "totalFeeAmount": text(sum((Decimal(row["feeInfo"]["amount"])
        for row in quote["coins"]), Decimal(0))), "quoteId": quote["quoteId"],
    })  # fmt: skip
    return {
        "quoteId": quote["quoteId"],
        "exchangeTxId": trade,
        "submitTime": str(call.now),
        "status": "processing",
        "msg": "",
    }


@tool("QuerySmallAssetConvertOrder")
def small_asset_orders(call: Call) -> Row:
    rows = select(call, call.account.table("dustConversions"), accountType="accountType", quoteId="quoteId")
    rows = between(call, rows, "createdAt")
    chosen, cursor = page(call, list(reversed(rows)), 20, size="size")
    return {"cursor": cursor, "size": str(len(chosen)), "lastPage": "" if cursor else "1",
            "totalCount": str(len(rows)), "records": chosen}  # fmt: skip
