"""Writes of servers and their tools: the caller permitted, inside its tenant block unless a function says otherwise.

Input is checked here once for pages and API alike: ServerInvalidError carries a sentence for each refused field.
"""

import logging
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from accounts.access import Member
from accounts.models import Role
from accounts.services import bump_epoch, record_audit, resume_rows, stop_rows
from accounts.tenancy import tenant
from catalog.access import known_server, known_tools_named
from servers import marks
from servers.access import header_names_for, is_discovering, open_header, place_of, target_for
from servers.checks import Header, ServerInvalidError, check_address, check_header_count, check_name, check_typed
from servers.credentials import SealBrokenError, newest_key_version, seal
from servers.discovery import Discovered, FoundTool
from servers.models import CATEGORIES, LEVELS, DiscoveryStatus, Kind, Server, ServerHeader, Tool, ToolState
from servers.pinning import WRITTEN, Changes, accept_offer, compare_tools
from servers.upstream.target import Target, TargetUnavailableError

SIMULATED_SLUG: Final = "bybit-exchange-trading-mcp"
MAX_SERVERS: Final = 100
SLUG: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")
MAX_NAMES_IN_AUDIT: Final = 50
log = logging.getLogger(__name__)


class ToolsMovedError(Exception):
    """A tool's definition is not the one that was shown (any more); nothing was changed."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A discovery under way: where to ask, and the moment that marks it as the latest one."""

    target: Target
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Resealed:
    """How many headers got the newest key, and which ones did not open."""

    count: int
    broken: tuple[str, ...]


def register_server(
    *,
    member: Member,
    name: str,
    kind: str,
    url: str = "",
    headers: Iterable[Sequence[str]] = (),
    catalogue_slug: str = "",
) -> Server:
    """Register a server and queue its first discovery; raises ServerInvalidError.

    Kind `simulator` needs no address and takes no headers; kind `http` needs an address that the guard allows.
    `catalogue_slug` names the catalogue's server that its tools are matched with.
    """
    is_http = kind == Kind.HTTP
    typed = check_typed(name=name, url=url if is_http else None, headers=headers if is_http else ())
    name = check_name(name)
    if Server.objects.count() >= MAX_SERVERS:
        raise ServerInvalidError({"name": f"An organisation has at most {MAX_SERVERS} servers. Delete one first."})
    if kind not in tuple(Kind):
        raise ServerInvalidError({"kind": f"Choose one of {', '.join(Kind)}."})
    if kind == Kind.SIMULATOR:
        checked, catalogue_slug = _check_simulator(url, headers), SIMULATED_SLUG
    else:
        url, checked = check_address(url), typed
        check_header_count([header for header, _ in checked])
    if catalogue_slug and (not SLUG.fullmatch(catalogue_slug) or known_server(catalogue_slug) is None):
        raise ServerInvalidError({"catalogue_slug": "The catalogue has no server of this name."})
    server = Server(
        organisation=member.organisation, name=name, kind=kind, url=url.strip(), catalogue_slug=catalogue_slug
    )
    _save_named(server, is_new=True)
    _store_headers(server, checked)
    record_audit(
        member=member,
        action="server.registered",
        target=server.name,
        detail={"server": str(server.id), "kind": kind, "host": _host_of(server), "headers": [h for h, _ in checked]},
    )
    _queue_discovery(server)
    return server


def edit_server(
    *,
    member: Member,
    server: Server,
    name: str | None = None,
    url: str | None = None,
    headers: Iterable[Sequence[str]] = (),
    removed: Collection[str] = (),
) -> Server:
    """Change a name or an address, set request headers (new or replaced), remove some; raises ServerInvalidError.

    A new address on another host takes no stored secret along: every stored header must be entered again or removed.
    """
    is_http = server.kind == Kind.HTTP
    checked = check_typed(name=server.name if name is None else name, url=url if is_http else None, headers=headers)
    _lock(server)
    stored = header_names_for(server)
    gone = {header.lower() for header in removed} | {header.lower() for header, _ in checked}
    kept = [header for header in stored if header.lower() not in gone]
    check_header_count([*kept, *(header for header, _ in checked)])
    before = (server.name, server.url)
    server.name = check_name(name) if name is not None else server.name
    if url is not None and is_http:
        _move(server, check_address(url), kept)
    if not is_http and checked:
        raise ServerInvalidError({"headers": "The simulator takes no request headers."})
    _save_named(server, is_new=False)
    server.headers.filter(name__in=[header for header in stored if header not in kept]).delete()
    _store_headers(server, checked)
    is_moved = server.url != before[1] or bool(checked) or len(kept) != len(stored)
    record_audit(
        member=member,
        action="server.edited",
        target=server.name,
        detail={
            "server": str(server.id),
            "was": before[0],
            "host": _host_of(server),
            "headers_set": [header for header, _ in checked],
            "headers_removed": [h for h in stored if h.lower() in gone and h.lower() not in _names(checked)],
        },
    )
    if is_moved:
        bump_epoch(organisation_id=server.organisation_id)
        _queue_discovery(server)
    return server


