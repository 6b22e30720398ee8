"""The rule that each category and level recommends, and whole policies made of them. Plain functions, no database."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from catalog.reasons import UNTIL_APPROVALS
from catalog.rubric import Category, Level

Rule = dict[str, Any]
CRITICAL_REASON = "The cost of a mistake here is real: a person decides."


@dataclass(frozen=True, slots=True)
class RatedTool:
    """What a recommendation needs to know of a tool; an unreviewed one is only as harmless as it says it is."""

    name: str
    category: Category
    level: Level
    is_reviewed: bool = True


def recommend_rule(category: Category, level: Level) -> Rule:
    """The policy rule for a tool of this category and level, as the catalogue's rubric has it.

    Low: allow. Medium: 30 calls a minute. High: 10 a minute, and approval when financial or destructive. Critical:
    hidden when destructive, else approval.
    """
    if level == Level.CRITICAL:
        return {"action": "hide" if category == Category.DESTRUCTIVE else "require_approval"}
    if level == Level.HIGH:
        is_grave = category in (Category.FINANCIAL, Category.DESTRUCTIVE)
        return {"action": "require_approval", "rate_limit": _rate(10)} if is_grave else {"rate_limit": _rate(10)}
    return {"rate_limit": _rate(30)} if level == Level.MEDIUM else {}


def recommend_policy_for_tool(tool: RatedTool) -> dict[str, Any]:
    """A whole policy that says only what is recommended for this one tool; everything else stays denied."""
    rule = recommend_rule(tool.category, tool.level)
    if rule.get("action") == "hide":
        return {"version": "1", "default": "deny", "hide": [tool.name]}
    return {"version": "1", "default": "deny", "tools": {tool.name: rule}}


def recommend_policy(tools: Iterable[RatedTool]) -> dict[str, Any]:
    """A policy to start from: a rule for each level, and by name the tools whose category asks for another one.

    High tools wait for approval by level, so that one that appears tomorrow does too; reviewed ones that neither move
    money nor destroy are named with their rate alone. Critical destructive tools are hidden.
    """
    rated = list(tools)
    hidden = [tool.name for tool in rated if recommend_rule(tool.category, tool.level).get("action") == "hide"]
    eased = [tool for tool in rated if tool.level == Level.HIGH and tool.is_reviewed and not _waits(tool)]
    policy: dict[str, Any] = {
        "version": "1",
        "description": "Recommended start: reads are free, changes are paced, what costs money waits for a person",
        "default": "deny",
    }
    if hidden:
        policy["hide"] = hidden
    policy["risk"] = {
        "low": {},
        "medium": {"rate_limit": _rate(30)},
        "high": {"action": "require_approval", "rate_limit": _rate(10)},
        "critical": {"action": "require_approval", "reason": CRITICAL_REASON},
    }
    if eased:
        policy["tools"] = {tool.name: {"action": "allow", "rate_limit": _rate(10)} for tool in eased}
    return policy


def describe_rule(category: Category, level: Level) -> str:
    """One sentence on what the recommended rule does to an agent's call."""
    rule = recommend_rule(category, level)
    action = rule.get("action")
    rate = rule.get("rate_limit")
    if action == "hide":
        return "The tool is gone from the agent's list, and a call to it is answered like a name that does not exist."
    if action == "require_approval":
        paced = "" if rate is None else f", {rate['max']} a minute at most"
        return f"Every call waits for a person{paced}. {UNTIL_APPROVALS}"
    if rate:
        return f"Calls go through, at most {rate['max']} in any minute for each agent."
    return "Calls go through. Nothing else is allowed by this policy."


def _waits(tool: RatedTool) -> bool:
    return recommend_rule(tool.category, tool.level).get("action") == "require_approval"


def _rate(calls: int) -> dict[str, int]:
    return {"max": calls, "window": 60}
