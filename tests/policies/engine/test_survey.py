"""What a policy says of each tool before any argument is seen."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given

from policies.engine.compile import compile_policy
from policies.engine.evaluate import Call, decide
from policies.engine.parse import parse_policy
from policies.engine.survey import Standing, Surveyed, survey_tools
from policies.engine.values import JSON, Level, Outcome
from tests.policies.engine.builders import MONDAY, build, cond, index, load_bybit, make_tool, when
from tests.policies.engine.strategies import arguments, documents, repeat

TOOLS = index(
    make_tool("tool"),
    make_tool("other", level=Level.CRITICAL),
    replace(make_tool("moved"), is_changed=True),
)
ALWAYS: list[dict[str, Any]] = when()


def survey(**fields: Any) -> dict[str, Surveyed]:
    return {one.tool.name: one for one in survey_tools(build(TOOLS, **fields), TOOLS)}


@pytest.mark.parametrize(
    ("fields", "standing", "pointer"),
    [
        ({}, Standing.DENIED, "/default"),
        ({"default": "allow"}, Standing.ALLOWED, "/default"),
        ({"tools": {"tool": {}}}, Standing.ALLOWED, "/tools/tool"),
        ({"tools": {"to*": {}}}, Standing.ALLOWED, "/tools/to*"),
        ({"risk": {"low": {}}}, Standing.ALLOWED, "/risk/low"),
        ({"tools": {"tool": {"action": "deny"}}}, Standing.DENIED, "/tools/tool"),
        ({"tools": {"tool": {"action": "hide"}}}, Standing.HIDDEN, "/tools/tool"),
        ({"default": "allow", "hide": ["x", "t*"]}, Standing.HIDDEN, "/hide/1"),
        ({"tools": {"tool": {"action": "require_approval"}}}, Standing.ASKS, "/tools/tool"),
        ({"risk": {"low": {"action": "require_approval"}}, "tools": {"tool": {}}}, Standing.ASKS, "/risk/low"),
        ({"tools": {"tool": {"approve_if": ALWAYS}}}, Standing.ASKS, "/tools/tool/approve_if/0"),
        ({"tools": {"tool": {"deny_if": ALWAYS}}}, Standing.DENIED, "/tools/tool/deny_if/0"),
        ({"default": "allow", "all_tools": {"deny_if": ALWAYS}}, Standing.DENIED, "/all_tools/deny_if/0"),
        ({"tools": {"tool": {"rate_limit": {"max": 1, "window": 9}}}}, Standing.CONDITIONAL, "/tools/tool"),
        ({"tools": {"tool": {"require": when(cond("args.a", "eq", 1))}}}, Standing.CONDITIONAL, "/tools/tool"),
        ({"tools": {"tool": {"approve_if": when(cond("args.a", "eq", 1))}}}, Standing.CONDITIONAL, "/tools/tool"),
    ],
)
def test_a_tool_stands_as_its_line_says(fields: dict[str, Any], standing: Standing, pointer: str) -> None:
    found = survey(**fields)["tool"]
    assert (found.standing, found.cause.pointer) == (standing, pointer)
    assert found.cause.text


def test_what_holds_for_all_tools_is_told_beside_the_rule() -> None:
    limit = {"counter": "calls", "window": "hour", "max": 9, "for": ["to*"]}
    found = survey(default="allow", all_tools={"limits": [limit]})
    assert found["tool"].standing is Standing.CONDITIONAL
    assert [sentence.pointer for sentence in found["tool"].also] == ["/all_tools/limits/0"]
    assert (found["other"].standing, found["other"].also) == (Standing.ALLOWED, ())


def test_a_limit_on_an_amount_is_told_apart() -> None:
    counted = {"counter": "n", "window": "day", "max": 9}
    found = survey(tools={"tool": {"limits": [{**counted, "amount": "args.qty"}]}, "other": {"limits": [counted]}})
    assert (found["tool"].is_measured, found["other"].is_measured) == (True, False)


def test_a_changed_tool_is_changed_unless_it_is_hidden() -> None:
    assert survey(default="allow")["moved"].standing is Standing.CHANGED
    assert survey()["moved"].standing is Standing.CHANGED
    assert survey(hide=["moved"])["moved"].standing is Standing.HIDDEN


def test_without_a_policy_everything_is_denied() -> None:
    assert {one.standing for one in survey_tools(None, TOOLS)} == {Standing.DENIED}


def test_every_tool_of_a_large_server_has_its_line() -> None:
    bybit = load_bybit()
    found = survey_tools(build(bybit, risk={"low": {}}, tools={"create*": {"action": "deny"}}), bybit)
    assert [one.tool.name for one in found] == list(bybit)
    assert all(one.cause.pointer and one.cause.text for one in found)


@repeat(300)
@given(documents, arguments)
def test_it_never_says_other_than_what_is_decided(document: dict[str, Any], given_: dict[str, JSON]) -> None:
    policy = parse_policy(json.dumps(document), TOOLS).policy
    assume(policy is not None)
    assert policy is not None
    compiled = compile_policy(policy, TOOLS)
    for one in survey_tools(policy, TOOLS):
        decision = decide(compiled, Call(one.tool.name, given_, MONDAY))
        if one.standing is Standing.ALLOWED:
            assert (decision.outcome, decision.limits) == (Outcome.ALLOW, ())
        elif one.standing is Standing.DENIED:
            assert decision.outcome is Outcome.DENY
        elif one.standing in (Standing.HIDDEN, Standing.CHANGED):
            assert decision.outcome is Outcome.HIDE
        elif one.standing is Standing.ASKS:
            assert decision.outcome in (Outcome.APPROVE, Outcome.DENY)
        assert (one.tool.name in compiled.visible) == (one.standing not in (Standing.HIDDEN, Standing.CHANGED))
