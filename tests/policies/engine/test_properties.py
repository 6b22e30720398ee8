import json
from datetime import UTC, datetime
from decimal import ROUND_CEILING, Context, Decimal
from fractions import Fraction
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from policies.engine.compile import compile_policy
from policies.engine.digest import digest_arguments
from policies.engine.evaluate import Call, Decision, decide
from policies.engine.explain import explain_decision, explain_policy
from policies.engine.parse import parse_policy
from policies.engine.policy import Policy
from policies.engine.tools import ToolFacts
from policies.engine.values import JSON, Level, Outcome
from tests.policies.engine.builders import MONDAY, build, call, compile_fields, index, load_bybit, make_tool, rule
from tests.policies.engine.strategies import arguments, conditions, documents, repeat, values
from tests.policies.engine.trader_policies import EXAMPLE

TOOLS = index(
    make_tool("tool"),
    make_tool("other", {"a": {"default": 5}, "list": {"type": "array"}}, level=Level.CRITICAL),
    make_tool("unnamed", level=Level.HIGH),
)
MOMENTS = st.datetimes(timezones=st.just(UTC))


def write(document: Any) -> str:
    return json.dumps(document)


@repeat(300)
@given(st.text(max_size=200))
def test_parse_never_raises_on_any_text(text: str) -> None:
    parsed = parse_policy(text, TOOLS)
    assert (parsed.policy is None) == bool(parsed.errors)


@repeat(300)
@given(st.data())
def test_parse_never_raises_on_a_mutilated_policy(data: st.DataObject) -> None:
    start, end = sorted(data.draw(st.tuples(st.integers(0, len(EXAMPLE)), st.integers(0, len(EXAMPLE)))))
    junk = data.draw(st.one_of(st.text(max_size=5), st.sampled_from(["{}", "[]", "null", '"*"', "-1e9", '"', "\\"])))
    parsed = parse_policy(EXAMPLE[:start] + junk + EXAMPLE[end:], load_bybit())
    assert (parsed.policy is None) == bool(parsed.errors)
    for problem in (*parsed.errors, *parsed.warnings):
        assert problem.line >= 1
        assert problem.column >= 1


JUNK: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-5, 10**30),
        st.sampled_from(["allow", "args.a", "eq", "*", "1", "UTC"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                [
                    "version", "default", "hide", "methods", "risk", "low", "all_tools", "tools", "action", "require",
                    "deny_if", "limits", "conditions", "each", "path", "op", "value", "amount", "sum", "product", "abs",
                    "when", "counter", "window", "max", "rate_limit", "for", "except", "tz", "days", "from", "extra",
                ]
            ),
            inner,
            max_size=5,
        ),
    ),
    max_leaves=25,
)  # fmt: skip


@repeat(400)
@given(JUNK, st.sampled_from(["all_tools", "tools", "risk", "methods", "hide", "rule", "condition", "amount"]))
def test_parse_never_raises_on_any_document(junk: Any, where: str) -> None:
    clauses = {
        "rule": junk,
        "condition": {"require": [{"conditions": [junk], "each": "args.list"}]},
        "amount": {"limits": [{"counter": "a", "window": 1, "max": 1, "amount": junk}]},
    }
    fields = {"tools": {"tool": clauses[where]}} if where in clauses else {where: junk}
    for text in (write(junk), write({"version": "1", "default": "allow", **fields})):
        parsed = parse_policy(text, TOOLS)
        assert (parsed.policy is None) == bool(parsed.errors)
        if parsed.policy is not None:
            explain_policy(parsed.policy, TOOLS)
            assert isinstance(decide(compile_policy(parsed.policy, TOOLS), Call("tool", {}, MONDAY)), Decision)


