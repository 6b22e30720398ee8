"""Public pages: the catalogue and its JSON twins. They read what everybody may read, and write nothing."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.cache import get_conditional_response, patch_cache_control
from django.views.decorators.http import require_safe

from catalog import access, twins
from catalog.models import KnownServer, KnownTool
from catalog.parameters import list_parameters
from catalog.recommend import describe_rule, recommend_policy, recommend_policy_for_tool
from catalog.rubric import CATEGORIES, LEVELS, Category, Level

TWIN_SECONDS = 300


@dataclass(frozen=True, slots=True)
class MatrixRow:
    category: str
    cells: tuple[access.LevelCount, ...]
    total: int


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    return render(request, "catalog/index.html", {"servers": access.list_servers()})


@require_safe
def server(request: HttpRequest, server: str) -> HttpResponse:
    found = _server_or_404(server)
    tools = access.tools_of(found)
    wanted = access.parse_filter(*(request.GET.get(name, "") for name in ("q", "category", "level", "module")))
    context = {
        "server": found,
        "tools": access.filter_tools(tools, wanted),
        "total": len(tools),
        "filter": wanted,
        "matrix": _matrix_of(tools),
        "level_totals": [access.LevelCount(level, sum(tool.risk == level for tool in tools)) for level in LEVELS],
        "categories": CATEGORIES,
        "levels": LEVELS,
        "modules": sorted({tool.module for tool in tools}),
        "policy": _pretty(recommend_policy(twins.rate(tool) for tool in tools)),
    }
    return render(request, "catalog/server.html", context)


@require_safe
def tool(request: HttpRequest, server: str, tool: str) -> HttpResponseBase:
    found = _tool_or_404(_server_or_404(server), tool)
    if found.name != tool:
        return redirect("catalog:tool", server=server, tool=found.name, permanent=True)
    context = {
        "server": found.server,
        "tool": found,
        "parameters": list_parameters(json.loads(found.input_schema)),
        "policy": _pretty(recommend_policy_for_tool(twins.rate(found))),
        "effect": describe_rule(Category(found.category), Level(found.risk)),
        "signals": [signal.replace("-", " ") for signal in found.signals],
        "attacks": [attack.replace("-", " ") for attack in found.attacks],
        "related": access.related_tools(found),
    }
    return render(request, "catalog/tool.html", context)


@require_safe
def server_json(request: HttpRequest, server: str) -> HttpResponseBase:
    return _answer_twin(request, twins.server_twin(_server_or_404(server)))


@require_safe
def tool_json(request: HttpRequest, server: str, tool: str) -> HttpResponseBase:
    parent = _server_or_404(server)
    found = _tool_or_404(parent, tool)
    if found.name != tool:
        return redirect("catalog:tool_json", server=server, tool=found.name, permanent=True)
    return _answer_twin(request, twins.tool_twin(found, parent))


def _answer_twin(request: HttpRequest, twin: twins.Twin) -> HttpResponseBase:
    response = HttpResponse(twin.body, content_type="application/json")
    response["ETag"] = twin.etag
    patch_cache_control(response, public=True, max_age=TWIN_SECONDS)
    return get_conditional_response(request, etag=twin.etag, response=response) or response


def _server_or_404(slug: str) -> KnownServer:
    found = access.known_server(slug)
    if found is None:
        raise Http404("no such server in the catalogue")
    return found


def _tool_or_404(parent: KnownServer, name: str) -> KnownTool:
    found = access.known_tool(parent, name)
    if found is None:
        raise Http404("no such tool in the catalogue")
    found.server = parent
    return found


def _matrix_of(tools: Sequence[KnownTool]) -> list[MatrixRow]:
    counts = Counter((tool.category, tool.risk) for tool in tools)
    rows = []
    for category in CATEGORIES:
        cells = tuple(access.LevelCount(level, counts[category, level]) for level in LEVELS)
        rows.append(MatrixRow(category, cells, sum(cell.count for cell in cells)))
    return rows


def _pretty(document: Any) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)
