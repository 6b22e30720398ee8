"""Rules for one tool, ready for a policy's `tools`; texts only, nothing is published by them."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.http import Http404

from policies.access import current_version_for, policy_for
from policies.engine.names import is_pattern
from policies.models import DecisionRecord, PolicyVersion

_SPACE: Final = " \t\r\n"
_BEFORE_NAME: Final = re.compile(r"[ \t\r\n]*,?[ \t\r\n]*(?=\")")
_COLON: Final = re.compile(r"[ \t\r\n]*:[ \t\r\n]*")


@dataclass(frozen=True, slots=True)
class Draft:
    """One member of `tools`, with what it does in a word, and the policy in force with it (empty without one)."""

    key: str
    title: str
    text: str
    document: str = ""


@dataclass(frozen=True, slots=True)
class Drafts:
    """`is_ruled`: the policy in force has a rule of this very name already, which the draft would take the place of.

    `version` is the number of the version that the documents were made of, 0 where there is none.
    """

    drafts: tuple[Draft, ...]
    is_ruled: bool
    version: int = 0


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
    version = _version_for(record)
    text = version.document if version is not None else ""
    drafts = tuple(
        Draft(
            key,
            title,
            f"{json.dumps(name)}: {json.dumps(rule)}",
            put_rule(text, name, json.dumps(rule)) if text else "",
        )
        for key, title, rule in rules
    )
    return Drafts(drafts, find_rule(text, name) is not None, version.number if version is not None else 0)


def put_rule(document: str, name: str, rule: str) -> str:
    """The document with this rule for a tool, in the place of one of its name; every other character stays.

    Empty for a text that is no JSON object, or whose `tools` is none.
    """
    members = _list_members(document, _start_of(document))
    if members is None:
        return ""
    found = find_rule(document, name)
    if found is not None:
        return document[: found[0]] + rule + document[found[1] :]
    tools = members.get("tools")
    if tools is None:
        return _put_first(document, _start_of(document), f'"tools": {{{json.dumps(name)}: {rule}}}', "  ")
    if document[tools[0]] != "{":
        return ""
    return _put_first(document, tools[0], f"{json.dumps(name)}: {rule}", "    ")


def _put_first(document: str, brace: int, member: str, indent: str) -> str:
    """One more member, before the first of the object that opens at `brace`."""
    is_empty = document[brace + 1 :].lstrip().startswith("}")
    end = "\n" if is_empty else ","
    return f"{document[: brace + 1]}\n{indent}{member}{end}{document[brace + 1 :]}"


def find_rule(document: str, name: str) -> tuple[int, int] | None:
    """Where the rule of exactly this name begins and ends."""
    members = _list_members(document, _start_of(document)) or {}
    tools = _list_members(document, members["tools"][0]) if "tools" in members else None
    return (tools or {}).get(name)


def _start_of(document: str) -> int:
    return len(document) - len(document.lstrip(_SPACE))


def _list_members(document: str, brace: int) -> dict[str, tuple[int, int]] | None:
    """Where each member of the object that opens at `brace` has its value; None for what is no object."""
    if document[brace : brace + 1] != "{":
        return None
    try:
        return dict(_walk_members(document, brace + 1))
    except ValueError:
        return None


def _walk_members(document: str, at: int) -> Iterator[tuple[str, tuple[int, int]]]:
    decoder = json.JSONDecoder()
    while (opening := _BEFORE_NAME.match(document, at)) is not None:
        name, at = decoder.raw_decode(document, opening.end())
        colon = _COLON.match(document, at)
        if colon is None:
            raise ValueError("a name without a value")
        _, end = decoder.raw_decode(document, colon.end())
        yield name, (colon.end(), end)
        at = end


def _version_for(record: DecisionRecord) -> PolicyVersion | None:
    if record.policy is None:
        return None
    try:
        return current_version_for(policy_for(record.policy))
    except Http404:
        return None
