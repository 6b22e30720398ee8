"""Reads of servers and their tools, inside the tenant block: row-level security shows one organisation's rows."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final, TypedDict, cast
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Count, F, Q
from django.http import Http404
from django.utils import timezone

from policies.engine.tools import ToolFacts
from policies.engine.values import JSON, Level
from servers.credentials import Place, SealBrokenError, Sealed, open_sealed
from servers.fingerprint import parse_json
from servers.models import CATEGORIES, DiscoveryStatus, Kind, Server, ServerHeader, Tool, ToolState
from servers.upstream.target import Target, TargetUnavailableError

# A discovery that has not ended after this long died with its worker.
DISCOVERY_TIMEOUT: Final = timedelta(minutes=5)
LEVELS: Final = tuple(Level)
MAX_QUERY: Final = 100
UNREVIEWED: Final = "unreviewed"
_GONE: Final = Q(state=ToolState.GONE)
_COUNTED: Final = {
    "offered": Count("id", filter=~_GONE),
    "changed": Count("id", filter=Q(state=ToolState.CHANGED)),
    "gone": Count("id", filter=_GONE),
    "unreviewed": Count("id", filter=~_GONE & Q(is_reviewed=False)),
}


@dataclass(frozen=True, slots=True)
class ToolFilter:
    """What a reader looks for; empty texts mean any. `text` is looked for in name, title and description."""

    text: str = ""
    level: str = ""
    category: str = ""
    module: str = ""
    state: str = ""


class ListedTool(TypedDict):
    """A tool as a policy is built for it; `level` is the one that policies see, `state` active or changed."""

    name: str
    title: str
    module: str
    category: str
    level: Level
    is_reviewed: bool
    state: str
    input_schema: object


@dataclass(frozen=True, slots=True)
class ToolCounts:
    """How many tools of a server are offered, how many of these are changed or unreviewed, and how many are gone."""

    offered: int = 0
    changed: int = 0
    gone: int = 0
    unreviewed: int = 0


@dataclass(frozen=True, slots=True)
class ToolChoices:
    """What a filter of tools can choose, each with how many tools have it; `levels` are those that policies see."""

    levels: Mapping[str, int]
    categories: Mapping[str, int]
    modules: Mapping[str, int]
    states: Mapping[str, int]

    @property
    def counts(self) -> ToolCounts:
        """The same tools by what a person has to look at."""
        gone = self.states.get(ToolState.GONE, 0)
        return ToolCounts(
            offered=sum(self.categories.values()) - gone,
            changed=self.states.get(ToolState.CHANGED, 0),
            gone=gone,
            unreviewed=self.states.get(UNREVIEWED, 0),
        )


@dataclass(frozen=True, slots=True)
class InForce:
    """A policy with its published document."""

    id: UUID
    policy: str
    document: str


@dataclass(frozen=True, slots=True)
class DeletionCost:
    """What goes with a server when it is deleted; `live_grants` are neither revoked nor expired."""

    policies: int
    grants: int
    live_grants: int


@dataclass(frozen=True, slots=True)
class Discoveries:
    """How discoveries go over the whole installation; `last` is when one last ended well."""

    last: datetime | None
    servers: int
    failed: int


def sum_discoveries() -> Discoveries:
    """Three figures over all organisations, by PostgreSQL's function policylayer_discoveries; needs no tenant block."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT last, servers, failed FROM policylayer_discoveries()")
        row = cursor.fetchone()
    return Discoveries(*row) if row else Discoveries(None, 0, 0)


def count_servers() -> int:
    """How many servers the organisation has."""
    return Server.objects.count()


def servers_for() -> list[Server]:
    """The organisation's servers by name."""
    return list(Server.objects.order_by("name"))


def servers_offering(tool: str) -> list[Server]:
    """The servers by name that offer a tool of exactly this name, changed or not."""
    offering = Tool.objects.filter(~_GONE, name=tool).values("server_id")
    return list(Server.objects.filter(id__in=offering).order_by("name"))


def server_for(server_id: UUID) -> Server:
    """The organisation's server with this id; raises Http404 for unknown and foreign ones alike."""
    server = Server.objects.select_related("organisation").filter(id=server_id).first()
    if server is None:
        raise Http404("no such server")
    return server


