"""Documents to start a policy from, made of the server's own tools: texts for an editor, nothing is published here."""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from catalog.recommend import RatedTool, recommend_policy
from catalog.rubric import Category
from catalog.rubric import Level as CatalogueLevel
from servers.access import tool_facts_for, tools_for
from servers.models import Server


class Start(StrEnum):
    """What a new policy's editor holds at first."""

    RECOMMENDED = "recommended"
    READ_ONLY = "read-only"
    DENY = "deny"
    PASTE = "paste"


@dataclass(frozen=True, slots=True)
class StartChoice:
    """One starting point as the page offers it."""

    start: Start
    title: str
    summary: str


CHOICES = (
    StartChoice(
        Start.RECOMMENDED,
        "Recommended by level",
        "Low risk goes through, medium is paced, high and critical wait for a person.",
    ),
    StartChoice(
        Start.READ_ONLY,
        "Read only",
        "Every reviewed tool that only reads, by name. Nothing else, and nothing that appears tomorrow.",
    ),
    StartChoice(Start.DENY, "Deny everything", "Allows nothing, until you add to it."),
    StartChoice(Start.PASTE, "Paste", "An empty editor for a document that you already have."),
)


def write_start(start: Start, server: Server) -> str:
    """The text of a starting point for this server's tools; empty for a document to paste."""
    if start == Start.PASTE:
        return ""
    if start == Start.DENY:
        return _dump({"version": "1", "description": "Nothing is allowed yet", "default": "deny"})
    return _dump(recommend_policy(_rate_tools(server)) if start == Start.RECOMMENDED else _allow_reads(server))


def _rate_tools(server: Server) -> list[RatedTool]:
    facts = tool_facts_for(server)
    return [
        RatedTool(
            tool.name,
            Category(tool.category),
            CatalogueLevel(facts[tool.name].level.value),
            is_reviewed=tool.is_reviewed,
        )
        for tool in tools_for(server)
        if tool.name in facts
    ]


def _allow_reads(server: Server) -> dict[str, Any]:
    # An unreviewed tool is a reader by its own word only.
    known = tool_facts_for(server)
    reads = [tool.name for tool in tools_for(server) if tool.category == Category.READ and tool.is_reviewed]
    return {
        "version": "1",
        "description": "Reads only: nothing can be changed or spent",
        "default": "deny",
        "tools": {name: {} for name in reads if name in known},
    }


def _dump(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
