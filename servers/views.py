"""Pages of servers: list, registration, tools, settings. Decide nothing here: access and services do."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from django.conf import settings as project
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import ADMINS, POLICY_WRITERS, MemberRequest, member_view
from accounts.models import Role
from catalog.access import known_tools_named, summaries_named
from catalog.answers import SIMULATED
from catalog.restrictions import Restriction, find_restriction
from policies.engine.values import Level
from servers import access, services
from servers.checks import MAX_NAME, ServerInvalidError
from servers.differences import Difference, compare_definitions, show_definition
from servers.forms import ServerInput, read_edit, read_filter, read_seen, read_server, show_server
from servers.marks import load_check, load_progress
from servers.matching import is_known_shape
from servers.models import CATEGORIES, LEVELS, DiscoveryStatus, Kind, Server, Tool

NO_CONTENT = 204
UNPROCESSABLE = 422
# Differences on one page; the others follow when these are accepted.
SHOWN_CHANGES = 20
STATES = (("active", "Active"), ("changed", "Changed"), ("gone", "Gone"), ("unreviewed", "Not reviewed"))


@dataclass(frozen=True, slots=True)
class ServerRow:
    """A server in the list, with what a person has to look at."""

    server: Server
    counts: access.ToolCounts
    is_discovering: bool

    @property
    def host(self) -> str:
        return urlsplit(self.server.url).netloc

    @property
    def is_unreachable(self) -> bool:
        return self.server.discovery == DiscoveryStatus.FAILED and not self.is_discovering


@dataclass(frozen=True, slots=True)
class ToolRow:
    """A tool in the list; `level` is the one that policies see."""

    tool: Tool
    level: Level
    summary: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a filter, with how many tools it would show by itself."""

    value: str
    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Filter:
    name: str
    label: str
    chosen: str
    choices: list[Choice]


@require_safe
@member_view()
def list_servers(request: MemberRequest) -> HttpResponse:
    counts = access.count_tools_by_server()
    rows = [
        ServerRow(server, counts.get(server.id, access.ToolCounts()), access.is_discovering(server))
        for server in access.servers_for()
    ]
    return render(request, "servers/list.html", {"rows": rows, "can_write": _can_write(request)})


@require_http_methods(["GET", "HEAD", "POST"])
@member_view(read=ADMINS, write=ADMINS)
def create(request: MemberRequest) -> HttpResponse:
    wanted = find_restriction(request.GET.get("restrict", ""))
    typed = read_server(request.POST) if request.method == "POST" else ServerInput(name=_known_name(wanted))
    if request.method == "POST":
        try:
            server = services.register_server(
                member=request.member, name=typed.name, kind=typed.kind, url=typed.url, headers=typed.headers
            )
        except ServerInvalidError as error:
            typed = typed.with_errors(error.problems)
        else:
            messages.success(request, f"{server.name} is registered. Its tools are being read.")
            return _to(request, "tools", server) if wanted is None else _go_on(request, wanted)
    is_simulator = typed.kind == Kind.SIMULATOR
    context = {
        "simulator": typed if is_simulator else ServerInput(kind=Kind.SIMULATOR.value, name="Bybit simulator"),
        "by_url": ServerInput() if is_simulator else typed,
        "has_simulator": bool(project.SIMULATOR_URL),
        "wanted": wanted,
        "is_simulated": wanted is not None and wanted.tool.server.slug == SIMULATED,
        "allows_private": project.ALLOW_PRIVATE_UPSTREAMS,
    }
    return render(request, "servers/create.html", context, status=_status_of(typed))


@require_safe
@member_view()
def detail(request: MemberRequest, server: UUID) -> HttpResponse:
    return _to(request, "tools", access.server_for(server))


@never_cache
@require_safe
@member_view()
def tools(request: MemberRequest, server: UUID) -> HttpResponse:
    return _show_tools(request, access.server_for(server))


@never_cache
@require_safe
@member_view()
def status(request: MemberRequest, server: UUID) -> HttpResponse:
    found = access.server_for(server)
    context = _status_context(found) | {"server": found}
    if not context["is_discovering"]:
        # The page's list of tools is older than what was found: htmx loads it anew.
        response = render(request, "servers/_status.html", context)
        response["HX-Refresh"] = "true"
        return response
    if request.GET.get("seen") == context["progress"].mark:
        # Nothing to say again to who listens.
        return HttpResponse(status=NO_CONTENT)
    return render(request, "servers/_progress.html", context)


