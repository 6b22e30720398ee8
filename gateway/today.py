"""What an organisation has to look at today, for its start page; it reads and decides nothing."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from policies.access import find_refusals
from policies.engine.reader import split_pointer
from policies.engine.values import Outcome
from policies.models import DecisionRecord, Grant
from servers.access import ToolCounts, count_tools_by_server
from servers.models import DiscoveryStatus, Server

LOOK_BACK: Final = timedelta(hours=24)
LOOK_AHEAD: Final = timedelta(days=7)
# Beyond this many a count helps nobody, and counting would cost.
MOST: Final = 500
PRESSING: Final = ("unreachable", "changed", "ends soon", "limit", "refused", "unreviewed")
REFUSALS: Final = {Outcome.DENY.value: "denied", Outcome.HIDE.value: "of hidden tools"}
MOST_LIMITS: Final = 5
MOST_GRANTS: Final = 5


@dataclass(frozen=True, slots=True)
class Matter:
    """One thing to look at: `kind` in a word with its badge, what it is, and where to see to it."""

    kind: str
    badge: str
    text: str
    url: str
    action: str


@dataclass(frozen=True, slots=True)
class Today:
    """`refusals` are the newest of all times, `matters` what somebody should see to, the most pressing first."""

    matters: tuple[Matter, ...]
    refusals: tuple[DecisionRecord, ...]


def look_around(slug: str, servers: Sequence[Server], grants: Iterable[Grant], *, shown: int) -> Today:
    """All of it for one organisation, in two queries."""
    now = timezone.now()
    refusals = find_refusals(limit=MOST)
    recent = [record for record in refusals if record.at >= now - LOOK_BACK]
    counts = count_tools_by_server()
    matters = [
        *_list_tools(slug, servers, counts),
        *_list_limits(slug, servers, recent),
        *_list_refusals(slug, servers, recent),
        *_list_grants(slug, grants, now),
    ]
    matters.sort(key=lambda matter: PRESSING.index(matter.kind))
    return Today(tuple(matters), tuple(refusals[:shown]))


def _list_tools(slug: str, servers: Iterable[Server], counts: Mapping[UUID, ToolCounts]) -> Iterator[Matter]:
    for server in servers:
        tools, url = counts.get(server.id), reverse("servers:tools", args=[slug, server.id])
        if server.discovery == DiscoveryStatus.FAILED:
            text = f"The tools of {server.name} could not be read. {server.discovery_error}"
            yield Matter("unreachable", "deny", text, url, "See why")
        if tools is None:
            continue
        if tools.changed:
            are = "tool is" if tools.changed == 1 else "tools are"
            text = (
                f"{tools.changed} changed {are} refused on {server.name} until somebody reads and accepts the change."
            )
            yield Matter("changed", "limit", text, f"{url}?state=changed", "Read the changes")
        if tools.unreviewed:
            are = "tool is" if tools.unreviewed == 1 else "tools are"
            text = f"{tools.unreviewed} {are} not reviewed on {server.name}, and count as high risk at least."
            yield Matter("unreviewed", "high", text, f"{url}?state=unreviewed", "Review")


def _list_limits(slug: str, servers: Iterable[Server], recent: Iterable[DecisionRecord]) -> Iterator[Matter]:
    names = {server.id: server.name for server in servers}
    hits = Counter((record.server, record.rule) for record in recent if record.outcome == Outcome.LIMIT)
    for (server, rule), count in hits.most_common(MOST_LIMITS):
        if server not in names:
            continue
        url = _log_of(slug, server, outcome="limit", rule=rule)
        yield Matter(
            "limit",
            "limit",
            f"{_name_limit(rule)} on {names[server]} stopped {_calls(count)} in 24 hours.",
            url,
            "See the calls",
        )


def _list_refusals(slug: str, servers: Iterable[Server], recent: Sequence[DecisionRecord]) -> Iterator[Matter]:
    counts = Counter((record.server, record.outcome) for record in recent)
    for server in servers:
        for outcome, said in REFUSALS.items():
            count = counts[server.id, outcome]
            if count:
                text = f"{_calls(count)} {said} on {server.name} in 24 hours."
                yield Matter("refused", outcome, text, _log_of(slug, server.id, outcome=outcome), "See the calls")


def _list_grants(slug: str, grants: Iterable[Grant], now: datetime) -> Iterator[Matter]:
    alive = [grant for grant in grants if grant.revoked_at is None and grant.expires_at is not None]
    soon = [
        (grant.expires_at, grant) for grant in alive if grant.expires_at and now < grant.expires_at < now + LOOK_AHEAD
    ]
    soon.sort(key=lambda pair: pair[0])
    for end, grant in soon[:MOST_GRANTS]:
        text = f"{grant.label} (plg_…{grant.last_four}) on {grant.server.name} ends {end:%-d %b %Y, %H:%M} UTC."
        yield Matter("ends soon", "approve", text, reverse("policies:grant", args=[slug, grant.id]), "Open the grant")


def _name_limit(pointer: str) -> str:
    """Which limit it is that a pointer into a policy leads to, as the beginning of a sentence."""
    place, name, *_ = [*split_pointer(pointer), "", ""]
    of = {"tools": f" of {name}", "all_tools": " of all tools"}.get(place, "")
    return f"{'The rate limit' if pointer.endswith('/rate_limit') else 'A limit'}{of}"


def _log_of(slug: str, server: UUID, **query: str) -> str:
    return f"{reverse('gateway:log', args=[slug, server])}?{urlencode(query)}"


def _calls(count: int) -> str:
    if count >= MOST:
        return f"{MOST} calls or more"
    return "1 call" if count == 1 else f"{count} calls"
