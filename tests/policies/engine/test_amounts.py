from decimal import Decimal
from typing import Any

import pytest

from policies.engine.values import JSON, Outcome, Scope
from tests.policies.engine.builders import call, cond, rule, when

ALLOW, DENY = Outcome.ALLOW, Outcome.DENY
SUM, COUNT = {"sum": "args.l[*].q"}, {"count": "args.l[*]"}
PRODUCT = {"product": ["args.q", "args.p"]}
PAIRS = {"product": ["args.l[*].q", "args.l[*].p"]}
CASES = [
    {"when": [cond("args.unit", "eq", "quote")], "amount": "args.q"},
    {"amount": PRODUCT},
]
CLOSED = [{"when": [cond("args.unit", "eq", "quote")], "amount": "args.q"}]


def limits(amount: Any) -> list[dict[str, Any]]:
    return [{"counter": "spent", "window": "day", "max": 1000, "amount": amount}]


MEASURED: list[tuple[Any, dict[str, JSON], str]] = [
    ("args.q", {"q": "0.5"}, "0.5"),
    ("args.q", {"q": 5}, "5"),
    ("args.q", {"q": "0"}, "0"),
    ("args.q", {"q": "1e2"}, "100"),
    ("args.q", {"q": "0.0000000001"}, "0.000000001"),
    ("args.q", {"q": "1.0000000001"}, "1.000000001"),
    ("args.q", {"q": "999999999999999.999999999"}, "999999999999999.999999999"),
    ("args.q", {"q": "1e-999"}, "0.000000001"),
    (SUM, {"l": [{"q": "0.1"}, {"q": "0.2"}]}, "0.3"),
    (SUM, {"l": [{"q": 1}, {"q": Decimal("2.5")}]}, "3.5"),
    (SUM, {"l": []}, "0"),
    ({"sum": "args.q"}, {"q": "3"}, "3"),
    (COUNT, {"l": [1, None, "x"]}, "3"),
    (COUNT, {"l": []}, "0"),
    ({"count": "args.l[*].q"}, {"l": [{"q": 1}, {}]}, "2"),
    ({"count": "args.l[*].m[*]"}, {"l": [{"m": [1, 2]}, {"m": []}]}, "2"),
    ({"min": "args.l[*].q"}, {"l": [{"q": "3"}, {"q": 2}]}, "2"),
    ({"max": "args.l[*].q"}, {"l": [{"q": "3"}, {"q": 2}]}, "3"),
    (PRODUCT, {"q": "0.1", "p": "30000"}, "3000"),
    (PRODUCT, {"q": "0.123456789", "p": "0.123456789"}, "0.015241579"),
    (PAIRS, {"l": [{"q": "2", "p": 3}, {"q": "4", "p": "5"}]}, "26"),
    (PAIRS, {"l": []}, "0"),
    ({"abs": "args.q"}, {"q": "-2.5"}, "2.5"),
    ({"abs": SUM}, {"l": [{"q": "-5"}, {"q": "3"}]}, "2"),
    ({"abs": PRODUCT}, {"q": "-2", "p": "3"}, "6"),
    (CASES, {"unit": "quote", "q": "50", "p": "2"}, "50"),
    (CASES, {"unit": "base", "q": "50", "p": "2"}, "100"),
    (CASES, {"q": "50", "p": "2"}, "100"),
    ({"abs": CASES}, {"q": "-50", "p": "2"}, "100"),
    ([{"when": [cond("args.unit", "neq", "quote")], "amount": "args.q"}], {"q": "7"}, "7"),
]


@pytest.mark.parametrize(("amount", "arguments", "expected"), MEASURED)
def test_a_limit_charges_the_amount_rounded_up_to_nine_decimals(
    amount: Any, arguments: dict[str, JSON], expected: str
) -> None:
    decision = call(rule(limits=limits(amount)), **arguments)
    assert decision.outcome == ALLOW
    (reservation,) = decision.limits
    assert reservation.amount == Decimal(expected)
    assert not reservation.is_count
    assert (reservation.counter, reservation.window, reservation.max) == ("spent", 86_400, Decimal(1000))
    assert reservation.rule == "/tools/tool/limits/0"


