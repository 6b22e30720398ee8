from decimal import Decimal
from typing import Any

import pytest

from policies.engine.values import JSON, Outcome
from tests.policies.engine.builders import call, cond, rule, when

ALLOW, DENY, APPROVE = Outcome.ALLOW, Outcome.DENY, Outcome.APPROVE
T, F, E = "true", "false", "error"

# op, value in the policy, value in the call, truth
PRESENT: list[tuple[str, Any, JSON, str]] = [
    # A number in the policy compares as number.
    ("eq", 5, 5, T),
    ("eq", 5, Decimal("5.0"), T),
    ("eq", 5, "5", T),
    ("eq", 5, "5.00", T),
    ("eq", 5, "+5", T),
    ("eq", 5, "05", T),
    ("eq", 500, "5e2", T),
    ("eq", 0, "-0", T),
    ("eq", 5, 6, F),
    ("eq", 5, "5.0000000000000000000000001", F),
    ("eq", 9007199254740993, 9007199254740992, F),
    ("eq", 9007199254740993, "9007199254740993", T),
    ("eq", 0.1, "0.1", T),
    ("eq", 1, True, E),
    ("eq", 0, False, E),
    ("eq", 0, None, E),
    ("eq", 5, "abc", E),
    ("eq", 100, " 100 ", E),
    ("eq", 1000, "1_000", E),
    ("eq", 5, "\uff15", E),
    ("eq", 5, "\u0665", E),
    ("eq", 5, "5\n", E),
    ("eq", 5, ".5", E),
    ("eq", 5, "5.", E),
    ("eq", 5, "0x5", E),
    ("eq", 5, "NaN", E),
    ("eq", 5, "Infinity", E),
    ("eq", 5, "1e1000", E),
    ("eq", 5, "", E),
    ("eq", 5, [5], E),
    ("eq", 5, {"a": 5}, E),
    # A string in the policy compares as exact text.
    ("eq", "BTCUSDT", "BTCUSDT", T),
    ("eq", "BTCUSDT", "btcusdt", F),
    ("eq", "BTCUSDT", "BTCUSDT ", F),
    ("eq", "BTCUSDT", "\u0412TCUSDT", F),
    ("eq", "5", "5", T),
    ("eq", "5", "5.0", F),
    ("eq", "5", 5, E),
    ("eq", "a", None, E),
    ("eq", "a", ["a"], E),
    # Else same JSON type and value.
    ("eq", True, True, T),
    ("eq", True, False, F),
    ("eq", True, 1, F),
    ("eq", True, "true", F),
    ("eq", None, None, T),
    ("eq", None, 0, F),
    ("eq", None, "", F),
    ("eq", [1, "a"], [1, "a"], T),
    ("eq", [1, "a"], [Decimal("1.0"), "a"], T),
    ("eq", [1, "a"], ["1", "a"], F),
    ("eq", [1], [True], F),
    ("eq", {"a": 1}, {"a": 1}, T),
    ("eq", {"a": 1}, {"a": 1, "b": 2}, F),
    ("neq", 5, 6, T),
    ("neq", 5, "5.0", F),
    ("neq", 5, "abc", E),
    ("neq", "a", "b", T),
    ("neq", "a", "a", F),
    ("neq", "a", 1, E),
    ("neq", True, False, T),
    ("neq", True, "true", T),
    ("in", ["a", "b"], "b", T),
    ("in", ["a", "b"], "c", F),
    ("in", ["a", "b"], 1, E),
    ("in", ["a", "b"], ["a"], E),
    ("in", [1, 2], "2.0", T),
    ("in", [1, 2], 3, F),
    ("in", [1, 2], "x", E),
    ("in", [1, 2], True, E),
    ("in", [1, "a"], "a", T),
    ("in", [1, "a"], "1", T),
    ("in", [1, "a"], "b", F),
    ("in", [1, "a"], 2, F),
    ("in", [1, "a"], None, E),
    ("in", [True, None], None, T),
    ("in", [True, None], "a", F),
    ("in", [], "a", F),
    ("not_in", ["a"], "b", T),
    ("not_in", ["a"], "a", F),
    ("not_in", ["a"], 1, E),
    ("not_in", [], "a", T),
    ("lt", 10, 9, T),
    ("lt", 10, "9.999999999999999999999", T),
    ("lt", 10, 10, F),
    ("lt", "10", 9, T),
    ("lte", 10, "10.0", T),
    ("lte", 10, "10.000000000000000000000000001", F),
    ("gt", 10, "1e2", T),
    ("gt", 10, 10, F),
    ("gt", 10, "1e999", T),
    ("gt", 10, "-1e999", F),
    ("gte", 10, 10, T),
    ("gte", 10, "9", F),
    ("gt", 10, "abc", E),
    ("gt", 10, True, E),
    ("gt", 10, None, E),
    ("gt", 10, [11], E),
    ("gt", 10, {"v": 11}, E),
    ("lt", 10, "", E),
    ("lt", 10, " 5 ", E),
    ("lt", 10, "1" * 301, E),
    ("lt", 10, 10**400, E),
    ("lt", 10, Decimal("NaN"), E),
    ("lt", 10, Decimal("Infinity"), E),
    ("lt", 10, Decimal("1e999999"), E),
    ("exists", True, None, T),
    ("exists", True, 0, T),
    ("exists", True, "", T),
    ("exists", False, None, F),
    ("exists", False, "x", F),
    ("contains", "b", "abc", T),
    ("contains", "d", "abc", F),
    ("contains", "", "abc", T),
    ("contains", 5, "5", E),
    ("contains", "a", ["a", "b"], T),
    ("contains", "c", ["a", "b"], F),
    ("contains", "c", [], F),
    ("contains", "a", ["b", 1], E),
    ("contains", "a", [1, "a"], T),
    ("contains", 5, ["5.0"], T),
    ("contains", 5, [True], E),
    ("contains", True, [True], T),
    ("contains", True, [1], F),
    ("contains", "a", 5, E),
    ("contains", "a", None, E),
    ("contains", "a", {"a": 1}, E),
    ("matches", "(BTC|ETH)USDT", "BTCUSDT", T),
    ("matches", "(BTC|ETH)USDT", "BTCUSDT\n", F),
    ("matches", "(BTC|ETH)USDT", "xBTCUSDT", F),
    ("matches", "BTC|ETHUSDT", "BTCX", F),
    ("matches", "[0-9]+$", "12\n", F),
    ("matches", ".*", "", T),
    ("matches", "5", 5, E),
    ("matches", "a", None, E),
    ("matches", "a", ["a"], E),
    ("matches", "a", "\ud800", E),
    ("regex", "BTC", "xBTCx", T),
    ("regex", "^BTC$", "BTC\n", F),
    ("regex", "(a+)+$", "a" * 5000 + "b", F),
    ("regex", "a", 5, E),
    ("regex", "a", "\udfff", E),
]


