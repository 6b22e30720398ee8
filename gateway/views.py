"""Console pages about calls: where an organisation stands, the decision log, one decision explained; and the probes."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from uuid import UUID

from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.access import Member, MemberRequest, member_view
from gateway.log_export import MAX_RECORDS, SHAPES, LogExport
from gateway.log_query import LogQuery
from gateway.readiness import find_reasons
from gateway.record_texts import describe_record, describe_status, format_duration
from gateway.today import look_around
from policies.access import grant_for, grants_for, policies_for, policy_for, record_for, records_for, search_records
from policies.drafts import write_drafts
from policies.engine.values import Outcome
from policies.models import DecisionRecord, Grant, Policy
from policies.snippets import gateway_url_of
from servers.access import server_for, servers_for
from servers.models import Server

PAGE = 50
RECENT = 8
NO_CONTENT = 204


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    reasons = find_reasons()
    return JsonResponse(
        {"status": "unavailable" if reasons else "ok", "reasons": reasons}, status=503 if reasons else 200
    )


@dataclass(frozen=True, slots=True)
class Step:
    """One step from nothing to a governed call; `url` is empty where the member may not take it."""

    title: str
    text: str
    action: str
    url: str
    is_done: bool
    is_next: bool = False


@require_safe
@member_view()
def start(request: MemberRequest) -> HttpResponse:
    servers, grants = list(servers_for()), list(grants_for())
    steps = plan_steps(request.member, servers, grants)
    is_waiting = bool(steps) and steps[-1].is_next
    context = {
        "steps": steps,
        "waited": find_waited(servers, grants) if is_waiting else None,
        "is_complete": all(step.is_done for step in steps),
        "servers": [(server, gateway_url_of(server.id)) for server in servers],
        "today": look_around(request.member.organisation.slug, servers, grants, shown=RECENT),
    }
    return render(request, "gateway/start.html", context)


SERVER_PAGES = {
    "Tools": "servers:tools",
    "Policies": "policies:list",
    "Grants": "policies:grants",
    "Log": "gateway:log",
    "Settings": "servers:settings",
}


@never_cache
@require_safe
@member_view()
def places(request: MemberRequest) -> JsonResponse:
    """What the palette can go to from every page of the console: its servers' pages and its settings."""
    organisation = request.member.organisation
    found = [
        {"name": f"{server.name}: {page}", "group": "Server", "url": reverse(name, args=[organisation.slug, server.id])}
        for server in servers_for()
        for page, name in SERVER_PAGES.items()
    ]
    settings = {"Members": "accounts:members"}
    if request.member.is_admin:
        settings |= {"API keys": "accounts:api_keys", "Audit": "accounts:audit"}
    found += [
        {"name": page, "group": "Settings", "url": reverse(name, args=[organisation.slug])}
        for page, name in settings.items()
    ]
    return JsonResponse({"places": found})


def plan_steps(member: Member, servers: list[Server], all_grants: list[Grant]) -> list[Step]:
    slug = member.organisation.slug
    policies = [policy for policy in policies_for() if policy.current]
    grants = [grant for grant in all_grants if grant.revoked_at is None and grant.policy_id is not None]
    # The next step is shown for the server that got furthest.
    furthest = [*(grant.server for grant in grants), *(policy.server for policy in policies), *servers]
    server = furthest[0] if furthest else None

    def url_of(name: str) -> str:
        return reverse(name, args=[slug, server.id]) if server else ""

    steps = [
        Step(
            "Register a server",
            "The MCP server that agents use. To try it all first, take the Bybit simulator: it needs no keys.",
            "Register a server",
            reverse("servers:create", args=[slug]) if member.is_admin else "",
            bool(servers),
        ),
        Step(
            "Publish a policy",
            "What agents may do, tool by tool. Without one, every call is refused.",
            "Write a policy",
            url_of("policies:list") if member.is_policy_writer else "",
            bool(policies),
        ),
        Step(
            "Mint a grant",
            "A token for one agent, carrying that policy. It is shown once.",
            "Mint a grant",
            url_of("policies:grants") if member.is_admin else "",
            bool(grants),
        ),
        Step(
            "Make the first call",
            "Point the agent's client at the gateway URL. The log shows each call within 2 seconds.",
            "Open the log",
            url_of("gateway:log"),
            bool(records_for(limit=1)),
        ),
    ]
    following = next((step for step in steps if not step.is_done), None)
    return [replace(step, is_next=step is following) for step in steps]


