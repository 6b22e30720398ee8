"""Writes of accounts: keyword-only, the caller permitted and its input parsed; each one transaction."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.text import slugify

from accounts.access import Member
from accounts.epochs import announce_epoch
from accounts.models import AdminAudit, ApiKey, Membership, Organisation, OutboxMail, Role, Stoppable, User
from accounts.tenancy import tenant
from accounts.tokens import Prefix, mint_token

# Words that are, or look like, addresses of the product itself.
RESERVED_SLUGS = frozenset(
    (
        *("accounts", "admin", "api", "app", "attacks", "catalog", "contact", "docs", "help", "host", "mcp", "new"),
        *("operator", "outbox", "policylayer", "readyz", "root", "settings", "static", "support", "system", "www"),
    )
)
SLUG_LENGTH = 40
REASON_LENGTH = 200
SUFFIX_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
S = TypeVar("S", bound=Stoppable)


class NameRefusedError(ValueError):
    """The name of an organisation is reserved."""


class FormUsedError(ValueError):
    """The form that minted a key was sent twice."""


class LastAdminError(ValueError):
    """The change would leave an organisation without an admin."""


@dataclass(frozen=True, slots=True)
class MintedKey:
    """A new API key; `token` is shown once and then forgotten."""

    key: ApiKey
    token: str = field(repr=False)


def record_audit(*, member: Member, action: str, target: str, detail: dict[str, object] | None = None) -> None:
    """Add one row to the organisation's audit, inside the transaction of the action itself; never a secret in it."""
    AdminAudit.objects.create(
        organisation=member.organisation, actor=member.name, action=action, target=target[:200], detail=detail or {}
    )


def bump_epoch(*, organisation_id: UUID) -> None:
    """Raise the epoch inside the caller's tenant block; gateway processes drop their snapshots within 2 seconds."""
    Organisation.objects.filter(id=organisation_id).update(epoch=F("epoch") + 1)
    transaction.on_commit(lambda: announce_epoch(organisation_id))


def create_organisation(*, user: User, name: str) -> Organisation:
    """A new organisation with this person as its admin, under a slug made from its name.

    A slug that is taken gets a short random suffix; a name whose slug is reserved raises NameRefusedError.
    """
    slug = _slug_of(name)
    for candidate in (slug or _suffixed("org"), *(_suffixed(slug or "org") for _ in range(5))):
        organisation = Organisation(id=uuid4(), name=name, slug=candidate)
        try:
            _found(organisation, user)
        except IntegrityError:
            continue
        return organisation
    raise NameRefusedError("No free address was found for this name; choose another.")


def _found(organisation: Organisation, user: User) -> None:
    with tenant(organisation.id):
        organisation.save(force_insert=True)
        Membership.objects.create(organisation=organisation, user=user, role=Role.ADMIN.value)
        member = Member(organisation, Role.ADMIN, user.email, user)
        record_audit(member=member, action="organisation.create", target=organisation.name)
        User.objects.filter(id=user.id).update(last_organisation=organisation.id)
    user.last_organisation = organisation.id


def _slug_of(name: str) -> str:
    slug = slugify(name)
    if len(slug) > SLUG_LENGTH:
        # At the end of a word, if there is one.
        slug = (slug[: SLUG_LENGTH + 1].rpartition("-")[0] or slug)[:SLUG_LENGTH].strip("-_")
    if slug in RESERVED_SLUGS:
        raise NameRefusedError("This name is reserved; choose another.")
    return slug


def _suffixed(slug: str) -> str:
    return f"{slug}-{''.join(secrets.choice(SUFFIX_ALPHABET) for _ in range(4))}"


def rename_organisation(*, member: Member, name: str) -> None:
    """Give the organisation another name; its slug stays. Raises NameRefusedError for a name that is reserved."""
    _slug_of(name)
    with transaction.atomic():
        before = Organisation.objects.select_for_update().get(id=member.organisation.id).name
        if before == name:
            return
        Organisation.objects.filter(id=member.organisation.id).update(name=name)
        record_audit(member=member, action="organisation.rename", target=name, detail={"from": before, "to": name})


def create_verified_user(*, email: str, password: str) -> User:
    """A person whose e-mail address counts as verified; for commands of the host, never for a form on the web.

    Raises IntegrityError when the address is taken.
    """
    with transaction.atomic():
        return User.objects.create_verified_user(email, password)


def change_role(*, member: Member, person: User, role: Role) -> None:
    """Give a member another role; raises LastAdminError when no admin would be left."""
    with transaction.atomic():
        membership = _lock_membership(member, person, keeps_admin=role is Role.ADMIN)
        before, membership.role = membership.role, role.value
        membership.save(update_fields=["role"])
        detail: dict[str, object] = {"from": before, "to": role.value}
        record_audit(member=member, action="member.role", target=person.email, detail=detail)


def remove_member(*, member: Member, person: User) -> None:
    """End a membership; raises LastAdminError when no admin would be left. API keys live on until they are revoked."""
    with transaction.atomic():
        membership = _lock_membership(member, person, keeps_admin=False)
        membership.delete()
        record_audit(member=member, action="member.remove", target=person.email, detail={"role": membership.role})


