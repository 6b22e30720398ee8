"""Reads of the catalogue. Public: nothing here belongs to an organisation, so nothing asks who is reading."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Count
from django.db.models.functions import Lower

from catalog.answers import GROUPS, is_in_group
from catalog.models import KnownRelease, KnownServer, KnownTool
from catalog.rubric import CATEGORIES, LEVELS, Category, Level
from catalog.search import find_words, search_server

MAX_QUERY = 100
RELATED = 8
FOUND = 50
# Verbs and prefixes that say nothing about what two tools have in common.
COMMON_WORDS = frozenset({"get", "query", "list", "set", "post", "ws", "by", "info", "and", "of", "v5"})
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


@dataclass(frozen=True, slots=True)
class ToolFilter:
    """What a reader looks for. An empty text and None mean "any"; `text` is what catalog.search looks for.

    `group` is the signal of tools of level high and critical that share what they could do.
    """

    text: str = ""
    category: Category | None = None
    level: Level | None = None
    module: str = ""
    group: str = ""

    @property
    def is_empty(self) -> bool:
        return not (self.text or self.category or self.level or self.module or self.group)

    @property
    def group_title(self) -> str:
        return GROUPS[self.group][0] if self.group else ""


@dataclass(frozen=True, slots=True)
class LevelCount:
    level: Level
    count: int


@dataclass(frozen=True, slots=True)
class ServerOverview:
    server: KnownServer
    total: int
    levels: tuple[LevelCount, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found, best first. `corrected` holds the words that were looked for instead of mistyped ones."""

    servers: tuple[KnownServer, ...] = ()
    tools: tuple[KnownTool, ...] = ()
    has_more: bool = False
    corrected: tuple[str, ...] = ()


def search_catalogue(text: str) -> Found:
    """The servers and at most fifty tools that catalog.search finds for the text, best first."""
    hits = find_words(text, FOUND + 1)
    servers = KnownServer.objects.in_bulk(hits.servers)
    shown = hits.tools[:FOUND]
    tools = KnownTool.objects.select_related("server").defer("input_schema", "rationale").in_bulk(shown)
    # Of the words that a mistyped one was taken for, those that the names and titles found hold.
    held = {word for tool in tools.values() for word in f"{tool.name_words} {tool.title.lower()}".split()}
    return Found(
        servers=tuple(servers[key] for key in hits.servers),
        tools=tuple(tools[key] for key in shown),
        has_more=len(hits.tools) > FOUND,
        corrected=tuple(word for word in hits.corrected if word in held) or hits.corrected,
    )


def loaded_digests() -> list[tuple[str, str, bool]]:
    """What tells one catalogue from another: each server's slug, digest and whether it was imported."""
    return list(KnownServer.objects.order_by("slug").values_list("slug", "digest", "is_imported"))


def list_servers() -> list[ServerOverview]:
    """Every server of the catalogue by name, with how many tools of each level it has."""
    counts = KnownTool.objects.order_by().values_list("server_id", "risk").annotate(Count("id"))
    found = {(server, risk): count for server, risk, count in counts}
    overviews = []
    for server in KnownServer.objects.order_by("name"):
        levels = tuple(LevelCount(level, found.get((server.pk, level), 0)) for level in LEVELS)
        overviews.append(ServerOverview(server, sum(level.count for level in levels), levels))
    return overviews


def known_server(slug: str) -> KnownServer | None:
    """The server with exactly this slug, or None."""
    return KnownServer.objects.filter(slug=slug).first()


def tools_of(server: KnownServer) -> list[KnownTool]:
    """All tools of the server in the order of its data file."""
    return _of_server(server, KnownTool.objects.filter(server=server).order_by("position"))


def known_tool(server: KnownServer, name: str) -> KnownTool | None:
    """The tool with this name, letter case aside, or None."""
    return KnownTool.objects.annotate(lower=Lower("name")).filter(server=server, lower=name.lower()).first()


