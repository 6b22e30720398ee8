from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from policies.engine.compile import CompiledPolicy, compile_policy
from policies.engine.parse import parse_policy
from policies.engine.values import JSON, Outcome, Scope
from tests.policies.engine import trader_policies as written
from tests.policies.engine.builders import MONDAY, ORDER, call, call_at, compile_fields, load_bybit

ALLOW, DENY, HIDE, APPROVE = Outcome.ALLOW, Outcome.DENY, Outcome.HIDE, Outcome.APPROVE
BYBIT = load_bybit()
SUNDAY = datetime(2026, 11, 22, 10, tzinfo=UTC)


def order(**changes: JSON) -> dict[str, JSON]:
    return {key: value for key, value in {**ORDER, **changes}.items() if value is not None}


def batch(*orders: JSON) -> dict[str, JSON]:
    return {"category": "linear", "request": list(orders)}


def compile_text(text: str) -> CompiledPolicy:
    parsed = parse_policy(text, BYBIT)
    assert parsed.policy is not None, parsed.errors
    return compile_policy(parsed.policy, BYBIT)


def test_the_example_of_the_language_has_no_errors_and_one_warning() -> None:
    parsed = parse_policy(written.EXAMPLE, BYBIT)
    assert parsed.errors == ()
    # Market orders have no price, so they pass the product of deny_if; the limit denies them.
    (slip,) = parsed.warnings
    assert slip.pointer == "/tools/createOrder/deny_if/0/conditions/0"
    assert slip.suggestion == '{"path": "args.price", "op": "exists", "value": true}'


EXAMPLE_CALLS: list[tuple[str, dict[str, JSON], datetime, Outcome, str]] = [
    ("getTickers", {"category": "spot"}, MONDAY, ALLOW, "/risk/low"),
    ("getTickers", {"category": "spot"}, SUNDAY, ALLOW, "/risk/low"),
    ("queryWithdrawRecords", {}, MONDAY, ALLOW, "/risk/medium"),
    ("queryWithdrawRecords", {}, SUNDAY, DENY, "/all_tools/require/0"),
    ("accountBorrow", {}, MONDAY, DENY, "(default)"),
    ("cancelOrder", {}, SUNDAY, DENY, "(default)"),
    ("cancelAllOrders", {}, SUNDAY, APPROVE, "/risk/critical"),
    ("wsBatchCancelOrders", {}, MONDAY, HIDE, "(hidden)"),
    ("closeGridBot", {}, MONDAY, HIDE, "(hidden)"),
    ("startSubscription", {}, MONDAY, HIDE, "(unknown tool)"),
    ("createOrder", order(), MONDAY, APPROVE, "/risk/critical"),
    ("createOrder", order(), SUNDAY, DENY, "/all_tools/require/0"),
    ("createOrder", order(symbol="DOGEUSDT"), MONDAY, DENY, "/tools/createOrder/require/0"),
    ("createOrder", order(symbol="BTCUSDT "), MONDAY, DENY, "/tools/createOrder/require/0"),
    ("createOrder", order(symbol=None), MONDAY, DENY, "/tools/createOrder/require/0"),
    ("createOrder", order(qty="0.2"), MONDAY, DENY, "/tools/createOrder/deny_if/0"),
    ("createOrder", order(qty="1e9"), MONDAY, DENY, "/tools/createOrder/deny_if/0"),
    ("createOrder", order(qty=["0.1"]), MONDAY, DENY, "/tools/createOrder/deny_if/0"),
    ("createOrder", order(price=None, orderType="Market"), MONDAY, DENY, "/tools/createOrder/limits/0"),
    ("createOrder", order(price=None, marketUnit="quoteCoin"), MONDAY, APPROVE, "/risk/critical"),
    ("batchCreateOrders", batch(order()), MONDAY, APPROVE, "/risk/critical"),
    (
        "batchCreateOrders",
        batch(order(), order(orderType="Market", reduceOnly=True)),
        MONDAY,
        APPROVE,
        "/risk/critical",
    ),
    (
        "batchCreateOrders",
        batch(order(), order(orderType="Market")),
        MONDAY,
        DENY,
        "/tools/batchCreateOrders/deny_if/0",
    ),
    ("batchCreateOrders", {"category": "linear"}, MONDAY, DENY, "/tools/batchCreateOrders/limits/0"),
]


