"""Public market data of the moment: tickers, books, trades, insurance, risk alerts."""

from __future__ import annotations

from decimal import Decimal

from servers.simulator.errors import param_error
from servers.simulator.instruments import COINS, STANDING, Instrument
from servers.simulator.market import FUNDING_MS, Market
from servers.simulator.paths import seed_of, unit
from servers.simulator.registry import Call, tool
from servers.simulator.values import Row, cut, floor_to, text

DAY = 86_400
_DEPTHS = {"spot": 200, "linear": 500, "inverse": 500, "option": 25}


def show_ticker(market: Market, item: Instrument, now: int) -> Row:
    """The ticker as tickers shows it for its category."""
    last, (bid, ask) = market.last(item, now), market.best(item, now)
    earlier, high, low = (last, last, last) if item.is_option else market.day_ago(item, now)
    change = cut((last - earlier) / earlier, Decimal("0.0001")) if earlier else Decimal(0)
    second = now // 1000
    volume = market.volume(item, second - DAY, second)
    bids, asks = market.book(item, now, 1)
    shown: Row = {
        "symbol": item.symbol,
        "lastPrice": text(last),
        "highPrice24h": text(high),
        "lowPrice24h": text(low),
        "bid1Price": text(bid),
        "bid1Size": text(bids[0][1]),
        "ask1Price": text(ask),
        "ask1Size": text(asks[0][1]),
    }
    if item.is_option:
        return shown | _option_members(market, item, now)
    average = (high + low + last * 2) / 4
    turnover = cut(volume * average, Decimal("0.0001"))
    shown |= {"prevPrice24h": text(earlier), "price24hPcnt": text(change)}
    if item.is_spot:
        return shown | {"volume24h": text(volume), "turnover24h": text(turnover),
                        "usdIndexPrice": text(market.usd(item.base, now))}  # fmt: skip
    shown |= {"volume24h": text(turnover), "turnover24h": text(volume)} if item.is_inverse else {
        "volume24h": text(volume), "turnover24h": text(turnover)}  # fmt: skip
    return shown | _contract_members(market, item, now)


