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
_UNIT: Final = re.compile(r"\n([ \t]+)\S")
_WRITTEN_ON_ONE_LINE: Final = re.compile(r"[{\[][ \t]*[^\s}\]]")


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
    return put_value(document, ("tools", name), json.loads(rule))


def put_value(document: str, path: tuple[str, ...], value: object) -> str:
    """The document with this value at the end of the path, written as its surroundings are; else as put_rule."""
    brace = _start_of(document)
    for index, name in enumerate(path):
        members = _list_members(document, brace)
        if members is None:
            return ""
        if name not in members:
            for missing in reversed(path[index + 1 :]):
                value = {missing: value}
            return _put_first(document, brace, name, value)
        brace, end = members[name]
    return document[:brace] + _write(document, value, _indent_at(document, brace)) + document[end:]


def _put_first(document: str, brace: int, name: str, value: object) -> str:
    """One more member, before the first of the object that opens at `brace`."""
    head, tail = document[: brace + 1], document[brace + 1 :].lstrip(_SPACE)
    space = document[brace + 1 : len(document) - len(tail)]
    outer, unit = _indent_at(document, brace), _unit_of(document)
    if tail.startswith("}") and unit:
        space, after = f"\n{outer}{unit}", f"\n{outer}"
    else:
        after = "" if tail.startswith("}") else f",{space or ' '}"
    return f"{head}{space}{json.dumps(name)}: {_write(document, value, outer + unit)}{after}{tail}"


def _write(document: str, value: object, indent: str) -> str:
    """A value on one line where the document has such lines, else on lines of its own."""
    unit = "" if _WRITTEN_ON_ONE_LINE.search(document) else _unit_of(document)
    text = json.dumps(value, indent=unit or None, ensure_ascii=False)
    return text.replace("\n", f"\n{indent}")


def _unit_of(document: str) -> str:
    found = _UNIT.search(document)
    return found[1] if found else ""


def _indent_at(document: str, at: int) -> str:
    line = document[document.rfind("\n", 0, at) + 1 : at]
    return line[: len(line) - len(line.lstrip(" \t"))]


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
