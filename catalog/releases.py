"""Releases of one server: which is newer, and what changed between two of them. Plain functions, no database."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PART = re.compile(r"[0-9]+|[A-Za-z]+")
# What a reader of a change is told of, in the order of the page; the words are the page's.
FIELDS = {
    "risk": "level",
    "category": "category",
    "input_schema": "parameters",
    "requires_auth": "credentials",
    "method": "method",
    "endpoint": "endpoint",
    "module": "module",
    "signals": "signals",
    "attacks": "attack patterns",
    "title": "title",
    "summary": "summary",
    "rationale": "rationale",
    "is_reviewed": "review",
}
SHOWN = frozenset({"risk", "category", "module", "method", "endpoint", "requires_auth"})
ReleaseKey = tuple[tuple[tuple[int, int, str], ...], int, tuple[tuple[int, int, str], ...]]


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of a tool that differs. `before` and `after` are empty where a page cannot show them in a word."""

    field: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class ToolChange:
    name: str
    fields: tuple[FieldChange, ...]


@dataclass(frozen=True, slots=True)
class ReleaseChanges:
    """What a newer release has that an older one has not; tools are entries of the data files."""

    added: tuple[Mapping[str, Any], ...]
    removed: tuple[Mapping[str, Any], ...]
    changed: tuple[ToolChange, ...]
    unchanged: int


def order_release(release: str) -> ReleaseKey:
    """A key to sort releases by, oldest first: as semantic versioning has it, and something stable for other names.

    A pre-release (after the first "-") comes before its release; what stands after "+" counts for nothing.
    """
    core, _, early = release.partition("+")[0].partition("-")
    return _parts_of(core), 0 if early else 1, _parts_of(early)


def compare_releases(before: str, after: str) -> ReleaseChanges:
    """The changes between the documents of two releases, in the order of the newer one's tools."""
    old, new = _tools_of(before), _tools_of(after)
    differing = [(name, _compare_tools(old[name], tool)) for name, tool in new.items() if name in old]
    return ReleaseChanges(
        added=tuple(tool for name, tool in new.items() if name not in old),
        removed=tuple(tool for name, tool in old.items() if name not in new),
        changed=tuple(ToolChange(name, fields) for name, fields in differing if fields),
        unchanged=sum(not fields for _, fields in differing),
    )


def _parts_of(text: str) -> tuple[tuple[int, int, str], ...]:
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in PART.findall(text))


def _tools_of(document: str) -> dict[str, Mapping[str, Any]]:
    return {tool["name"]: tool for tool in json.loads(document)["tools"]}


def _compare_tools(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[FieldChange, ...]:
    changes = []
    for field, words in FIELDS.items():
        before, after = _value_of(old, field), _value_of(new, field)
        if before != after:
            is_shown = field in SHOWN
            changes.append(FieldChange(words, _word(before) if is_shown else "", _word(after) if is_shown else ""))
    return tuple(changes)


def _value_of(tool: Mapping[str, Any], field: str) -> Any:
    value = tool.get(field, True if field == "is_reviewed" else None)
    # Signals and patterns are sets; a schema's order of keys says nothing either.
    return sorted(value) if isinstance(value, list) else value


def _word(value: Any) -> str:
    return ("needed" if value else "not needed") if isinstance(value, bool) else str(value)
