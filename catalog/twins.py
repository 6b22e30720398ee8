"""The JSON twins of the catalogue's pages as plain documents. Their field names are a contract with readers."""

import json
from typing import Any

from catalog.access import Found, ServerOverview
from catalog.answers import rate
from catalog.models import KnownServer, KnownTool
from catalog.recommend import recommend_policy_for_tool
from catalog.releases import ReleaseChanges

Document = dict[str, Any]


def describe_tool(tool: KnownTool) -> Document:
    """A tool as the contract spells it: the data file's fields and `recommended_policy`.

    As in a data file, `is_reviewed` is there only where nobody has reviewed the tool.
    """
    review = {} if tool.is_reviewed else {"is_reviewed": False}
    return {
        "name": tool.name,
        "title": tool.title,
        "module": tool.module,
        "category": tool.category,
        "risk": tool.risk,
        "summary": tool.summary,
        "rationale": tool.rationale,
        "signals": tool.signals,
        "attacks": tool.attacks,
        "requires_auth": tool.requires_auth,
        "method": tool.method,
        "endpoint": tool.endpoint,
        "input_schema": json.loads(tool.input_schema),
        **review,
        "recommended_policy": recommend_policy_for_tool(rate(tool)),
    }


def describe_server(server: KnownServer) -> Document:
    """A server as the contract spells it, without its tools; `summary` is there only where somebody wrote one."""
    return {
        "slug": server.slug,
        "name": server.name,
        "publisher": server.publisher,
        "repository": server.repository,
        "package": server.package,
        "release": server.release,
        "transport": server.transport,
        "requires_env": server.requires_env,
        **({"summary": server.summary} if server.summary else {}),
    }


def describe_index(overviews: list[ServerOverview]) -> Document:
    """Every server with the number of its tools by level."""
    return {
        "servers": [
            {
                **describe_server(each.server),
                "tools": each.total,
                "levels": {cell.level.value: cell.count for cell in each.levels},
            }
            for each in overviews
        ]
    }


def describe_found(text: str, found: Found) -> Document:
    """What a search found, best first."""
    return {
        "query": text,
        "corrected": list(found.corrected),
        "servers": [describe_server(server) for server in found.servers],
        "tools": [
            {
                "server": tool.server.slug,
                "name": tool.name,
                "title": tool.title,
                "category": tool.category,
                "risk": tool.risk,
                "summary": tool.summary,
            }
            for tool in found.tools
        ],
        "has_more": found.has_more,
    }


def describe_changes(server: KnownServer, before: str, after: str, changes: ReleaseChanges) -> Document:
    """What changed from one release to another: names, and for a changed tool the fields that differ."""
    return {
        "server": server.slug,
        "from": before,
        "to": after,
        "added": [tool["name"] for tool in changes.added],
        "removed": [tool["name"] for tool in changes.removed],
        "changed": [{"name": tool.name, "fields": [each.field for each in tool.fields]} for tool in changes.changed],
        "unchanged": changes.unchanged,
    }
