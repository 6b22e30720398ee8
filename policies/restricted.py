"""A rule of the catalogue put into a policy's text, for the editor to open with. Nothing is published by it."""

from dataclasses import dataclass, replace
from typing import Final

from catalog.restrictions import Restriction
from policies.access import current_version_for
from policies.check import judge_text
from policies.drafts import find_rule, put_rule
from policies.engine.compile import compile_policy
from policies.models import Policy
from servers.access import tool_facts_for

_HIDE: Final = '{"action": "hide"}'


@dataclass(frozen=True, slots=True)
class Restricted:
    """A policy's text with the rule in it.

    `is_replacing`: the text had a rule for the tool, which is gone from the draft. `is_overruled`: it hides the tool,
    whatever the rule says.
    """

    wanted: Restriction
    document: str
    is_replacing: bool
    is_overruled: bool


def put_restriction(policy: Policy, wanted: Restriction) -> Restricted | None:
    """The text in force, or that the policy opens with, with the rule; None for a text that is no policy."""
    version = current_version_for(policy)
    before = version.document if version else policy.opening
    name = wanted.tool.name
    document = put_rule(before, name, wanted.rule) if before.strip() else wanted.snippet.policy
    if not document:
        return None
    return Restricted(
        wanted,
        document,
        is_replacing=find_rule(before, name) is not None,
        is_overruled=wanted.rule != _HIDE and _is_hidden(policy, document, name),
    )


def _is_hidden(policy: Policy, document: str, name: str) -> bool:
    tools = tool_facts_for(policy.server)
    parsed = judge_text(document, tools).policy
    if parsed is None or name not in tools:
        return False
    # A definition that changed hides the tool too, but by no word of the policy.
    return name not in compile_policy(parsed, {name: replace(tools[name], is_changed=False)}).visible
