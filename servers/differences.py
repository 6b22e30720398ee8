"""A changed tool for people: what differs in words, which policies that touches, and both definitions line by line."""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final, cast

from catalog.models import KnownTool
from policies.engine.values import JSON, Level
from servers.access import InForce, effective_level, facts_of
from servers.changes import Change, list_changes
from servers.fingerprint import parse_json, write_json
from servers.models import Tool
from servers.pinning import accept_offer
from servers.touched import Touch, find_touch
from servers.upstream.exchange import escape_invisible

# Comparing takes quadratic time at worst.
MAX_LINES: Final = 2_000


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a comparison; `mark` is "-" for before, "+" for after and a space for both."""

    mark: str
    text: str


@dataclass(frozen=True, slots=True)
class Difference:
    """A tool whose new definition waits to be accepted. `is_too_long`: before and after are shown whole, one by one.

    `level` and `is_reviewed` are what it would have once accepted.
    """

    tool: Tool
    changes: tuple[Change, ...]
    touches: tuple[Touch, ...]
    was_level: Level
    level: Level
    is_reviewed: bool
    lines: tuple[Line, ...]
    is_too_long: bool


def show_definition(text: str) -> str:
    """A stored definition on indented lines, with invisible characters written out."""
    return "\n".join(_lines_of(text))


def compare_definitions(tool: Tool, documents: Sequence[InForce], known: Mapping[str, KnownTool]) -> Difference:
    """The pinned definition of a changed tool beside the offered one, and what accepting it would mean."""
    accepted = copy(tool)
    accept_offer(accepted, known)
    changes = list_changes(_read(tool.definition), _read(tool.offered))
    found = (find_touch(policy, facts_of(tool), facts_of(accepted), changes) for policy in documents)
    lines, is_too_long = _compare_texts(tool)
    return Difference(
        tool=tool,
        changes=changes,
        touches=tuple(touch for touch in found if touch is not None),
        was_level=effective_level(tool),
        level=effective_level(accepted),
        is_reviewed=accepted.is_reviewed,
        lines=lines,
        is_too_long=is_too_long,
    )


def _read(text: str) -> Mapping[str, JSON]:
    return cast("dict[str, JSON]", parse_json(text))


def _compare_texts(tool: Tool) -> tuple[tuple[Line, ...], bool]:
    before, after = _lines_of(tool.definition), _lines_of(tool.offered)
    if max(len(before), len(after)) > MAX_LINES:
        return (*(Line("-", line) for line in before), *(Line("+", line) for line in after)), True
    return tuple(_compare(before, after)), False


def _compare(before: list[str], after: list[str]) -> list[Line]:
    lines: list[Line] = []
    for kind, start, end, other_start, other_end in SequenceMatcher(None, before, after).get_opcodes():
        if kind == "equal":
            lines += [Line(" ", text) for text in before[start:end]]
            continue
        lines += [Line("-", text) for text in before[start:end]]
        lines += [Line("+", text) for text in after[other_start:other_end]]
    return lines


def _lines_of(text: str) -> list[str]:
    return [escape_invisible(line) for line in write_json(parse_json(text), "  ").split("\n")]
