from typing import Any

import pytest

from policies.engine.compile import compile_policy
from policies.engine.evaluate import Call, decide
from policies.engine.tools import ToolFacts
from policies.engine.values import JSON, Level, Outcome
from tests.policies.engine.builders import (
    MONDAY,
    build,
    call,
    compile_fields,
    cond,
    index,
    load_bybit,
    make_tool,
    parse,
    rule,
    when,
)

ALLOW, DENY, HIDE, APPROVE = Outcome.ALLOW, Outcome.DENY, Outcome.HIDE, Outcome.APPROVE
TOOLS = index(
    make_tool("read"),
    make_tool("write", level=Level.HIGH),
    make_tool("pay", level=Level.CRITICAL),
    make_tool("payAll", level=Level.CRITICAL),
)
RISK = {
    "low": {},
    "high": {"action": "deny", "reason": "Too risky."},
    "critical": {"action": "require_approval", "reason": "A person decides."},
}


def test_no_policy_denies() -> None:
    decision = decide(None, Call("read", {}, MONDAY))
    assert (decision.outcome, decision.rule, decision.is_explicit) == (DENY, "(no policy)", False)


def test_a_killed_organisation_denies_before_all_else() -> None:
    policy = compile_fields(TOOLS, default="allow")
    assert decide(policy, Call("read", {}, MONDAY)).outcome == ALLOW
    for known in (policy, None):
        decision = decide(known, Call("read", {}, MONDAY), is_killed=True)
        assert (decision.outcome, decision.rule) == (DENY, "(killed)")


@pytest.mark.parametrize("default", ["allow", "deny"])
@pytest.mark.parametrize(
    "name",
    ["nope", "Read", "read ", "rea", "readx", "read\x00", "r\u0435ad", "re\u200bad", "", "*", "READ"],
)
def test_an_unknown_name_is_hidden_whatever_the_default(name: str, default: str) -> None:
    policy = compile_fields(TOOLS, default=default, tools={"*": {}})
    assert call(policy, "read").outcome == ALLOW
    decision = call(policy, name)
    assert (decision.outcome, decision.rule, decision.is_explicit) == (HIDE, "(unknown tool)", False)


@pytest.mark.parametrize("hide", [["pay"], ["pay*"], ["*"], ["x", "*ay"]])
def test_a_hidden_tool_is_hidden_though_a_rule_allows_it(hide: list[str]) -> None:
    policy = compile_fields(TOOLS, default="allow", hide=hide, tools={"pay": {"action": "allow"}})
    decision = call(policy, "pay")
    assert (decision.outcome, decision.rule) == (HIDE, "(hidden)")
    assert "pay" not in policy.visible
    assert call(compile_fields(TOOLS, tools={"pay": {"action": "allow"}}), "pay").outcome == ALLOW


def test_the_action_hide_hides() -> None:
    policy = compile_fields(TOOLS, default="allow", tools={"pay": {"action": "hide"}})
    assert (call(policy, "pay").outcome, call(policy, "pay").rule) == (HIDE, "(hidden)")
    assert policy.visible == {"read", "write", "payAll"}


def test_a_changed_tool_is_hidden_until_accepted() -> None:
    changed = {**TOOLS, "read": ToolFacts("read", Level.LOW, {}, is_changed=True)}
    policy = compile_policy(build(TOOLS, default="allow", tools={"read": {}}), changed)
    decision = call(policy, "read")
    assert (decision.outcome, decision.rule) == (HIDE, "(tool changed)")
    assert "read" not in policy.visible
    assert call(policy, "write").outcome == ALLOW


def test_hidden_comes_before_changed() -> None:
    changed = {"read": ToolFacts("read", Level.LOW, {}, is_changed=True)}
    assert call(compile_fields(changed, hide=["read"]), "read").rule == "(hidden)"


@pytest.mark.parametrize(("default", "outcome"), [("allow", ALLOW), ("deny", DENY)])
def test_the_default_decides_what_nothing_names(default: str, outcome: Outcome) -> None:
    decision = call(compile_fields(TOOLS, default=default, tools={"pay": {}}), "read")
    assert (decision.outcome, decision.rule, decision.is_explicit) == (outcome, "(default)", False)


def test_a_denied_tool_stays_visible() -> None:
    assert "read" in compile_fields(TOOLS, tools={"pay": {}}).visible
    assert "pay" in compile_fields(TOOLS, tools={"pay": {"action": "deny"}}).visible


