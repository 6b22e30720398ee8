"""The JSON twins of the catalogue's pages. Their field names are a contract with readers outside."""

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from catalog.access import tools_of
from catalog.models import KnownServer, KnownTool
from catalog.recommend import RatedTool, recommend_policy_for_tool
from catalog.rubric import Category, Level


@dataclass(frozen=True, slots=True)
class Twin:
    body: bytes
    etag: str


def rate(tool: KnownTool) -> RatedTool:
    """What recommendations need to know of a catalogued tool."""
    return RatedTool(tool.name, Category(tool.category), Level(tool.risk))


def describe_tool(tool: KnownTool) -> dict[str, Any]:
    """A tool as the contract spells it: the data file's fields and `recommended_policy`."""
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
        "recommended_policy": recommend_policy_for_tool(rate(tool)),
    }


def describe_server(server: KnownServer) -> dict[str, Any]:
    """A server as the contract spells it, without its tools."""
    return {
        "slug": server.slug,
        "name": server.name,
        "publisher": server.publisher,
        "repository": server.repository,
        "package": server.package,
        "release": server.release,
        "transport": server.transport,
        "requires_env": server.requires_env,
    }


def server_twin(server: KnownServer) -> Twin:
    """The twin of the server's page, kept per process under the digest of the loaded file: a reload is seen at once."""
    return _server_twin(server, server.digest)


def tool_twin(tool: KnownTool, server: KnownServer) -> Twin:
    """The twin of the tool's page: the tool as in the server's twin, and which server it is of."""
    return _seal({"server": server.slug, **describe_tool(tool)})


# A model instance hashes by its primary key; the digest makes a reloaded server another key.
@lru_cache(maxsize=8)
def _server_twin(server: KnownServer, digest: str) -> Twin:
    return _seal({"server": describe_server(server), "tools": [describe_tool(tool) for tool in tools_of(server)]})


def _seal(document: dict[str, Any]) -> Twin:
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return Twin(body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')
