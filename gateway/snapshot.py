"""All that a call needs to know, in one frozen object loaded from PostgreSQL; loading is the cold path and blocks."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from uuid import UUID

from django.db import connection
from django.http import Http404

from accounts.access import organisation_for
from accounts.quotas import USUAL, Quotas, quotas_of
from accounts.tenancy import tenant
from gateway.headers import ParamHeader, param_headers_of
from gateway.ledger import Epoch
from gateway.limits import Subject, subject_of
from gateway.listing import ListFilter
from gateway.shared import SharedPolicies
from policies.access import FoundGrant, GrantFacts, find_grant, grant_facts_for
from policies.engine.compile import CompiledPolicy, compile_policy
from policies.engine.parse import parse_policy
from policies.engine.tools import ToolFacts
from policies.engine.values import Level, Scope
from servers.access import server_for, target_for, tool_facts_for, tools_for
from servers.models import Server, ToolState
from servers.upstream.target import Target, TargetUnavailableError

log = logging.getLogger(__name__)

UNREADABLE = "The published policy does not fit this server's tools any more, so nothing is allowed: {problem}"


# The tools that a list shows, each with the fingerprint of its definition.
Shown = frozenset[tuple[str, str]]


@dataclass(slots=True)
class Tenancy:
    """What is known of an organisation, shared by its snapshots, whose keys `hashes` are; times are monotonic."""

    organisation: UUID
    epoch: int
    is_killed: bool
    confirmed_at: float
    hashes: set[bytes] = field(default_factory=set)
    quotas: Quotas = USUAL


@dataclass(frozen=True, slots=True)
class Rules:
    """One policy version compiled for one server's tools. `problem` says why there is none though one is published."""

    policy: CompiledPolicy | None
    problem: str
    levels: Mapping[str, Level]
    fingerprints: Mapping[str, str]
    params: Mapping[str, tuple[ParamHeader, ...]]
    shown: Shown


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One grant as the gateway sees it. Replaced whole, never changed; `target` is None when nothing can be reached.

    `owner` is what its sessions are bound to, `address` its server's id as it stands in the URL.
    """

    tenancy: Tenancy
    grant: UUID
    server: UUID
    expires_at: datetime | None
    policy_id: UUID | None
    policy_version: int | None
    rules: Rules
    subject: Subject
    owner: str
    address: str
    target: Target | None = field(repr=False)
    lists: ListFilter = field(repr=False)
    # Whether the upstream declared that it tells of changed lists (MCP 2025-11-25, tools, capabilities).
    announces_changes: bool
    # What was stopped by itself: the grant or its server.
    halted: Scope | None = None

    @property
    def stopped(self) -> Scope | None:
        """What a person has stopped, the widest of them; None while calls may be judged."""
        return Scope.ORGANISATION if self.tenancy.is_killed else self.halted

    def is_live(self, now: datetime) -> bool:
        """Whether the grant has not expired; a revoked one has no snapshot."""
        return self.expires_at is None or now < self.expires_at

    def is_durable(self, tool: str) -> bool:
        """Whether an intent to call this tool must be committed in PostgreSQL first: high, critical, or not known."""
        return self.rules.levels.get(tool) not in (Level.LOW, Level.MEDIUM)


def load_snapshot(token_hash: bytes, shared: SharedPolicies[Rules]) -> Snapshot | None:
    """The snapshot of the grant with this token; None when there is none, or it is revoked or expired.

    The epoch is read before everything else, so that whatever changes meanwhile shows as a newer epoch. Raises
    django.db.Error when PostgreSQL is away.
    """
    found = find_grant(token_hash)
    if found is None:
        return None
    read_at = monotonic()
    epoch = _read_epoch(found.organisation_id)
    if epoch is None:
        return None
    tenancy = Tenancy(found.organisation_id, epoch.epoch, epoch.is_killed, read_at)
    try:
        with tenant(found.organisation_id):
            return _load(found, tenancy, shared)
    except Http404:
        # Deleted between the two look-ups.
        return None


def _load(found: FoundGrant, tenancy: Tenancy, shared: SharedPolicies[Rules]) -> Snapshot | None:
    grant = grant_facts_for(found.grant_id)
    if grant.is_revoked or (grant.expires_at is not None and grant.expires_at <= datetime.now(UTC)):
        return None
    server = server_for(grant.server_id)
    tenancy.quotas = quotas_of(organisation_for(tenancy.organisation))
    key = (server.id, tenancy.epoch, grant.policy_id, grant.policy_version)
    rules = shared.get(key, lambda: _compile(grant, server))
    try:
        target = target_for(server)
    except TargetUnavailableError as error:
        log.error("server %s cannot be reached: %s", server.id, error)
        target = None
    return Snapshot(
        tenancy=tenancy,
        grant=grant.id,
        server=server.id,
        expires_at=grant.expires_at,
        policy_id=grant.policy_id,
        policy_version=grant.policy_version,
        rules=rules,
        subject=subject_of(found.organisation_id, server.id, grant.counts_as),
        owner=f"{grant.id}:{server.id}",
        address=str(server.id),
        target=target,
        lists=ListFilter(rules.policy.visible if rules.policy else frozenset(), rules.fingerprints, rules.levels),
        announces_changes=server.announces_changes,
        halted=Scope.SERVER if server.is_killed else Scope.GRANT if grant.is_killed else None,
    )


def _compile(grant: GrantFacts, server: Server) -> Rules:
    facts = tool_facts_for(server)
    policy, problem = _read_policy(grant, facts)
    fingerprints = {tool.name: tool.fingerprint for tool in tools_for(server) if tool.state == ToolState.ACTIVE}
    visible = policy.visible if policy else frozenset()
    return Rules(
        policy=policy,
        problem=problem,
        levels={name: tool.level for name, tool in facts.items()},
        fingerprints=fingerprints,
        shown=frozenset((name, fingerprint) for name, fingerprint in fingerprints.items() if name in visible),
        params={name: headers for name, tool in facts.items() if (headers := param_headers_of(tool.input_schema))},
    )


def _read_policy(grant: GrantFacts, facts: Mapping[str, ToolFacts]) -> tuple[CompiledPolicy | None, str]:
    if grant.document is None:
        return None, ""
    parsed = parse_policy(grant.document, facts)
    if parsed.policy is None:
        first = parsed.errors[0]
        problem = UNREADABLE.format(problem=f"{first.pointer} {first.message}".strip())
        log.error("policy %s version %s is unreadable", grant.policy_id, grant.policy_version)
        return None, problem
    return compile_policy(parsed.policy, facts), ""


def _read_epoch(organisation_id: UUID) -> Epoch | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT epoch, is_killed FROM policylayer_epochs(%s)", [[organisation_id]])
        row = cursor.fetchone()
    return Epoch(row[0], row[1]) if row else None