@pytest.mark.parametrize(("op", "expected", "found", "truth"), PRESENT)
def test_a_present_value_is_judged_alike_by_every_clause(op: str, expected: Any, found: JSON, truth: str) -> None:
    condition = cond("args.x", op, expected)
    require = call(rule(require=when(condition)), x=found)
    deny_if = call(rule(deny_if=when(condition)), x=found)
    approve_if = call(rule(approve_if=when(condition)), x=found)
    assert require.outcome == {T: ALLOW, F: DENY, E: DENY}[truth]
    assert deny_if.outcome == {T: DENY, F: ALLOW, E: DENY}[truth]
    assert approve_if.outcome == {T: APPROVE, F: ALLOW, E: DENY}[truth]
    assert (truth == E) == ("(args.x" in deny_if.reason)


# op, value, whether it holds for an absent argument in require, and in deny_if and approve_if
ABSENT: list[tuple[str, Any, bool, bool]] = [
    ("eq", 5, False, False),
    ("eq", None, False, False),
    ("neq", 5, False, True),
    ("neq", True, False, True),
    ("in", ["a"], False, False),
    ("in", [None], False, False),
    ("not_in", ["a"], False, True),
    ("lt", 5, False, False),
    ("lte", 5, False, False),
    ("gt", 5, False, False),
    ("gte", 5, False, False),
    ("exists", True, False, False),
    ("exists", False, True, True),
    ("contains", "a", False, False),
    ("matches", ".*", False, False),
    ("regex", ".*", False, False),
    ("eq", {"path": "args.y"}, False, False),
    ("neq", {"path": "args.y"}, False, True),
    ("gt", {"path": "args.y"}, False, False),
    ("not_in", {"path": "args.y"}, False, True),
]


