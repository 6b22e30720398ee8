import json
import sys
from types import FrameType
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from policies.engine.budget import MAX_STEPS, Budget, BudgetError
from policies.engine.compile import CompiledPolicy, compile_policy
from policies.engine.evaluate import Call, Decision, decide
from policies.engine.explain import explain_decision
from policies.engine.parse import parse_policy
from policies.engine.values import JSON, Outcome
from tests.policies.engine.builders import MONDAY, cond, index, make_tool, parse, rule, when
from tests.policies.engine.strategies import arguments, conditions, documents, repeat

TOOLS = index(make_tool("tool"))
TOO_LARGE = "This call is too large to judge"
CLAUSES = ["require", "deny_if", "approve_if"]
SUMMED = {"sum": "args.a[*]"}


def judge(policy: CompiledPolicy, /, **found: JSON) -> tuple[Decision, int]:
    """The decision and the steps that it took."""
    budget = Budget()
    decision = decide(policy, Call("tool", found, MONDAY), budget=budget)
    return decision, MAX_STEPS - budget.left


def count_calls(policy: CompiledPolicy, found: dict[str, JSON]) -> int:
    """How many functions, Python's and C's, one decision calls: its work, counted from outside."""
    calls = 0

    def note(_frame: FrameType, event: str, _function: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        decide(policy, Call("tool", found, MONDAY))
    finally:
        sys.setprofile(None)
    return calls


def numbers(count: int, first: int = 10) -> list[JSON]:
    return [first + number for number in range(count)]


# An entry whose work is the product of two sizes, and arguments that are small and large for it.
PRODUCTS: dict[str, tuple[dict[str, Any], dict[str, JSON], dict[str, JSON]]] = {
    "each and its own list": (
        {"each": "args.a[*]", "conditions": [cond("args.a[*]", "eq", 3)]},
        {"a": numbers(30)},
        {"a": numbers(3000)},
    ),
    "a list in a list": (
        {"conditions": [cond("args.a[*]", "in", {"path": "args.b"})]},
        {"a": numbers(30), "b": numbers(30, 9000)},
        {"a": numbers(3000), "b": numbers(3000, 9000)},
    ),
    "each in a list": (
        {"each": "args.a[*]", "conditions": [cond("item", "in", {"path": "args.b"})]},
        {"a": numbers(30), "b": numbers(30, 9000)},
        {"a": numbers(3000), "b": numbers(3000, 9000)},
    ),
    "each and a list that contains": (
        {"each": "args.a[*]", "conditions": [cond("args.b", "contains", 3)]},
        {"a": numbers(30), "b": numbers(30)},
        {"a": numbers(3000), "b": numbers(3000)},
    ),
    "each and two equal lists": (
        {"each": "args.a[*]", "conditions": [cond("args.b", "neq", {"path": "args.c"})]},
        {"a": numbers(30), "b": numbers(30), "c": numbers(30)},
        {"a": numbers(3000), "b": numbers(3000), "c": numbers(3000)},
    ),
    "each and a list of the policy": (
        {"each": "args.a[*]", "conditions": [cond("item", "in", [[number] for number in range(300)])]},
        {"a": [[number] for number in numbers(30, 900)]},
        {"a": [[number] for number in numbers(3000, 900)]},
    ),
    "each and a sum": (
        {"each": "args.a[*]", "conditions": [{"amount": SUMMED, "op": "lt", "value": 0}]},
        {"a": numbers(30)},
        {"a": numbers(3000)},
    ),
    "each and a long text that contains": (
        {"each": "args.a[*]", "conditions": [cond("args.t", "contains", "needle")]},
        {"a": numbers(30), "t": "hay" * 100},
        {"a": numbers(3000), "t": "hay" * 30_000},
    ),
    "each and two long texts": (
        {"each": "args.a[*]", "conditions": [cond("args.t", "neq", {"path": "args.u"})]},
        {"a": numbers(30), "t": "x" * 100, "u": "x" * 100},
        {"a": numbers(3000), "t": "x" * 400_000, "u": "".join(["x"] * 400_000)},
    ),
    "each and a pattern": (
        {"each": "args.a[*]", "conditions": [cond("args.t", "regex", "(a|b)*c")]},
        {"a": numbers(30), "t": "ab" * 20},
        {"a": numbers(3000), "t": "ab" * 4_000},
    ),
    "a wide pattern and a long text": (
        {"conditions": [cond("args.t", "matches", "(a|b)*a(a|b){900}c")]},
        {"t": "ab" * 100},
        {"t": "ab" * 200_000},
    ),
}


@pytest.mark.parametrize("clause", ["deny_if", "approve_if"])
@pytest.mark.parametrize("name", PRODUCTS)
def test_work_that_multiplies_denies_beyond_the_budget_and_is_judged_within(name: str, clause: str) -> None:
    entry, small, large = PRODUCTS[name]
    policy = rule(**{clause: [entry]})
    decision, steps = judge(policy, **small)
    assert decision.outcome is Outcome.ALLOW
    assert 0 < steps < MAX_STEPS / 10
    decision, steps = judge(policy, **large)
    assert (decision.outcome, decision.rule, decision.matched) == (Outcome.DENY, f"/tools/tool/{clause}/0", ())
    assert decision.reason.startswith(TOO_LARGE)
    assert decision.is_explicit
    assert explain_decision(decision)
    assert steps <= MAX_STEPS


@pytest.mark.parametrize("clause", CLAUSES)
def test_many_entries_over_a_long_list_stop_at_the_entry_where_the_budget_ends(clause: str) -> None:
    op = "gt" if clause == "require" else "lt"
    policy = rule(**{clause: [{"conditions": [cond("args.a[*]", op, 3)], "on_deny": "No."} for _ in range(2450)]})
    assert judge(policy, a=numbers(20))[0].outcome is Outcome.ALLOW
    decision, steps = judge(policy, a=numbers(2000))
    assert decision.outcome is Outcome.DENY
    assert decision.reason.startswith(TOO_LARGE)
    assert MAX_STEPS - 4_000 <= steps <= MAX_STEPS
    assert decision.rule == f"/tools/tool/{clause}/{steps // 4_000}"


def test_an_amount_of_a_limit_is_counted() -> None:
    case = {"when": [cond("args.a[*]", "in", {"path": "args.b"})], "amount": 1}
    limits = [{"counter": "n", "window": 60, "max": 10**9, "amount": SUMMED}]
    policy = rule(limits=limits)
    decision, steps = judge(policy, a=numbers(1000))
    assert decision.outcome is Outcome.ALLOW
    assert steps >= 1000
    chosen = rule(limits=[{**limits[0], "amount": [{**case, "amount": "args.n"}, {"when": [], "amount": "args.n"}]}])
    assert judge(chosen, a=numbers(30), b=numbers(30, 9000), n=1)[0].outcome is Outcome.ALLOW
    decision, _ = judge(chosen, a=numbers(3000), b=numbers(3000, 9000), n=1)
    assert (decision.outcome, decision.rule) == (Outcome.DENY, "/tools/tool/limits/0")
    assert decision.reason.startswith(TOO_LARGE)


def test_plain_conditions_cost_no_steps() -> None:
    policy = rule(
        require=when(cond("args.a", "in", ["x", "y", True]), cond("args.n", "lte", {"path": "args.m"})),
        deny_if=when({"amount": {"product": ["args.n", "args.m"]}, "op": "gt", "value": 100}),
    )
    assert judge(policy, a="x", n=1, m=2) == (decide(policy, Call("tool", {"a": "x", "n": 1, "m": 2}, MONDAY)), 0)


def test_a_refusal_whose_account_is_too_long_keeps_its_reason() -> None:
    policy = rule(deny_if=[{"conditions": [cond("args.l[*].x.y.z", "gte", 0)], "on_deny": "Not so."}])
    few: list[JSON] = [{"x": {"y": {"z": number}}} for number in range(30)]
    many: list[JSON] = [{"x": {"y": {"z": number}}} for number in range(30_000)]
    assert [len(judge(policy, l=elements)[0].matched) for elements in (few, many)] == [30, 0]
    assert [judge(policy, l=elements)[0].reason for elements in (few, many)] == ["Not so.", "Not so."]


def test_a_budget_that_does_not_last_is_not_touched() -> None:
    budget = Budget(5)
    budget.spend(3)
    with pytest.raises(BudgetError):
        budget.spend(3)
    assert budget.left == 2


@repeat(400)
@given(documents, arguments)
def test_counting_changes_no_decision(document: dict[str, Any], found: dict[str, JSON]) -> None:
    # A plan that is wrongly held for plain would be refused its steps, and deny.
    parsed = parse_policy(json.dumps(document), TOOLS)
    assume(parsed.policy is not None)
    assert parsed.policy is not None
    compiled = compile_policy(parsed.policy, TOOLS)
    decision, _ = judge(compiled, **found)
    assert decide(compiled, Call("tool", found, MONDAY)) == decision
    assert not decision.reason.startswith(TOO_LARGE)


@repeat(50)
@given(
    st.lists(conditions, min_size=1, max_size=3),
    st.sampled_from([None, "args.list[*]"]),
    st.sampled_from(["deny_if", "approve_if"]),
    st.integers(1, 20),
)
def test_no_call_takes_much_more_work_than_its_steps(
    found: list[dict[str, Any]], each: str | None, clause: str, copies: int
) -> None:
    entry = {"conditions": found, **({"each": each} if each is not None else {})}
    policy = rule(**{clause: [entry] * copies})
    element: JSON = {"x": [{"a": 1}], "a": 1}
    large: dict[str, JSON] = {"a": [element] * 400, "b": [element] * 400, "list": [element] * 400}
    _, steps = judge(policy, **large)
    # Beside the steps: plain conditions. Of these clauses what is traced afterwards was judged, and counted, before.
    assert count_calls(policy, large) <= 60 * steps + 5_000


@pytest.mark.parametrize(
    ("each", "condition", "place", "suggestion"),
    [
        ("args.a[*]", cond("args.a[*]", "eq", 3), "path", "item"),
        ("args.a[*]", cond("args.a[*].x", "eq", 3), "path", "item.x"),
        ("args.a", cond("args.a[*].x[*]", "eq", 3), "path", "item.x[*]"),
        ("args.a[*].b[*]", cond("args.a[*].c", "eq", 3), "path", ""),
        ("args.a[*]", {"amount": SUMMED, "op": "gt", "value": 3}, "amount", "item"),
        ("args.a[*]", cond("args.b[*]", "eq", 3), "", ""),
        ("args.a[*]", cond("item.a[*]", "eq", 3), "", ""),
        ("args.a[*]", cond("args.a[0]", "eq", 3), "", ""),
        (None, cond("args.a[*]", "eq", 3), "", ""),
    ],
)
def test_a_list_that_each_walks_again_is_a_warning(
    each: str | None, condition: dict[str, Any], place: str, suggestion: str
) -> None:
    entry = {"conditions": [condition], **({"each": each} if each is not None else {})}
    parsed = parse(TOOLS, tools={"tool": {"deny_if": [entry]}})
    found = [(problem.pointer, problem.suggestion) for problem in parsed.warnings if "goes through" in problem.message]
    pointer = f"/tools/tool/deny_if/0/conditions/0/{place}"
    assert found == ([(pointer, suggestion)] if place else [])
    assert parsed.errors == ()
