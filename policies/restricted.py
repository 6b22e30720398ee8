"""A rule of the catalogue put into a policy's text, for the editor to open with. Nothing is published by it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from catalog.restrictions import Restriction
from policies.access import current_version_for
from policies.check import judge_text
from policies.drafts import put_rule, put_value
from policies.engine.explain import explain_parts, explain_policy
from policies.engine.names import match_name
from policies.engine.policy import Action, Rule
from policies.engine.policy import Policy as Parsed
from policies.engine.serving import find_rule, settle_action
from policies.engine.tools import ToolFacts
from policies.models import Policy
from servers.access import tool_facts_for

_HIDE: Final = '{"action": "hide"}'
_STRICTER: Final = (Action.ALLOW, Action.REQUIRE_APPROVAL, Action.DENY, Action.HIDE)


@dataclass(frozen=True, slots=True)
class Restricted:
    """A policy's text with the rule in it.

    `before` and `now` say what serves the tool, "" where that cannot be told; `lost` are the conditions and limits that
    no longer hold for it. `is_looser`: some call that was refused or held may pass. `is_kept`: the policy's own rule
    for the tool stays, with what is stricter of both. `is_overruled`: the policy hides the tool all the same.
    """

    wanted: Restriction
    document: str
    before: str = ""
    now: str = ""
    lost: tuple[str, ...] = ()
    is_looser: bool = False
    is_kept: bool = False
    is_overruled: bool = False


@dataclass(frozen=True, slots=True)
class _Served:
    """What a policy does with one tool by the rule that serves it."""

    action: Action
    sentence: str
    parts: tuple[str, ...]


def put_restriction(policy: Policy, wanted: Restriction) -> Restricted | None:
    """The text in force, or that the policy opens with, with the rule; None for a text that is no policy."""
    version = current_version_for(policy)
    before = version.document if version else policy.opening
    if not before.strip():
        return Restricted(wanted, wanted.snippet.policy)
    name, tools = wanted.tool.name, tool_facts_for(policy.server)
    old = judge_text(before, tools).policy
    own = old.tools.get(name) if old else None
    document = _tighten(before, own, wanted) if own else put_rule(before, name, wanted.rule)
    if not document:
        return None
    new = judge_text(document, tools).policy
    found = Restricted(wanted, document, is_kept=own is not None)
    if old is None or new is None or name not in tools:
        return found
    was, now = _serve(old, tools, name), _serve(new, tools, name)
    lost = () if own else tuple(part for part in was.parts if part not in now.parts)
    return replace(
        found,
        before=was.sentence,
        now=now.sentence,
        lost=lost,
        is_looser=bool(lost) or _STRICTER.index(now.action) < _STRICTER.index(was.action),
        is_overruled=wanted.rule != _HIDE and any(match_name(entry, name) for entry in new.hide),
    )


def _tighten(document: str, own: Rule, wanted: Restriction) -> str:
    """The text in which the tool's own rule has what is stricter of both."""
    for key, value in json.loads(wanted.rule).items():
        if key == "action":
            is_stricter = _STRICTER.index(Action(value)) > _STRICTER.index(own.action or Action.ALLOW)
        elif key == "rate_limit" and own.rate_limit is not None:
            is_stricter = value["max"] * own.rate_limit.window < own.rate_limit.max * value["window"]
        else:
            is_stricter = key == "rate_limit"
        if is_stricter:
            document = put_value(document, ("tools", wanted.tool.name, key), value)
    return document


def _serve(policy: Parsed, tools: Mapping[str, ToolFacts], name: str) -> _Served:
    said = {sentence.pointer: sentence.text for sentence in explain_policy(policy, tools)}
    hidden = next((index for index, entry in enumerate(policy.hide) if match_name(entry, name)), None)
    if hidden is not None:
        return _Served(Action.HIDE, said[f"/hide/{hidden}"], ())
    rule = find_rule(policy, tools[name])
    if rule is None:
        return _Served(Action.ALLOW if policy.is_default_allow else Action.DENY, said["/default"], ())
    parts = tuple(part.text for part in explain_parts(policy) if part.pointer.startswith(f"{rule.pointer}/"))
    return _Served(settle_action(policy, rule, tools[name])[0], said[rule.pointer], parts)