@pytest.mark.parametrize(("tool", "arguments", "at", "outcome", "pointer"), EXAMPLE_CALLS)
def test_the_example_of_the_language_decides_as_it_says(
    tool: str, arguments: dict[str, JSON], at: datetime, outcome: Outcome, pointer: str
) -> None:
    decision = call_at(compile_text(written.EXAMPLE), at, tool, **arguments)
    assert (decision.outcome, decision.rule) == (outcome, pointer)


def test_the_example_charges_its_counters() -> None:
    policy = compile_text(written.EXAMPLE)
    charged = {entry.counter: entry.amount for entry in call(policy, "createOrder", **order()).limits}
    assert charged == {"createOrder_rate": 1, "calls": 1, "notional": 3000}
    quote = call(policy, "createOrder", **order(marketUnit="quoteCoin", price=None, qty="150.5"))
    assert quote.limits[-1].amount == Decimal("150.5")
    charged = {
        entry.counter: entry.amount for entry in call(policy, "batchCreateOrders", **batch(order(), order())).limits
    }
    assert charged == {"calls": 1, "orders": 2}
    assert not policy.methods.resources
    assert policy.methods.prompts
    assert len(policy.visible) == len(BYBIT) - 6


HOSTED_CALLS: list[tuple[str, dict[str, JSON], Outcome]] = [
    ("getTickers", {"category": "spot"}, ALLOW),
    ("accountBorrow", {"coin": "USDT", "amount": "1000"}, ALLOW),
    ("accountBorrow", {"coin": "USDT", "amount": 1000}, ALLOW),
    ("accountBorrow", {"coin": "USDT", "amount": "1000.01"}, DENY),
    ("accountBorrow", {"coin": "DOGE", "amount": "1"}, DENY),
    ("accountBorrow", {"amount": "1"}, DENY),
    ("accountBorrow", {"coin": "USDT"}, DENY),
    ("accountBorrow", {"coin": "USDT", "amount": "-5"}, DENY),
    ("accountBorrow", {"coin": "USDT", "amount": None}, DENY),
    ("createOrder", {}, DENY),
    ("movePosition", {}, HIDE),
]


@pytest.mark.parametrize(("tool", "arguments", "outcome"), HOSTED_CALLS)
def test_a_document_of_the_hosted_policylayer_decides(tool: str, arguments: dict[str, JSON], outcome: Outcome) -> None:
    assert call(compile_text(written.HOSTED), tool, **arguments).outcome == outcome


def test_the_scope_of_a_session_is_enforced_as_the_grant() -> None:
    (limit,) = call(compile_text(written.HOSTED), "getTickers").limits
    assert limit.scope == Scope.GRANT


