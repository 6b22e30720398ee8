"""What the templates of the catalogue's pages are given. Reads only; knows nothing of requests and responses."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse

from catalog import access
from catalog.answers import (
    answers_on_server,
    answers_on_tool,
    dangerous_groups,
    rate,
    rating_reasons,
    recommended,
    ways_to_restrict,
)
from catalog.models import KnownServer, KnownTool
from catalog.parameters import list_parameters
from catalog.reasons import UNTIL_APPROVALS
from catalog.recommend import recommend_policy
from catalog.releases import ReleaseChanges
from catalog.rubric import CATEGORIES, LEVELS
from catalog.structured import crumbs, questions, software, write_block

Context = dict[str, Any]
TRANSPORTS = {
    "stdio": "A client starts it as a program on its own machine and talks to it over standard input and output. The "
    "gateway reaches servers over HTTP, so somebody has to run it behind an address that speaks Streamable HTTP.",
    "streamable-http": "It is reached over HTTP: register its address, and the gateway stands in front of it.",
    "sse": "It is reached over HTTP with server-sent events, an older transport that the gateway does not speak.",
}


OWNER_AND_NAME = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*", re.ASCII)
WEB_ADDRESS = re.compile(r"https://[!-~]+")


@dataclass(frozen=True, slots=True)
class MatrixRow:
    category: str
    cells: tuple[access.LevelCount, ...]
    total: int


@dataclass(frozen=True, slots=True)
class ModuleCount:
    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Pattern:
    """An attack pattern's name, and where its page is; empty where there is none."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Step:
    """Two releases that follow on one another."""

    before: str
    after: str


def index_context(servers: list[access.ServerOverview], text: str, found: access.Found | None) -> Context:
    path = reverse("catalog:index")
    head = _head(path, "catalog:index", [])
    if text:
        head |= {key: f"{head[key]}?{urlencode({'q': text})}" for key in ("json_url", "markdown_url")}
    return {
        **head,
        "servers": servers,
        "query": text,
        "found": found,
        "structured": write_block(crumbs(("Catalogue", path))),
    }


def server_context(server: KnownServer, tools: list[KnownTool], wanted: access.ToolFilter) -> Context:
    path = reverse("catalog:server", args=[server.slug])
    answers = answers_on_server(server, tools)
    modules = Counter(tool.module for tool in tools)
    releases = access.releases_of(server)
    return {
        **_head(path, "catalog:server", [server.slug]),
        "server": server,
        "repository_url": _repository_url(server.repository),
        "tools": access.filter_tools(tools, wanted),
        "total": len(tools),
        "unreviewed": sum(not tool.is_reviewed for tool in tools),
        "filter": wanted,
        "matrix": _matrix_of(tools),
        "level_totals": [access.LevelCount(level, sum(tool.risk == level for tool in tools)) for level in LEVELS],
        "categories": CATEGORIES,
        "levels": LEVELS,
        "modules": [ModuleCount(name, modules[name]) for name in sorted(modules)],
        "reached": TRANSPORTS.get(server.transport, ""),
        "policy": json.dumps(recommend_policy(rate(tool) for tool in tools), indent=2, ensure_ascii=False),
        "until_approvals": UNTIL_APPROVALS,
        "groups": dangerous_groups(tools),
        "answers": answers,
        "steps": [Step(*pair) for pair in pairwise(releases)][::-1],
        "structured": write_block(
            software(server, path),
            crumbs(("Catalogue", reverse("catalog:index")), (server.name, path)),
            questions(answers),
        ),
    }


def tool_context(tool: KnownTool, server: KnownServer) -> Context:
    path = reverse("catalog:tool", args=[server.slug, tool.name])
    above = reverse("catalog:server", args=[server.slug])
    answers = answers_on_tool(tool, server)
    return {
        **_head(path, "catalog:tool", [server.slug, tool.name], tool.risk),
        "server": server,
        "tool": tool,
        "parameters": list_parameters(json.loads(tool.input_schema)),
        "reasons": rating_reasons(tool),
        "recommended": recommended(tool),
        "ways": ways_to_restrict(tool),
        "patterns": [_pattern_of(slug) for slug in tool.attacks],
        "related": access.related_tools(tool),
        "answers": answers,
        "structured": write_block(
            crumbs(("Catalogue", reverse("catalog:index")), (server.name, above), (tool.name, path)),
            questions(answers),
        ),
    }


def changes_context(server: KnownServer, before: str, after: str, changes: ReleaseChanges) -> Context:
    path = reverse("catalog:changes", args=[server.slug, before, after])
    above = reverse("catalog:server", args=[server.slug])
    return {
        **_head(path, "catalog:changes", [server.slug, before, after]),
        "server": server,
        "before": before,
        "after": after,
        "changes": changes,
        "has_pages": after == server.release,
        "structured": write_block(crumbs(("Catalogue", reverse("catalog:index")), (server.name, above), (after, path))),
    }


def _head(path: str, name: str, arguments: list[str], level: str = "") -> Context:
    """The page's canonical address, its twins, and the picture that links to it are shown with."""
    picture = static(f"og-{level}.png" if level else "og.png")
    return {
        "canonical": f"{settings.PUBLIC_URL}{path}",
        "json_url": reverse(f"{name}_json", args=arguments),
        "markdown_url": reverse(f"{name}_markdown", args=arguments),
        "picture": f"{settings.PUBLIC_URL}{picture}",
    }


def _repository_url(repository: str) -> str:
    """Where the repository is read: as the publisher wrote it, or on GitHub where only owner and name are given."""
    if OWNER_AND_NAME.fullmatch(repository):
        return f"https://github.com/{repository}"
    return repository if WEB_ADDRESS.fullmatch(repository) else ""


def _pattern_of(slug: str) -> Pattern:
    try:
        url = reverse("catalog:attack", args=[slug])
    except NoReverseMatch:
        url = ""
    return Pattern(slug.replace("-", " "), url)


def _matrix_of(tools: Sequence[KnownTool]) -> list[MatrixRow]:
    counts = Counter((tool.category, tool.risk) for tool in tools)
    rows = []
    for category in CATEGORIES:
        cells = tuple(access.LevelCount(level, counts[category, level]) for level in LEVELS)
        rows.append(MatrixRow(category, cells, sum(cell.count for cell in cells)))
    return rows
