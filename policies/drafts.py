"""Rules for one tool, ready to paste into a policy's `tools`; texts only, nothing is published by them."""

import json
from dataclasses import dataclass

from django.http import Http404

from policies.access import current_version_for, policy_for
from policies.engine.names import is_pattern
from policies.models import DecisionRecord


@dataclass(frozen=True, slots=True)
class Draft:
    """One member of `tools`, with what it does in a word."""

    key: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Drafts:
    """`is_ruled`: the policy in force has a rule of this very name already, which the draft would take the place of."""

    drafts: tuple[Draft, ...]
    is_ruled: bool


def write_drafts(record: DecisionRecord) -> Drafts:
    """What to paste to allow, deny or pace the tool of a record; none for a record that is no tool call.

    A name with a star would be a pattern, and so has none either.
    """
    name = record.tool
    if record.method != "tools/call" or not name or is_pattern(name):
        return Drafts((), False)
    rules: tuple[tuple[str, str, dict[str, object]], ...] = (
        ("allow", "Allow it", {"action": "allow"}),
        ("deny", "Deny it", {"action": "deny", "reason": f"{name} is not for agents."}),
        ("limit", "Allow it, at most 10 times a minute", {"action": "allow", "rate_limit": {"max": 10, "window": 60}}),
    )
    drafts = tuple(Draft(key, title, f"{json.dumps(name)}: {json.dumps(rule)}") for key, title, rule in rules)
    return Drafts(drafts, _is_ruled(record))


def _is_ruled(record: DecisionRecord) -> bool:
    if record.policy is None:
        return False
    try:
        version = current_version_for(policy_for(record.policy))
    except Http404:
        return False
    try:
        document = json.loads(version.document) if version is not None else {}
    except ValueError:
        return False
    tools = document.get("tools") if isinstance(document, dict) else None
    return isinstance(tools, dict) and record.tool in tools