TRADES: list[tuple[str, dict[str, Any], str, dict[str, JSON], Outcome]] = [
    ("symbols", written.SYMBOLS_IN_BATCHES, "createOrder", order(), ALLOW),
    ("symbols", written.SYMBOLS_IN_BATCHES, "createOrder", order(symbol="btcusdt"), DENY),
    ("symbols", written.SYMBOLS_IN_BATCHES, "batchCreateOrders", batch(order(), order(symbol="ETHUSDT")), ALLOW),
    ("symbols", written.SYMBOLS_IN_BATCHES, "batchCreateOrders", batch(order(), order(symbol="DOGEUSDT")), DENY),
    ("symbols", written.SYMBOLS_IN_BATCHES, "batchCreateOrders", batch(order(), order(symbol=None)), DENY),
    ("symbols", written.SYMBOLS_IN_BATCHES, "batchCreateOrders", batch(order(), "BTCUSDT"), DENY),
    ("symbols", written.SYMBOLS_IN_BATCHES, "batchCreateOrders", batch(), DENY),
    ("symbols", written.SYMBOLS_IN_BATCHES, "batchAmendOrders", batch({"symbol": "ETHUSDT"}), ALLOW),
    ("symbols", written.SYMBOLS_IN_BATCHES, "batchAmendOrders", batch({"symbol": "ETHUSDT"}, {}), DENY),
    ("symbols", written.SYMBOLS_IN_BATCHES, "batchAmendOrders", {}, DENY),
    ("reduce", written.REDUCE_ONLY, "createOrder", order(reduceOnly=True), ALLOW),
    ("reduce", written.REDUCE_ONLY, "createOrder", order(), DENY),
    ("reduce", written.REDUCE_ONLY, "createOrder", order(reduceOnly="true"), DENY),
    ("reduce", written.REDUCE_ONLY, "createOrder", order(reduceOnly=1), DENY),
    ("reduce", written.REDUCE_ONLY, "batchCreateOrders", batch(order(reduceOnly=True)), ALLOW),
    ("reduce", written.REDUCE_ONLY, "batchCreateOrders", batch(order(reduceOnly=True), order()), DENY),
    ("leverage", written.LEVERAGE_CAP, "setLeverage", {"buyLeverage": "3", "sellLeverage": "2.5"}, ALLOW),
    ("leverage", written.LEVERAGE_CAP, "setLeverage", {"buyLeverage": "3", "sellLeverage": "10"}, DENY),
    ("leverage", written.LEVERAGE_CAP, "setLeverage", {"buyLeverage": "3"}, DENY),
    ("leverage", written.LEVERAGE_CAP, "setLeverage", {"buyLeverage": "3", "sellLeverage": "\uff13"}, DENY),
    ("leverage", written.LEVERAGE_CAP, "createOrder", order(), ALLOW),
    ("leverage", written.LEVERAGE_CAP, "createOrder", order(isLeverage="0"), ALLOW),
    ("leverage", written.LEVERAGE_CAP, "createOrder", order(isLeverage="1"), DENY),
    ("leverage", written.LEVERAGE_CAP, "createOrder", order(isLeverage=0), DENY),
    ("notional", written.NOTIONAL_CAP, "createOrder", order(), ALLOW),
    ("notional", written.NOTIONAL_CAP, "createOrder", order(qty="0.2"), DENY),
    (
        "notional",
        written.NOTIONAL_CAP,
        "createOrder",
        order(orderType="Market", marketUnit="quoteCoin", qty="5000"),
        ALLOW,
    ),
    (
        "notional",
        written.NOTIONAL_CAP,
        "createOrder",
        order(orderType="Market", marketUnit="quoteCoin", qty="5001"),
        DENY,
    ),
    ("notional", written.NOTIONAL_CAP, "createOrder", order(orderType="Market"), DENY),
    ("notional", written.NOTIONAL_CAP, "createOrder", order(price=None), DENY),
    ("stop", written.STOP_BELOW_ENTRY, "createOrder", order(stopLoss="29000"), ALLOW),
    ("stop", written.STOP_BELOW_ENTRY, "createOrder", order(stopLoss="30000.0"), DENY),
    ("stop", written.STOP_BELOW_ENTRY, "createOrder", order(stopLoss="9"), ALLOW),
    ("stop", written.STOP_BELOW_ENTRY, "createOrder", order(), DENY),
    ("stop", written.STOP_BELOW_ENTRY, "createOrder", order(stopLoss="29000", price=None), DENY),
    ("stop", written.STOP_BELOW_ENTRY, "createOrder", order(stopLoss="30001", side="Sell"), ALLOW),
    ("stop", written.STOP_BELOW_ENTRY, "createOrder", order(stopLoss="29999", side="Sell"), DENY),
    ("stop", written.STOP_BELOW_ENTRY, "createOrder", order(stopLoss="none"), DENY),
    ("options", written.NO_OPTIONS, "createOrder", order(), ALLOW),
    ("options", written.NO_OPTIONS, "createOrder", order(category="option"), DENY),
    ("options", written.NO_OPTIONS, "cancelOrder", order(category="option"), DENY),
    ("options", written.NO_OPTIONS, "createOrder", order(category=["option"]), DENY),
    ("options", written.NO_OPTIONS, "batchCreateOrders", batch(), DENY),
    ("daily", written.DAILY_NOTIONAL, "createOrder", order(), ALLOW),
    ("daily", written.DAILY_NOTIONAL, "createOrder", order(price=None), DENY),
    ("daily", written.DAILY_NOTIONAL, "createOrder", order(qty="-1"), DENY),
    ("daily", written.DAILY_NOTIONAL, "batchCreateOrders", batch(order(), order()), ALLOW),
    ("daily", written.DAILY_NOTIONAL, "batchCreateOrders", batch(order(), order(qty="-0.1")), DENY),
    ("daily", written.DAILY_NOTIONAL, "batchCreateOrders", batch(order(), order(price=None)), DENY),
    ("size", written.BATCH_SIZE, "batchCreateOrders", batch(*[order()] * 5), ALLOW),
    ("size", written.BATCH_SIZE, "batchCreateOrders", batch(*[order()] * 6), DENY),
    ("size", written.BATCH_SIZE, "batchCreateOrders", {"request": {"0": order()}}, DENY),
    ("approval", written.APPROVAL_ABOVE, "createOrder", order(qty="0.03"), ALLOW),
    ("approval", written.APPROVAL_ABOVE, "createOrder", order(), APPROVE),
    ("approval", written.APPROVAL_ABOVE, "createOrder", order(price=None), DENY),
    ("approval", written.APPROVAL_ABOVE, "createOrder", order(qty="0,03"), DENY),
    ("accounts", written.ACCOUNT_ALLOW_LIST, "movePosition", {"toUid": "1001", "list": [order()]}, APPROVE),
    ("accounts", written.ACCOUNT_ALLOW_LIST, "movePosition", {"toUid": "1001\n", "list": [order()]}, DENY),
    ("accounts", written.ACCOUNT_ALLOW_LIST, "movePosition", {"toUid": 1001, "list": [order()]}, DENY),
    ("accounts", written.ACCOUNT_ALLOW_LIST, "movePosition", {"toUid": "9", "list": [order()]}, DENY),
    ("accounts", written.ACCOUNT_ALLOW_LIST, "movePosition", {"toUid": "1001", "list": []}, DENY),
    ("accounts", written.ACCOUNT_ALLOW_LIST, "movePosition", {"toUid": "1001", "list": [order(symbol="XBTC")]}, DENY),
    ("accounts", written.ACCOUNT_ALLOW_LIST, "queryWithdrawAddresses", {}, HIDE),
]


