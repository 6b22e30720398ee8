"""Orders, positions and the wallet: what is placed rests, fills, shows, and adds up to the last digit."""

from __future__ import annotations

from decimal import Decimal

import pytest

from servers.simulator.account import FUND, KEPT, OPENING, UNIFIED
from servers.simulator.definitions import tool_definitions
from servers.simulator.errors import SimulatorError
from tests.servers.simulator.arguments import Desk, Row
from tests.servers.simulator.preparations import success_arguments

LINEAR = {"category": "linear", "symbol": "BTCUSDT"}
SPOT = {"category": "spot", "symbol": "BTCUSDT"}
HOUR = 3600


def cash(desk: Desk, coin: str) -> Decimal:
    row = desk.call("getWalletBalance", accountType="UNIFIED", coin=coin)["list"][0]["coin"][0]
    return Decimal(row["walletBalance"]) + Decimal(row["borrowAmount"])


def position(desk: Desk) -> Row:
    row: Row = desk.call("getPositionInfo", **LINEAR)["list"][0]
    return row


def refusal_of(desk: Desk, tool: str, **arguments: object) -> int:
    with pytest.raises(SimulatorError) as refusal:
        desk.answer(tool, **arguments)
    return refusal.value.code


def check_ledgers(desk: Desk) -> None:
    for wallet, lines, field, name in (
        (UNIFIED, desk.state["ledger"], "change", "currency"),
        (FUND, desk.state["funding_history"], "amount", "coin"),
    ):
        for coin, amount in desk.state["cash"][wallet].items():
            change = sum((Decimal(line[field]) for line in lines if line[name] == coin), Decimal(0))
            assert Decimal(amount) == Decimal(OPENING[wallet].get(coin, "0")) + change
            assert Decimal(amount) >= 0


def test_a_market_order_opens_a_position_that_the_wallet_explains_to_the_last_digit() -> None:
    desk = Desk()
    before = cash(desk, "USDT")
    opened = desk.call("createOrder", **LINEAR, side="Buy", orderType="Market", qty="0.1")
    order = desk.call("getOrderHistory", category="linear", orderId=opened["orderId"])["list"][0]
    assert order["orderStatus"] == "Filled"
    fee_in = Decimal(order["cumExecFee"])
    assert fee_in == Decimal(order["cumExecValue"]) * Decimal("0.00055")
    charged = desk.call("getTransactionLog", type="TRADE", category="linear")["list"][0]
    assert (Decimal(charged["fee"]), charged["feeRate"]) == (fee_in, "0.00055")
    held = position(desk)
    assert (held["side"], held["size"], held["positionValue"]) == ("Buy", "0.1", order["cumExecValue"])
    assert cash(desk, "USDT") == before - fee_in
    mark = Decimal(held["markPrice"])
    assert Decimal(held["unrealisedPnl"]) == mark * Decimal("0.1") - Decimal(order["cumExecValue"])

    desk.wait(HOUR / 4)
    closed = desk.call("createOrder", **LINEAR, side="Sell", orderType="Market", qty="0.1", reduceOnly=True)
    exit_order = desk.call("getOrderHistory", category="linear", orderId=closed["orderId"])["list"][0]
    fee_out = Decimal(exit_order["cumExecFee"])
    profit = Decimal(exit_order["cumExecValue"]) - Decimal(order["cumExecValue"])
    assert position(desk)["size"] == "0"
    assert cash(desk, "USDT") == before - fee_in + profit - fee_out
    rows = desk.call("getClosedPnl", category="linear")["list"]
    assert sum(Decimal(row["closedPnl"]) for row in rows) == profit - fee_in - fee_out
    check_ledgers(desk)


def test_funding_is_paid_every_eight_hours_and_reconciles() -> None:
    desk = Desk()
    desk.call("createOrder", **LINEAR, side="Buy", orderType="Market", qty="0.1")
    before = cash(desk, "USDT")
    desk.wait(25 * HOUR)
    rows = desk.call("getTransactionLog", type="SETTLEMENT", startTime=desk.now - 26 * HOUR * 1000, endTime=desk.now)[
        "list"
    ]
    assert len(rows) == 3
    assert cash(desk, "USDT") - before == sum(Decimal(row["change"]) for row in rows)
    rates = desk.call("getFundingRateHistory", **LINEAR, limit=3)["list"]
    assert [row["feeRate"] for row in rows] == [row["fundingRate"] for row in rates]
    check_ledgers(desk)