def delete_server(*, member: Member, server: Server) -> None:
    """Delete a server with its policies, grants, tools and headers in one transaction; decision records stay."""
    with transaction.atomic():
        _lock(server)
        detail: dict[str, object] = {
            "server": str(server.id),
            "policies": [policy.name for policy in server.policies.all()[:MAX_NAMES_IN_AUDIT]],
            "grants": [grant.label for grant in server.grants.all()[:MAX_NAMES_IN_AUDIT]],
        }
        # Grants first: a policy cannot vanish from under a grant.
        server.grants.all().delete()
        server.policies.all().delete()
        record_audit(member=member, action="server.deleted", target=server.name, detail=detail)
        bump_epoch(organisation_id=server.organisation_id)
        server.delete()


def stop_server(*, member: Member, server: Server, reason: str = "") -> None:
    """Refuse every call to this server until it is resumed; in force within 2 seconds, open streams included."""
    rows = Server.objects.filter(id=server.id)
    stop_rows(member=member, rows=rows, target=server.name, reason=reason, detail={"server": str(server.id)})
    server.refresh_from_db()


def resume_server(*, member: Member, server: Server) -> None:
    """Let calls to this server go on; a grant that was stopped by itself stays stopped."""
    rows = Server.objects.filter(id=server.id)
    resume_rows(member=member, rows=rows, target=server.name, detail={"server": str(server.id)})
    server.refresh_from_db()


def queue_discovery(*, member: Member, server: Server) -> bool:
    """Queue a discovery that a person asked for; False when one is under way already."""
    if is_discovering(server):
        return False
    record_audit(member=member, action="server.rediscovered", target=server.name, detail={"server": str(server.id)})
    _queue_discovery(server)
    return True


def queue_check(*, server: Server) -> None:
    """Queue a connection test unless one is under way; its outcome is kept for ten minutes (servers.marks)."""
    ids = (server.organisation_id, server.id)
    last = marks.load_check(*ids)
    if last is not None and last.status == marks.RUNNING:
        return
    marks.save_check(*ids, marks.ConnectionCheck(marks.RUNNING, "The server is being asked."))

    def send() -> None:
        from servers.tasks import check_connection  # tasks call services: imported when both are there

        try:
            check_connection.apply_async([str(value) for value in ids], retry=False)
        except OperationalError:
            marks.save_check(*ids, marks.ConnectionCheck("failed", "The test could not be queued. Try again later."))

    transaction.on_commit(send)


def request_rediscovery(organisation_id: UUID, server_id: UUID) -> bool:
    """Queue a discovery because an unknown tool was called, at most once a minute for a server; for the gateway.

    Opens no transaction and raises nothing when Redis or the queue is away. Blocking: call it off the event loop.
    """
    if not marks.claim_rediscovery(organisation_id, server_id):
        return False
    return _send_discovery(organisation_id, server_id)


def begin_discovery(organisation_id: UUID, server_id: UUID) -> Begun | None:
    """Mark a discovery as under way, in a transaction of its own; None when the server is gone or cannot be reached."""
    with tenant(organisation_id):
        server = Server.objects.select_for_update().filter(id=server_id).first()
        if server is None:
            return None
        started_at = _mark_running(server)
        try:
            return Begun(target_for(server), started_at)
        except TargetUnavailableError as error:
            _mark_failed(server, str(error))
            return None


def store_failure(organisation_id: UUID, server_id: UUID, *, started_at: datetime | None, reason: str) -> None:
    """Keep why a discovery failed, in a transaction of its own; pinned tools stay, a later discovery's word wins."""
    with tenant(organisation_id):
        server = Server.objects.select_for_update().filter(id=server_id).first()
        if server is not None and started_at in (None, server.discovery_started_at):
            _mark_failed(server, reason)