def find_waited(servers: list[Server], grants: list[Grant]) -> Server | None:
    """The server whose first call is the next step: that of the newest grant that could make it."""
    granted = [grant.server for grant in grants if grant.revoked_at is None and grant.policy_id is not None]
    return next(iter([*granted, *servers]), None)


@require_safe
@member_view()
def log(request: MemberRequest, server: UUID) -> HttpResponse:
    found = server_for(server)
    query = LogQuery.parse(request.GET)
    records = search_records(found, query.search, before=query.before, limit=PAGE + 1)
    seen = digest_of(records)
    if query.is_live and request.GET.get("seen") == seen:
        return HttpResponse(status=NO_CONTENT)
    grants = list(grants_for(found))
    labels = name_grants(grants)
    context = {
        "server": found,
        "tab": "log",
        "query": query,
        "rows": [row_of(record, labels) for record in records[:PAGE]],
        "older": query.page_before(records[PAGE - 1].id) if len(records) > PAGE else "",
        "poll": query.as_query(seen=seen) if query.is_live else "",
        "grants": labels,
        "gateway_url": gateway_url_of(found.id),
        "outcomes": list(Outcome),
        "csv": query.as_export("csv"),
        "json": query.as_export("json"),
        "most_exported": f"{MAX_RECORDS:,}",
    }
    return render(request, "gateway/_records.html" if "seen" in request.GET else "gateway/log.html", context)


@require_safe
@member_view()
def export(request: MemberRequest, server: UUID) -> HttpResponseBase:
    found = server_for(server)
    form = request.GET.get("format", "csv")
    if form not in SHAPES:
        raise Http404("no such format")
    shape = SHAPES[form]
    wanted = LogQuery.parse(request.GET).search
    file = LogExport(request.member.organisation.id, found.id, wanted, shape)
    is_async = isinstance(request, ASGIRequest)
    answer = StreamingHttpResponse(file.astream() if is_async else file.stream(), content_type=shape.media_type)
    name = f"{slugify(found.name) or 'decisions'}-{timezone.now():%Y%m%d-%H%M}.{form}"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the log."""

    record: DecisionRecord
    grant: str
    gateway: str
    upstream: str


def name_grants(grants: Iterable[Grant]) -> dict[UUID, str]:
    """What to call each: its label, and the end of its token where another has that label, as a rotated one has."""
    grants = list(grants)
    shared = Counter(grant.label for grant in grants)
    return {
        grant.id: f"{grant.label} (plg_…{grant.last_four})" if shared[grant.label] > 1 else grant.label
        for grant in grants
    }


def row_of(record: DecisionRecord, labels: Mapping[UUID, str]) -> Row:
    return Row(
        record, labels.get(record.grant, ""), format_duration(record.gateway_us), format_duration(record.upstream_us)
    )


def digest_of(records: list[DecisionRecord]) -> str:
    text = ";".join(f"{record.id} {record.status} {record.upstream_us}" for record in records)
    return sha256(text.encode()).hexdigest()[:16]


@require_safe
@member_view()
def decision(request: MemberRequest, record: UUID) -> HttpResponse:
    found = record_for(record)
    server = find_server(found)
    context = {
        "record": found,
        "server": server,
        "layout": "servers/server.html" if server else "console.html",
        "tab": "log",
        "grant": find_grant(found),
        "policy": find_policy(found),
        "sentence": describe_record(found),
        # Rules in brackets are the gateway's own, and the default is nobody's.
        "is_explicit": found.rule.startswith("/") and found.rule != "/default",
        "drafts": write_drafts(found),
        "can_write": request.member.is_policy_writer,
        "status_text": describe_status(found),
        "gateway_time": format_duration(found.gateway_us),
        "upstream_time": format_duration(found.upstream_us) if found.upstream_us else "",
    }
    return render(request, "gateway/decision.html", context)


# A record outlives what it names.
def find_server(record: DecisionRecord) -> Server | None:
    try:
        return server_for(record.server)
    except Http404:
        return None


def find_grant(record: DecisionRecord) -> Grant | None:
    try:
        return grant_for(record.grant)
    except Http404:
        return None


def find_policy(record: DecisionRecord) -> Policy | None:
    if record.policy is None:
        return None
    try:
        return policy_for(record.policy)
    except Http404:
        return None