@require_POST
@member_view(write=ADMINS)
def discover(request: MemberRequest, server: UUID) -> HttpResponse:
    found = access.server_for(server)
    if services.queue_discovery(member=request.member, server=found):
        messages.success(request, "The server is being asked for its tools.")
    else:
        messages.info(request, "The server is being asked for its tools already.")
    return _to(request, "tools", found)


@require_POST
@member_view(write=ADMINS)
def accept(request: MemberRequest, server: UUID) -> HttpResponse:
    found = access.server_for(server)
    seen = read_seen(request.POST)
    if not seen:
        messages.error(request, "Nothing was accepted: select the tools whose change you have read.")
        return _to(request, "tools", found)
    try:
        accepted = services.accept_tools(member=request.member, server=found, names=list(seen), seen=seen)
    except services.ToolsMovedError as error:
        messages.error(request, f"Nothing was accepted. {error}")
    else:
        count = "One tool is" if len(accepted) == 1 else f"{len(accepted)} tools are"
        messages.success(request, f"{count} accepted, and can be called as the policy says.")
    return _to(request, "tools", found)


@require_POST
@member_view(write=ADMINS)
def review(request: MemberRequest, server: UUID) -> HttpResponse:
    found = access.server_for(server)
    tool = access.tool_for(found, request.POST.get("tool", ""))
    level, category = request.POST.get("level", ""), request.POST.get("category", "")
    seen = request.POST.get("fingerprint", "")
    try:
        services.review_tool(member=request.member, tool=tool, level=level, category=category, seen=seen)
    except (ServerInvalidError, services.ToolsMovedError) as error:
        messages.error(request, f"{tool.name} was not changed. {error}")
    else:
        messages.success(request, f"{tool.name} is reviewed: {category}, {level} risk.")
    return _to(request, "tools", found)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@member_view(write=ADMINS)
def settings(request: MemberRequest, server: UUID) -> HttpResponse:
    found = access.server_for(server)
    stored = access.header_names_for(found)
    typed = read_edit(request.POST, stored) if request.method == "POST" else show_server(found)
    if request.method == "POST":
        try:
            services.edit_server(
                member=request.member,
                server=found,
                name=typed.name,
                url=typed.url if found.kind == Kind.HTTP else None,
                headers=typed.headers,
                removed=typed.removed,
            )
        except ServerInvalidError as error:
            typed = typed.with_errors(error.problems)
            found = access.server_for(server)
        else:
            messages.success(request, "Saved. It is in force within two seconds.")
            return _to(request, "settings", found)
    return _show_settings(request, found, typed, stored)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@member_view(read=ADMINS, write=ADMINS)
def check(request: MemberRequest, server: UUID) -> HttpResponse:
    found = access.server_for(server)
    if request.method == "POST":
        services.queue_check(server=found)
        return _to(request, "settings", found)
    last = load_check(found.organisation_id, found.id)
    return render(request, "servers/_check.html", {"server": found, "check": last})


@require_POST
@member_view(write=POLICY_WRITERS)
def stop(request: MemberRequest, server: UUID) -> HttpResponse:
    found = access.server_for(server)
    services.stop_server(member=request.member, server=found, reason=request.POST.get("reason", ""))
    said = f"{found.name} is stopped: each call to it is refused within 2 seconds, and open streams end."
    messages.success(request, said)
    return _to(request, "settings", found)


@require_POST
@member_view(write=POLICY_WRITERS)
def resume(request: MemberRequest, server: UUID) -> HttpResponse:
    found = access.server_for(server)
    services.resume_server(member=request.member, server=found)
    messages.success(request, f"Calls to {found.name} go on within 2 seconds.")
    return _to(request, "settings", found)


@require_POST
@member_view(write=ADMINS)
def delete(request: MemberRequest, server: UUID) -> HttpResponse:
    found = access.server_for(server)
    if request.POST.get("confirm", "").strip() != found.name:
        typed = show_server(found).with_errors({"confirm": f"Type the name of the server, {found.name}, to delete it."})
        return _show_settings(request, found, typed, access.header_names_for(found))
    services.delete_server(member=request.member, server=found)
    messages.success(request, f"{found.name} is deleted, with its policies and grants.")
    return redirect("servers:list", organisation=request.member.organisation.slug)


