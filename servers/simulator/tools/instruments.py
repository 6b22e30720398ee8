"""Which instruments exist, with their steps, limits and risk tiers."""

from __future__ import annotations

from decimal import Decimal

from servers.simulator import positions
from servers.simulator.errors import param_error
from servers.simulator.instruments import COINS, Instrument
from servers.simulator.market import FUNDING_MS
from servers.simulator.orders import price_band
from servers.simulator.pages import page
from servers.simulator.registry import Call, tool
from servers.simulator.values import ONE, Row, text


def show_instrument(item: Instrument, now: int) -> Row:
    """The instrument as instruments-info shows it; the members differ by category as Bybit's do."""
    shown: Row = {
        "symbol": item.symbol,
        "baseCoin": item.base,
        "quoteCoin": item.quote,
        "status": "Trading",
        "priceFilter": {"minPrice": text(item.tick), "maxPrice": text(item.tick * 10**8), "tickSize": text(item.tick)},
    }
    if item.is_spot:
        return shown | _spot_members(item)
    shown |= {"settleCoin": item.settle, "launchTime": str(item.launch), "deliveryTime": str(item.delivery),
              "deliveryFeeRate": "0.0002" if item.delivery else ""}  # fmt: skip
    sizes = {"maxOrderQty": text(item.max_qty), "minOrderQty": text(item.min_qty), "qtyStep": text(item.step)}
    if item.is_option:
        return shown | {"optionsType": item.option, "displayName": item.symbol, "lotSizeFilter": sizes}
    return shown | {
        "contractType": item.contract,
        "priceScale": str(max(0, -int(item.tick.normalize().as_tuple().exponent))),
        "leverageFilter": {"minLeverage": "1", "maxLeverage": text(item.max_leverage), "leverageStep": "0.01"},
        "lotSizeFilter": {
            **sizes,
            "maxMktOrderQty": text(item.max_qty / 5),
            "postOnlyMaxOrderQty": text(item.max_qty),
            "minNotionalValue": text(item.min_value),
        },
        "unifiedMarginTrade": True,
        "fundingInterval": FUNDING_MS // 60_000 if item.is_perpetual else 0,
        "copyTrading": "both" if item.category == "linear" and item.is_perpetual else "none",
        "upperFundingRate": "0.005" if item.is_perpetual else "",
        "lowerFundingRate": "-0.005" if item.is_perpetual else "",
        "isPreListing": False,
        "preListingInfo": None,
        "riskParameters": {"priceLimitRatioX": "0.1", "priceLimitRatioY": "0.1"},
    }


def _spot_members(item: Instrument) -> Row:
    return {
        "innovation": "0",
        "marginTrading": "utaOnly",
        "stTag": "0",
        "lotSizeFilter": {
            "basePrecision": text(item.step),
            "quotePrecision": "0.00000001",
            "minOrderQty": text(item.min_qty),
            "maxOrderQty": text(item.max_qty),
            "minOrderAmt": text(item.min_value),
            "maxOrderAmt": "4000000",
            "maxLimitOrderQty": text(item.max_qty),
            "maxMarketOrderQty": text(item.max_qty / 5),
        },
        "riskParameters": {"priceLimitRatioX": "0.1", "priceLimitRatioY": "0.1"},
    }


@tool("getInstrumentsInfo")
def instruments_info(call: Call) -> Row:
    category = call.word("category")
    items = call.market.listed(category, call.now)
    if call.word("symbol"):
        items = [call.market.instrument(category, call.word("symbol"), call.now)]
    if call.word("baseCoin"):
        items = [item for item in items if item.base == call.word("baseCoin")]
    elif category == "option" and not call.word("symbol"):
        items = [item for item in items if item.base == "BTC"]
    if call.word("status", "Trading") != "Trading":
        items = []
    if call.word("symbolType") and call.word("symbolType") != category:
        items = []
    rows, cursor = page(call, items, 500)
    return {"category": category, "list": [show_instrument(item, call.now) for item in rows], "nextPageCursor": cursor}


@tool("getRiskLimit")
def risk_limit(call: Call) -> Row:
    category = call.word("category")
    items = call.market.listed(category, call.now)
    if call.word("symbol"):
        items = [call.market.instrument(category, call.word("symbol"), call.now)]
    chosen, cursor = page(call, items, 15)
    tiers = [tier for item in chosen for tier in _tiers(item)]
    return {"category": category, "list": tiers, "nextPageCursor": cursor}


