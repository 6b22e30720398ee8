"""Streams: short samples of one topic, and subscriptions whose messages are read later. Nothing here waits."""

from __future__ import annotations

from collections.abc import Callable

from servers.simulator.errors import SimulatorError, param_error
from servers.simulator.instruments import Instrument
from servers.simulator.market import INTERVALS
from servers.simulator.orders import price_band, public_order
from servers.simulator.registry import Call, tool
from servers.simulator.tools import advance_earn, market, rfq, spread
from servers.simulator.tools.klines import candle_start, show_candle
from servers.simulator.tools.position import position_messages
from servers.simulator.tools.wallet import greeks, show_wallet
from servers.simulator.values import Row, text

Source = Callable[[int], list[Row]]
_MOST = 200


def _message(topic: str, data: object, at: int, kind: str = "snapshot") -> Row:
    return {"topic": topic, "type": kind, "ts": at, "data": data}


def _sample(call: Call, topic: str, source: Source, every: int = 1000) -> Row:
    """The newest messages of a public topic, as many as were asked for and fit into the time to wait."""
    count = min(call.whole("messageCount", 1), max(call.whole("timeoutMs", 5000) // every, 1), _MOST)
    newest = call.now // every * every
    found = [row for place in reversed(range(count)) for row in source(newest - place * every)]
    return {"topic": topic, "messages": found[:count], "count": len(found[:count]), "timedOut": len(found) < count}


def _recent(call: Call, topic: str, rows: list[tuple[int, Row]]) -> Row:
    """Messages of a private topic: what happened within the time to wait, up to now."""
    since = call.now - call.whole("timeoutMs", 5000)
    found = [_message(topic, [row], at) for at, row in rows if at >= since][: call.whole("messageCount", 1)]
    return {
        "topic": topic,
        "messages": found,
        "count": len(found),
        "timedOut": len(found) < call.whole("messageCount", 1),
    }


def _item(call: Call, symbol: str) -> Instrument:
    return call.market.instrument(call.word("category", "linear"), symbol, call.now)


def _ticker_source(call: Call, item: Instrument, topic: str) -> Source:
    return lambda at: [_message(topic, market.show_ticker(call.market, item, at), at)]


def _book_source(call: Call, item: Instrument, topic: str, depth: int) -> Source:
    return lambda at: [_message(topic, market.show_book(call.market, item, at, min(depth, 200)), at)]


def _trade_source(call: Call, item: Instrument, topic: str) -> Source:
    def make(at: int) -> list[Row]:
        trade = market.public_trade(call.market, item, at // 1000 - 1)
        data = {"T": int(trade["time"]), "s": item.symbol, "S": trade["side"], "v": trade["size"], "p": trade["price"],
                "i": trade["execId"], "BT": False}  # fmt: skip
        return [_message(topic, [data], at)]

    return make


def _kline_source(call: Call, item: Instrument, topic: str, interval: str) -> Source:
    def make(at: int) -> list[Row]:
        second = max(at // 1000, 1)
        start = candle_start(second - 1, interval)
        end = start + INTERVALS[interval]
        row = show_candle(call.market, item, start, interval, second)
        names = ("open", "high", "low", "close", "volume", "turnover")
        data = {"start": start * 1000, "end": end * 1000 - 1, "interval": interval, "confirm": second >= end,
                "timestamp": at, **dict(zip(names, row[1:], strict=True))}  # fmt: skip
        return [_message(topic, [data], at)]

    return make


def _read_topic(call: Call, topic: str) -> Source:
    """The source behind a public topic; raises 10001 for one that does not exist."""
    name, *parts = topic.split(".")
    item = _item(call, parts[-1]) if parts else None
    if item is None or len(parts) > 2:
        raise param_error("topic invalid")
    if name == "tickers" and len(parts) == 1:
        return _ticker_source(call, item, topic)
    if name == "publicTrade" and len(parts) == 1:
        return _trade_source(call, item, topic)
    if name == "orderbook" and parts[0] in ("1", "50", "200", "1000"):
        return _book_source(call, item, topic, int(parts[0]))
    if name == "kline" and parts[0] in INTERVALS and not item.is_option:
        return _kline_source(call, item, topic, parts[0])
    raise param_error("topic invalid")


_TOPICS = {
    "subscribeTickers": "tickers.{symbol}",
    "subscribePublicTrade": "publicTrade.{symbol}",
    "subscribeOrderbook": "orderbook.{depth}.{symbol}",
    "subscribeKline": "kline.{interval}.{symbol}",
}


@tool(*_TOPICS)
def sample_topic(call: Call) -> Row:
    names = {name: call.word(name) for name in ("symbol", "depth", "interval")}
    topic = _TOPICS[call.tool].format(**names)
    return _sample(call, topic, _read_topic(call, topic))


@tool("subscribeRpiOrderbook")
def sample_rpi_book(call: Call) -> Row:
    item, topic = _item(call, call.word("symbol")), f"orderbook.rpi.{call.word('symbol')}"
    return _sample(call, topic, lambda at: [_message(topic, market.show_rpi_book(call.market, item, at, 50), at)])


@tool("subscribePriceLimit")
def sample_price_limit(call: Call) -> Row:
    item, topic = _item(call, call.word("symbol")), f"priceLimit.{call.word('symbol')}"

    def make(at: int) -> list[Row]:
        high, low = price_band(call.market, item, at)
        return [_message(topic, {"symbol": item.symbol, "buyLmt": text(high), "sellLmt": text(low)}, at)]

    return _sample(call, topic, make)


@tool("subscribeLiquidation")
def sample_liquidation(call: Call) -> Row:
    _item(call, call.word("symbol"))
    # The topic is superseded: the exchange accepts the subscription and sends nothing.
    return _recent(call, f"liquidation.{call.word('symbol')}", [])


@tool("subscribeAdlAlert")
def sample_adl(call: Call) -> Row:
    coin = call.word("coin")
    items = [item for item in call.market.listed("linear", call.now) if item.settle == coin]
    if not items:
        raise param_error("coin invalid")
    rows = [market.adl_row(call.market, item, call.now) for item in items]
    return _sample(call, f"adlAlert.{coin}", lambda at: [_message(f"adlAlert.{coin}", rows, at)])


@tool("subscribeInsurance")
def sample_insurance(call: Call) -> Row:
    coin = call.word("coin")
    if coin not in ("USDT", "USDC", "BTC", "ETH", "inverse"):
        raise param_error("coin invalid")
    wanted = ("BTC", "ETH") if coin == "inverse" else (coin,)
    minute = call.now // 60_000 * 60_000
    rows = [(minute, market.insurance(call.market, one, call.now)) for one in wanted]
    return _recent(call, f"insurance.{coin}", rows)


@tool("subscribeEarnDualAssets")
def sample_dual_assets(call: Call) -> Row:
    topic = "earn.dualassets.offers"

    def make(at: int) -> list[Row]:
        return [
            _message(topic, [advance_earn.offers(call, 1000, "BTC", 1), advance_earn.offers(call, 1002, "ETH", 1)], at)
        ]

    return _sample(call, topic, make)


_SPREAD_TOPICS = {"subscribeSpreadOrderbook": "orderbook", "subscribeSpreadTickers": "tickers",
                  "subscribeSpreadPublicTrade": "publicTrade"}  # fmt: skip


@tool(*_SPREAD_TOPICS)
def sample_spread(call: Call) -> Row:
    topic = f"spread.{_SPREAD_TOPICS[call.tool]}"
    first = next(iter(spread.spreads(call.market, call.now).values()))

    def make(at: int) -> list[Row]:
        if call.tool == "subscribeSpreadOrderbook":
            return [_message(topic, spread.show_spread_book(call.market, first, at, 25), at)]
        if call.tool == "subscribeSpreadTickers":
            return [_message(topic, spread.show_spread_ticker(call.market, first, at), at)]
        return [_message(topic, [spread.spread_trade(call.market, first, at // 5000)], at)]

    return _sample(call, topic, make, 5000 if call.tool == "subscribeSpreadPublicTrade" else 1000)


def _scoped(call: Call, rows: list[Row]) -> list[Row]:
    return [row for row in rows if call.word("category") in ("", row["category"])]


def _topic(call: Call, name: str) -> str:
    return f"{name}.{call.word('category')}" if call.word("category") else name


@tool("subscribeOrder")
def sample_orders(call: Call) -> Row:
    rows = _scoped(call, [*call.account.state["closed"], *call.account.state["orders"]])
    changes = sorted(((int(row["updatedTime"]), public_order(row)) for row in rows), key=lambda pair: pair[0])
    return _recent(call, _topic(call, "order"), changes)


@tool("subscribeExecution")
def sample_executions(call: Call) -> Row:
    rows = _scoped(call, call.account.state["executions"])
    return _recent(call, _topic(call, "execution"), [(int(row["execTime"]), row) for row in rows])


_FAST = (
    "category",
    "symbol",
    "execId",
    "execPrice",
    "execQty",
    "orderId",
    "isMaker",
    "orderLinkId",
    "side",
    "execTime",
    "seq",
)


@tool("subscribeExecutionFast")
def sample_fast_executions(call: Call) -> Row:
    rows = [{name: row[name] for name in _FAST} for row in call.account.state["executions"]]
    return _recent(call, "execution.fast", [(int(row["execTime"]), row) for row in rows])


@tool("subscribePosition")
def sample_positions(call: Call) -> Row:
    rows = position_messages(call, call.word("category"), call.market)
    return _recent(call, _topic(call, "position"), [(int(row["updatedTime"]), row) for row in rows])


@tool("subscribeWallet")
def sample_wallet(call: Call) -> Row:
    ledger = call.account.state["ledger"]
    changed = int(ledger[-1]["transactionTime"]) if ledger else 0
    return _recent(call, "wallet", [(changed, show_wallet(call, []))])


@tool("subscribeGreeks")
def sample_greeks(call: Call) -> Row:
    changed = max(
        (int(row["execTime"]) for row in call.account.state["executions"] if row["category"] == "option"), default=0
    )
    return _recent(call, "greeks", [(changed, row) for row in greeks(call, "")])


@tool("subscribeRfqRfqs")
def sample_rfqs(call: Call) -> Row:
    rows = [*call.account.table("rfqs"), *rfq.invited(call)]
    return _recent(call, "rfq.rfqs", [(int(row["updatedAt"]), row) for row in rows])


@tool("subscribeRfqQuotes")
def sample_quotes(call: Call) -> Row:
    return _recent(call, "rfq.quotes", [(int(row["updatedAt"]), row) for row in call.account.table("quotes")])


@tool("subscribeRfqTrades")
def sample_rfq_trades(call: Call) -> Row:
    return _recent(call, "rfq.trades", [(int(row["updatedAt"]), row) for row in call.account.table("rfqTrades")])


@tool("subscribeRfqPublicTrades")
def sample_public_rfq(call: Call) -> Row:
    row = rfq.market_trade(call, call.now // 7_200_000)
    return _recent(call, "rfq.public.trades", [(int(row["createdAt"]), row)])


@tool("subscribeSpreadOrder", "subscribeSpreadExecution", "subscribeDcp", "subscribeSystemStatus")
def sample_quiet(call: Call) -> Row:
    """Topics on which the exchange has nothing to say, or that the spread address never serves in private."""
    topics = {"subscribeSpreadOrder": "spread.order", "subscribeSpreadExecution": "spread.execution",
              "subscribeDcp": "dcp", "subscribeSystemStatus": "status"}  # fmt: skip
    return _recent(call, topics[call.tool], [])


@tool("startSubscription")
def start(call: Call) -> Row:
    topic = call.word("topic")
    _read_topic(call, topic)
    if len(call.account.table("subscriptions")) >= 20:
        raise SimulatorError(10001, "params error: at most 20 subscriptions can be open")
    row = call.account.add_row("subscriptions", {
        "subscriptionId": call.account.next_id(), "topic": topic, "category": call.word("category"),
        "bufferSize": call.whole("bufferSize"), "read": call.now // 1000, "startedAt": str(call.now),
    })  # fmt: skip
    return {"subscriptionId": row["subscriptionId"], "topic": topic, "category": row["category"], "state": "connected"}


def _pending(call: Call, row: Row) -> tuple[int, int]:
    """First buffered second and how many messages overflowed the buffer before it."""
    first, newest = row["read"] + 1, call.now // 1000
    kept = max(first, newest - row["bufferSize"] + 1)
    return kept, kept - first


@tool("readMessages")
def read(call: Call) -> Row:
    known = call.account.table("subscriptions")
    row = next((one for one in known if one["subscriptionId"] == call.word("subscriptionId")), None)
    if row is None:
        raise param_error("subscriptionId is not known")
    call.args["category"] = row["category"]
    source = _read_topic(call, row["topic"])
    first, dropped = _pending(call, row)
    newest = call.now // 1000
    last = min(newest, first + call.whole("maxMessages", 50) - 1)
    messages = [message for second in range(first, last + 1) for message in source(second * 1000)]
    row["read"] = max(last, row["read"])
    return {"subscriptionId": row["subscriptionId"], "topic": row["topic"], "messages": messages,
    "count": len(messages),
            "remaining": max(newest - last, 0), "dropped": dropped}  # fmt: skip


@tool("listSubscriptions")
def list_open(call: Call) -> Row:
    rows = []
    for row in call.account.table("subscriptions"):
        first, _ = _pending(call, row)
        rows.append({"subscriptionId": row["subscriptionId"], "topic": row["topic"], "category": row["category"],
                     "state": "connected", "bufferedMessages": max(call.now // 1000 - first + 1, 0),
                     "startedAt": row["startedAt"]})  # fmt: skip
    return {"subscriptions": rows, "count": len(rows)}


@tool("stopSubscription")
def stop(call: Call) -> Row:
    rows = [row for row in call.account.table("subscriptions") if row["subscriptionId"] != call.word("subscriptionId")]
    call.account.state["tables"]["subscriptions"] = rows
    return {"subscriptionId": call.word("subscriptionId"), "state": "closed"}