def _show_tools(request: MemberRequest, server: Server) -> HttpResponse:
    wanted = read_filter(request.GET)
    texts = summaries_named(server.catalogue_slug)
    tools = access.overview_for(server)
    choices = access.count_choices(tools)
    rows = [
        ToolRow(tool, access.effective_level(tool), texts.get(tool.name, ""))
        for tool in access.filter_tools(tools, wanted)
    ]
    context = {
        "server": server,
        "tab": "tools",
        "wanted": wanted,
        "is_filtered": wanted != access.ToolFilter(),
        "rows": rows,
        "has_texts": any(row.tool.title or row.summary for row in rows),
        "differences": _list_differences(server) if choices.counts.changed else [],
        "shown": _shown_tool(request, server),
        "filters": _list_filters(choices, wanted),
        "levels": LEVELS,
        "categories": CATEGORIES,
        "can_write": _can_write(request),
    }
    return render(request, "servers/tools.html", context | _status_context(server, choices.counts))


def _list_differences(server: Server) -> list[Difference]:
    changed = access.changed_tools_for(server, SHOWN_CHANGES)
    documents, known = access.documents_on(server), known_tools_named(server.catalogue_slug)
    return [compare_definitions(tool, documents, known) for tool in changed]


def _list_filters(counts: access.ToolChoices, wanted: access.ToolFilter) -> list[Filter]:
    filters = [
        _filter_of("level", wanted.level, LEVELS, counts.levels),
        _filter_of("category", wanted.category, CATEGORIES, counts.categories),
        _filter_of("module", wanted.module, [(name, name) for name in counts.modules], counts.modules),
        _filter_of("state", wanted.state, STATES, counts.states),
    ]
    return [each for each in filters if each.choices]


def _filter_of(name: str, chosen: str, values: Iterable[tuple[str, str]], counts: Mapping[str, int]) -> Filter:
    choices = [Choice(value, label, counts.get(value, 0)) for value, label in values]
    return Filter(name, name.capitalize(), chosen, choices)


def _shown_tool(request: MemberRequest, server: Server) -> dict[str, Any] | None:
    name = request.GET.get("tool", "")
    if not name:
        return None
    tool = access.tool_for(server, name)
    known = known_tools_named(server.catalogue_slug, tool.name).get(tool.name)
    return {
        "tool": tool,
        "level": access.effective_level(tool),
        "definition": show_definition(tool.definition),
        "known": known,
        "is_same_shape": known is not None and is_known_shape(tool, known),
    }


def _show_settings(request: MemberRequest, server: Server, typed: ServerInput, stored: list[str]) -> HttpResponse:
    context = {
        "server": server,
        "tab": "settings",
        "typed": typed,
        "header_names": stored,
        "new_rows": typed.rows_beside(stored),
        "headers_legend": f"{'More request' if stored else 'Request'} headers (optional)",
        "shown_url": server.url.partition("?")[0],
        "gateway_url": f"{project.PUBLIC_URL}/mcp/{server.id}",
        "cost": access.deletion_cost_for(server),
        "check": load_check(server.organisation_id, server.id),
        "allows_private": project.ALLOW_PRIVATE_UPSTREAMS,
        "can_write": _can_write(request),
    }
    return render(request, "servers/settings.html", context | _status_context(server), status=_status_of(typed))


def _status_context(server: Server, counts: access.ToolCounts | None = None) -> dict[str, Any]:
    is_discovering = access.is_discovering(server)
    return {
        "is_discovering": is_discovering,
        "counts": counts or access.count_tools(server),
        "progress": load_progress(server.organisation_id, server.id) if is_discovering else None,
    }


def _known_name(wanted: Restriction | None) -> str:
    return wanted.tool.server.name[:MAX_NAME] if wanted else ""


def _go_on(request: MemberRequest, wanted: Restriction) -> HttpResponse:
    address = reverse("policies:restrict_in", args=[request.member.organisation.slug])
    return redirect(f"{address}?{urlencode({'restrict': wanted.key})}")


def _can_write(request: MemberRequest) -> bool:
    return request.member.role == Role.ADMIN


def _status_of(typed: ServerInput) -> int:
    return UNPROCESSABLE if typed.errors else 200


def _to(request: MemberRequest, page: str, server: Server) -> HttpResponse:
    return redirect(f"servers:{page}", organisation=request.member.organisation.slug, server=server.id)