@repeat(400)
@given(documents, arguments, MOMENTS, st.sampled_from([*TOOLS, "nope"]))
def test_compile_and_decide_never_raise(
    document: dict[str, Any], found: dict[str, JSON], at: datetime, name: str
) -> None:
    parsed = parse_policy(write(document), TOOLS)
    assume(parsed.policy is not None)
    assert parsed.policy is not None
    compiled = compile_policy(parsed.policy, TOOLS)
    decision = decide(compiled, Call(name, found, at))
    assert decision.outcome in (Outcome.ALLOW, Outcome.DENY, Outcome.HIDE, Outcome.APPROVE)
    assert not decision.limits or decision.outcome in (Outcome.ALLOW, Outcome.APPROVE)
    assert (decision.outcome is Outcome.HIDE) == (name not in compiled.visible)
    for entry in decision.limits:
        assert 0 <= entry.amount < 10**15
        assert entry.on_deny
    assert explain_decision(decision)
    assert explain_policy(parsed.policy, TOOLS)
    assert decide(compiled, Call(name, found, at)) == decision


@repeat(100)
@given(documents, values)
def test_compile_never_raises_on_any_schema(document: dict[str, Any], schema: Any) -> None:
    parsed = parse_policy(write(document), {})
    assume(parsed.policy is not None and isinstance(schema, dict))
    assert parsed.policy is not None
    for hostile in (schema, {"properties": schema}, {"properties": {"a": schema, "list": schema}}):
        tools = {"tool": ToolFacts("tool", Level.LOW, hostile)}
        parse_policy(write(document), tools)
        decide(compile_policy(parsed.policy, tools), Call("tool", {}, MONDAY))


@repeat(500)
@given(conditions, arguments, st.sampled_from([None, "args.list[*]"]))
def test_what_cannot_be_judged_is_let_through_by_no_clause(
    condition: dict[str, Any], found: dict[str, JSON], each: str | None
) -> None:
    entry = {"conditions": [condition], **({"each": each} if each else {})}
    required = call(rule(require=[entry]), **found)
    forbidden = call(rule(deny_if=[entry]), **found)
    asked = call(rule(approve_if=[entry]), **found)
    # A condition that holds is denied by deny_if, one that does not by require; an error by both.
    assert Outcome.DENY in (required.outcome, forbidden.outcome)
    assert (asked.outcome is Outcome.ALLOW) == (forbidden.outcome is Outcome.ALLOW)


@repeat(100)
@given(st.lists(st.tuples(st.integers(0, 10**12), st.integers(0, 6)), max_size=20))
def test_sums_are_exact_and_rounded_up(parts: list[tuple[int, int]]) -> None:
    policy = rule(limits=[{"counter": "n", "window": 1, "max": 1, "amount": {"sum": "args.l[*]"}}])
    written: list[JSON] = [f"{number}e-{places + 6}" for number, places in parts]
    decision = call(policy, l=written)
    total = sum((Fraction(number, 10 ** (places + 6)) for number, places in parts), Fraction(0))
    exact = Fraction(decision.limits[0].amount)
    assert 0 <= exact - total < Fraction(1, 10**9)
    assert exact * 10**9 == int(exact * 10**9)


@repeat(100)
@given(st.decimals(0, 10**6, places=6), st.decimals(0, 10**6, places=6))
def test_products_are_exact_and_rounded_up(left: Decimal, right: Decimal) -> None:
    policy = rule(limits=[{"counter": "n", "window": 1, "max": 1, "amount": {"product": ["args.a", "args.b"]}}])
    decision = call(policy, a=str(left), b=right)
    wide = Context(prec=200)
    expected = wide.multiply(left, right).quantize(Decimal("1e-9"), rounding=ROUND_CEILING, context=wide)
    assert decision.limits[0].amount == expected


@repeat(100)
@given(arguments)
def test_a_digest_depends_on_the_arguments_alone(found: dict[str, JSON]) -> None:
    turned = dict(reversed(list(found.items())))
    assert digest_arguments(found) == digest_arguments(turned)


@repeat(100)
@given(arguments)
def test_a_policy_of_nothing_but_a_default_never_looks_at_arguments(found: dict[str, JSON]) -> None:
    policy: Policy = build(TOOLS)
    assert call(compile_policy(policy, TOOLS), "tool", **found).outcome is Outcome.DENY
    assert call(compile_fields(TOOLS, default="allow"), "tool", **found).outcome is Outcome.ALLOW