def store_discovery(
    organisation_id: UUID, server_id: UUID, *, started_at: datetime, found: Discovered
) -> Changes | None:
    """Compare what an upstream offers with what is pinned, and pin what is new, in one transaction of its own.

    A changed definition is kept beside the pinned one and refused until accepted; a tool no longer offered is gone, and
    back when it comes back as it was. None, and nothing stored, when the server is gone or a later discovery has begun.
    """
    with tenant(organisation_id):
        server = Server.objects.select_for_update().select_related("organisation").filter(id=server_id).first()
        if server is None or server.discovery_started_at != started_at:
            return None
        changes = _pin_tools(server, found.tools)
        spoken = (found.era.value, found.protocol_version, found.announces_changes)
        has_moved = (server.era, server.protocol_version, server.announces_changes) != spoken
        server.era, server.protocol_version, server.announces_changes = spoken
        server.discovery, server.discovered_at = DiscoveryStatus.DONE.value, timezone.now()
        server.discovery_error = _note_left_out(found.left_out)
        fields = ["era", "protocol_version", "announces_changes", "discovery", "discovered_at", "discovery_error"]
        server.save(update_fields=fields)
        if changes:
            _audit_discovery(server, changes)
        if changes or has_moved:
            bump_epoch(organisation_id=organisation_id)
        return changes


def accept_tools(
    *, member: Member, server: Server, names: Collection[str], seen: Mapping[str, str] | None = None
) -> list[Tool]:
    """Pin the offered definition of changed tools and judge them anew; names of tools that did not change do nothing.

    `seen` maps a name to the fingerprint that was shown: raises ToolsMovedError, and accepts nothing, when a tool
    offers another definition by now.
    """
    _lock(server)
    wanted = [name for name in names if "\x00" not in name]
    tools = list(Tool.objects.filter(server=server, name__in=wanted, state=ToolState.CHANGED))
    shown = seen or {}
    if any(shown.get(tool.name, tool.offered_fingerprint) != tool.offered_fingerprint for tool in tools):
        raise ToolsMovedError("The server has changed a definition again since it was shown. Look at it once more.")
    known = known_tools_named(server.catalogue_slug)
    for tool in tools:
        accept_offer(tool, known)
    Tool.objects.bulk_update(tools, WRITTEN)
    if tools:
        names_told = [tool.name for tool in tools[:MAX_NAMES_IN_AUDIT]]
        detail: dict[str, object] = {"server": str(server.id), "count": len(tools), "tools": names_told}
        record_audit(member=member, action="tools.accepted", target=server.name, detail=detail)
        bump_epoch(organisation_id=server.organisation_id)
    return tools


def review_tool(*, member: Member, tool: Tool, level: str, category: str, seen: str | None = None) -> Tool:
    """Set a tool's level and category as a person judged them, and mark it reviewed; raises ServerInvalidError.

    `seen` is the fingerprint of the definition that was shown: raises ToolsMovedError if another one is pinned now.
    """
    problems = {}
    if level not in dict(LEVELS):
        problems["level"] = "Choose a level."
    if category not in dict(CATEGORIES):
        problems["category"] = "Choose a category."
    if problems:
        raise ServerInvalidError(problems)
    _lock(tool.server)
    tool.refresh_from_db()
    if seen not in (None, tool.fingerprint):
        raise ToolsMovedError("Another definition has been pinned since it was shown. Look at it once more.")
    was = {"level": tool.level, "category": tool.category, "is_reviewed": tool.is_reviewed}
    tool.level, tool.category, tool.is_reviewed = level, category, True
    tool.save(update_fields=["level", "category", "is_reviewed"])
    detail: dict[str, object] = {
        "server": str(tool.server_id), "tool": tool.name, "level": level, "category": category, "was": was,
    }  # fmt: skip
    record_audit(member=member, action="tool.reviewed", target=tool.name, detail=detail)
    bump_epoch(organisation_id=tool.organisation_id)
    return tool


def reseal_headers(organisation_id: UUID) -> Resealed:
    """Seal an organisation's headers with the newest key, in a transaction of its own; broken ones stay as they are."""
    resealed, broken = 0, []
    with tenant(organisation_id):
        old = ServerHeader.objects.select_for_update(of=("self",)).select_related("server")
        for header in old.exclude(key_version=newest_key_version()):
            try:
                value = open_header(header.server, header)
            except SealBrokenError as error:
                broken.append(f"{header.server_id} {header.name}: {error}")
                continue
            sealed = seal(value, place_of(header.server, header.name))
            header.sealed, header.key_version = sealed.data, sealed.key_version
            header.save(update_fields=["sealed", "key_version"])
            resealed += 1
    return Resealed(resealed, tuple(broken))