@pytest.mark.parametrize("arguments", [{}, {"y": 5}])
@pytest.mark.parametrize(("op", "value", "in_require", "elsewhere"), ABSENT)
def test_an_absent_argument_fails_what_needs_it_and_meets_what_forbids_it(
    op: str, value: Any, in_require: bool, elsewhere: bool, arguments: dict[str, JSON]
) -> None:
    condition = cond("args.x", op, value)
    assert (call(rule(require=when(condition)), **arguments).outcome == ALLOW) == in_require
    assert (call(rule(deny_if=when(condition)), **arguments).outcome == DENY) == elsewhere
    assert (call(rule(approve_if=when(condition)), **arguments).outcome == APPROVE) == elsewhere


# op, x, y, truth of `x op y`
PAIRS: list[tuple[str, JSON, JSON, str]] = [
    ("lt", "29000", "30000", T),
    ("lt", "30000", 30000, F),
    ("gte", Decimal("1.5"), "1.50", T),
    ("gt", "9", "10", F),
    ("eq", "1.0", 1, T),
    ("eq", "abc", "abc", T),
    ("eq", "abc", "abd", F),
    ("eq", "abc", 5, E),
    ("eq", True, 1, E),
    ("eq", True, True, T),
    ("eq", None, None, T),
    ("eq", [1], [1], T),
    ("neq", "a", "b", T),
    ("neq", "a", None, E),
    ("in", "a", ["a", "b"], T),
    ("in", "c", ["a", "b"], F),
    ("in", "c", ["a", 1], E),
    ("in", "a", "abc", E),
    ("not_in", 5, ["5.0"], F),
    ("contains", ["a"], "a", T),
    ("contains", "abc", "b", T),
    ("contains", 5, 5, E),
    ("lte", "x", 5, E),
    ("lte", 5, "x", E),
    ("lt", True, 5, E),
]


@pytest.mark.parametrize(("op", "x", "y", "truth"), PAIRS)
def test_two_arguments_are_compared(op: str, x: JSON, y: JSON, truth: str) -> None:
    condition = cond("args.x", op, {"path": "args.y"})
    assert call(rule(require=when(condition)), x=x, y=y).outcome == (ALLOW if truth == T else DENY)
    assert call(rule(deny_if=when(condition)), x=x, y=y).outcome == (ALLOW if truth == F else DENY)


def test_a_comparison_with_an_absent_argument_counts_as_absent() -> None:
    stop = cond("args.stop", "lt", {"path": "args.price"})
    assert call(rule(require=when(stop)), stop="1", price="2").outcome == ALLOW
    assert call(rule(require=when(stop)), stop="1").outcome == DENY
    assert call(rule(deny_if=when(stop)), stop="1").outcome == ALLOW
    differs = cond("args.stop", "neq", {"path": "args.price"})
    assert call(rule(deny_if=when(differs)), stop="1").outcome == DENY


@pytest.mark.parametrize(("x", "y", "outcome"), [(1, 1, DENY), (1, 2, ALLOW), (2, "bad", ALLOW), ("bad", 2, ALLOW)])
def test_false_and_error_is_false(x: JSON, y: JSON, outcome: Outcome) -> None:
    policy = rule(deny_if=when(cond("args.x", "eq", 1), cond("args.y", "eq", 1)))
    assert call(policy, x=x, y=y).outcome == outcome


@pytest.mark.parametrize("clause", ["deny_if", "approve_if"])
@pytest.mark.parametrize(("x", "y"), [(1, "bad"), ("bad", 1), ("bad", "bad")])
def test_true_and_error_denies(clause: str, x: JSON, y: JSON) -> None:
    policy = rule(**{clause: when(cond("args.x", "eq", 1), cond("args.y", "eq", 1))})
    assert call(policy, x=x, y=y).outcome == DENY


def test_an_error_denies_though_a_person_would_be_asked_anyway() -> None:
    policy = rule(action="require_approval", approve_if=when(cond("args.x", "gt", 1)))
    assert call(policy, x=0).outcome == APPROVE
    assert call(policy, x="bad").outcome == DENY


def test_a_reason_names_the_type_and_never_the_value() -> None:
    decision = call(rule(deny_if=when(cond("args.x", "gt", 1), on_deny="Too much.")), x="secret words")
    assert decision.reason.startswith("Too much. ")
    assert "text" in decision.reason
    assert "secret" not in decision.reason
    assert decision.matched[0].found == "secret words"