def _contract_members(market: Market, item: Instrument, now: int) -> Row:
    interest = open_interest(market, item, now)
    next_funding = -(-now // FUNDING_MS) * FUNDING_MS
    return {
        "indexPrice": text(market.usd(item.base, now)),
        "markPrice": text(market.mark(item, now)),
        "prevPrice1h": text(market.last(item, now - 3_600_000)),
        "openInterest": text(interest),
        "openInterestValue": text(cut(interest if item.is_inverse else interest * market.mark(item, now))),
        "fundingRate": text(market.funding_rate(item, now)) if item.is_perpetual else "",
        "nextFundingTime": str(next_funding) if item.is_perpetual else "0",
        "predictedDeliveryPrice": "",
        "basisRate": "",
        "deliveryFeeRate": "",
        "deliveryTime": str(item.delivery),
        "basis": text(market.last(item, now) - market.usd(item.base, now)) if item.delivery else "",
    }


def _option_members(market: Market, item: Instrument, now: int) -> Row:
    quote = market.option(item, now)
    before = market.option(item, now - DAY * 1000)
    change = (quote.mark - before.mark) / before.mark
    return {
        "highPrice24h": text(max(quote.mark, before.mark)),
        "lowPrice24h": text(min(quote.mark, before.mark)),
        "bid1Iv": text(quote.iv),
        "ask1Iv": text(quote.iv),
        "markPrice": text(quote.mark),
        "indexPrice": text(market.usd(item.base, now)),
        "markIv": text(quote.iv),
        "underlyingPrice": text(quote.underlying),
        "openInterest": text(floor_to(Decimal(40 + seed_of(item.symbol) % 400), item.step)),
        "turnover24h": text(quote.mark * 12),
        "volume24h": "12",
        "totalVolume": "480",
        "totalTurnover": text(quote.mark * 480),
        "delta": text(quote.delta),
        "gamma": text(quote.gamma),
        "vega": text(quote.vega),
        "theta": text(quote.theta),
        "predictedDeliveryPrice": "0",
        "change24h": text(cut(change)),
    }


def open_interest(market: Market, item: Instrument, at: int) -> Decimal:
    """Outstanding contracts at an instant; steady within five minutes."""
    noise = unit(seed_of(market.seed, "interest", item.symbol) ^ (at // 300_000))
    value = Decimal(90_000_000) * Decimal(round(1 + 0.08 * noise, 6))
    return floor_to(value if item.is_inverse else value / Decimal(COINS[item.base].base), item.step)


@tool("getTickers")
def tickers(call: Call) -> Row:
    category, symbol, base = call.word("category"), call.word("symbol"), call.word("baseCoin")
    if symbol:
        items = [call.market.instrument(category, symbol, call.now)]
    elif category == "option" and not base:
        raise param_error("symbol or baseCoin is required")
    else:
        items = call.market.listed(category, call.now)
    items = [item for item in items if base in ("", item.base)]
    if call.word("expDate"):
        items = [item for item in items if f"-{call.word('expDate')}" in item.symbol]
    return {"category": category, "list": [show_ticker(call.market, item, call.now) for item in items]}


def show_book(market: Market, item: Instrument, now: int, depth: int) -> Row:
    bids, asks = market.book(item, now, depth)
    return {
        "s": item.symbol,
        "b": [[text(price), text(size)] for price, size in bids],
        "a": [[text(price), text(size)] for price, size in asks],
        "ts": now,
        "u": now // 1000,
        "seq": now // 100,
        "cts": now - 3,
    }


@tool("getOrderbook")
def orderbook(call: Call) -> Row:
    category = call.word("category")
    item = call.market.instrument(category, call.word("symbol"), call.now)
    depth = call.whole("limit", 1 if category in ("spot", "option") else 25)
    return show_book(call.market, item, call.now, min(depth, _DEPTHS[category]))


def show_rpi_book(market: Market, item: Instrument, now: int, depth: int) -> Row:
    """The book with a third column: the size of retail price improvement orders at the level."""
    shown = show_book(market, item, now, depth)
    for side in ("b", "a"):
        for level in shown[side]:
            level.append(text(floor_to(Decimal(level[1]) / 10, item.step)))
    return shown


@tool("getRpiOrderbook")
def rpi_orderbook(call: Call) -> Row:
    item = call.market.instrument(call.word("category", "spot"), call.word("symbol"), call.now)
    return show_rpi_book(call.market, item, call.now, call.whole("limit"))


def public_trade(market: Market, item: Instrument, second: int) -> Row:
    """The one public trade of a second."""
    key = seed_of(market.seed, "trade", item.category, item.symbol) ^ (second * 64)
    is_buy = unit(key + 1) < 0.5
    bid, ask = market.best(item, second * 1000)
    size = Decimal(round(0.02 + unit(key + 2), 6)) * (
        900 if item.is_inverse else Decimal(900) / Decimal(COINS[item.base].base)
    )
    trade: Row = {
        "execId": f"{seed_of(item.symbol, second):016x}",
        "symbol": item.symbol,
        "price": text(ask if is_buy else bid),
        "size": text(max(floor_to(size, item.step), item.min_qty)),
        "side": "Buy" if is_buy else "Sell",
        "time": str(second * 1000 + int(unit(key + 3) * 400)),
        "isBlockTrade": False,
        "isRPITrade": False,
        "seq": str(second * 10),
    }
    if item.is_option:
        quote = market.option(item, second * 1000)
        index = market.usd(item.base, second * 1000)
        trade |= {"mP": text(quote.mark), "iP": text(index), "mIv": text(quote.iv), "iv": text(quote.iv)}
    return trade


@tool("getRecentPublicTrades")
def recent_trades(call: Call) -> Row:
    category = call.word("category")
    if call.word("symbol"):
        items = [call.market.instrument(category, call.word("symbol"), call.now)]
    elif category == "option":
        base, side = call.word("baseCoin", "BTC"), call.word("optionType")
        items = [
            item for item in call.market.listed("option", call.now) if item.base == base and side in ("", item.option)
        ]
    else:
        raise param_error("symbol is required")
    count = min(call.whole("limit", 60 if category == "spot" else 500), 60 if category == "spot" else 1000)
    # The current second is not over: its trade is the newest that can be known.
    rows = []
    for place in range(count):
        if not items:
            break
        item = items[place % len(items)]
        second = call.now // 1000 - 1 - place // len(items)
        rows.append(public_trade(call.market, item, second))
    return {"category": category, "list": rows}


@tool("getFundingRateHistory")
def funding_history(call: Call) -> Row:
    item = call.market.instrument(call.word("category"), call.word("symbol"), call.now)
    if not item.is_perpetual:
        raise param_error("symbol invalid, only perpetual contracts have funding rates")
    start, end = call.whole("startTime"), call.whole("endTime", call.now)
    if start and not call.word("endTime"):
        raise param_error("endTime is required with startTime")
    newest = min(end, call.now) // FUNDING_MS * FUNDING_MS
    rows = []
    for place in range(call.whole("limit", 200)):
        at = newest - place * FUNDING_MS
        if at < max(start, item.launch):
            break
        rate = text(call.market.funding_rate(item, at))
        rows.append({"symbol": item.symbol, "fundingRate": rate, "fundingRateTimestamp": str(at)})
    return {"category": item.category, "list": rows}


@tool("getInsurancePool")
def insurance_pool(call: Call) -> Row:
    wanted = call.word("coin")
    if wanted and wanted not in COINS:
        raise param_error(f"coin {wanted} is not supported")
    rows = [insurance(call.market, coin, call.now) for coin in ("USDT", "USDC", "BTC", "ETH") if wanted in ("", coin)]
    return {"updatedTime": str(call.now // 60_000 * 60_000), "list": rows}


def insurance(market: Market, coin: str, now: int) -> Row:
    dollars = Decimal(38_000_000 + seed_of(market.seed, "insurance", coin) % 9_000_000) + now // 86_400_000 % 1000
    balance = cut(dollars / market.usd(coin, now // 86_400_000 * 86_400_000))
    symbols = ",".join(item.symbol for item in STANDING.values() if item.settle == coin and not item.is_spot)
    return {"coin": coin, "symbols": symbols, "balance": text(balance), "value": text(dollars)}


@tool("getAdlAlert")
def adl_alert(call: Call) -> Row:
    items = [item for item in STANDING.values() if not item.is_spot]
    if call.word("symbol"):
        items = [item for item in items if item.symbol == call.word("symbol")]
        if not items:
            raise param_error("symbol invalid")
    rows = [adl_row(call.market, item, call.now) for item in items]
    return {"updatedTime": str(call.now // 60_000 * 60_000), "list": rows}


def adl_row(market: Market, item: Instrument, now: int) -> Row:
    pool = insurance(market, item.settle, now)
    return {
        "coin": item.settle,
        "symbol": item.symbol,
        "balance": pool["balance"],
        "maxBalance": pool["balance"],
        "insurancePnlRatio": "0",
        "pnlRatio": "-0.3",
        "adlTriggerThreshold": "10000",
        "adlStopRatio": "-0.25",
    }


@tool("getIndexPriceComponents")
def index_components(call: Call) -> Row:
    name = call.word("indexName")
    base = name.removesuffix("USDT").removesuffix("USDC").removesuffix("USD")
    if base == name or base not in COINS or not COINS[base].swing:
        raise param_error("indexName invalid")
    price = call.market.usd(base, call.now)
    rows = []
    sources = (("Binance", "0.32"), ("Bybit", "0.28"), ("Coinbase", "0.18"), ("Kraken", "0.12"), ("OKX", "0.1"))
    for exchange, weight in sources:
        rows.append({"exchange": exchange, "spotPair": base + "USDT", "equivalentPrice": text(price),
                     "multiplier": "1", "price": text(price), "weight": weight})  # fmt: skip
    return {"indexName": name, "lastPrice": text(price), "updateTime": str(call.now), "components": rows}
