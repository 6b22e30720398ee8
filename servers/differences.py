"""Tool definitions as text for people: what is pinned, what is offered instead, line by line, with nothing hidden."""

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from servers.fingerprint import parse_json, write_json
from servers.models import Tool
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
    """A tool whose new definition waits to be accepted. `is_too_long`: before and after are shown whole, one by one."""

    tool: Tool
    lines: tuple[Line, ...]
    is_too_long: bool


def show_definition(text: str) -> str:
    """A stored definition on indented lines, with invisible characters written out."""
    return "\n".join(_lines_of(text))


def compare_definitions(tool: Tool) -> Difference:
    """The pinned definition of a changed tool beside the offered one."""
    before, after = _lines_of(tool.definition), _lines_of(tool.offered)
    if max(len(before), len(after)) > MAX_LINES:
        both = (*(Line("-", line) for line in before), *(Line("+", line) for line in after))
        return Difference(tool, both, is_too_long=True)
    return Difference(tool, tuple(_compare(before, after)), is_too_long=False)


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