FAULTY: list[tuple[Any, dict[str, JSON], str]] = [
    ("args.q", {}, "is missing"),
    ("args.q", {"q": "-1"}, "is negative"),
    ("args.q", {"q": None}, "is not a number"),
    ("args.q", {"q": True}, "is not a number"),
    ("args.q", {"q": "1_000"}, "is not a number"),
    ("args.q", {"q": ["1"]}, "is not a number"),
    ("args.q", {"q": "1e15"}, "more than 15 digits"),
    ("args.q", {"q": "999999999999999.9999999991"}, "more than 15 digits"),
    ("args.q", {"q": "1e999"}, "more than 15 digits"),
    (SUM, {}, "is missing"),
    (SUM, {"l": [{}]}, "is missing"),
    (SUM, {"l": [{"q": 1}, {}]}, "missing in some elements"),
    (SUM, {"l": [{"q": 1}, {"q": "x"}]}, "is not a number"),
    (SUM, {"l": [{"q": 1000}, {"q": "-999"}]}, "is negative"),
    (SUM, {"l": {"0": {"q": 1}}}, "is not a number"),
    (SUM, {"l": [1]}, "is not a number"),
    (COUNT, {}, "is missing"),
    (COUNT, {"l": None}, "is not a number"),
    (COUNT, {"l": "abc"}, "is not a number"),
    ({"min": "args.l[*].q"}, {"l": []}, "is missing"),
    ({"max": "args.l[*].q"}, {"l": []}, "is missing"),
    ({"max": "args.l[*].q"}, {"l": [{"q": 5}, {"q": -1}]}, "is negative"),
    (PRODUCT, {"q": "1"}, "is missing"),
    (PRODUCT, {"q": "1", "p": "x"}, "is not a number"),
    (PRODUCT, {"q": "-1", "p": "-1"}, "is negative"),
    (PAIRS, {"l": [{"q": 1, "p": 1}, {"q": 1}]}, "missing in some elements"),
    (PAIRS, {"l": [{"q": 1, "p": 5}, {"q": -1, "p": 4}]}, "is negative"),
    ({"abs": "args.q"}, {"q": "x"}, "is not a number"),
    (CLOSED, {"unit": "base", "q": 1}, "no case that holds"),
    (CLOSED, {"unit": 5, "q": 1}, "cannot be judged"),
    (CASES, {"unit": "quote"}, "is missing"),
]


@pytest.mark.parametrize(("amount", "arguments", "words"), FAULTY)
def test_an_amount_that_is_no_number_denies_at_its_limit(amount: Any, arguments: dict[str, JSON], words: str) -> None:
    decision = call(rule(limits=limits(amount)), **arguments)
    assert decision.outcome == DENY
    assert decision.rule == "/tools/tool/limits/0"
    assert words in decision.reason
    assert decision.limits == ()


def test_a_held_call_is_denied_at_once_when_its_amount_is_no_number() -> None:
    policy = rule(action="require_approval", limits=limits("args.q"))
    held = call(policy, q=5)
    assert held.outcome == Outcome.APPROVE
    assert [entry.amount for entry in held.limits] == [Decimal(5)]
    assert call(policy, q="x").outcome == DENY


def test_digits_are_never_lost() -> None:
    decision = call(rule(limits=limits(SUM)), l=[{"q": "123456789012345.123456789"}, {"q": "0.000000001"}])
    assert str(decision.limits[0].amount) == "123456789012345.123456790"


CONDITIONS: list[tuple[Any, str, Any, dict[str, JSON], Outcome]] = [
    (PRODUCT, "gt", 5000, {"q": "0.1", "p": "30000"}, ALLOW),
    (PRODUCT, "gt", 5000, {"q": "1", "p": "30000"}, DENY),
    (PRODUCT, "gt", 5000, {"q": "1"}, ALLOW),
    (PRODUCT, "gt", 5000, {"q": "x", "p": 1}, DENY),
    (PRODUCT, "gt", 5000, {"q": "-1", "p": "1"}, DENY),
    (PRODUCT, "gt", "5000", {"q": "1", "p": "5001"}, DENY),
    (PRODUCT, "eq", "10.0", {"q": 2, "p": 5}, DENY),
    (PRODUCT, "in", [10, "20"], {"q": 4, "p": 5}, DENY),
    (PRODUCT, "not_in", [10], {"q": 2, "p": 5}, ALLOW),
    (PRODUCT, "neq", 10, {}, DENY),
    (SUM, "gt", 10, {"l": []}, ALLOW),
    (SUM, "gt", 10, {"l": [{"q": 20}, {}]}, DENY),
    (SUM, "gt", 10, {"l": [{"q": 1000}, {"q": -995}]}, DENY),
    (SUM, "gt", 10, {"l": "x"}, DENY),
    (COUNT, "gt", 2, {"l": [1, 2, 3]}, DENY),
    (COUNT, "gt", 2, {"l": [1, 2]}, ALLOW),
    (CLOSED, "gt", 10, {"unit": "base"}, DENY),
    (PRODUCT, "gt", {"path": "args.cap"}, {"q": 2, "p": 5, "cap": "9"}, DENY),
    (PRODUCT, "gt", {"path": "args.cap"}, {"q": 2, "p": 5, "cap": "10"}, ALLOW),
    (PRODUCT, "gt", {"path": "args.cap"}, {"q": 2, "p": 5, "cap": "x"}, DENY),
]


