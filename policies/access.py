"""Reads of policies, grants and decision records, inside the tenant block; unknown and foreign are the same 404."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection
from django.db.models import Count, F, Q, QuerySet
from django.http import Http404
from django.utils import timezone

from accounts.ids import new_uuid7
from policies.engine.values import Outcome
from policies.models import DecisionRecord, Grant, Policy, PolicyTest, PolicyVersion
from servers.models import Server

RECORDS_MAX = 500
CALLS_DAYS = 7
# The newest calls that are counted; a busy server's week would be too long a look for a page.
CALLS_MAX = 50_000
_COUNT_CALLS = """
SELECT tool, count(*) FROM (
  SELECT tool FROM policies_decisionrecord WHERE server = %s AND id >= %s ORDER BY id DESC LIMIT %s
) AS recent GROUP BY tool
"""


@dataclass(frozen=True, slots=True)
class FoundGrant:
    """Whose a token is. Says nothing about whether the grant is still valid."""

    grant_id: UUID
    organisation_id: UUID
    server_id: UUID


@dataclass(frozen=True, slots=True)
class GrantFacts:
    """What a call needs of a grant; `document` is None when it carries no policy, or one that was never published."""

    id: UUID
    label: str
    server_id: UUID
    policy_id: UUID | None
    policy_version: int | None
    document: str | None
    expires_at: datetime | None
    is_revoked: bool
    is_killed: bool
    # Whose counters its limits charge: its own id, or that of the first grant of its line.
    counts_as: UUID


@dataclass(frozen=True, slots=True)
class RecordSearch:
    """What a reader looks for among decision records; empty members match all.

    `outcome` matches exactly, `tool` and `rule` match beginnings, `client` any part without regard to case; `since` is
    the first moment and `until` the first that is too late.
    """

    outcome: str = ""
    tool: str = ""
    rule: str = ""
    client: str = ""
    grant: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def condition(self) -> Q:
        """As a condition on records. A lone text is no pattern: nothing in it is special."""
        found = Q()
        for name, value in (
            ("outcome", self.outcome),
            ("tool__startswith", self.tool),
            ("rule__startswith", self.rule),
            ("client__icontains", self.client),
            ("grant", self.grant),
            ("at__gte", self.since),
            ("at__lt", self.until),
        ):
            if value:
                found &= Q(**{name: value})
        return found


@dataclass(frozen=True, slots=True)
class RecentCalls:
    """How often each tool was called in the last 7 days; `is_all` is False when only the newest 50,000 were counted."""

    by_tool: Mapping[str, int]
    is_all: bool


def find_grant(token_hash: bytes) -> FoundGrant | None:
    """The grant with this token hash in any organisation, None when there is none; needs no tenant block.

    The look-up is PostgreSQL's function policylayer_grant, which tells three ids and nothing else.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, organisation_id, server_id FROM policylayer_grant(%s)", [token_hash])
        row = cursor.fetchone()
    return FoundGrant(grant_id=row[0], organisation_id=row[1], server_id=row[2]) if row else None


def grant_facts_for(grant_id: UUID) -> GrantFacts:
    """What the gateway's snapshot holds of a grant, with its policy's published document; raises Http404."""
    grant = grant_for(grant_id)
    version = current_version_for(grant.policy) if grant.policy is not None else None
    return GrantFacts(
        id=grant.id,
        label=grant.label,
        server_id=grant.server_id,
        policy_id=grant.policy_id,
        policy_version=version.number if version else None,
        document=version.document if version else None,
        expires_at=grant.expires_at,
        is_revoked=grant.revoked_at is not None,
        is_killed=grant.is_killed,
        counts_as=grant.counts_as or grant.id,
    )


def policy_for(policy_id: UUID) -> Policy:
    """One policy with its server; raises Http404."""
    policy = policies_for().filter(id=policy_id).first()
    if policy is None:
        raise Http404("no such policy")
    return policy


def policies_for(server: Server | None = None) -> QuerySet[Policy]:
    """The policies of a server, or of the organisation, by name; each carries `grant_count`, its unrevoked grants."""
    policies = Policy.objects.select_related("server").order_by("name", "id")
    policies = policies.annotate(grant_count=Count("grants", filter=Q(grants__revoked_at=None)))
    return policies if server is None else policies.filter(server=server)


def versions_for(policy: Policy) -> QuerySet[PolicyVersion]:
    """The published versions of a policy, newest first."""
    return PolicyVersion.objects.filter(policy=policy).order_by("-number")


def version_for(policy: Policy, number: int) -> PolicyVersion:
    """One published version; raises Http404."""
    version = versions_for(policy).filter(number=number).first()
    if version is None:
        raise Http404("no such version")
    return version