def find_organisation(server_id: UUID) -> UUID | None:
    """Which organisation has a server with this id, None when none has; needs no tenant block.

    The look-up is PostgreSQL's function policylayer_server, which tells that one id and nothing else.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT organisation_id FROM policylayer_server(%s)", [server_id])
        row = cursor.fetchone()
    return row[0] if row else None


def tools_for(server: Server) -> list[Tool]:
    """Every pinned tool of the server by name, changed and gone ones included."""
    return list(Tool.objects.filter(server=server).order_by("name"))


def overview_for(server: Server) -> list[Tool]:
    """Every pinned tool of the server by name, changed and gone ones included, without their definitions' texts."""
    return list(Tool.objects.filter(server=server).defer("definition", "offered", "input_schema").order_by("name"))


def filter_tools(tools: Iterable[Tool], wanted: ToolFilter) -> list[Tool]:
    """The tools that pass a filter, in their order; words that mean nothing as a level, category or state pass all."""
    words = wanted.text.casefold()[:MAX_QUERY].split()
    return [tool for tool in tools if _passes(tool, wanted) and _holds(tool, words)]


def _passes(tool: Tool, wanted: ToolFilter) -> bool:
    if wanted.level in LEVELS and effective_level(tool) != wanted.level:
        return False
    if wanted.category in dict(CATEGORIES) and tool.category != wanted.category:
        return False
    if wanted.module and tool.module != wanted.module:
        return False
    if wanted.state == UNREVIEWED:
        return _waits_for_review(tool)
    return wanted.state not in tuple(ToolState) or tool.state == wanted.state


def _holds(tool: Tool, words: Sequence[str]) -> bool:
    if not words:
        return True
    text = f"{tool.name}\n{tool.title}\n{tool.description}".casefold()
    return all(word in text for word in words)


def _waits_for_review(tool: Tool) -> bool:
    return not tool.is_reviewed and tool.state != ToolState.GONE


def listed_tools_for(server: Server) -> list[ListedTool]:
    """Every tool still offered, by name, with what a policy builder shows of it. Numbers of schemas become floats."""
    tools = Tool.objects.filter(server=server).defer("definition", "offered", "description").order_by("name")
    return [
        ListedTool(
            name=tool.name,
            title=tool.title,
            module=tool.module,
            category=tool.category,
            level=effective_level(tool),
            is_reviewed=tool.is_reviewed,
            state=tool.state,
            input_schema=json.loads(tool.input_schema),
        )
        for tool in _offered(list(tools))
    ]


def changed_tools_for(server: Server, limit: int) -> list[Tool]:
    """The first tools that wait for somebody to accept their new definition."""
    return list(Tool.objects.filter(server=server, state=ToolState.CHANGED).order_by("name")[:limit])


def documents_on(server: Server) -> list[InForce]:
    """Every document in force on a server, by the name of its policy."""
    published = server.policies.filter(versions__number=F("current")).order_by("name")
    return [InForce(*row) for row in published.values_list("id", "name", "versions__document")]


def tool_for(server: Server, name: str) -> Tool:
    """The server's tool with exactly this name; raises Http404."""
    # A NUL, which PostgreSQL takes in no text, is in no tool's name.
    tool = None if "\x00" in name else Tool.objects.filter(server=server, name=name).first()
    if tool is None:
        raise Http404("no such tool")
    return tool


def count_tools(server: Server) -> ToolCounts:
    """The server's tools counted by what a person has to look at."""
    return ToolCounts(**Tool.objects.filter(server=server).aggregate(**_COUNTED))


def count_tools_by_server() -> dict[UUID, ToolCounts]:
    """The same for each server of the organisation that has tools, in one query."""
    rows = Tool.objects.order_by().values("server_id").annotate(**_COUNTED)
    counted: list[dict[str, Any]] = [dict(row) for row in rows]
    return {row.pop("server_id"): ToolCounts(**row) for row in counted}


