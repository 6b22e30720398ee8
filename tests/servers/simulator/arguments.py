"""Makes arguments for each tool from its schema; what a schema cannot say (a symbol, an id) stands in tables here."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from servers.simulator.account import State, open_state
from servers.simulator.definitions import tool_definitions
from servers.simulator.exchange import Exchange
from servers.simulator.market import Market

START = 1_795_000_000_000
Row = dict[str, Any]
MARKET = Market()


class Desk:
    """One account in the hands of a test: calls tools, lets time pass."""

    def __init__(self, seed: str = "test", start: int = START) -> None:
        self.exchange = Exchange(MARKET)
        self.now = start
        self.state: State = open_state(seed, start)

    def answer(self, tool: str, **arguments: Any) -> Row:
        return self.exchange.call(self.state, tool, arguments, self.now)

    def call(self, tool: str, **arguments: Any) -> Row:
        result: Row = self.answer(tool, **arguments)["result"]
        return result

    def wait(self, seconds: float) -> None:
        self.now += int(seconds * 1000)

    def last(self, category: str = "linear", symbol: str = "BTCUSDT") -> Decimal:
        found = self.call("getTickers", category=category, symbol=symbol)
        return Decimal(found["list"][0]["lastPrice"])


NAMES: Row = {
    "symbol": "BTCUSDT", "coin": "USDT", "currency": "USDT", "baseCoin": "BTC", "accountType": "UNIFIED",
    "coinName": "USDT,BTC", "limit": 5, "qty": "0.01", "price": "105000", "orderCurrency": "USDT", "orderAmount": "500",
    "annualRate": "0.3", "term": "30", "loanCurrency": "USDT", "fromCoin": "USDT", "toCoin": "BTC", "amount": "100",
    "requestCoin": "USDT", "requestAmount": "100", "collateralCoin": "BTC", "indexName": "BTCUSDT", "orderPrice": "20",
    "size": "0.01", "window": "5000", "frozenPeriod": "100000", "qtyLimit": "2.00", "deltaLimit": "1.0",
    "buyLeverage": "5", "sellLeverage": "5", "leverage": "3", "subsize": "0.001", "duration": 600,
    "fromAccountType": "FUND", "toAccountType": "UNIFIED", "startTime": START - 86_400_000, "endTime": START,
    "tokenId": "USDT", "currencyId": "EUR", "page": 1, "chainType": "ETH", "total_investment": "1000",
    "min_price": "90000", "max_price": "130000", "cell_number": 10, "init_margin": "200", "topic": "tickers.BTCUSDT",
    "interval": "5", "begin": "20261105", "end": "20261110", "start": START - 3_600_000, "messageCount": 2,
}  # fmt: skip
NAMES["end"] = START


def generate(schema: Row, *, is_full: bool, path: str = "") -> Any:
    """A value for a schema: names first, then the enumeration, then the plainest value of the type."""
    if "anyOf" in schema:
        return schema["anyOf"][0]["enum"][0]
    kind = schema["type"]
    if kind == "object":
        wanted = schema.get("properties", {}) if is_full else schema.get("required", [])
        return {name: generate(schema["properties"][name], is_full=is_full, path=name) for name in wanted}
    if kind == "array":
        return [generate(schema["items"], is_full=is_full, path=path)]
    if "enum" in schema:
        return schema["enum"][0]
    if path in NAMES and isinstance(NAMES[path], str) == (kind == "string"):
        return NAMES[path]
    if kind == "string":
        return "1"
    return False if kind == "boolean" else max(schema.get("minimum", 1), 1)


def arguments_for(tool: str, *, is_full: bool = False) -> Row:
    made: Row = generate(tool_definitions()[tool]["inputSchema"], is_full=is_full)
    return made


COLLATERAL = [{"currency": "BTC", "amount": "0.1"}]
RESTING = {
    "category": "linear",
    "symbol": "BTCUSDT",
    "side": "Buy",
    "orderType": "Limit",
    "qty": "0.01",
    "price": "105000",
}
ENTRY = {name: value for name, value in RESTING.items() if name != "category"}
POSITION = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Market", "qty": "0.1"}
SPREAD = {"symbol": "BTCUSDT_BTC/USDT", "side": "Sell", "orderType": "Limit", "qty": "0.01", "price": "60"}
AD = {
    "tokenId": "USDT", "currencyId": "EUR", "side": "1", "priceType": "0", "premium": "100", "price": "0.93",
    "minAmount": "20", "maxAmount": "90", "remark": "hello", "tradingPreferenceSet": {}, "quantity": "100",
    "paymentPeriod": "15", "itemType": "ORIGIN",
}  # fmt: skip
STRATEGY = {"category": "UTA_USDT", "symbol": "BTCUSDT", "side": "Buy", "size": "0.01"}
RFQ = {
    "counterparties": ["BASALT"],
    "list": [{"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "qty": "0.05"}],
}
MARTINGALE = {
    "symbol": "BTCUSDT", "martingale_mode": "F_MART_MODE_MARTINGALE_MODE_LONG", "leverage": "3",
    "price_float_percent": "1",
    "add_position_percent": "100", "add_position_num": 3, "init_margin": "200", "round_tp_percent": "2",
}  # fmt: skip
COMBO = {
    "leverage": "2", "init_margin": "300", "adjust_position_mode": "0",
    "symbol_settings": [{"symbol": "BTCUSDT", "target_position_percent": "60", "side": "1"},
                        {"symbol": "ETHUSDT", "target_position_percent": "40", "side": "2"}],
}  # fmt: skip


def fix_types(tool: str, given: Row) -> Row:
    """Enumerated values in the type that the tool's own schema uses (some say 0, some "0")."""
    rules = tool_definitions()[tool]["inputSchema"]["properties"]
    fixed = {}
    for name, value in given.items():
        choices = rules.get(name, {}).get("enum", [])
        fixed[name] = next((choice for choice in choices if str(choice) == str(value)), value)
    return fixed


