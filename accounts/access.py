"""The tenant gate: who is asking, in which organisation, with which right. Unknown and foreign are the same 404."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from urllib.parse import urlsplit
from uuid import UUID

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from accounts.models import AdminAudit, ApiKey, Membership, Organisation, OutboxMail, Role, User
from accounts.tenancy import person, tenant
from accounts.tokens import Prefix, hash_token, is_well_formed

P = ParamSpec("P")
EVERYONE = frozenset(Role)
ADMINS = frozenset({Role.ADMIN})
POLICY_WRITERS = frozenset({Role.ADMIN, Role.POLICY_MANAGER})
NOBODY: frozenset[Role] = frozenset()
# What a refused person is told, by the roles that may.
NEEDED = {
    ADMINS: "Only an admin of this organisation can do this.",
    POLICY_WRITERS: "Only an admin or policy manager of this organisation can do this.",
}
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
USE_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Member:
    """A person (or, for the API, a key) in one organisation; `name` is what the audit shows."""

    organisation: Organisation
    role: Role
    name: str
    user: User | None = None

    @property
    def is_admin(self) -> bool:
        return self.role is Role.ADMIN

    @property
    def is_policy_writer(self) -> bool:
        return self.role in POLICY_WRITERS


class MemberRequest(HttpRequest):
    """A request that passed the gate."""

    user: User
    member: Member
    # Those that this person can switch to, by name.
    organisations: list[Organisation]


View = Callable[Concatenate[MemberRequest, P], HttpResponseBase]


def member_view(
    *, read: Collection[Role] = EVERYONE, write: Collection[Role] = NOBODY
) -> Callable[[View[P]], Callable[..., HttpResponseBase]]:
    """Guard a view below /app/<slug:organisation>/ and run it in its organisation's transaction.

    The view gets a MemberRequest and the remaining URL arguments. Not signed in: to the sign-in page. Not a member, or
    no such organisation: 404. A role outside `read` (safe methods) or `write` (all others): 403. Exceptions roll back.
    """

    def decorate(view: View[P]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def guarded(request: Any, organisation: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return _ask_to_sign_in(request)
            memberships = memberships_of(request.user)
            member = _pick_member(request.user, memberships, organisation)
            allowed = read if request.method in SAFE_METHODS else write
            if member.role not in allowed:
                raise PermissionDenied(NEEDED.get(frozenset(allowed), "Your role does not allow this."))
            request.member = member
            request.organisations = [membership.organisation for membership in memberships]
            _remember(request.user, member.organisation)
            with tenant(member.organisation.id):
                return view(request, *args, **kwargs)

        return guarded

    return decorate


def _ask_to_sign_in(request: Any) -> HttpResponseBase:
    if request.htmx:
        # A page that polls would otherwise paste the sign-in page into itself.
        return HttpResponse(status=401, headers={"HX-Refresh": "true"})
    return redirect_to_login(request.get_full_path() if request.method in SAFE_METHODS else page_of(request))


def page_of(request: HttpRequest) -> str:
    """The page from which a form was sent. The form's own address shows nothing; the page has its draft."""
    page = urlsplit(request.headers.get("Referer", ""))
    # Without the host, two slashes at its beginning would name another one.
    is_ours = page.netloc == request.get_host() and page.path.startswith("/") and not page.path.startswith("//")
    return page._replace(scheme="", netloc="", fragment="").geturl() if is_ours else reverse("accounts:app")


def _remember(user: User, organisation: Organisation) -> None:
    if user.last_organisation != organisation.id:
        user.last_organisation = organisation.id
        user.save(update_fields=["last_organisation"])


def user_of(request: HttpRequest) -> User:
    """Who is signed in; PermissionDenied when nobody is, which a view behind login_required never sees."""
    if not isinstance(request.user, User):
        raise PermissionDenied("Nobody is signed in.")
    return request.user


def memberships_of(user: User) -> list[Membership]:
    """Every membership of this person with its organisation, by the organisation's name."""
    with person(user.id):
        rows = Membership.objects.select_related("organisation").filter(user=user)
        return list(rows.order_by("organisation__name"))