def _check_simulator(url: str, headers: Iterable[Sequence[str]]) -> list[Header]:
    if url.strip():
        raise ServerInvalidError({"url": "The simulator needs no address. Leave it out."})
    if list(headers):
        raise ServerInvalidError({"headers": "The simulator takes no request headers."})
    if not settings.SIMULATOR_URL:
        raise ServerInvalidError({"kind": "This installation runs no simulator. Register a server by its address."})
    return []


def _lock(server: Server) -> None:
    """Writers of a server and its tools take turns, discoveries included; each sees what the one before left."""
    Server.objects.select_for_update().get(id=server.id)
    server.refresh_from_db()


def _move(server: Server, url: str, kept: Collection[str]) -> None:
    """A secret goes only where the person who entered it sent it."""
    old, new = urlsplit(server.url), urlsplit(url)
    if kept and (old.scheme, old.netloc) != (new.scheme, new.netloc):
        names = ", ".join(kept)
        raise ServerInvalidError(
            {"url": f"The stored headers belong to the old host. Enter or remove them too: {names}."}
        )
    server.url = url


def _save_named(server: Server, *, is_new: bool) -> None:
    try:
        with transaction.atomic():
            server.save(force_insert=is_new, update_fields=None if is_new else ["name", "url"])
    except IntegrityError:
        raise ServerInvalidError({"name": "Another server of this organisation has this name."}) from None


def _store_headers(server: Server, headers: Iterable[Header]) -> None:
    for name, value in headers:
        sealed = seal(value, place_of(server, name))
        server.headers.create(
            organisation_id=server.organisation_id, name=name, sealed=sealed.data, key_version=sealed.key_version
        )


def _queue_discovery(server: Server) -> None:
    _mark_running(server)
    organisation_id, server_id = server.organisation_id, server.id
    marks.save_progress(organisation_id, server_id, marks.Progress("queued"))
    transaction.on_commit(lambda: _send_discovery(organisation_id, server_id))


def _send_discovery(organisation_id: UUID, server_id: UUID) -> bool:
    from servers.tasks import discover_server  # tasks call services: imported when both are there

    try:
        discover_server.apply_async([str(organisation_id), str(server_id)], retry=False)
    except OperationalError as error:
        log.warning("discovery not queued: %s", type(error).__name__)
        reason = "The discovery could not be queued. Try again in a minute."
        store_failure(organisation_id, server_id, started_at=None, reason=reason)
        return False
    return True


def _mark_running(server: Server) -> datetime:
    server.discovery, server.discovery_started_at = DiscoveryStatus.RUNNING.value, timezone.now()
    server.save(update_fields=["discovery", "discovery_started_at"])
    return server.discovery_started_at


def _mark_failed(server: Server, reason: str) -> None:
    server.discovery, server.discovery_error = DiscoveryStatus.FAILED.value, reason[:500]
    server.save(update_fields=["discovery", "discovery_error"])


def _pin_tools(server: Server, offered: Sequence[FoundTool]) -> Changes:
    compared = compare_tools(server, offered, known_tools_named(server.catalogue_slug))
    Tool.objects.bulk_create(compared.new)
    Tool.objects.bulk_update(compared.touched, WRITTEN, batch_size=500)
    server.tools.exclude(state=ToolState.GONE).update(last_seen_at=timezone.now())
    return compared.changes


def _note_left_out(count: int) -> str:
    if not count:
        return ""
    tools = "One tool was" if count == 1 else f"{count} tools were"
    return (
        f"{tools} left out and stay refused: a name has 1 to 128 plain ASCII characters, and arguments need a schema."
    )


def _audit_discovery(server: Server, changes: Changes) -> None:
    kinds = {"added": changes.added, "changed": changes.changed, "gone": changes.gone, "returned": changes.returned}
    detail: dict[str, object] = {"server": str(server.id)}
    for kind, names in kinds.items():
        if names:
            detail[kind] = len(names)
            detail[f"{kind}_tools"] = list(names[:MAX_NAMES_IN_AUDIT])
    discovery = Member(server.organisation, Role.ADMIN, "(discovery)")
    record_audit(member=discovery, action="tools.discovered", target=server.name, detail=detail)


def _host_of(server: Server) -> str:
    return urlsplit(server.url).hostname or ""


def _names(headers: Iterable[Header]) -> set[str]:
    return {name.lower() for name, _ in headers}