FIXED: dict[str, Row] = {
    "createOrder": RESTING, "wsCreateOrder": RESTING, "batchCreateOrders": {"category": "linear", "request": [ENTRY]},
    "wsBatchCreateOrders": {"category": "linear", "request": [ENTRY]}, "getOpenOrders": {"category": "spot"},
    "preCheckOrder": POSITION, "cancelAllOrders": {"category": "spot"}, "getPositionInfo": {"category": "linear",
    "settleCoin": "USDT"},
    "setLeverage": {"category": "linear", "symbol": "BTCUSDT", "buyLeverage": "5", "sellLeverage": "5"},
    "switchPositionMode": {"category": "linear", "symbol": "BTCUSDT", "mode": "3"},
    "getTickers": {"category": "linear"}, "getRecentPublicTrades": {"category": "linear", "symbol": "BTCUSDT"},
    "setMarginMode": {"setMarginMode": "ISOLATED_MARGIN"}, "spotMarginSwitchMode": {"spotMarginMode": "1"},
    "userAssetInfoQuery": {"accountType": "FUND"}, "queryCardAssetRecords": {"type": "SIDE_QUERY_FINANCIAL"},
    "createSpreadOrder": SPREAD, "getSpreadTickers": {"symbol": "BTCUSDT_BTC/USDT"}, "createRfq": RFQ,
    "getSpreadOrderbook": {"symbol": "BTCUSDT_BTC/USDT"}, "getSpreadRecentTrades": {"symbol": "BTCUSDT_BTC/USDT",
    "limit": 5},
    "getSpreadMaxQty": {"symbol": "BTCUSDT_BTC/USDT", "side": "1", "orderPrice": "20"},
    "cancelAllSpreadOrders": {"cancelAll": True},
    "createGridBot": {"symbol": "BTCUSDT", "max_price": "130000", "min_price": "90000", "total_investment": "1000",
    "cell_number": 10},
    "createFMartBot": MARTINGALE, "getFMartLimit": MARTINGALE, "createComboBot": COMBO, "getComboLimit": COMBO,
    "createDCABot": {"parameters": {"frequency_in_second": 3600, "quote_coin": "USDT", "pairs": [{"base": "BTC",
    "amount": "10"}]}},
    "createTwapStrategy": {**STRATEGY, "duration": 600}, "createChaseOrderStrategy": STRATEGY,
    "createIcebergStrategy": {**STRATEGY, "orderCount": 2}, "getReferencePrice": {"symbol": "BTC-EUR"},
    "applyQuote": {"fromCoin": "EUR", "fromCoinType": "fiat", "toCoin": "BTC", "toCoinType": "crypto",
    "requestAmount": "100"},
    "queryTrade": {"merchantRequestId": "none"}, "postCryptoLoanFlexibleBorrow": {"loanCurrency": "USDT",
    "loanAmount": "500", "collateralList": COLLATERAL},
    "postCryptoLoanFixedBorrow": {"orderCurrency": "USDT", "orderAmount": "500", "annualRate": "0.3", "term": "30",
    "collateralList": COLLATERAL},
    "postCryptoLoanFixedSupply": {"orderCurrency": "USDT", "orderAmount": "500", "annualRate": "0.9", "term": "30"},
    "postCryptoLoanCommonMaxLoan": {"currency": "USDT", "collateralList": [{"ccy": "BTC", "amount": "0.1"}]},
    "placeEarnOrder": {"category": "FlexibleSaving", "orderType": "Stake", "accountType": "FUND", "amount": "100",
    "coin": "USDT", "productId": "430", "orderLinkId": "e1"},
    "getEarnAprHistory": {"category": "FlexibleSaving", "productId": "430", "startTime": START - 86_400_000,
    "endTime": START},
    "placeTokenOrder": {"coin": "BYUSDT", "orderLinkId": "t1", "orderType": "Mint", "amount": "50",
    "accountType": "UNIFIED"},
    "placeFixedTermOrder": {"productId": "2001", "category": "FundPool", "coin": "USDC", "amount": "200",
    "accountType": "FUND", "orderLinkId": "f1"},
    "addLiquidity": {"productId": "501", "orderLinkId": "l1", "quoteAmount": "200", "leverage": "2"},
    "claimLiquidityInterest": {"productId": "-1"}, "getDoubleWinLeverage": {"productId": 3000, "initialPrice": "100",
    "lowerPrice": "90", "upperPrice": "110"},
    "getAwardInfo": {"id": "120001"}, "setBrokerApiLimit": {"list": [{"uids": "1", "bizType": "SPOT", "rate": 5}]},
    "setDcp": {"timeWindow": 10}, "subscribeAdlAlert": {"coin": "USDT"}, "getAds": {"tokenId": "USDT",
    "currencyId": "EUR", "side": "0"},
    "SmallAssetQuote": {"accountType": "eb_convert_uta", "toCoin": "USDT", "fromCoinList": ["DOGE"]},
    "CoinConvertLimitQuery": {"fromCoin": "USDT", "toCoin": "BTC", "accountType": "eb_convert_funding"},
    "QuoteApply": {"accountType": "eb_convert_funding", "fromCoin": "USDT", "toCoin": "BTC", "requestAmount": "100",
    "requestCoin": "USDT"},
    "setCollateralSwitch": {"coin": "BTC", "collateralSwitch": "OFF"}, "getMmpState": {"baseCoin": "BTC"},
    "setBatchCollateralSwitch": {"request": [{"coin": "BTC", "collateralSwitch": "OFF"}]},
    "QuerySmallAssetList": {"accountType": "eb_convert_uta"}, "accountBorrow": {"coin": "USDT", "amount": "100"},
    "accountFixedBorrow": {"orderCurrency": "USDT", "orderAmount": "500", "annualRate": "0.3", "term": "30"},
    "getClosePosition": {"category": "option"}, "transferCoinListQuery": {"fromAccountType": "FUND",
    "toAccountType": "UNIFIED"},
}  # fmt: skip


def static_arguments(tool: str) -> Row:
    """Arguments that need nothing to have happened before."""
    return fix_types(tool, FIXED[tool]) if tool in FIXED else arguments_for(tool)


Preparation = Callable[[Desk], Row]
