"""Writes of policies and grants: keyword-only, the caller permitted and its input parsed; each one transaction that
also writes the audit row. Versions are only ever added. Must never let a document with errors through."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils import timezone

from accounts.access import Member
from accounts.services import bump_epoch, record_audit, resume_rows, stop_rows
from accounts.tokens import Prefix, mint_token
from policies.access import (
    carriers_of,
    current_version_for,
    policies_for,
    saved_tests_for,
    successor_of,
    version_for,
)
from policies.check import judge_text
from policies.errors import (
    ConflictError,
    FormUsedError,
    GrantEndedError,
    GrantReplacedError,
    GrantRevokedError,
    NameTakenError,
    NothingPublishedError,
    PolicyInUseError,
    PolicyInvalidError,
    SavedTestRefusedError,
    SavedTestsFailedError,
    WrongServerError,
)
from policies.models import Grant, Policy, PolicyTest, PolicyVersion
from policies.saved_tests import Expectation, run_saved_tests
from policies.signals import version_published
from policies.written_calls import CallUnreadableError, read_arguments
from servers.access import tool_facts_for
from servers.models import Server

# Each publication runs them all while its policy is locked.
SAVED_TESTS_MAX = 200
NAME_MAX = 80
STOP_FIELDS = ("is_killed", "killed_at", "killed_by", "kill_reason")


@dataclass(frozen=True, slots=True)
class MintedGrant:
    """A new grant with its token: the only moment at which the token exists in plain text."""

    grant: Grant
    token: str = field(repr=False)


@transaction.atomic
def create_policy(*, member: Member, server: Server, name: str, document: str | None = None, note: str = "") -> Policy:
    """A new policy on this server; with a document, that is published as version 1.

    Raises NameTakenError, and PolicyInvalidError for a document with errors: then there is no policy either.
    """
    policy = Policy(organisation=member.organisation, server=server, name=name)
    try:
        with transaction.atomic():
            policy.save(force_insert=True)
    except IntegrityError:
        raise NameTakenError(name) from None
    record_audit(member=member, action="policy.create", target=f"{server.name} / {name}", detail={"id": str(policy.id)})
    if document is not None:
        publish_policy(member=member, policy=policy, document=document, note=note)
    return policy


@transaction.atomic
def publish_policy(
    *, member: Member, policy: Policy, document: str, note: str = "", expected: int | None = None
) -> PolicyVersion:
    """Publish a document as the next version, in force in every gateway process within 2 seconds.

    The text is kept letter for letter. A text that is already in force adds no version: the present one is returned.
    Raises ConflictError when `expected` is given and is not the current number, PolicyInvalidError for a document that
    has errors against the server's pinned tools, SavedTestsFailedError for one that decides a saved call otherwise than
    its test expects; in each case nothing is written.
    """
    current = _lock_policy(policy, expected)
    if current is not None and current.document == document:
        return current
    return _add_version(member=member, policy=policy, document=document, note=note)


@transaction.atomic
def import_policy(
    *, member: Member, server: Server, name: str, document: str, note: str = "", expected: int = 0
) -> PolicyVersion:
    """Publish a document under a name: as the next version of the policy of this name, or as version 1 of a new one.

    `expected` is the version that the document replaces, 0 where none is published. Raises ConflictError when another
    one is current, NameTakenError when somebody takes the name meanwhile, and what publish_policy raises for the
    document; then there is no new policy either.
    """
    policy = policies_for(server).filter(name=name).first()
    if policy is None:
        if expected:
            raise ConflictError(None)
        policy = create_policy(member=member, server=server, name=name)
    return publish_policy(member=member, policy=policy, document=document, note=note, expected=expected)


@transaction.atomic
def restore_version(*, member: Member, policy: Policy, number: int, expected: int | None = None) -> PolicyVersion:
    """Publish the document of an earlier version as a new version; the numbers in between stay.

    It is judged again, against today's tools and saved tests: raises PolicyInvalidError, SavedTestsFailedError and
    ConflictError as publish_policy does, Http404 when there is no such version.
    """
    current = _lock_policy(policy, expected)
    wanted = version_for(policy, number)
    if current is not None and current.document == wanted.document:
        return current
    return _add_version(member=member, policy=policy, document=wanted.document, note=f"Restored from version {number}")


@transaction.atomic
def delete_policy(*, member: Member, policy: Policy) -> None:
    """Delete a policy with its versions; raises PolicyInUseError while an unrevoked grant carries it.

    Revoked grants, which can never be used again, let go of it.
    """
    _lock_policy(policy, None)
    labels = [grant.label for grant in carriers_of(policy)]
    if labels:
        raise PolicyInUseError(labels)
    Grant.objects.filter(policy=policy).update(policy=None)
    target, detail = f"{policy.server.name} / {policy.name}", {"id": str(policy.id), "version": policy.current}
    policy.delete()
    record_audit(member=member, action="policy.delete", target=target, detail=detail)


@transaction.atomic
def duplicate_policy(*, member: Member, policy: Policy) -> Policy:
    """A new policy on the same server under a free name, with the published document in its editor and copies of the
    saved tests. It is not published, so a grant that carries it may call nothing until it is.

    Raises NothingPublishedError; NameTakenError when somebody takes the name meanwhile.
    """
    version = _lock_policy(policy, None)
    if version is None:
        raise NothingPublishedError
    copy = create_policy(member=member, server=policy.server, name=_copy_name(policy))
    copy.opening = version.document
    copy.save(update_fields=["opening"])
    tests = list(saved_tests_for(policy))
    for test in tests:
        test.id, test.policy = uuid4(), copy
    PolicyTest.objects.bulk_create(tests)
    return copy


@transaction.atomic
def save_test(*, member: Member, policy: Policy, wanted: Expectation) -> PolicyTest:
    """Keep a call with the outcome, and if it is given the rule, that every later publication must give it.

    It may fail today: it is judged when something is published. Raises NameTakenError, and SavedTestRefusedError for
    arguments that are no JSON object and for more than 200 tests of one policy.
    """
    _lock_policy(policy, None)
    try:
        read_arguments(wanted.arguments)
    except CallUnreadableError as error:
        raise SavedTestRefusedError("arguments", str(error)) from None
    saved = saved_tests_for(policy)
    if saved.filter(name=wanted.name).exists():
        raise NameTakenError(wanted.name, "This policy already has a test")
    if saved.count() >= SAVED_TESTS_MAX:
        raise SavedTestRefusedError("name", f"A policy has at most {SAVED_TESTS_MAX} saved tests: delete one first.")
    test = PolicyTest(organisation_id=policy.organisation_id, policy=policy, **asdict(wanted))
    test.save(force_insert=True)
    detail: dict[str, object] = {"id": str(test.id), "policy": str(policy.id), "expected": wanted.expected_outcome}
    record_audit(member=member, action="policy.test.save", target=_target_of_test(test), detail=detail)
    return test


@transaction.atomic
def delete_test(*, member: Member, test: PolicyTest) -> None:
    """Delete a saved test; nothing is expected of its call from now on."""
    target = _target_of_test(test)
    detail: dict[str, object] = {"id": str(test.id), "policy": str(test.policy_id)}
    test.delete()
    record_audit(member=member, action="policy.test.delete", target=target, detail=detail)


@transaction.atomic
def mint_grant(
    *,
    member: Member,
    server: Server,
    label: str,
    policy: Policy | None = None,
    expires_at: datetime | None = None,
    grant_id: UUID | None = None,
) -> MintedGrant:
    """A new grant and its token, of which only the SHA-256 is kept; without a policy it may call nothing.

    `grant_id` is an id that this server itself handed out with a form, so that a form sent twice mints once: raises
    FormUsedError the second time. Raises WrongServerError for a policy of another server.
    """
    _share_policy(policy, server.id)
    token = mint_token(Prefix.GRANT)
    grant = Grant(
        id=grant_id or uuid4(),
        organisation=member.organisation,
        server=server,
        policy=policy,
        label=label,
        token_hash=token.hash,
        last_four=token.last_four,
        created_by=member.user,
        expires_at=expires_at,
    )
    _insert_grant(grant)
    detail: dict[str, object] = {"id": str(grant.id), "last_four": token.last_four, "policy": _name_of(policy)}
    if expires_at is not None:
        detail["expires_at"] = expires_at.isoformat()
    record_audit(member=member, action="grant.mint", target=_target_of(grant), detail=detail)
    return MintedGrant(grant=grant, token=token.text)


@transaction.atomic
def rotate_grant(*, member: Member, grant: Grant, overlap: timedelta, grant_id: UUID | None = None) -> MintedGrant:
    """A grant with a new token in this one's place: same label, policy, end, counters. This one ends after `overlap`.

    It ends sooner if its own end is sooner. `grant_id` as for mint_grant, FormUsedError too. Raises GrantRevokedError,
    GrantEndedError for an expired grant, and GrantReplacedError while an earlier successor is not revoked.
    """
    _lock_grant(grant)
    now = timezone.now()
    if grant.revoked_at is not None:
        raise GrantRevokedError
    if grant_id is not None and Grant.objects.filter(id=grant_id).exists():
        raise FormUsedError
    if grant.expires_at is not None and grant.expires_at <= now:
        raise GrantEndedError
    successor = successor_of(grant)
    if successor is not None:
        raise GrantReplacedError(successor.last_four)
    _share_policy(grant.policy, grant.server_id)
    token = mint_token(Prefix.GRANT)
    following = Grant(
        id=grant_id or uuid4(),
        organisation=member.organisation,
        server=grant.server,
        policy=grant.policy,
        label=grant.label,
        token_hash=token.hash,
        last_four=token.last_four,
        created_by=member.user,
        expires_at=grant.expires_at,
        replaces=grant,
        counts_as=grant.counts_as or grant.id,
        # A new token is no way round a stop.
        is_killed=grant.is_killed,
        killed_at=grant.killed_at,
        killed_by=grant.killed_by,
        kill_reason=grant.kill_reason,
    )
    _insert_grant(following)
    grant.expires_at = min(now + overlap, grant.expires_at or now + overlap)
    grant.save(update_fields=["expires_at"])
    bump_epoch(organisation_id=grant.organisation_id)
    detail: dict[str, object] = {
        "id": str(following.id),
        "last_four": token.last_four,
        "replaces": str(grant.id),
        "old_ends_at": grant.expires_at.isoformat(),
    }
    record_audit(member=member, action="grant.rotate", target=_target_of(grant), detail=detail)
    return MintedGrant(grant=following, token=token.text)


@transaction.atomic
def revoke_grant(*, member: Member, grant: Grant) -> None:
    """End a grant for good, in force within 2 seconds, open streams included; revoking twice changes nothing."""
    _lock_grant(grant)
    if grant.revoked_at is not None:
        return
    grant.revoked_at = timezone.now()
    grant.save(update_fields=["revoked_at"])
    bump_epoch(organisation_id=grant.organisation_id)
    record_audit(member=member, action="grant.revoke", target=_target_of(grant), detail={"id": str(grant.id)})


@transaction.atomic
def stop_grant(*, member: Member, grant: Grant, reason: str = "") -> None:
    """Refuse every call of this grant, and of those that it was rotated from and to, until it is resumed.

    In force within 2 seconds, open streams included; tokens, policies and counters stay.
    """
    rows = _lock_line(grant)
    detail: dict[str, object] = {"id": str(grant.id)}
    stop_rows(member=member, rows=rows, target=_target_of(grant), reason=reason, detail=detail)
    _reload_stop(grant)


@transaction.atomic
def resume_grant(*, member: Member, grant: Grant) -> None:
    """Let the calls of this grant and of its whole line be judged by their policies again."""
    rows = _lock_line(grant)
    resume_rows(member=member, rows=rows, target=_target_of(grant), detail={"id": str(grant.id)})
    _reload_stop(grant)


@transaction.atomic
def attach_policy(*, member: Member, grant: Grant, policy: Policy | None) -> None:
    """Put a grant under another policy of its server, or under none, which denies every call.

    Raises GrantRevokedError and WrongServerError.
    """
    _lock_grant(grant)
    if grant.revoked_at is not None:
        raise GrantRevokedError
    _share_policy(policy, grant.server_id)
    before = _name_of(grant.policy)
    grant.policy = policy
    grant.save(update_fields=["policy"])
    bump_epoch(organisation_id=grant.organisation_id)
    detail: dict[str, object] = {"id": str(grant.id), "before": before, "policy": _name_of(policy)}
    record_audit(member=member, action="grant.attach", target=_target_of(grant), detail=detail)


@transaction.atomic
def set_expiry(*, member: Member, grant: Grant, expires_at: datetime | None) -> None:
    """Set when a grant ends (an aware time), or that it does not; raises GrantRevokedError."""
    _lock_grant(grant)
    if grant.revoked_at is not None:
        raise GrantRevokedError
    grant.expires_at = expires_at
    grant.save(update_fields=["expires_at"])
    bump_epoch(organisation_id=grant.organisation_id)
    detail: dict[str, object] = {"id": str(grant.id), "expires_at": expires_at.isoformat() if expires_at else None}
    record_audit(member=member, action="grant.expire", target=_target_of(grant), detail=detail)


def touch_grants(grant_ids: Iterable[UUID], at: datetime) -> None:
    """Note that these grants were used at this time, to the minute; never moves a time back. Inside a tenant block.

    At most one row a grant and a minute is written, however many calls there were.
    """
    minute = at.replace(second=0, microsecond=0)
    stale = Grant.objects.filter(Q(last_used_at=None) | Q(last_used_at__lt=minute), id__in=sorted(set(grant_ids)))
    stale.update(last_used_at=minute)


def _add_version(*, member: Member, policy: Policy, document: str, note: str) -> PolicyVersion:
    _judge_document(policy, document)
    version = PolicyVersion.objects.create(
        organisation_id=policy.organisation_id,
        policy=policy,
        number=policy.current + 1,
        document=document,
        note=note,
        author=member.name,
    )
    policy.current = version.number
    policy.save(update_fields=["current"])
    bump_epoch(organisation_id=policy.organisation_id)
    detail: dict[str, object] = {"id": str(policy.id), "version": version.number, "note": note}
    record_audit(member=member, action="policy.publish", target=f"{policy.server.name} / {policy.name}", detail=detail)
    transaction.on_commit(lambda: version_published.send(PolicyVersion, version=version))
    return version


def _judge_document(policy: Policy, document: str) -> None:
    tools = tool_facts_for(policy.server)
    judged = judge_text(document, tools)
    if judged.policy is None:
        raise PolicyInvalidError(judged.checked.errors)
    results = run_saved_tests(saved_tests_for(policy), judged.policy, tools, timezone.now())
    failures = [result for result in results if not result.is_passed]
    if failures:
        raise SavedTestsFailedError(failures)


def _copy_name(policy: Policy) -> str:
    taken = set(policies_for(policy.server).values_list("name", flat=True))
    for number in range(1, len(taken) + 2):
        ending = " (copy)" if number == 1 else f" (copy {number})"
        name = policy.name[: NAME_MAX - len(ending)] + ending
        if name not in taken:
            return name
    raise NameTakenError(policy.name)


def _lock_policy(policy: Policy, expected: int | None) -> PolicyVersion | None:
    # Two publishers take turns here, so that `expected` is compared with what is really in force.
    locked = Policy.objects.select_for_update().filter(id=policy.id).first()
    if locked is None:
        raise Http404("no such policy")
    policy.current = locked.current
    current = current_version_for(policy)
    if expected is not None and expected != policy.current:
        raise ConflictError(current)
    return current


def _lock_grant(grant: Grant) -> None:
    locked = Grant.objects.select_for_update(of=("self",)).select_related("policy").filter(id=grant.id).first()
    if locked is None:
        raise Http404("no such grant")
    for name in ("revoked_at", "expires_at", "policy", *STOP_FIELDS):
        setattr(grant, name, getattr(locked, name))


def _lock_line(grant: Grant) -> QuerySet[Grant]:
    """The grants that charge the same counters. A rotation that is under way ends first, so that its grant is among
    them."""
    first = grant.counts_as or grant.id
    rows = Grant.objects.filter(Q(id=first) | Q(counts_as=first))
    list(rows.select_for_update().order_by("id").values_list("id"))
    return rows


def _reload_stop(grant: Grant) -> None:
    grant.refresh_from_db(fields=STOP_FIELDS)


def _insert_grant(grant: Grant) -> None:
    try:
        with transaction.atomic():
            grant.save(force_insert=True)
    except IntegrityError:
        raise FormUsedError from None


def _share_policy(policy: Policy | None, server_id: UUID) -> None:
    if policy is None:
        return
    if policy.server_id != server_id:
        raise WrongServerError
    # Held until the grant is written, so that the policy cannot be deleted in between.
    if not Policy.objects.select_for_update(no_key=True).filter(id=policy.id).exists():
        raise Http404("no such policy")


def _name_of(policy: Policy | None) -> str:
    return policy.name if policy is not None else ""


def _target_of(grant: Grant) -> str:
    return f"{grant.server.name} / {grant.label}"


def _target_of_test(test: PolicyTest) -> str:
    return f"{test.policy.server.name} / {test.policy.name} / {test.name}"