def member_for(user: User, slug: str) -> Member:
    """The member that this person is in the organisation with this slug; raises Http404 where there is none."""
    return _pick_member(user, memberships_of(user), slug)


def member_of(user: User, organisation: Organisation) -> Member:
    """The member that this person is in this organisation; raises Http404 where there is none."""
    return _pick_member(user, memberships_of(user), organisation.slug)


def _pick_member(user: User, memberships: list[Membership], slug: str) -> Member:
    for membership in memberships:
        if membership.organisation.slug == slug:
            return Member(membership.organisation, Role(membership.role), user.email, user)
    raise Http404("no such organisation")


def member_for_key(token: str) -> Member | None:
    """The member that this `pla_` key acts as; None when it is malformed, unknown, expired or revoked.

    Notes the use of the key, at most once a minute.
    """
    if not is_well_formed(token, Prefix.API_KEY):
        return None
    rows = list(ApiKey.objects.raw("SELECT id, organisation_id FROM policylayer_api_key(%s)", [hash_token(token)]))
    if not rows:
        return None
    now = timezone.now()
    with tenant(rows[0].organisation_id):
        alive = Q(expires_at=None) | Q(expires_at__gt=now)
        key = ApiKey.objects.select_related("organisation").filter(alive, id=rows[0].id, revoked_at=None).first()
        if key is None:
            return None
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_NOTED_EVERY)
        ApiKey.objects.filter(stale, id=key.id).update(last_used_at=now)
    return Member(key.organisation, Role(key.role), f"API key {key.label}")


def organisation_for(organisation_id: UUID) -> Organisation:
    """The organisation whose tenant block is open; raises Http404 when it was deleted meanwhile."""
    organisation = Organisation.objects.filter(id=organisation_id).first()
    if organisation is None:
        raise Http404("no such organisation")
    return organisation


def organisations_for(user: User) -> list[Organisation]:
    """The organisations that this person is a member of, by name."""
    with person(user.id):
        return list(Organisation.objects.filter(memberships__user=user).order_by("name"))


def organisation_ids() -> list[UUID]:
    """Every organisation's id, for scheduled work; the work itself opens a tenant block for each."""
    return [row.id for row in Organisation.objects.raw("SELECT id FROM policylayer_organisations()")]


def memberships_for(member: Member) -> list[Membership]:
    """Every membership of the member's organisation, by e-mail address."""
    rows = Membership.objects.select_related("user").filter(organisation=member.organisation)
    return list(rows.order_by("user__email"))


def membership_for(member: Member, user_id: UUID) -> Membership:
    """The membership of this person in the member's organisation; raises Http404 where there is none."""
    row = Membership.objects.select_related("user").filter(organisation=member.organisation, user_id=user_id).first()
    if row is None:
        raise Http404("no such member")
    return row


def api_keys_for(member: Member) -> list[ApiKey]:
    """The organisation's API keys, newest first, revoked ones included."""
    rows = ApiKey.objects.select_related("created_by").filter(organisation=member.organisation)
    return list(rows.order_by("-created_at"))


def api_key_for(member: Member, key_id: UUID) -> ApiKey:
    """One API key of the member's organisation; raises Http404 where there is none."""
    key = ApiKey.objects.filter(organisation=member.organisation, id=key_id).first()
    if key is None:
        raise Http404("no such key")
    return key


def audit_for(member: Member, *, before: UUID | None = None, limit: int = 50) -> list[AdminAudit]:
    """At most `limit` rows of the organisation's audit, newest first, those older than the row `before` if given."""
    rows = AdminAudit.objects.filter(organisation=member.organisation)
    if before is not None:
        rows = rows.filter(id__lt=before)
    return list(rows[:limit])


def outbox_mails(limit: int = 50) -> list[OutboxMail]:
    """The newest mails of the embedded run."""
    return list(OutboxMail.objects.order_by("-at", "-id")[:limit])


def user_for_email(email: str) -> User | None:
    """The person with this e-mail address, whatever its case."""
    return User.objects.filter(email=email.lower()).first()