def _lock_membership(member: Member, person: User, *, keeps_admin: bool) -> Membership:
    # Every admin's row is locked, in one order: two admins who demote each other at once cannot both succeed.
    rows = Membership.objects.select_for_update().filter(organisation=member.organisation).order_by("id")
    admins = {row.user_id for row in rows.filter(role=Role.ADMIN.value)}
    if not keeps_admin and admins == {person.id}:
        raise LastAdminError("An organisation keeps at least one admin: make somebody else an admin first.")
    return rows.get(user=person)


def mint_api_key(
    *, member: Member, label: str, role: Role, expires_at: datetime | None = None, key_id: UUID | None = None
) -> MintedKey:
    """A new `pla_` key that acts with this role in the member's organisation.

    `key_id` is an id handed out with a form, so that a form sent twice mints once: FormUsedError the second time.
    """
    token = mint_token(Prefix.API_KEY)
    key = ApiKey(
        id=key_id or uuid4(),
        organisation=member.organisation,
        label=label,
        role=role.value,
        token_hash=token.hash,
        last_four=token.last_four,
        created_by=member.user,
        expires_at=expires_at,
    )
    try:
        with transaction.atomic():
            key.save(force_insert=True)
            detail: dict[str, object] = {"key": str(key.id), "role": key.role}
            record_audit(member=member, action="api_key.mint", target=label, detail=detail)
    except IntegrityError:
        raise FormUsedError("This form has already minted its key; reload the page to mint another.") from None
    return MintedKey(key, token.text)


def revoke_api_key(*, member: Member, key: ApiKey) -> None:
    """End an API key at once; revoking it again changes nothing."""
    with transaction.atomic():
        if not ApiKey.objects.filter(id=key.id, revoked_at=None).update(revoked_at=timezone.now()):
            return
        record_audit(member=member, action="api_key.revoke", target=key.label, detail={"key": str(key.id)})


def clean_reason(text: str) -> str:
    """A reason as it is stored: one line of at most 200 characters. Never refused: a stop does not wait for words."""
    return " ".join(text.replace("\0", " ").split())[:REASON_LENGTH]


def stop_rows(
    *, member: Member, rows: QuerySet[S], target: str, reason: str = "", detail: dict[str, object] | None = None
) -> None:
    """Refuse every call of these rows until they are resumed, open streams ended; in force within 2 seconds.

    Tokens, policies and counters stay. What was stopped before keeps who stopped it and when; inside a tenant block.
    """
    with transaction.atomic():
        reason = clean_reason(reason)
        stopped = {"is_killed": True, "killed_at": timezone.now(), "killed_by": member.name, "kill_reason": reason}
        if not rows.filter(is_killed=False).update(**stopped):
            return
        told = {**(detail or {}), **({"reason": reason} if reason else {})}
        record_audit(member=member, action=f"{rows.model._meta.model_name}.stop", target=target, detail=told)
        bump_epoch(organisation_id=member.organisation.id)


def resume_rows(*, member: Member, rows: QuerySet[S], target: str, detail: dict[str, object] | None = None) -> None:
    """Let the calls of these rows be judged by their policies again, within 2 seconds; inside a tenant block."""
    with transaction.atomic():
        resumed = {"is_killed": False, "killed_at": None, "killed_by": "", "kill_reason": ""}
        if not rows.filter(is_killed=True).update(**resumed):
            return
        record_audit(member=member, action=f"{rows.model._meta.model_name}.resume", target=target, detail=detail)
        bump_epoch(organisation_id=member.organisation.id)


def stop_organisation(*, member: Member, reason: str = "") -> None:
    """Stop every agent of the organisation (`stop_rows`)."""
    stop_rows(member=member, rows=_own_row(member), target=member.organisation.name, reason=reason)


def resume_organisation(*, member: Member) -> None:
    """Let the organisation's agents go on; what was stopped by itself stays stopped."""
    resume_rows(member=member, rows=_own_row(member), target=member.organisation.name)


def _own_row(member: Member) -> QuerySet[Organisation]:
    return Organisation.objects.filter(id=member.organisation.id)


def set_quotas(*, member: Member, calls: int | None, streams: int | None, sessions: int | None) -> None:
    """Give the organisation quotas of its own, None for the usual one; for the host, inside a tenant block."""
    with transaction.atomic():
        own: dict[str, object] = {"calls": calls, "streams": streams, "sessions": sessions}
        _own_row(member).update(**{f"max_{name}": value for name, value in own.items()})
        record_audit(member=member, action="organisation.quotas", target=member.organisation.name, detail=own)
        bump_epoch(organisation_id=member.organisation.id)


def store_mail(*, recipients: list[str], subject: str, body: str) -> None:
    """Keep a mail of the embedded run for /outbox/."""
    OutboxMail.objects.create(recipients=", ".join(recipients)[:2000], subject=subject[:500], body=body)