@pytest.mark.parametrize(
    ("tools", "name", "outcome", "pointer"),
    [
        ({}, "read", ALLOW, "/risk/low"),
        ({}, "write", DENY, "/risk/high"),
        ({}, "pay", APPROVE, "/risk/critical"),
        ({"pay": {}}, "pay", APPROVE, "/risk/critical"),
        ({"write": {}}, "write", DENY, "/risk/high"),
        ({"read": {}}, "read", ALLOW, "/tools/read"),
        ({"pay": {"action": "allow"}}, "pay", ALLOW, "/tools/pay"),
        ({"pay*": {"action": "allow"}}, "pay", ALLOW, "/tools/pay*"),
        ({"pay*": {"action": "allow"}, "pay": {}}, "pay", APPROVE, "/risk/critical"),
        ({"pay*": {"action": "deny"}, "*": {"action": "allow"}}, "payAll", DENY, "/tools/pay*"),
        ({"pay*": {"action": "deny"}, "*": {"action": "allow"}}, "write", ALLOW, "/tools/*"),
        ({"*": {}}, "write", DENY, "/risk/high"),
    ],
)
def test_exact_name_then_narrowest_pattern_then_level_serves_a_tool(
    tools: dict[str, Any], name: str, outcome: Outcome, pointer: str
) -> None:
    decision = call(compile_fields(TOOLS, risk=RISK, tools=tools), name)
    assert (decision.outcome, decision.rule) == (outcome, pointer)


def test_an_empty_rule_allows_without_risk() -> None:
    assert call(compile_fields(TOOLS, tools={"pay": {}}), "pay").outcome == ALLOW


def test_an_action_left_out_brings_its_reason_along() -> None:
    policy = compile_fields(TOOLS, risk=RISK, tools={"pay": {}, "payAll": {"reason": "Mine."}})
    assert call(policy, "pay").reason == "A person decides."
    assert call(policy, "payAll").reason == "Mine."


def test_the_level_a_rule_inherits_from_brings_no_limits() -> None:
    risk = {"critical": {"rate_limit": {"max": 1, "window": 1}, "limits": [{"counter": "c", "window": 1, "max": 1}]}}
    policy = compile_fields(TOOLS, risk=risk, tools={"pay": {}})
    assert call(policy, "pay").limits == ()
    assert [entry.counter for entry in call(policy, "payAll").limits] == ["payAll_rate", "c"]


def test_an_argument_rule_never_loosens_an_approval() -> None:
    policy = compile_fields(TOOLS, risk=RISK, tools={"pay": {"require": when(cond("args.x", "lte", 5))}})
    assert call(policy, "pay", x=1).outcome == APPROVE
    assert call(policy, "pay", x=9).outcome == DENY


def test_the_first_refusal_wins() -> None:
    policy = compile_fields(
        TOOLS,
        all_tools={"require": when(cond("args.a", "eq", 1)), "deny_if": when(cond("args.b", "eq", 1))},
        tools={
            "read": {
                "require": when(cond("args.c", "eq", 1)),
                "deny_if": when(cond("args.d", "eq", 1)),
                "approve_if": when(cond("args.e", "eq", 1)),
                "limits": [{"counter": "n", "window": 60, "max": 5, "amount": "args.f"}],
            }
        },
    )
    good: dict[str, JSON] = {"a": 1, "b": 0, "c": 1, "d": 0, "e": 1, "f": 1}
    bad: list[tuple[dict[str, JSON], str]] = [
        ({"f": "x"}, "/tools/read/limits/0"),
        ({"d": 1}, "/tools/read/deny_if/0"),
        ({"c": 0}, "/tools/read/require/0"),
        ({"b": 1}, "/all_tools/deny_if/0"),
        ({"a": 0}, "/all_tools/require/0"),
    ]
    assert call(policy, "read", **good).rule == "/tools/read/approve_if/0"
    for change, pointer in bad:
        good |= change
        decision = call(policy, "read", **good)
        assert (decision.outcome, decision.rule, decision.limits) == (DENY, pointer, ())


def test_action_deny_comes_before_the_rules_of_all_tools() -> None:
    policy = compile_fields(
        TOOLS, all_tools={"deny_if": when()}, tools={"pay": {"action": "deny", "reason": "No."}, "read": {}}
    )
    assert (call(policy, "pay").rule, call(policy, "pay").reason) == ("/tools/pay", "No.")
    assert call(policy, "read").rule == "/all_tools/deny_if/0"


def test_all_tools_holds_for_the_default_too() -> None:
    policy = compile_fields(TOOLS, default="allow", all_tools={"deny_if": when(cond("args.x", "eq", 1))})
    assert call(policy, "read", x=0).outcome == ALLOW
    assert call(policy, "read", x=1).outcome == DENY


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        ({"for": ["pay"]}, {"pay"}),
        ({"for": ["pay*", "read"]}, {"pay", "payAll", "read"}),
        ({"except": ["pay*"]}, {"read", "write"}),
        ({"except": []}, set(TOOLS)),
        ({}, set(TOOLS)),
    ],
)
def test_for_and_except_choose_the_tools_of_an_entry(selector: dict[str, Any], selected: set[str]) -> None:
    entry = {"conditions": [], **selector}
    denied = compile_fields(TOOLS, default="allow", all_tools={"deny_if": [entry]})
    assert {name for name in TOOLS if call(denied, name).outcome == DENY} == selected
    asked = compile_fields(TOOLS, default="allow", all_tools={"approve_if": [entry]})
    assert {name for name in TOOLS if call(asked, name).outcome == APPROVE} == selected
    limit = {"counter": "n", "window": 60, "max": 5, **selector}
    limited = compile_fields(TOOLS, default="allow", all_tools={"limits": [limit]})
    assert {name for name in TOOLS if call(limited, name).limits} == selected