def count_choices(tools: Sequence[Tool]) -> ToolChoices:
    """How many of these tools have each level, category, module and state."""
    states = Counter(tool.state for tool in tools)
    states[UNREVIEWED] = sum(map(_waits_for_review, tools))
    return ToolChoices(
        levels=Counter(effective_level(tool).value for tool in tools),
        categories=Counter(tool.category for tool in tools),
        modules=dict(sorted(Counter(tool.module for tool in tools if tool.module).items())),
        states=states,
    )


def effective_level(tool: Tool) -> Level:
    """The level that policies see: that of the tool, but at least high while nobody has reviewed it."""
    level = Level(tool.level)
    return level if tool.is_reviewed else max(level, Level.HIGH, key=LEVELS.index)


def tool_facts_for(server: Server) -> dict[str, ToolFacts]:
    """What the engine is told: every tool still offered, by name, with its pinned schema, changed ones marked."""
    return {tool.name: facts_of(tool) for tool in offered_tools_for(server)}


def offered_tools_for(server: Server) -> list[Tool]:
    """The server's tools that are still offered, by name."""
    return _offered(tools_for(server))


def target_for(server: Server) -> Target:
    """Where calls for this server go, with its opened request headers.

    Raises TargetUnavailableError when a header does not open, or this installation runs no simulator.
    """
    if server.kind == Kind.SIMULATOR:
        return _target_of_simulator(server)
    try:
        headers = tuple((header.name, open_header(server, header)) for header in server.headers.order_by("name"))
    except SealBrokenError as error:
        raise TargetUnavailableError(f"A stored request header cannot be used. {error}") from None
    return Target(server.id, server.url, headers)


def open_header(server: Server, header: ServerHeader) -> str:
    """The value of a stored request header; raises SealBrokenError when it does not open for this server."""
    return open_sealed(Sealed(bytes(header.sealed), header.key_version), place_of(server, header.name))


def place_of(server: Server, header: str) -> Place:
    """Where a header's value belongs, as sealing binds it."""
    return Place(server.organisation_id, server.id, header)


def header_names_for(server: Server) -> list[str]:
    """The names of the request headers that are stored for this server; their values are never shown again."""
    return list(server.headers.order_by("name").values_list("name", flat=True))


def is_discovering(server: Server) -> bool:
    """Whether a discovery is under way; one without an end after five minutes is not."""
    started = server.discovery_started_at
    is_running = server.discovery == DiscoveryStatus.RUNNING
    return is_running and started is not None and started > timezone.now() - DISCOVERY_TIMEOUT


def deletion_cost_for(server: Server) -> DeletionCost:
    """What deleting this server would delete with it."""
    is_valid = Q(grants__expires_at=None) | Q(grants__expires_at__gt=timezone.now())
    is_live = Q(grants__revoked_at=None) & is_valid
    cost = Server.objects.filter(id=server.id).aggregate(
        # First, because behind it `grants` would mean the count of that name.
        live_grants=Count("grants", filter=is_live, distinct=True),
        policies=Count("policies", distinct=True),
        grants=Count("grants", distinct=True),
    )
    return DeletionCost(**cost)


def _target_of_simulator(server: Server) -> Target:
    if not settings.SIMULATOR_URL:
        raise TargetUnavailableError(
            "This installation runs no simulator. Ask who runs it, or register another server."
        )
    url = f"{settings.SIMULATOR_URL}/mcp/{server.organisation_id}/{server.id}"
    return Target(server.id, url, (("Authorization", f"Bearer {settings.SIMULATOR_SECRET}"),))


def _offered(tools: Sequence[Tool]) -> list[Tool]:
    return [tool for tool in tools if tool.state != ToolState.GONE]


def facts_of(tool: Tool) -> ToolFacts:
    """One tool as the engine is told of it."""
    schema = _read_schema(tool.input_schema)
    return ToolFacts(tool.name, effective_level(tool), schema, is_changed=tool.state == ToolState.CHANGED)


@lru_cache(maxsize=4096)
def _read_schema(text: str) -> Mapping[str, JSON]:
    """Reading 328 schemas takes 70 ms, and checking while somebody types needs them all. Nobody changes them."""
    return cast("dict[str, JSON]", parse_json(text))