@pytest.mark.parametrize(("name", "tools", "tool", "arguments", "outcome"), TRADES)
def test_a_traders_policy_lets_through_what_it_means_to(
    name: str, tools: dict[str, Any], tool: str, arguments: dict[str, JSON], outcome: Outcome
) -> None:
    assert call(compile_fields(BYBIT, tools=tools), tool, **arguments).outcome == outcome


GRID: dict[str, JSON] = {
    "symbol": "BTCUSDT",
    "min_price": "9000",
    "max_price": "10000",
    "total_investment": "500",
    "cell_number": 10,
    "stop_loss_price": "8000",
}


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({}, ALLOW),
        ({"min_price": "10000"}, DENY),
        ({"total_investment": "500.000000001"}, DENY),
        ({"cell_number": 51}, DENY),
        ({"followed_grid_id": 7}, DENY),
        ({"followed_grid_id": 0}, ALLOW),
        ({"stop_loss_price": None}, ALLOW),
        ({"max_price": "ten"}, DENY),
    ],
)
def test_a_grid_bot_stays_small(change: dict[str, JSON], outcome: Outcome) -> None:
    assert call(compile_fields(BYBIT, tools=written.GRID_BOT), "createGridBot", **{**GRID, **change}).outcome == outcome


def test_margin_moves_count_both_ways() -> None:
    policy = compile_fields(BYBIT, tools=written.GRID_BOT)
    for margin in ("-10", "10"):
        assert [entry.amount for entry in call(policy, "addReduceMargin", margin=margin).limits] == [Decimal(10)]


@pytest.mark.parametrize(
    ("at", "tool", "outcome"),
    [
        ("2026-11-23T13:00", "createOrder", ALLOW),
        ("2026-11-23T20:59", "createOrder", ALLOW),
        ("2026-11-23T21:00", "createOrder", DENY),
        ("2026-11-25T13:00", "createOrder", DENY),
        ("2026-11-25T13:00", "cancelOrder", ALLOW),
        ("2026-11-25T13:00", "batchCancelOrders", ALLOW),
        ("2026-11-25T13:00", "getTickers", ALLOW),
    ],
)
def test_cancels_are_exempt_from_trading_hours(at: str, tool: str, outcome: Outcome) -> None:
    policy = compile_fields(BYBIT, default="allow", all_tools={"require": written.NIGHT_SHIFT})
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert call_at(policy, moment, tool, **ORDER).outcome == outcome


def test_one_counter_serves_single_orders_and_batches() -> None:
    policy = compile_fields(BYBIT, tools=written.DAILY_NOTIONAL)
    (single,) = call(policy, "createOrder", **order()).limits
    (many,) = call(policy, "batchCreateOrders", **batch(order(), order(qty="0.2"))).limits
    assert (single.counter, single.amount) == ("notional", Decimal(3000))
    assert (many.counter, many.amount, many.max) == ("notional", Decimal(9000), Decimal(20000))