def _tiers(item: Instrument) -> list[Row]:
    rows = []
    for place in range(1, 6):
        leverage = (item.max_leverage / place).quantize(Decimal("0.01"))
        rate = positions.maintenance_rate(item) * place
        rows.append(
            {
                "id": place,
                "symbol": item.symbol,
                "riskLimitValue": str(2_000_000 * place),
                "maintenanceMargin": text(rate),
                "initialMargin": text((ONE / leverage).quantize(Decimal("0.0001"))),
                "isLowestRisk": int(place == 1),
                "maxLeverage": text(leverage),
                "mmDeduction": text(Decimal(2_000_000) * positions.maintenance_rate(item) * (place * (place - 1) // 2)),
            }
        )
    return rows


@tool("getOrderPriceLimit")
def order_price_limit(call: Call) -> Row:
    item = call.market.instrument(call.word("category", "linear"), call.word("symbol"), call.now)
    highest, lowest = price_band(call.market, item, call.now)
    return {"symbol": item.symbol, "buyLmt": text(highest), "sellLmt": text(lowest), "ts": str(call.now)}


@tool("getFeeGroupInfo")
def fee_group_info(call: Call) -> Row:
    wanted = call.word("groupId")
    groups = []
    for number, coins in enumerate(
        (("BTC", "ETH"), ("SOL", "XRP"), ("DOGE", "ADA"), ("LINK", "AVAX"), ("LTC", "MNT")), 1
    ):
        if wanted in ("", str(number)):
            groups.append(_fee_group(number, coins))
    return {"list": groups}


def _fee_group(number: int, coins: tuple[str, ...]) -> Row:
    pro = [
        {"level": f"Pro {level}", "takerFeeRate": text(Decimal("0.0004") - Decimal("0.00002") * level),
         "makerFeeRate": text(Decimal("0.00012") - Decimal("0.00002") * level), "makerRebate": ""}
        for level in range(1, 7)
    ]  # fmt: skip
    makers = [
        {"level": f"MM {level}", "takerFeeRate": "", "makerFeeRate": "",
         "makerRebate": text(-Decimal("0.000025") * level)}
        for level in range(1, 4)
    ]  # fmt: skip
    return {
        "groupName": f"G{number}",
        "weightingFactor": number,
        "symbolsNumbers": len(coins),
        "symbols": [coin + "USDT" for coin in coins],
        "feeRates": {"pro": pro, "marketMaker": makers},
        "updateTime": "1767225600000",
    }


@tool("getDeliveryPrice")
def delivery_price(call: Call) -> Row:
    category = call.word("category")
    base = call.word("baseCoin", "BTC" if category == "option" else "")
    rows = _delivered(call, category, base, call.word("settleCoin"))
    if call.word("symbol"):
        rows = [row for row in rows if row["symbol"] == call.word("symbol")]
    chosen, cursor = page(call, rows, 50)
    return {"category": category, "list": chosen, "nextPageCursor": cursor}


def _delivered(call: Call, category: str, base: str, settle: str) -> list[Row]:
    """Contracts that expired in the last eight weeks and their settlement prices, newest first."""
    week, rows = 604_800_000, {}
    for back in range(1, 9):
        for item in call.market.listed(category, call.now - back * week):
            is_wanted = item.delivery and item.delivery <= call.now and base in ("", item.base)
            if is_wanted and settle in ("", item.settle):
                price = text(call.market.usd(item.base, item.delivery))
                rows[item.symbol] = {"symbol": item.symbol, "deliveryPrice": price, "deliveryTime": str(item.delivery)}
    return sorted(rows.values(), key=lambda row: (-int(row["deliveryTime"]), row["symbol"]))


@tool("getNewDeliveryPrice")
def new_delivery_price(call: Call) -> Row:
    base = call.word("baseCoin")
    if base not in COINS:
        raise param_error("baseCoin invalid")
    today = call.now // 86_400_000 * 86_400_000 + 28_800_000
    start = today if today <= call.now else today - 86_400_000
    rows = [
        {
            "deliveryPrice": text(call.market.usd(base, start - back * 86_400_000)),
            "deliveryTime": str(start - back * 86_400_000),
        }
        for back in range(50)
    ]
    return {"category": "option", "list": rows}


@tool("getServerTime")
def server_time(call: Call) -> Row:
    return {"timeSecond": str(call.now // 1000), "timeNano": str(call.now * 1_000_000)}