def test_a_spot_limit_order_locks_rests_and_fills_when_the_price_comes() -> None:
    desk = Desk()
    usdt, btc = cash(desk, "USDT"), cash(desk, "BTC")
    price = (desk.last("spot") * Decimal("0.995")).quantize(Decimal("0.01"))
    placed = desk.call("createOrder", **SPOT, side="Buy", orderType="Limit", qty="0.1", price=str(price))
    row = desk.call("getOpenOrders", **SPOT)["list"][0]
    assert (row["orderStatus"], row["leavesQty"]) == ("New", "0.1")
    wallet = desk.call("getWalletBalance", accountType="UNIFIED", coin="USDT")["list"][0]["coin"][0]
    assert Decimal(wallet["locked"]) == price * Decimal("0.1")
    for _ in range(400):
        if not desk.call("getOpenOrders", **SPOT)["list"]:
            break
        desk.wait(HOUR)
    filled = desk.call(
        "getOrderHistory", category="spot", orderId=placed["orderId"], startTime=desk.now - 7 * 24 * HOUR * 1000
    )
    order = filled["list"][0]
    assert (order["orderStatus"], order["avgPrice"]) == ("Filled", row["price"])
    assert cash(desk, "USDT") == usdt - price * Decimal("0.1")
    assert cash(desk, "BTC") == btc + Decimal("0.1") - Decimal("0.0001")
    at = int(order["updatedTime"])
    low = desk.call("getMarketKline", **SPOT, interval="1", start=at // 60_000 * 60_000, limit=1)["list"][0]
    assert Decimal(low[3]) < price
    check_ledgers(desk)


def test_how_often_the_account_is_looked_at_does_not_change_what_happened() -> None:
    def run(steps: int) -> Row:
        desk = Desk()
        price = int(desk.last() * Decimal("0.99"))
        order = desk.call(
            "createOrder", **LINEAR, side="Buy", orderType="Limit", qty="0.05", price=str(price), takeProfit="140000"
        )
        for _ in range(steps):
            desk.wait(72 * HOUR / steps)
            desk.call("getServerTime")
        found: Row = desk.call("getOrderHistory", category="linear", orderId=order["orderId"])["list"][0]
        return {**found, "cash": cash(desk, "USDT"), "position": position(desk)["size"]}

    assert run(1) == run(37)


def test_an_order_can_be_amended_and_cancelled_and_then_is_gone() -> None:
    desk = Desk()
    order = desk.call(
        "createOrder", **LINEAR, side="Buy", orderType="Limit", qty="0.01", price="100000", orderLinkId="mine"
    )
    desk.call("amendOrder", **LINEAR, orderLinkId="mine", price="101000", qty="0.02")
    row = desk.call("getOpenOrders", **LINEAR)["list"][0]
    assert (row["price"], row["qty"], row["leavesQty"]) == ("101000", "0.02", "0.02")
    assert (
        refusal_of(
            desk, "createOrder", **LINEAR, side="Buy", orderType="Limit", qty="0.01", price="100000", orderLinkId="mine"
        )
        == 110072
    )
    desk.call("cancelOrder", **LINEAR, orderId=order["orderId"])
    assert desk.call("getOpenOrders", **LINEAR)["list"] == []
    assert desk.call("getOrderHistory", category="linear")["list"][0]["orderStatus"] == "Cancelled"
    assert refusal_of(desk, "cancelOrder", **LINEAR, orderId=order["orderId"]) == 110001
    assert refusal_of(desk, "amendOrder", **LINEAR, orderId=order["orderId"], price="102000") == 110001


def test_in_a_batch_each_order_stands_or_falls_alone() -> None:
    desk = Desk()
    good = {"symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.01", "price": "100000"}
    answer = desk.answer("batchCreateOrders", category="linear", request=[good, {**good, "qty": "0.0001"}, good])
    assert [entry["code"] for entry in answer["retExtInfo"]["list"]] == [0, 10001, 0]
    ids = [row["orderId"] for row in answer["result"]["list"]]
    assert [bool(one) for one in ids] == [True, False, True]
    entries = [{"symbol": "BTCUSDT", "orderId": one} for one in (ids[0], "nothing", ids[2])]
    cancelled = desk.answer("batchCancelOrders", category="linear", request=entries)
    assert [entry["code"] for entry in cancelled["retExtInfo"]["list"]] == [0, 110001, 0]
    assert desk.call("getOpenOrders", **LINEAR)["list"] == []


@pytest.mark.parametrize(
    ("code", "order"),
    [
        (110007, {**LINEAR, "side": "Buy", "orderType": "Market", "qty": "500"}),
        (170131, {**SPOT, "side": "Buy", "orderType": "Market", "qty": "60000"}),
        (170131, {**SPOT, "side": "Sell", "orderType": "Market", "qty": "0.6"}),
        (110017, {**LINEAR, "side": "Sell", "orderType": "Market", "qty": "0.1", "reduceOnly": True}),
        (110003, {**LINEAR, "side": "Buy", "orderType": "Limit", "qty": "0.1", "price": "200000"}),
        (110094, {**LINEAR, "side": "Buy", "orderType": "Limit", "qty": "0.001", "price": "1000"}),
        (170121, {"category": "spot", "symbol": "NOPEUSDT", "side": "Buy", "orderType": "Market", "qty": "10"}),
        (10001, {"category": "linear", "symbol": "NOPEUSDT", "side": "Buy", "orderType": "Market", "qty": "10"}),
        (10001, {**LINEAR, "side": "Buy", "orderType": "Market", "qty": "NaN"}),
        (10001, {**LINEAR, "side": "Buy", "orderType": "Market", "qty": "-1"}),
        (10001, {**LINEAR, "side": "Buy", "orderType": "Limit", "qty": "0.1", "price": "100000.05"}),
        (10001, {**LINEAR, "side": "Buy", "orderType": "Limit", "qty": "0.1"}),
        (10001, {**LINEAR, "side": "Buy", "orderType": "Limit", "qty": "0.1", "price": "100000", "stopLoss": "101000"}),
        (10001, {**LINEAR, "side": "Buy", "orderType": "Market", "qty": "0.1", "positionIdx": 1}),
    ],
)  # fmt: skip
def test_an_order_that_bybit_would_refuse_is_refused_with_its_code(code: int, order: Row) -> None:
    desk = Desk()
    schema = tool_definitions()["createOrder"]["inputSchema"]["properties"]["positionIdx"]
    if "positionIdx" in order:
        order = {**order, "positionIdx": next(one for one in schema["enum"] if str(one) == "1")}
    assert refusal_of(desk, "createOrder", **order) == code


def test_leverage_changes_the_margin_and_the_same_value_twice_is_refused() -> None:
    desk = Desk()
    desk.call("createOrder", **LINEAR, side="Buy", orderType="Market", qty="0.1")
    before = Decimal(position(desk)["positionIM"])
    desk.call("setLeverage", **LINEAR, buyLeverage="20", sellLeverage="20")
    assert Decimal(position(desk)["positionIM"]) == before / 2
    assert refusal_of(desk, "setLeverage", **LINEAR, buyLeverage="20", sellLeverage="20") == 110043
    assert refusal_of(desk, "setLeverage", **LINEAR, buyLeverage="101", sellLeverage="101") == 110013


def test_a_stop_loss_closes_the_position_when_its_price_is_reached() -> None:
    desk = Desk()
    stop = str(int(desk.last() * Decimal("0.995")))
    desk.call("createOrder", **LINEAR, side="Buy", orderType="Market", qty="0.1", stopLoss=stop)
    child = desk.call("getOpenOrders", **LINEAR)["list"][0]
    assert (child["stopOrderType"], child["orderStatus"], child["side"]) == ("StopLoss", "Untriggered", "Sell")
    for _ in range(400):
        if position(desk)["size"] == "0":
            break
        desk.wait(HOUR)
    assert position(desk)["size"] == "0"
    assert desk.call("getOpenOrders", **LINEAR)["list"] == []
    exits = desk.call("getClosedPnl", category="linear")["list"]
    assert Decimal(exits[0]["avgExitPrice"]) <= Decimal(stop)
    check_ledgers(desk)


def test_an_inverse_position_settles_in_its_coin() -> None:
    desk, inverse = Desk(), {"category": "inverse", "symbol": "BTCUSD"}
    before = cash(desk, "BTC")
    desk.call("createOrder", **inverse, side="Sell", orderType="Market", qty="1000")
    desk.wait(HOUR / 4)
    desk.call("createOrder", **inverse, side="Buy", orderType="Market", qty="1000")
    fills = desk.state["executions"]
    sold, bought = (sum(Decimal(row["execValue"]) for row in fills if row["side"] == side) for side in ("Sell", "Buy"))
    fees = sum(Decimal(row["execFee"]) for row in fills)
    # A short of dollars contracts gains when the same dollars buy back fewer coins of value.
    assert cash(desk, "BTC") == before + (bought - sold) - fees
    check_ledgers(desk)


def test_an_option_is_delivered_at_its_strike() -> None:
    desk = Desk()
    symbol = desk.call("getInstrumentsInfo", category="option", baseCoin="BTC")["list"][0]["symbol"]
    desk.call(
        "createOrder", category="option", symbol=symbol, side="Buy", orderType="Market", qty="0.1", orderLinkId="o1"
    )
    desk.wait(9 * 24 * HOUR)
    assert desk.call("getPositionInfo", category="option")["list"] == []
    record = desk.call("getDeliveryRecord", category="option")["list"][0]
    worth = max(Decimal(record["deliveryPrice"]) - Decimal(record["strike"]), Decimal(0))
    line = next(row for row in desk.state["ledger"] if row["type"] == "DELIVERY")
    assert Decimal(line["change"]) == worth * Decimal("0.1")
    check_ledgers(desk)


def test_a_position_that_loses_its_margin_is_liquidated() -> None:
    desk = Desk()
    desk.call("setLeverage", **LINEAR, buyLeverage="100", sellLeverage="100")
    for _ in range(6):
        desk.call("createOrder", **LINEAR, side="Sell", orderType="Market", qty="10")
    for _ in range(600):
        if position(desk)["size"] == "0":
            break
        desk.wait(HOUR)
    assert any(row["execType"] == "BustTrade" for row in desk.state["executions"])


@pytest.mark.parametrize("tool", list(tool_definitions()))
def test_every_change_of_a_balance_stands_in_a_ledger(tool: str) -> None:
    desk = Desk()
    desk.answer(tool, **success_arguments(tool, desk))
    desk.wait(40 * 24 * HOUR)
    desk.call("getServerTime")
    if len(desk.state["ledger"]) < KEPT:
        check_ledgers(desk)