def test_empty_conditions_always_hold() -> None:
    assert call(rule(require=when())).outcome == ALLOW
    assert call(rule(deny_if=when())).outcome == DENY
    assert call(rule(approve_if=when())).outcome == APPROVE


def test_an_approval_by_argument_names_its_entry_and_carries_limits() -> None:
    policy = rule(approve_if=when(cond("args.x", "gt", 5), on_deny="Large."), rate_limit={"max": 1, "window": 60})
    small, large = call(policy, x=1), call(policy, x=6)
    assert (small.outcome, small.rule, len(small.limits)) == (ALLOW, "/tools/tool", 1)
    assert (large.outcome, large.rule, large.reason) == (APPROVE, "/tools/tool/approve_if/0", "Large.")
    assert (len(large.limits), large.matched[0].path) == (1, "args.x")


def test_a_refused_call_reserves_nothing() -> None:
    policy = rule(rate_limit={"max": 1, "window": 60}, deny_if=when(cond("args.x", "eq", 1)))
    assert call(policy, x=0).limits
    assert not call(policy, x=1).limits


def test_a_pointer_escapes_what_it_must() -> None:
    tools = index(make_tool("a/b~c"))
    assert call(compile_fields(tools, tools={"a/b~c": {"deny_if": when()}}), "a/b~c").rule == "/tools/a~1b~0c/deny_if/0"


def test_a_tool_that_appears_later_is_served_by_its_level() -> None:
    policy = build(TOOLS, risk=RISK, tools={"read": {}})
    later = compile_policy(policy, {**TOOLS, **index(make_tool("new", level=Level.CRITICAL))})
    assert call(later, "new").outcome == APPROVE


def test_a_tool_that_meets_two_amounts_for_one_counter_is_denied() -> None:
    limit = {"counter": "new_rate", "window": 60, "max": 5, "amount": "args.x"}
    policy = build(
        TOOLS, default="allow", risk={"high": {"rate_limit": {"max": 1, "window": 1}}}, all_tools={"limits": [limit]}
    )
    later = compile_policy(policy, index(make_tool("new", level=Level.HIGH), make_tool("old")))
    assert call(later, "old", x=1).outcome == ALLOW
    assert (call(later, "new", x=1).outcome, call(later, "new", x=1).rule) == (DENY, "/all_tools/limits/0")


@pytest.mark.parametrize("family", ["resources", "prompts", "completion", "tasks"])
def test_method_families_are_open_unless_denied(family: str) -> None:
    assert getattr(compile_fields(TOOLS).methods, family)
    assert getattr(compile_fields(TOOLS, methods={family: "allow"}).methods, family)
    assert not getattr(compile_fields(TOOLS, methods={family: "deny"}).methods, family)


def test_extra_methods_are_named() -> None:
    assert compile_fields(TOOLS, methods={"extra": ["logging/setLevel"]}).methods.extra == {"logging/setLevel"}


def test_the_smallest_policy_allows_none_of_the_bybit_tools() -> None:
    policy = compile_fields(load_bybit(), hide=["wsBatchCancelOrders"])
    assert {call(policy, name).outcome for name in load_bybit()} == {DENY, HIDE}
    assert len(policy.visible) == len(load_bybit()) - 1


@pytest.mark.parametrize("clause", ["deny_if", "approve_if"])
def test_an_error_names_the_condition_that_could_not_be_judged(clause: str) -> None:
    policy = rule(**{clause: when(cond("args.s", "eq", "ETHUSDT"), cond("args.n", "gt", 5), on_deny="Too big.")})
    decision = call(policy, s="ETHUSDT", n="abc")
    assert decision.outcome is Outcome.DENY
    assert decision.reason == "Too big. (args.n is text, which gt cannot compare here.)"
    assert [match.path for match in decision.matched] == ["args.n", "args.s"]


def test_an_unreadable_pattern_is_told_in_words() -> None:
    errors = parse(
        index(make_tool()), default="deny", tools={"tool": {"deny_if": when(cond("args.s", "matches", "("))}}
    )
    assert [error.message for error in errors.errors] == ["RE2 cannot read this pattern: missing ): (."]
