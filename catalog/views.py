"""The catalogue's pages, and their JSON and Markdown twins. They write nothing."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe

from catalog import access, markdown, pages, twins
from catalog.models import KnownServer, KnownTool
from catalog.releases import ReleaseChanges, compare_releases
from catalog.shelf import Made, Sheet, answer_page, answer_twin

HTML = "text/html; charset=utf-8"
JSON = "application/json"
MARKDOWN = "text/markdown; charset=utf-8"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@require_safe
def index(request: HttpRequest) -> HttpResponseBase:
    text = _text_of(request)

    def make() -> Made:
        servers = access.list_servers()
        found = access.search_catalogue(text) if text else None
        body = render_to_string("catalog/index.html", pages.index_context(servers, text, found), request)
        return Sheet(body.encode(), HTML, _newest(servers), is_kept=not text)

    return answer_page(request, make, text)


@require_safe
def index_json(request: HttpRequest) -> HttpResponseBase:
    text = _text_of(request)

    def make() -> Made:
        servers = access.list_servers()
        document = twins.describe_found(text, access.search_catalogue(text)) if text else twins.describe_index(servers)
        return Sheet(_dump(document), JSON, _newest(servers), is_kept=not text)

    return answer_twin(request, make, text)


@require_safe
def index_markdown(request: HttpRequest) -> HttpResponseBase:
    text = _text_of(request)

    def make() -> Made:
        servers = access.list_servers()
        body = markdown.write_found(text, access.search_catalogue(text)) if text else markdown.write_index(servers)
        return Sheet(body.encode(), MARKDOWN, _newest(servers), is_kept=not text)

    return answer_twin(request, make, text)


@require_safe
def server(request: HttpRequest, server: str) -> HttpResponseBase:
    wanted = access.parse_filter(*(request.GET.get(name, "") for name in ("q", "category", "level", "module", "group")))

    def make() -> Made:
        found = _server_or_404(server)
        context = pages.server_context(found, access.tools_of(found), wanted)
        body = render_to_string("catalog/server.html", context, request)
        return Sheet(body.encode(), HTML, found.loaded_at, is_kept=not wanted.text and bool(context["tools"]))

    key = urlencode([(wanted.text, wanted.category or ""), (wanted.level or "", wanted.module), (wanted.group, "")])
    return answer_page(request, make, key)


@require_safe
def server_json(request: HttpRequest, server: str) -> HttpResponseBase:
    def make() -> Made:
        found = _server_or_404(server)
        tools = [twins.describe_tool(tool) for tool in access.tools_of(found)]
        return Sheet(_dump({"server": twins.describe_server(found), "tools": tools}), JSON, found.loaded_at)

    return answer_twin(request, make)


@require_safe
def server_markdown(request: HttpRequest, server: str) -> HttpResponseBase:
    def make() -> Made:
        found = _server_or_404(server)
        return Sheet(markdown.write_server(found, access.tools_of(found)).encode(), MARKDOWN, found.loaded_at)

    return answer_twin(request, make)


@require_safe
def tool(request: HttpRequest, server: str, tool: str) -> HttpResponseBase:
    def show(found: KnownTool) -> Sheet:
        body = render_to_string("catalog/tool.html", pages.tool_context(found, found.server), request)
        return Sheet(body.encode(), HTML, found.server.loaded_at)

    return answer_page(request, lambda: _show_tool("catalog:tool", server, tool, show))


@require_safe
def tool_json(request: HttpRequest, server: str, tool: str) -> HttpResponseBase:
    def show(found: KnownTool) -> Sheet:
        document = {"server": found.server.slug, **twins.describe_tool(found)}
        return Sheet(_dump(document), JSON, found.server.loaded_at)

    return answer_twin(request, lambda: _show_tool("catalog:tool_json", server, tool, show))


@require_safe
def tool_markdown(request: HttpRequest, server: str, tool: str) -> HttpResponseBase:
    def show(found: KnownTool) -> Sheet:
        text = markdown.write_tool(found, found.server, access.related_tools(found))
        return Sheet(text.encode(), MARKDOWN, found.server.loaded_at)

    return answer_twin(request, lambda: _show_tool("catalog:tool_markdown", server, tool, show))


@require_safe
def changes(request: HttpRequest, server: str, before: str, after: str) -> HttpResponseBase:
    def make() -> Made:
        found, compared = _changes_or_404(server, before, after)
        context = pages.changes_context(found, before, after, compared)
        return Sheet(render_to_string("catalog/changes.html", context, request).encode(), HTML, found.loaded_at)

    return answer_page(request, make)


@require_safe
def changes_json(request: HttpRequest, server: str, before: str, after: str) -> HttpResponseBase:
    def make() -> Made:
        found, compared = _changes_or_404(server, before, after)
        return Sheet(_dump(twins.describe_changes(found, before, after, compared)), JSON, found.loaded_at)

    return answer_twin(request, make)


@require_safe
def changes_markdown(request: HttpRequest, server: str, before: str, after: str) -> HttpResponseBase:
    def make() -> Made:
        found, compared = _changes_or_404(server, before, after)
        return Sheet(markdown.write_changes(found, before, after, compared).encode(), MARKDOWN, found.loaded_at)

    return answer_twin(request, make)


def _show_tool(address: str, server: str, tool: str, show: Callable[[KnownTool], Sheet]) -> Made:
    parent = _server_or_404(server)
    found = access.known_tool(parent, tool)
    if found is None:
        raise Http404("no such tool in the catalogue")
    if found.name != tool:
        return redirect(address, server=server, tool=found.name, permanent=True)
    found.server = parent
    return show(found)


def _server_or_404(slug: str) -> KnownServer:
    found = access.known_server(slug)
    if found is None:
        raise Http404("no such server in the catalogue")
    return found


def _changes_or_404(slug: str, before: str, after: str) -> tuple[KnownServer, ReleaseChanges]:
    found = _server_or_404(slug)
    documents = access.release_pair(found, before, after)
    if documents is None:
        raise Http404("no such releases of this server in the catalogue")
    return found, compare_releases(*documents)


def _text_of(request: HttpRequest) -> str:
    return access.parse_filter(request.GET.get("q", ""), "", "", "").text


def _newest(servers: list[access.ServerOverview]) -> datetime:
    return max((each.server.loaded_at for each in servers), default=LONG_AGO)


def _dump(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