@pytest.mark.parametrize(("amount", "op", "value", "arguments", "outcome"), CONDITIONS)
def test_a_condition_compares_an_amount(
    amount: Any, op: str, value: Any, arguments: dict[str, JSON], outcome: Outcome
) -> None:
    policy = rule(deny_if=when({"amount": amount, "op": op, "value": value}))
    assert call(policy, **arguments).outcome == outcome


def test_an_amount_in_require_must_be_there() -> None:
    policy = rule(require=when({"amount": PRODUCT, "op": "lte", "value": 5000}))
    assert call(policy, q=1, p=5000).outcome == ALLOW
    assert call(policy, q=1, p=5001).outcome == DENY
    assert call(policy, q=1).outcome == DENY


def test_each_measures_one_element_at_a_time() -> None:
    policy = rule(
        deny_if=when({"amount": {"product": ["item.q", "item.p"]}, "op": "gt", "value": 10}, each="args.l[*]")
    )
    assert call(policy, l=[{"q": 2, "p": 5}, {"q": 1, "p": 10}]).outcome == ALLOW
    denied = call(policy, l=[{"q": 2, "p": 5}, {"q": 2, "p": 6}])
    assert denied.outcome == DENY
    assert denied.matched[0].found == Decimal(12)


def test_numbers_of_hostile_size_cost_nothing_and_deny() -> None:
    policy = rule(limits=limits(PAIRS))
    huge: list[JSON] = [{"q": "1e999", "p": "1e999"}, {"q": "1e-999", "p": "1e-999"}] * 500
    assert call(policy, l=huge).outcome == DENY
    assert call(rule(limits=limits("args.q")), q="9" * 1_000_000).outcome == DENY
    assert call(rule(limits=limits("args.q")), q=Decimal("1e999999999")).outcome == DENY


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ({}, Scope.GRANT),
        ({"scope": "grant"}, Scope.GRANT),
        ({"scope": "session"}, Scope.GRANT),
        ({"scope": "server"}, Scope.SERVER),
        ({"scope": "organisation"}, Scope.ORGANISATION),
    ],
)
def test_a_limit_without_amount_counts_calls(scope: dict[str, str], expected: Scope) -> None:
    entry = {"counter": "n", "window": 90, "max": 3, "on_deny": "Enough.", **scope}
    (reservation,) = call(rule(limits=[entry])).limits
    assert (reservation.is_count, reservation.amount, reservation.scope) == (True, Decimal(1), expected)
    assert (reservation.window, reservation.on_deny) == (90, "Enough.")


@pytest.mark.parametrize(("window", "seconds"), [("minute", 60), ("hour", 3600), ("day", 86400), (7, 7)])
def test_a_rate_limit_is_a_limit_of_the_tool(window: Any, seconds: int) -> None:
    (reservation,) = call(rule(rate_limit={"max": 10, "window": window})).limits
    assert (reservation.counter, reservation.window, reservation.max) == ("tool_rate", seconds, Decimal(10))
    assert (reservation.rule, reservation.scope) == ("/tools/tool/rate_limit", Scope.GRANT)
    assert reservation.is_count
    assert reservation.on_deny


def test_one_counter_may_have_several_windows() -> None:
    entries = [{"counter": "n", "window": window, "max": 5} for window in ("minute", "day")]
    assert [entry.window for entry in call(rule(limits=entries)).limits] == [60, 86400]
