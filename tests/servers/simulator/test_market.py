"""The simulated market hangs together: candles nest, books surround the price, streams repeat what was public."""

from __future__ import annotations

from decimal import Decimal
from functools import partial

import pytest

from servers.simulator.errors import SimulatorError
from servers.simulator.paths import Path
from tests.servers.simulator.arguments import MARKET, START, Desk, Row

SYMBOLS = [
    ("linear", "BTCUSDT"),
    ("spot", "ETHUSDT"),
    ("inverse", "SOLUSD"),
    ("linear", "BTCPERP"),
    ("spot", "DOGEUSDT"),
]


def candles(desk: Desk, category: str, symbol: str, **arguments: object) -> list[list[str]]:
    rows: list[list[str]] = desk.call("getMarketKline", category=category, symbol=symbol, **arguments)["list"]
    return rows


def is_hit(price: float, bound: float, falls: bool) -> bool:
    return price <= bound if falls else price >= bound


def test_extremes_and_first_crossing_are_those_of_the_seconds_themselves() -> None:
    path = Path(7, 100.0, 0.5)
    first = START // 1000 + 1234
    prices = [path.at(first + offset) for offset in range(10_000)]
    assert path.extremes(first, first + 9_999) == (min(prices), max(prices))
    for bound in (prices[0] * 0.998, prices[0] * 1.002, min(prices), max(prices)):
        falls = bound < prices[0]
        hits = [offset for offset, price in enumerate(prices) if is_hit(price, bound, falls)]
        found = path.first(first, first + 9_999, partial(is_hit, bound=bound, falls=falls))
        assert found == (first + hits[0] if hits else None)


@pytest.mark.parametrize(("category", "symbol"), SYMBOLS)
def test_an_hour_is_made_of_its_minutes(category: str, symbol: str) -> None:
    desk, start = Desk(), START // 3_600_000 * 3_600_000 - 3_600_000
    hour = candles(desk, category, symbol, interval="60", start=start, end=start, limit=1)[0]
    minutes = candles(desk, category, symbol, interval="1", start=start, end=start + 59 * 60_000, limit=60)
    assert len(minutes) == 60
    assert hour[1] == minutes[-1][1]
    assert hour[4] == minutes[0][4]
    assert Decimal(hour[2]) == max(Decimal(row[2]) for row in minutes)
    assert Decimal(hour[3]) == min(Decimal(row[3]) for row in minutes)
    volume = 6 if category == "inverse" else 5
    assert Decimal(hour[volume]) == sum(Decimal(row[volume]) for row in minutes)


@pytest.mark.parametrize(("category", "symbol"), SYMBOLS)
def test_ticker_book_trades_and_candle_agree_on_the_price(category: str, symbol: str) -> None:
    desk = Desk()
    ticker = desk.call("getTickers", category=category, symbol=symbol)["list"][0]
    book = desk.call("getOrderbook", category=category, symbol=symbol, limit=25)
    bids, asks = ([Decimal(level[0]) for level in book[side]] for side in ("b", "a"))
    assert (ticker["bid1Price"], ticker["ask1Price"]) == (book["b"][0][0], book["a"][0][0])
    assert bids == sorted(bids, reverse=True) and asks == sorted(asks) and bids[0] < asks[0]
    assert Decimal(ticker["lastPrice"]) == bids[0]
    assert candles(desk, category, symbol, interval="5", limit=1)[0][4] == ticker["lastPrice"]
    assert Decimal(ticker["lowPrice24h"]) <= bids[0] <= Decimal(ticker["highPrice24h"])
    desk.wait(1)
    trade = desk.call("getRecentPublicTrades", category=category, symbol=symbol, limit=1)["list"][0]
    assert trade["price"] in (book["b"][0][0], book["a"][0][0])


def test_prices_move() -> None:
    desk = Desk()
    seen = set()
    for _ in range(20):
        seen.add(desk.last())
        desk.wait(5)
    assert len(seen) > 10


@pytest.mark.parametrize("category", ["spot", "linear", "inverse", "option"])
def test_every_listed_instrument_has_a_ticker_and_a_book(category: str) -> None:
    desk = Desk()
    for item in MARKET.listed(category, START):
        assert Decimal(desk.call("getTickers", category=category, symbol=item.symbol)["list"][0]["lastPrice"]) > 0
        assert desk.call("getOrderbook", category=category, symbol=item.symbol)["a"]


def test_pages_follow_one_another_without_gap_or_repeat() -> None:
    desk, seen, cursor = Desk(), [], ""
    while True:
        arguments: Row = {"category": "linear", "limit": 4} | ({"cursor": cursor} if cursor else {})
        found = desk.call("getInstrumentsInfo", **arguments)
        seen += [row["symbol"] for row in found["list"]]
        cursor = found["nextPageCursor"]
        if not cursor:
            break
    assert seen == [item.symbol for item in MARKET.listed("linear", START)]


@pytest.mark.parametrize("topic", ["tickers.BTCUSDT", "orderbook.50.BTCUSDT", "publicTrade.BTCUSDT", "kline.1.BTCUSDT"])
def test_a_subscription_buffers_what_happens_and_hands_it_out_once(topic: str) -> None:
    desk = Desk()
    stream = desk.call("startSubscription", topic=topic)["subscriptionId"]
    assert desk.call("readMessages", subscriptionId=stream)["messages"] == []
    desk.wait(5)
    assert desk.call("listSubscriptions")["subscriptions"][0]["bufferedMessages"] == 5
    first = desk.call("readMessages", subscriptionId=stream, maxMessages=3)
    assert (first["count"], first["remaining"]) == (3, 2)
    rest = desk.call("readMessages", subscriptionId=stream)
    assert (rest["count"], rest["remaining"]) == (2, 0)
    stamps = [message["ts"] for message in first["messages"] + rest["messages"]]
    assert stamps == sorted(set(stamps))
    assert all(message["topic"] == topic for message in rest["messages"])
    desk.call("stopSubscription", subscriptionId=stream)
    with pytest.raises(SimulatorError):
        desk.call("readMessages", subscriptionId=stream)


def test_a_full_buffer_forgets_its_oldest_messages() -> None:
    desk = Desk()
    stream = desk.call("startSubscription", topic="tickers.BTCUSDT", bufferSize=10)["subscriptionId"]
    desk.wait(100)
    read = desk.call("readMessages", subscriptionId=stream)
    assert (read["count"], read["dropped"]) == (10, 90)


@pytest.mark.parametrize(
    "topic", ["", "order", "tickers", "tickers.NOPE", "orderbook.7.BTCUSDT", "kline.2.BTCUSDT", "a.b.c.d"]
)
def test_a_topic_that_does_not_exist_is_refused(topic: str) -> None:
    with pytest.raises(SimulatorError) as refusal:
        Desk().call("startSubscription", topic=topic)
    assert refusal.value.code == 10001


def test_a_private_stream_shows_the_order_just_placed() -> None:
    desk = Desk()
    assert desk.call("subscribeOrder")["messages"] == []
    placed = desk.call("createOrder", category="linear", symbol="BTCUSDT", side="Buy", orderType="Market", qty="0.01")
    message = desk.call("subscribeOrder")["messages"][0]
    assert message["data"][0]["orderId"] == placed["orderId"]
    assert desk.call("subscribeExecution")["count"] == 1
    assert desk.call("subscribeWallet")["count"] == 1
