"""Series over time: candles of last, mark, index and premium prices, open interest, ratios, volatility."""

from __future__ import annotations

from decimal import Decimal

from servers.simulator.errors import param_error
from servers.simulator.instruments import STRIKE_STEPS, Instrument
from servers.simulator.market import INTERVALS, Market
from servers.simulator.pages import page
from servers.simulator.paths import seed_of, unit
from servers.simulator.registry import Call, tool
from servers.simulator.tools.market import open_interest
from servers.simulator.values import Row, cut, text

_PERIODS = {"5min": 300_000, "15min": 900_000, "30min": 1_800_000, "1h": 3_600_000, "4h": 14_400_000, "1d": 86_400_000}
_WEEK_START = 4 * 86_400  # 1970-01-05 was a Monday


def candle_start(second: int, interval: str) -> int:
    """First second of the candle that `second` falls into; weeks begin on Monday, a month is thirty days."""
    span, shift = INTERVALS[interval], _WEEK_START if interval == "W" else 0
    return (second - shift) // span * span + shift


def _starts(call: Call, item: Instrument) -> list[int]:
    """Starts in seconds of the wanted candles, newest first."""
    interval = call.word("interval")
    span, now = INTERVALS[interval], call.now // 1000
    start, end = call.whole("start") // 1000, call.whole("end", call.now) // 1000
    if start > end:
        raise param_error("start is later than end")
    newest = candle_start(min(end, now), interval)
    oldest = max(start, item.launch // 1000)
    count = call.whole("limit", 200)
    starts = [newest - place * span for place in range(count)]
    if start and not call.word("end"):
        first = candle_start(start + span - 1, interval)
        starts = [first + place * span for place in reversed(range(count)) if first + place * span <= newest]
    return [begin for begin in starts if begin >= oldest]


def show_candle(market: Market, item: Instrument, start: int, interval: str, now: int) -> list[str]:
    """One candle in Bybit's order: start, open, high, low, close, volume, turnover. `start` and `now` in seconds."""
    end = min(start + INTERVALS[interval], now)
    prices = market.candle(item, start, start + INTERVALS[interval], now)
    volume = market.volume(item, start, end)
    turnover = cut(volume * sum(prices) / 4, Decimal("0.0001"))
    if item.is_inverse:
        volume, turnover = turnover, volume
    return [str(start * 1000), *map(text, prices), text(volume), text(turnover)]


def _instrument(call: Call) -> Instrument:
    return call.market.instrument(call.word("category", "linear"), call.word("symbol"), call.now)


@tool("getMarketKline")
def kline(call: Call) -> Row:
    item, interval = _instrument(call), call.word("interval")
    rows = [show_candle(call.market, item, start, interval, call.now // 1000) for start in _starts(call, item)]
    return {"category": item.category, "symbol": item.symbol, "list": rows}


def _scaled_kline(call: Call, item: Instrument, factor: Decimal) -> Row:
    rows = []
    for start in _starts(call, item):
        prices = call.market.candle(item, start, start + INTERVALS[call.word("interval")], call.now // 1000)
        rows.append([str(start * 1000), *(text((price * factor).quantize(item.tick)) for price in prices)])
    return {"category": item.category, "symbol": item.symbol, "list": rows}


@tool("getIndexPriceKline")
def index_kline(call: Call) -> Row:
    item = _instrument(call)
    return _scaled_kline(call, item, 1 / Decimal(item.factor))


@tool("getMarkPriceKline")
def mark_kline(call: Call) -> Row:
    item = _instrument(call)
    return _scaled_kline(call, item, (1 + (Decimal(item.factor) - 1) / 2) / Decimal(item.factor))


@tool("getPremiumIndexPriceKline")
def premium_kline(call: Call) -> Row:
    item, rows = _instrument(call), []
    span = INTERVALS[call.word("interval")]
    for start in _starts(call, item):
        end = min(start + span, call.now // 1000)
        values = [call.market.premium(item, second * 1000) for second in range(start, end + 1, max(60, span // 8))]
        points = (values[0], max(values), min(values), values[-1])
        rows.append([str(start * 1000), *(text(Decimal(value).quantize(Decimal("0.00000001"))) for value in points)])
    return {"category": item.category, "symbol": item.symbol, "list": rows}


def _steps(call: Call, period: str) -> list[int]:
    """Instants in milliseconds at whole steps of the period between the wanted times, newest first."""
    step = _PERIODS[period]
    end = min(call.whole("endTime", call.now), call.now) // step * step
    start = call.whole("startTime", call.now - step * 2000)
    if start > call.whole("endTime", call.now):
        raise param_error("startTime is later than endTime")
    return list(range(end, max(start, end - step * 2000) - 1, -step))


@tool("getOpenInterest")
def open_interest_history(call: Call) -> Row:
    item = _instrument(call)
    chosen, cursor = page(call, [{"at": at} for at in _steps(call, call.word("intervalTime"))], 50)
    rows = [
        {"openInterest": text(open_interest(call.market, item, row["at"])), "timestamp": str(row["at"])}
        for row in chosen
    ]
    return {"category": item.category, "symbol": item.symbol, "list": rows, "nextPageCursor": cursor}


@tool("getLongShortRatio")
def long_short_ratio(call: Call) -> Row:
    item = _instrument(call)
    chosen, cursor = page(call, [{"at": at} for at in _steps(call, call.word("period"))], 50)
    rows = []
    for row in chosen:
        noise = unit(seed_of(call.market.seed, "ratio", item.symbol) ^ (row["at"] // 300_000))
        longs = Decimal(round(0.42 + 0.2 * noise, 4))
        buys = longs.quantize(Decimal("0.0001"))
        rows.append(
            {"symbol": item.symbol, "buyRatio": text(buys), "sellRatio": text(1 - buys), "timestamp": str(row["at"])}
        )
    return {"list": rows, "nextPageCursor": cursor}


@tool("getHistoricalVolatility")
def historical_volatility(call: Call) -> Row:
    base, period = call.word("baseCoin", "BTC"), call.whole("period", 7)
    if base not in STRIKE_STEPS or period not in (7, 14, 21, 30, 60, 90, 180, 270):
        raise param_error("baseCoin or period invalid")
    hour, newest = 3_600_000, call.now // 3_600_000 * 3_600_000
    start, end = call.whole("startTime", newest), min(call.whole("endTime", newest), newest)
    if bool(call.word("startTime")) != bool(call.word("endTime")) or end - start > 30 * 24 * hour:
        raise param_error("startTime and endTime must be sent together, at most 30 days apart")
    rows = []
    for at in range(end // hour * hour, start - 1, -hour):
        noise = unit(seed_of(call.market.seed, "volatility", base, period) ^ (at // 86_400_000))
        rows.append({"period": period, "value": text(Decimal(round(0.45 + 0.2 * noise, 8))), "time": str(at)})
    return {"category": "option", "list": rows}
