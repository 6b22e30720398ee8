"""What has to happen before some tools can succeed: each entry sets the scene and returns the tool's arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.servers.simulator.arguments import (
    AD,
    POSITION,
    RESTING,
    RFQ,
    SPREAD,
    Desk,
    Preparation,
    Row,
    fix_types,
    static_arguments,
)

LINEAR = {"category": "linear", "symbol": "BTCUSDT"}


def _resting(desk: Desk) -> str:
    return str(desk.call("createOrder", **RESTING)["orderId"])


def _position(desk: Desk) -> Row:
    desk.call("createOrder", **POSITION)
    return LINEAR


def _isolated(desk: Desk) -> Row:
    desk.call("setMarginMode", setMarginMode="ISOLATED_MARGIN")
    return {**_position(desk), "margin": "50"}


def _spread(desk: Desk) -> str:
    return str(desk.call("createSpreadOrder", **SPREAD)["orderId"])


def _bot(desk: Desk, tool: str, field: str) -> Row:
    made = desk.call(tool, **static_arguments(tool))
    desk.wait(7200)
    return {field: made[field]}


def _strategy(desk: Desk) -> Row:
    return {"strategyId": desk.call("createTwapStrategy", **static_arguments("createTwapStrategy"))["strategyId"]}


def _ad(desk: Desk) -> Row:
    methods = desk.call("getUserPayment")["list"]
    return {**AD, "paymentIds": [methods[0]["id"]]}


def _posted(desk: Desk) -> str:
    return str(desk.call("postAd", **_ad(desk))["itemId"])


def _changed_ad(desk: Desk) -> Row:
    kept = {
        name: value for name, value in _ad(desk).items() if name not in ("tokenId", "currencyId", "side", "itemType")
    }
    return {**kept, "id": _posted(desk), "actionType": "MODIFY", "quantity": "120"}


def _p2p(desk: Desk) -> str:
    return str(desk.call("getPendingOrders", page=1, size=10)["items"][0]["id"])


def _paid(desk: Desk) -> Row:
    order = _p2p(desk)
    term = desk.call("getOrderDetail", orderId=order)["paymentTermList"][0]
    return {"orderId": order, "paymentType": term["paymentType"], "paymentId": term["id"]}


def _offer(desk: Desk) -> Row:
    made = desk.call("createRfq", **RFQ)
    desk.wait(3)
    quotes = desk.call("getQuotesRealtime", traderType="request")["list"]
    return {"rfqId": made["rfqId"], "quoteId": quotes[0]["quoteId"], "quoteSide": "Buy"}


def _quote(desk: Desk) -> Row:
    rfq = desk.call("getRfqsRealtime")["list"][0]
    return {"rfqId": rfq["rfqId"], "quoteBuyList": [{**LINEAR, "price": "105000"}]}


def _flexible(desk: Desk) -> None:
    desk.call("postCryptoLoanFlexibleBorrow", **static_arguments("postCryptoLoanFlexibleBorrow"))
    desk.wait(7200)


def _fixed(desk: Desk) -> str:
    desk.call("postCryptoLoanFixedBorrow", **static_arguments("postCryptoLoanFixedBorrow"))
    return str(desk.call("getCryptoLoanFixedBorrowContractInfo")["list"][0]["loanId"])


def _waiting(desk: Desk, tool: str, rate: str) -> Row:
    return {"orderId": desk.call(tool, **{**static_arguments(tool), "annualRate": rate})["orderId"]}


def _after(*tools: str) -> Callable[[Desk], None]:
    def prepare(desk: Desk) -> None:
        for tool in tools:
            desk.call(tool, **static_arguments(tool))

    return prepare


def _with(prepare: Callable[[Desk], object], arguments: Row) -> Preparation:
    def run(desk: Desk) -> Row:
        prepare(desk)
        return arguments

    return run


def _alpha(desk: Desk, source: str, target: str, amount: str, kind: int) -> Row:
    quote = desk.call(
        "getTradeQuote", tradeType=str(kind), fromTokenCode=source, toTokenCode=target, fromTokenAmount=amount
    )
    names = ("fromTokenCode", "fromTokenAmount", "toTokenCode", "slippage", "quoteData", "gas", "correctingCode")
    return {**{name: quote[name] for name in names}, "quoteMode": "0"}


def _bought(desk: Desk) -> Row:
    order = _alpha(desk, "CEX_1", "DEX_1", "100", 1)
    desk.call("executePurchase", **fix_types("executePurchase", order))
    desk.wait(60)
    held = desk.call("getAssetList")["list"][0]["amount"]
    return _alpha(desk, "DEX_1", "CEX_1", held, 2)


def _token(desk: Desk) -> Row:
    found = desk.call("getBizTokenList")["list"][0]
    return {"chainCode": found["chainCode"], "tokenAddress": found["tokenAddress"]}


def _sub(desk: Desk) -> str:
    return str(desk.call("querySubMembers")["subMembers"][0]["uid"])


def _pool(desk: Desk) -> Row:
    desk.call("addLiquidity", **static_arguments("addLiquidity"))
    desk.wait(7200)
    held = desk.call("getLiquidityMiningPositions")["list"][0]
    return {"productId": "501", "positionId": held["positionId"], "orderLinkId": "l2"}


def _term(desk: Desk) -> Row:
    desk.call("placeFixedTermOrder", **static_arguments("placeFixedTermOrder"))
    held = desk.call("getFixedTermPosition")["list"][0]
    return {"productId": "2001", "category": "FundPool", "positionId": held["positionId"]}


def _structured(desk: Desk) -> Row:
    offer = desk.call("getAdvanceEarnProductExtraInfo", category="DoubleWin", productId=3000)["list"][0]
    extra = {"leverage": "10", "initialPrice": offer["initialPrice"]}
    return {"category": "DoubleWin", "productId": 3000, "orderType": "Stake", "amount": "100", "accountType": "FUND",
            "coin": "USDT", "orderLinkId": "a1", "doubleWinStakeExtra": extra}  # fmt: skip


def _estimate(desk: Desk) -> Row:
    desk.call("placeAdvanceEarnOrder", **_structured(desk))
    held = desk.call("getAdvanceEarnPosition", category="DoubleWin")["list"][0]
    return {"category": "DoubleWin", "positionIds": [int(held["positionId"])]}


def _staked_on_chain(desk: Desk) -> Row:
    order = static_arguments("placeEarnOrder") | {"category": "OnChain", "coin": "USDC", "productId": "11"}
    desk.call("placeEarnOrder", **order)
    held = desk.call("getEarnPosition", category="OnChain")["list"][0]
    return {"category": "OnChain", "productId": 11, "positionId": int(held["id"]), "autoReinvest": 1}


def _leader(desk: Desk, tool: str, field: str, mark: str) -> str:
    return str(desk.call(tool)[field][0][mark])


def _award(desk: Desk) -> Row:
    client = desk.call("getAffiliateUserList")["list"][0]["userId"]
    return {"accountId": client, "awardId": "120001", "specCode": "s1", "amount": "5", "brokerId": "1"}


def _awarded(desk: Desk) -> Row:
    award = _award(desk)
    desk.call("distributeAward", **award)
    return {name: award[name] for name in ("accountId", "awardId", "specCode")}


def _fiat(desk: Desk) -> Row:
    quote = desk.call("applyQuote", **static_arguments("applyQuote"))
    return {"quoteTxId": quote["quoteTxId"], "subUserId": _sub(desk), "merchantRequestId": "m1"}


def _traded_fiat(desk: Desk) -> Row:
    desk.call("confirmQuote", **_fiat(desk))
    return {"merchantRequestId": "m1"}


def _converted(desk: Desk) -> Row:
    quote = desk.call("QuoteApply", **static_arguments("QuoteApply"))["quoteTxId"]
    desk.call("ConvertExecute", quoteTxId=quote)
    return {"quoteTxId": quote, "accountType": "eb_convert_funding"}


def _moved(desk: Desk) -> Row:
    _position(desk)
    uid = desk.call("queryAPIKey")["userID"]
    leg = {**LINEAR, "price": "110000", "side": "Sell", "qty": "0.05"}
    return {"fromUid": str(uid), "toUid": _sub(desk), "list": [leg]}


def _stream(desk: Desk) -> Row:
    made = desk.call("startSubscription", topic="tickers.BTCUSDT")
    desk.wait(3)
    return {"subscriptionId": made["subscriptionId"]}


def _entries(desk: Desk, **members: Any) -> Row:
    return {"category": "linear", "request": [{"symbol": "BTCUSDT", "orderId": _resting(desk), **members}]}


def _borrowed(desk: Desk) -> None:
    desk.call("accountBorrow", coin="USDT", amount="100")
    desk.wait(7200 - desk.now // 1000 % 3600)


MMP = {"baseCoin": "BTC", "window": "5000", "frozenPeriod": "1000", "qtyLimit": "2", "deltaLimit": "1"}
_ON = _after("spotMarginSwitchMode")

PREPARED: dict[str, Preparation] = {
    "amendOrder": lambda desk: {**LINEAR, "orderId": _resting(desk), "price": "104000"},
    "wsAmendOrder": lambda desk: {**LINEAR, "orderId": _resting(desk), "qty": "0.02"},
    "cancelOrder": lambda desk: {**LINEAR, "orderId": _resting(desk)},
    "wsCancelOrder": lambda desk: {**LINEAR, "orderId": _resting(desk)},
    "batchAmendOrders": lambda desk: _entries(desk, price="104000"),
    "wsBatchAmendOrders": lambda desk: _entries(desk, price="104000"),
    "batchCancelOrders": lambda desk: _entries(desk),
    "wsBatchCancelOrders": lambda desk: _entries(desk),
    "setTradingStop": lambda desk: {**_position(desk), "takeProfit": "150000", "tpslMode": "Full", "positionIdx": 0},
    "setAutoAddMargin": lambda desk: {**_position(desk), "autoAddMargin": 1},
    "addReduceMargin": _isolated,
    "movePosition": _moved,
    "setHedgingMode": _with(
        lambda desk: desk.call("setMarginMode", setMarginMode="PORTFOLIO_MARGIN"), {"setHedgingMode": "ON"}
    ),
    "resetMmp": _with(lambda desk: desk.call("setMmp", **MMP), {"baseCoin": "BTC"}),
    "accountRepay": _with(_borrowed, {"coin": "USDT"}),
    "accountNoConvertRepay": _with(_borrowed, {"coin": "USDT", "amount": "50"}),
    "quickRepayment": _with(_borrowed, {}),
    "spotMarginSetLeverage": _with(_ON, {"leverage": "4"}),
    "renewFixedBorrow": lambda desk: (
        desk.call("accountFixedBorrow", **static_arguments("accountFixedBorrow"))
        and {"loanId": desk.call("queryFixedBorrowContracts")["list"][0]["loanId"]}
    ),
    "amendSpreadOrder": lambda desk: {"symbol": SPREAD["symbol"], "orderId": _spread(desk), "price": "61"},
    "cancelSpreadOrder": lambda desk: {"orderId": _spread(desk)},
    "closeGridBot": lambda desk: {**_bot(desk, "createGridBot", "grid_id"), "close_mode": 3},
    "queryGridDetail": lambda desk: _bot(desk, "createGridBot", "grid_id"),
    "closeDCABot": lambda desk: {**_bot(desk, "createDCABot", "bot_id"), "close_mode": 2},
    "closeFGridBot": lambda desk: _bot(desk, "createFGridBot", "bot_id"),
    "getFGridDetail": lambda desk: _bot(desk, "createFGridBot", "bot_id"),
    "closeFMartBot": lambda desk: _bot(desk, "createFMartBot", "bot_id"),
    "getFMartDetail": lambda desk: _bot(desk, "createFMartBot", "bot_id"),
    "closeComboBot": lambda desk: _bot(desk, "createComboBot", "bot_id"),
    "getComboDetail": lambda desk: _bot(desk, "createComboBot", "bot_id"),
    "stopStrategy": _strategy,
    "queryStrategyOrderList": _strategy,
    "postAd": _ad,
    "updateAd": _changed_ad,
    "removeAd": lambda desk: {"itemId": _posted(desk)},
    "getMyAdDetails": lambda desk: {"itemId": _posted(desk)},
    "getOrderDetail": lambda desk: {"orderId": _p2p(desk)},
    "getChatMessages": lambda desk: {"orderId": _p2p(desk), "size": "10"},
    "getCounterpartyUserInfo": lambda desk: {"orderId": _p2p(desk)},
    "markOrderAsPaid": _paid,
    "executeQuote": _offer,
    "createQuote": _quote,
    "acceptNonLpQuote": lambda desk: {"rfqId": desk.call("createRfq", **RFQ)["rfqId"]},
    "cancelRfq": lambda desk: {"rfqId": desk.call("createRfq", **RFQ)["rfqId"]},
    "cancelQuote": lambda desk: {"quoteId": desk.call("createQuote", **_quote(desk))["quoteId"]},
    "postCryptoLoanFlexibleRepay": _with(_flexible, {"loanCurrency": "USDT", "amount": "200"}),
    "postCryptoLoanFlexibleRepayCollateral": _with(
        _flexible, {"loanCurrency": "USDT", "collateralCoin": "BTC", "amount": "200"}
    ),
    "postCryptoLoanCommonAdjustLtv": _with(_flexible, {"currency": "BTC", "amount": "0.05", "direction": "1"}),
    "postCryptoLoanFixedFullyRepay": lambda desk: {"loanId": _fixed(desk), "loanCurrency": "USDT"},
    "postCryptoLoanFixedRenew": lambda desk: {"loanId": _fixed(desk), "collateralList": []},
    "postCryptoLoanFixedRepayCollateral": lambda desk: {
        "loanId": int(_fixed(desk)), "loanCurrency": "USDT", "collateralCoin": "BTC", "amount": "100",
    },
    "postCryptoLoanFixedBorrowOrderCancel": lambda desk: _waiting(desk, "postCryptoLoanFixedBorrow", "0.0001"),
    "postCryptoLoanFixedSupplyOrderCancel": lambda desk: _waiting(desk, "postCryptoLoanFixedSupply", "0.9"),
    "executePurchase": lambda desk: _alpha(desk, "CEX_1", "DEX_1", "100", 1),
    "executeRedeem": _bought,
    "getTradeQuote": lambda desk: {
        "tradeType": 1, "fromTokenCode": "CEX_1", "toTokenCode": "DEX_1", "fromTokenAmount": "100",
    },
    "getAssetDetail": _token,
    "getBizTokenDetails": _token,
    "getPayTokenList": _token,
    "getBizTokenPriceList": lambda desk: {"tokenAddressInfo": [_token(desk)]},
    "listSubAPIKeysV5": lambda desk: {"subuid": int(_sub(desk))},
    "querySubMemberDepositAddress": lambda desk: {"coin": "USDT", "chainType": "ETH", "subMemberId": _sub(desk)},
    "querySubMemberDepositRecords": lambda desk: {"subMemberId": _sub(desk)},
    "addMargin": lambda desk: {**_pool(desk), "amount": "20", "quoteAccountType": "FUND"},
    "removeLiquidity": lambda desk: {**_pool(desk), "removeRate": 50},
    "reinvestLiquidity": _pool,
    "redeemFixedTerm": _term,
    "setFixedTermAutoInvest": lambda desk: {**_term(desk), "status": "Enable"},
    "placeAdvanceEarnOrder": _structured,
    "getSmartLeverageRedeemEstAmountList": _estimate,
    "modifyEarnPosition": _staked_on_chain,
    "createCopyTradeBind": lambda desk: {
        "leaderMark": _leader(desk, "getCopyTradingClassicLeaderboard", "leaderList", "leaderMark"),
        "investmentE8": "10000000000",
    },
    "createCopyMt5Bind": lambda desk: {
        "providerMark": _leader(desk, "getCopyTradingTradFiLeaderboard", "providerList", "providerMark"),
        "investmentE8": 10_000_000_000,
    },
    "distributeAward": _award,
    "getDistributionRecord": _awarded,
    "getAffiliateUserInfo": lambda desk: {"uid": desk.call("getAffiliateUserList")["list"][0]["userId"]},
    "confirmQuote": _fiat,
    "queryTrade": _traded_fiat,
    "ConvertExecute": lambda desk: {
        "quoteTxId": desk.call("QuoteApply", **static_arguments("QuoteApply"))["quoteTxId"]
    },
    "QueryResult": _converted,
    "SmallAssetConvert": lambda desk: {
        "quoteId": desk.call("SmallAssetQuote", **static_arguments("SmallAssetQuote"))["quoteId"]
    },
    "readMessages": _stream,
    "stopSubscription": _stream,
}  # fmt: skip


def success_arguments(tool: str, desk: Desk) -> Row:
    """Arguments with which the tool succeeds on this desk, after whatever has to happen first."""
    return fix_types(tool, PREPARED[tool](desk)) if tool in PREPARED else static_arguments(tool)
