"""Compares what an upstream offers with what is pinned, on Tool rows in memory; the caller reads and writes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from django.utils import timezone

from catalog.models import KnownTool
from policies.engine.values import JSON
from servers.discovery import FoundTool
from servers.fingerprint import fingerprint_of, parse_json, write_json
from servers.matching import judge_tool
from servers.models import Server, Tool, ToolState
from servers.upstream.exchange import clean_text

# The columns that accepting or comparing may change.
WRITTEN: Final = (
    "title", "description", "module", "input_schema", "definition", "fingerprint", "offered", "offered_fingerprint",
    "category", "level", "is_reviewed", "state",
)  # fmt: skip
MAX_TITLE: Final = 200
MAX_DESCRIPTION: Final = 20_000


@dataclass(frozen=True, slots=True)
class Changes:
    """What a discovery changed, by tool names."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    returned: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.gone or self.returned)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Rows to add, rows to write again, and the changes in words."""

    new: tuple[Tool, ...]
    touched: tuple[Tool, ...]
    changes: Changes


def compare_tools(server: Server, offered: Sequence[FoundTool], known: Mapping[str, KnownTool]) -> Comparison:
    """Pin what was never seen, keep a differing definition beside the pinned one, and mark what is offered no more."""
    pinned = {tool.name: tool for tool in server.tools.all()}
    new = tuple(_pin_new(server, tool, known) for tool in offered if tool.name not in pinned)
    moved: list[Tool] = []
    for found in offered:
        tool = pinned.pop(found.name, None)
        if tool is not None and _take_offer(tool, found):
            moved.append(tool)
    gone = [tool for tool in pinned.values() if tool.state != ToolState.GONE]
    for tool in gone:
        _set_state(tool, ToolState.GONE)
    changes = Changes(
        added=tuple(tool.name for tool in new),
        changed=tuple(tool.name for tool in moved if tool.state == ToolState.CHANGED),
        gone=tuple(tool.name for tool in gone),
        returned=tuple(tool.name for tool in moved if tool.state == ToolState.ACTIVE),
    )
    return Comparison(new, (*moved, *gone), changes)


def accept_offer(tool: Tool, known: Mapping[str, KnownTool]) -> None:
    """Make the offered definition the pinned one and judge the tool anew; only the catalogue's word is a review."""
    definition = cast("dict[str, JSON]", parse_json(tool.offered))
    found = FoundTool(tool.name, definition, cast("dict[str, JSON]", definition["inputSchema"]))
    _write(tool, found, known, tool.offered_fingerprint)


def _pin_new(server: Server, found: FoundTool, known: Mapping[str, KnownTool]) -> Tool:
    tool = Tool(server=server, organisation_id=server.organisation_id, name=found.name)
    _write(tool, found, known, fingerprint_of(found.definition))
    return tool


def _take_offer(tool: Tool, found: FoundTool) -> bool:
    fingerprint = fingerprint_of(found.definition)
    if fingerprint == tool.fingerprint:
        if tool.state == ToolState.ACTIVE:
            return False
        _set_state(tool, ToolState.ACTIVE)
        return True
    if tool.state == ToolState.CHANGED and fingerprint == tool.offered_fingerprint:
        return False
    _set_state(tool, ToolState.CHANGED)
    tool.offered, tool.offered_fingerprint = write_json(dict(found.definition)), fingerprint
    return True


def _set_state(tool: Tool, state: ToolState) -> None:
    tool.state = state.value
    tool.offered = tool.offered_fingerprint = ""


def _write(tool: Tool, found: FoundTool, known: Mapping[str, KnownTool], fingerprint: str) -> None:
    judged = judge_tool(found, known)
    tool.category, tool.level, tool.module = judged.category, judged.level, judged.module
    tool.is_reviewed = judged.is_reviewed
    tool.definition, tool.fingerprint = write_json(dict(found.definition)), fingerprint
    tool.input_schema = write_json(dict(found.input_schema))
    tool.title = clean_text(_title_of(found.definition), MAX_TITLE)
    description = found.definition.get("description")
    tool.description = clean_text(description, MAX_DESCRIPTION) if isinstance(description, str) else ""
    tool.last_seen_at = timezone.now()
    _set_state(tool, ToolState.ACTIVE)


def _title_of(definition: Mapping[str, JSON]) -> str:
    annotations = definition.get("annotations")
    told = definition.get("title") or (annotations.get("title") if isinstance(annotations, dict) else "")
    return told if isinstance(told, str) else ""
