"""Pages of accounts: the way in, members, audit, API keys, the outbox. Decide nothing here: access and services do."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import (
    ADMINS,
    POLICY_WRITERS,
    Member,
    MemberRequest,
    api_key_for,
    api_keys_for,
    audit_for,
    member_view,
    membership_for,
    memberships_for,
    organisations_for,
    outbox_mails,
    page_of,
    user_of,
)
from accounts.audit import entry_of
from accounts.forms import ApiKeyForm, OrganisationForm, RenameForm, RoleForm
from accounts.models import ROLES, AdminAudit, Role
from accounts.services import (
    FormUsedError,
    LastAdminError,
    MintedKey,
    NameRefusedError,
    change_role,
    create_organisation,
    mint_api_key,
    remove_member,
    rename_organisation,
    resume_organisation,
    revoke_api_key,
    stop_organisation,
)
from catalog.restrictions import recall

AUDIT_PAGE = 50


@require_safe
@never_cache
def outbox(request: HttpRequest) -> HttpResponse:
    if not settings.EMBEDDED:
        raise Http404("no outbox")
    return render(request, "accounts/outbox.html", {"mails": outbox_mails()})


@require_safe
@login_required
def app(request: HttpRequest) -> HttpResponseRedirect:
    if (wanted := recall(request)) is not None:
        return redirect("policies:restrict", *wanted.address)
    user = user_of(request)
    mine = organisations_for(user)
    if not mine:
        return redirect("accounts:create_organisation")
    last = next((organisation for organisation in mine if organisation.id == user.last_organisation), mine[0])
    return redirect("gateway:start", organisation=last.slug)


def form_expired(request: HttpRequest, reason: str = "") -> HttpResponse:
    """What Django shows for a form whose token it does not accept."""
    return render(request, "403_csrf.html", {"back": page_of(request)}, status=403)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def create(request: HttpRequest) -> HttpResponse:
    form = OrganisationForm(request.POST if request.method == "POST" else None)
    wanted = recall(request)
    if request.method == "POST" and form.is_valid():
        try:
            organisation = create_organisation(user=user_of(request), name=form.cleaned_data["name"])
        except NameRefusedError as error:
            form.add_error("name", str(error))
        else:
            messages.success(request, f"{organisation.name} is ready, and you are its admin.")
            if wanted is not None:
                return redirect("policies:restrict", *wanted.address)
            return redirect("gateway:start", organisation=organisation.slug)
    context = {"form": form, "is_first": not organisations_for(user_of(request)), "wanted": wanted}
    return render(request, "accounts/create_organisation.html", context, status=_status_of(form.is_bound))


@require_http_methods(["GET", "HEAD", "POST"])
@member_view(write=ADMINS)
def organisation_settings(request: MemberRequest) -> HttpResponse:
    member = request.member
    form = RenameForm(request.POST if request.method == "POST" else None, initial={"name": member.organisation.name})
    if form.is_bound and form.is_valid():
        name = form.cleaned_data["name"]
        try:
            rename_organisation(member=member, name=name)
        except NameRefusedError as error:
            form.add_error("name", str(error))
        else:
            messages.success(request, f"The organisation is called {name} now.")
            return redirect("accounts:settings", organisation=member.organisation.slug)
    context = {"form": form if member.is_admin else None, "role": dict(ROLES)[member.role]}
    return render(request, "accounts/settings.html", context, status=_status_of(form.is_bound))


@require_safe
@member_view()
def members(request: MemberRequest) -> HttpResponse:
    memberships = memberships_for(request.member)
    admins = [row for row in memberships if row.role == Role.ADMIN]
    context = {"memberships": memberships, "roles": ROLES, "only_admin": admins[0] if len(admins) == 1 else None}
    return render(request, "accounts/members.html", context)


@require_POST
@member_view(write=ADMINS)
def change_member_role(request: MemberRequest, person: UUID) -> HttpResponse:
    membership = membership_for(request.member, person)
    form = RoleForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Choose one of the roles. Nothing was changed.")
        return redirect("accounts:members", organisation=request.member.organisation.slug)
    try:
        change_role(member=request.member, person=membership.user, role=form.cleaned_data["role"])
    except LastAdminError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{membership.user.email} has the role {dict(ROLES)[form.cleaned_data['role']]} now.")
    return redirect("accounts:members", organisation=request.member.organisation.slug)


@require_POST
@member_view(write=ADMINS)
def remove(request: MemberRequest, person: UUID) -> HttpResponse:
    membership = membership_for(request.member, person)
    try:
        remove_member(member=request.member, person=membership.user)
    except LastAdminError as error:
        messages.error(request, str(error))
        return redirect("accounts:members", organisation=request.member.organisation.slug)
    messages.success(request, f"{membership.user.email} is no longer a member.")
    keys = [key.label for key in api_keys_for(request.member) if key.created_by == membership.user and key.is_alive]
    if keys:
        messages.warning(request, f"API keys that they minted still work: {', '.join(keys)}.")
    if membership.user == request.user:
        return redirect("accounts:app")
    return redirect("accounts:members", organisation=request.member.organisation.slug)


@require_safe
@member_view(read=ADMINS)
def audit(request: MemberRequest) -> HttpResponse:
    before = parse_cursor(request.GET.get("before", ""))
    rows = audit_for(request.member, before=before, limit=AUDIT_PAGE + 1)
    entries = [entry_of(row) for row in rows[:AUDIT_PAGE]]
    context = {"entries": entries, "older": _older(rows), "is_newest": before is None}
    return render(request, "accounts/audit.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@member_view(read=ADMINS, write=ADMINS)
def api_keys(request: MemberRequest) -> HttpResponse:
    form = ApiKeyForm(request.POST) if request.method == "POST" else ApiKeyForm.fresh()
    minted = mint_from(request.member, form) if form.is_bound and form.is_valid() else None
    if minted is not None:
        form = ApiKeyForm.fresh()
    context = {"form": form, "minted": minted, "keys": api_keys_for(request.member)}
    return render(request, "accounts/api_keys.html", context, status=_status_of(form.is_bound))


def mint_from(member: Member, form: ApiKeyForm) -> MintedKey | None:
    data = form.cleaned_data
    try:
        return mint_api_key(
            member=member, key_id=data["key_id"], label=data["label"], role=data["role"], expires_at=data["expires"]
        )
    except FormUsedError as error:
        form.add_error(None, str(error))
        return None


@require_POST
@member_view(write=ADMINS)
def revoke_key(request: MemberRequest, key: UUID) -> HttpResponse:
    found = api_key_for(request.member, key)
    revoke_api_key(member=request.member, key=found)
    messages.success(request, f"The key {found.label} is revoked.")
    return redirect("accounts:api_keys", organisation=request.member.organisation.slug)


@require_POST
@member_view(write=POLICY_WRITERS)
def stop(request: MemberRequest) -> HttpResponse:
    stop_organisation(member=request.member, reason=request.POST.get("reason", ""))
    messages.success(request, "Every agent is stopped: each call is refused within 2 seconds, and open streams end.")
    return redirect("gateway:start", organisation=request.member.organisation.slug)


@require_POST
@member_view(write=POLICY_WRITERS)
def resume(request: MemberRequest) -> HttpResponse:
    resume_organisation(member=request.member)
    messages.success(request, "Agents may call again within 2 seconds.")
    return redirect("gateway:start", organisation=request.member.organisation.slug)


def parse_cursor(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _older(rows: list[AdminAudit]) -> UUID | None:
    return rows[AUDIT_PAGE - 1].id if len(rows) > AUDIT_PAGE else None


def _status_of(is_refused: bool) -> int:
    return 422 if is_refused else 200