def current_version_for(policy: Policy) -> PolicyVersion | None:
    """The version in force, None before the first was published."""
    return versions_for(policy).filter(number=policy.current).first()


def saved_tests_for(policy: Policy) -> QuerySet[PolicyTest]:
    """The saved tests of a policy by name."""
    return PolicyTest.objects.filter(policy=policy).order_by("name", "id")


def saved_test_for(policy: Policy, test_id: UUID) -> PolicyTest:
    """One saved test of this policy; raises Http404."""
    test = saved_tests_for(policy).filter(id=test_id).first()
    if test is None:
        raise Http404("no such test")
    return test


def current_documents_for(server: Server) -> dict[UUID, str]:
    """The documents in force on a server, by policy id; a policy that was never published is absent."""
    versions = PolicyVersion.objects.filter(policy__server=server, number=F("policy__current"))
    return {version.policy_id: version.document for version in versions}


def count_grants() -> int:
    """How many grants of the organisation are neither revoked nor expired."""
    return Grant.objects.filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now()), revoked_at=None).count()


def grants_for(server: Server | None = None) -> QuerySet[Grant]:
    """The grants of a server, or of the organisation, newest first, each with its policy and creator."""
    grants = Grant.objects.select_related("policy", "created_by", "server", "replaces").order_by("-created_at", "-id")
    return grants if server is None else grants.filter(server=server)


def grant_for(grant_id: UUID) -> Grant:
    """One grant with its server, policy and creator; raises Http404."""
    grant = grants_for().filter(id=grant_id).first()
    if grant is None:
        raise Http404("no such grant")
    return grant


def successor_of(grant: Grant) -> Grant | None:
    """The unrevoked grant that replaces this one, None when it was not rotated."""
    return grants_for().filter(replaces=grant, revoked_at=None).first()


def carriers_of(policy: Policy) -> QuerySet[Grant]:
    """The unrevoked grants that carry this policy, newest first."""
    return grants_for().filter(policy=policy, revoked_at=None)


def records_for(
    server: Server | None = None,
    *,
    outcome: str = "",
    tool: str = "",
    grant: UUID | None = None,
    before: UUID | None = None,
    limit: int = 50,
) -> list[DecisionRecord]:
    """Decision records, newest first, at most `limit` (500 at most) of them.

    `outcome` and `tool` match exactly, empty ones match all; `before` is the id of the last record of the page before.
    Ids are UUIDv7, so they sort by time.
    """
    records = DecisionRecord.objects.order_by("-id")
    if server is not None:
        records = records.filter(server=server.id)
    if outcome:
        records = records.filter(outcome=outcome)
    if tool:
        records = records.filter(tool=tool)
    if grant is not None:
        records = records.filter(grant=grant)
    if before is not None:
        records = records.filter(id__lt=before)
    return list(records[: max(0, min(limit, RECORDS_MAX))])


def find_refusals(*, limit: int) -> list[DecisionRecord]:
    """The organisation's newest records of calls that were not simply allowed, at most `limit` (500 at most)."""
    records = DecisionRecord.objects.exclude(outcome=Outcome.ALLOW).order_by("-id")
    return list(records[: max(0, min(limit, RECORDS_MAX))])


def search_records(
    server: Server | UUID, wanted: RecordSearch, *, before: UUID | None = None, limit: int = 50
) -> list[DecisionRecord]:
    """A server's decision records that pass a search, newest first, at most `limit` (500 at most) of them."""
    server_id = server.id if isinstance(server, Server) else server
    records = DecisionRecord.objects.filter(wanted.condition, server=server_id).order_by("-id")
    if before is not None:
        records = records.filter(id__lt=before)
    return list(records[: max(0, min(limit, RECORDS_MAX))])


def count_calls(server: Server, *, most: int = CALLS_MAX) -> RecentCalls:
    """Calls of the last 7 days by tool, refused ones included, from at most the newest `most` decision records."""
    oldest = new_uuid7(int((timezone.now() - timedelta(days=CALLS_DAYS)).timestamp() * 1_000_000))
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_CALLS, [server.id, oldest, most + 1])
        by_tool = dict(cursor.fetchall())
    is_all = sum(by_tool.values()) <= most
    by_tool.pop("", None)
    return RecentCalls(by_tool, is_all)


def record_for(record_id: UUID) -> DecisionRecord:
    """One decision record; raises Http404."""
    record = DecisionRecord.objects.filter(id=record_id).first()
    if record is None:
        raise Http404("no such decision")
    return record