def find_tool(slug: str, name: str) -> KnownTool | None:
    """The tool with exactly this name of the server with this slug, with its server, or None."""
    return KnownTool.objects.select_related("server").filter(server__slug=slug, name=name).first()


def known_tools_named(slug: str, *names: str) -> dict[str, KnownTool]:
    """The tools of the server with this slug by their exact names, to match a registered server with.

    All of them, or with `names` only those; none for an empty slug.
    """
    if not slug:
        return {}
    tools = KnownTool.objects.filter(server__slug=slug)
    return {tool.name: tool for tool in (tools.filter(name__in=names) if names else tools)}


def summaries_named(slug: str) -> dict[str, str]:
    """What each tool of the server with this slug does, in a sentence, by its exact name; none for an empty slug."""
    if not slug:
        return {}
    return dict(KnownTool.objects.filter(server__slug=slug).values_list("name", "summary"))


def parse_filter(text: str, category: str, level: str, module: str, group: str = "") -> ToolFilter:
    """A filter from what a query string holds; words that the rubric does not know filter nothing."""
    return ToolFilter(
        text=" ".join(text.replace("\x00", " ").split())[:MAX_QUERY],
        category=Category(category) if category in CATEGORIES else None,
        level=Level(level) if level in LEVELS else None,
        module=module[:MAX_QUERY],
        group=group if group in GROUPS else "",
    )


def filter_tools(tools: Sequence[KnownTool], wanted: ToolFilter) -> list[KnownTool]:
    """The tools that pass the filter, in their order, or best first where words are looked for."""
    passing = [tool for tool in tools if _passes(tool, wanted)]
    if not wanted.text or not passing:
        return passing
    by_key = {tool.pk: tool for tool in passing}
    return [by_key[key] for key in search_server(passing[0].server, wanted.text) if key in by_key]


def releases_of(server: KnownServer) -> list[str]:
    """The releases of the server that the catalogue knows, oldest first."""
    return list(KnownRelease.objects.filter(server=server).order_by("position").values_list("release", flat=True))


def release_pair(server: KnownServer, before: str, after: str) -> tuple[str, str] | None:
    """The documents of two releases of the server, or None unless it has both and `before` is the older one."""
    rows = KnownRelease.objects.filter(server=server, release__in=[before, after]).order_by("position")
    found = [(row.release, row.document) for row in rows]
    return (found[0][1], found[1][1]) if [release for release, _ in found] == [before, after] else None


def related_tools(tool: KnownTool) -> list[KnownTool]:
    """Up to eight tools of the same server that share the most name words, or else the module, with this one."""
    words = _name_words(tool.name)

    def closeness(other: KnownTool) -> float:
        shared = words & _name_words(other.name)
        return 2 * len(shared) + (other.module == tool.module) + 0.5 * (other.category == tool.category)

    others = _of_server(tool.server, KnownTool.objects.filter(server=tool.server).exclude(pk=tool.pk))
    others.sort(key=lambda other: (-closeness(other), other.position))
    return [other for other in others[:RELATED] if closeness(other) >= 1]


def _of_server(server: KnownServer, rows: Iterable[KnownTool]) -> list[KnownTool]:
    """The rows with their server at hand, so that no page asks for it once more for each."""
    tools = list(rows)
    for tool in tools:
        tool.server = server
    return tools


def _passes(tool: KnownTool, wanted: ToolFilter) -> bool:
    if wanted.category is not None and tool.category != wanted.category:
        return False
    if wanted.level is not None and tool.risk != wanted.level:
        return False
    if wanted.group and not is_in_group(tool, wanted.group):
        return False
    return not wanted.module or tool.module == wanted.module


def _name_words(name: str) -> frozenset[str]:
    words = (word.lower().removesuffix("s") for word in WORD.findall(name))
    return frozenset(words) - COMMON_WORDS
