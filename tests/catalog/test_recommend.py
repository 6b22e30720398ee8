"""Recommended rules: the rubric's table, and that every recommended policy is a policy that does what it says."""

import json
from datetime import UTC, datetime

import pytest

from catalog.recommend import (
    RatedTool,
    describe_rule,
    recommend_policy,
    recommend_policy_for_tool,
    recommend_rule,
)
from catalog.rubric import CATEGORIES, LEVELS, Category, Level
from policies.engine.compile import CompiledPolicy, compile_policy
from policies.engine.evaluate import Call, Decision, decide
from policies.engine.parse import parse_policy
from policies.engine.tools import ToolFacts
from policies.engine.values import Outcome
from tests.catalog.conftest import TOOLS

FACTS = {tool["name"]: ToolFacts(tool["name"], Level(tool["risk"]), tool["input_schema"]) for tool in TOOLS}
RATED = {tool["name"]: RatedTool(tool["name"], Category(tool["category"]), Level(tool["risk"])) for tool in TOOLS}
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
RATE_30 = {"rate_limit": {"max": 30, "window": 60}}
RATE_10 = {"rate_limit": {"max": 10, "window": 60}}
ASK = {"action": "require_approval"}


def compile_text(text: str) -> CompiledPolicy:
    parsed = parse_policy(text, FACTS)
    assert parsed.errors == ()
    assert parsed.policy is not None
    return compile_policy(parsed.policy, FACTS)


def ask(policy: CompiledPolicy, tool: str, arguments: str = "{}") -> Decision:
    return decide(policy, Call(tool, json.loads(arguments), NOON))


@pytest.mark.parametrize(
    ("category", "level", "rule"),
    [
        ("read", "low", {}),
        ("write", "low", {}),
        ("read", "medium", RATE_30),
        ("destructive", "medium", RATE_30),
        ("write", "high", RATE_10),
        ("execute", "high", RATE_10),
        ("financial", "high", ASK | RATE_10),
        ("destructive", "high", ASK | RATE_10),
        ("financial", "critical", ASK),
        ("execute", "critical", ASK),
        ("destructive", "critical", {"action": "hide"}),
    ],
)
def test_each_category_and_level_recommends_its_rule(category: str, level: str, rule: dict[str, object]) -> None:
    assert recommend_rule(Category(category), Level(level)) == rule


def test_every_category_and_level_has_a_sentence() -> None:
    for category in CATEGORIES:
        for level in LEVELS:
            assert describe_rule(category, level).endswith(".")


def outcome_of(tool: RatedTool) -> Outcome:
    action = recommend_rule(tool.category, tool.level).get("action")
    return {"hide": Outcome.HIDE, "require_approval": Outcome.APPROVE}.get(action or "", Outcome.ALLOW)


@pytest.mark.parametrize("name", FACTS)
def test_a_tools_recommended_policy_does_to_it_what_the_rule_says_and_denies_the_rest(name: str) -> None:
    policy = compile_text(json.dumps(recommend_policy_for_tool(RATED[name])))
    decision = ask(policy, name)
    assert decision.outcome == outcome_of(RATED[name])
    rate = recommend_rule(RATED[name].category, RATED[name].level).get("rate_limit")
    assert [(limit.max, limit.window) for limit in decision.limits] == ([(rate["max"], 60)] if rate else [])
    other = "getTickers" if name != "getTickers" else "getServerTime"
    assert ask(policy, other).outcome == Outcome.DENY


def test_the_contracts_example_is_exact() -> None:
    policy = recommend_policy_for_tool(RATED["wsBatchCancelOrders"])
    assert (
        json.dumps(policy, separators=(",", ":")) == '{"version":"1","default":"deny","hide":["wsBatchCancelOrders"]}'
    )
    assert recommend_policy_for_tool(RATED["getTickers"]) == {
        "version": "1",
        "default": "deny",
        "tools": {"getTickers": {}},
    }


def test_the_whole_recommended_policy_treats_each_tool_by_its_own_rule() -> None:
    policy = compile_text(json.dumps(recommend_policy(RATED.values())))
    for name, tool in RATED.items():
        decision = ask(policy, name)
        assert decision.outcome == outcome_of(tool), name
        rate = recommend_rule(tool.category, tool.level).get("rate_limit")
        assert [(limit.max, limit.window) for limit in decision.limits] == ([(rate["max"], 60)] if rate else []), name


def test_an_unreviewed_high_tool_waits_for_a_person_and_a_reviewed_one_does_not() -> None:
    for is_reviewed, outcome in ((False, Outcome.APPROVE), (True, Outcome.ALLOW)):
        tool = RatedTool("setLeverage", Category.WRITE, Level.HIGH, is_reviewed=is_reviewed)
        assert ask(compile_text(json.dumps(recommend_policy([tool]))), "setLeverage").outcome == outcome


def test_the_policy_for_no_tools_at_all_is_valid() -> None:
    compile_text(json.dumps(recommend_policy([])))
