"""Pages of a server's grants. A token is in one answer, to the request that minted it, and nowhere else: not in an
address, a session, a message or a cache."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.access import ADMINS, POLICY_WRITERS, MemberRequest, member_view
from policies.access import grant_for, grants_for, policies_for, successor_of
from policies.errors import FormUsedError, GrantRevokedError, PolicyError
from policies.forms import AttachForm, ExpiryForm, MintForm, RotateForm
from policies.models import Grant
from policies.services import (
    MintedGrant,
    attach_policy,
    mint_grant,
    resume_grant,
    revoke_grant,
    rotate_grant,
    set_expiry,
    stop_grant,
)
from policies.snippets import gateway_url_of, write_snippets
from servers.access import server_for
from servers.models import Server


@require_safe
@member_view()
def list_grants(request: MemberRequest, server: UUID) -> HttpResponse:
    return _show_grants(request, server_for(server))


@never_cache
@require_POST
@member_view(write=ADMINS)
def mint(request: MemberRequest, server: UUID) -> HttpResponse:
    found = server_for(server)
    form = MintForm(found, request.POST)
    if not form.is_valid():
        return _show_grants(request, found, form=form, status=422)
    answers = form.cleaned_data
    try:
        minted = mint_grant(
            member=request.member,
            server=found,
            label=answers["label"],
            policy=answers["policy"],
            expires_at=answers["expires"],
            grant_id=answers["form_id"],
        )
    except FormUsedError as error:
        return _show_grants(request, found, refusal=error, status=409)
    return _show_token(request, minted)


@never_cache
@require_POST
@member_view(write=ADMINS)
def rotate(request: MemberRequest, grant: UUID) -> HttpResponse:
    found = grant_for(grant)
    form = RotateForm(found.server, request.POST)
    if not form.is_valid():
        return _show_grant(request, found, form=form, status=422)
    overlap, grant_id = form.cleaned_data["overlap"].length, form.cleaned_data["form_id"]
    try:
        minted = rotate_grant(member=request.member, grant=found, overlap=overlap, grant_id=grant_id)
    except PolicyError as error:
        return _show_grant(request, found, refusal=error, status=409)
    return _show_token(request, minted)


@require_safe
@member_view()
def show_grant(request: MemberRequest, grant: UUID) -> HttpResponse:
    return _show_grant(request, grant_for(grant))


def _show_token(request: MemberRequest, minted: MintedGrant) -> HttpResponse:
    grant = minted.grant
    context = {
        "server": grant.server,
        "tab": "grants",
        "grant": grant,
        "now": timezone.now(),
        "token": minted.token,
        "gateway_url": gateway_url_of(grant.server_id),
        "snippets": write_snippets(grant.server, minted.token),
    }
    return render(request, "policies/minted.html", context)


def _show_grant(
    request: MemberRequest,
    found: Grant,
    *,
    form: RotateForm | None = None,
    refusal: PolicyError | None = None,
    status: int = 200,
) -> HttpResponse:
    now = timezone.now()
    is_expired = found.expires_at is not None and found.expires_at <= now
    context = {
        "grant": found,
        "server": found.server,
        "tab": "grants",
        "now": now,
        "successor": successor_of(found),
        "refusal": refusal,
        "rotate_form": form or RotateForm(found.server),
        "is_expired": is_expired,
        "is_open": not is_expired and found.revoked_at is None,
        "attach_form": AttachForm(found.server, initial={"policy": found.policy_id}),
        "expiry_form": ExpiryForm(initial={"expires": found.expires_at}),
        "gateway_url": gateway_url_of(found.server_id),
        "snippets": write_snippets(found.server),
        "can_attach": request.member.role in POLICY_WRITERS,
        "can_write": request.member.role in ADMINS,
    }
    return render(request, "policies/grant.html", context, status=status)


@require_POST
@member_view(write=ADMINS)
def revoke(request: MemberRequest, grant: UUID) -> HttpResponseBase:
    found = grant_for(grant)
    revoke_grant(member=request.member, grant=found)
    messages.success(request, f"{found.label} is revoked. Every gateway refuses it within 2 seconds.")
    return redirect("policies:grants", request.member.organisation.slug, found.server_id)


@require_POST
@member_view(write=POLICY_WRITERS)
def stop(request: MemberRequest, grant: UUID) -> HttpResponseBase:
    found = grant_for(grant)
    stop_grant(member=request.member, grant=found, reason=request.POST.get("reason", ""))
    said = f"{found.label} is stopped: each of its calls is refused within 2 seconds, and its open streams end."
    messages.success(request, said)
    return _back_to(request, found)


@require_POST
@member_view(write=POLICY_WRITERS)
def resume(request: MemberRequest, grant: UUID) -> HttpResponseBase:
    found = grant_for(grant)
    resume_grant(member=request.member, grant=found)
    messages.success(request, f"{found.label} may call again within 2 seconds.")
    return _back_to(request, found)


@require_POST
@member_view(write=POLICY_WRITERS)
def attach(request: MemberRequest, grant: UUID) -> HttpResponseBase:
    found = grant_for(grant)
    form = AttachForm(found.server, request.POST)
    if not form.is_valid():
        messages.error(request, "Nothing was changed: choose one of this server's policies.")
        return _back_to(request, found)
    policy = form.cleaned_data["policy"]
    try:
        attach_policy(member=request.member, grant=found, policy=policy)
    except GrantRevokedError as error:
        messages.error(request, str(error))
    else:
        what = f"carries {policy.name}" if policy else "carries no policy, and so may call nothing"
        messages.success(request, f"{found.label} now {what}.")
    return _back_to(request, found)


@require_POST
@member_view(write=ADMINS)
def expire(request: MemberRequest, grant: UUID) -> HttpResponseBase:
    found = grant_for(grant)
    form = ExpiryForm(request.POST, initial={"expires": found.expires_at and found.expires_at.date()})
    if not form.is_valid():
        messages.error(request, "Nothing was changed: give a day to come, or none.")
        return _back_to(request, found)
    try:
        # The same day again leaves an end in the middle of it where it is.
        expires_at = form.cleaned_data["expires"] if form.has_changed() else found.expires_at
        set_expiry(member=request.member, grant=found, expires_at=expires_at)
    except GrantRevokedError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"The end of {found.label} is set.")
    return _back_to(request, found)


def _show_grants(
    request: MemberRequest,
    server: Server,
    *,
    form: MintForm | None = None,
    refusal: FormUsedError | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "server": server,
        "tab": "grants",
        "grants": grants_for(server),
        "now": timezone.now(),
        "form": form or MintForm(server),
        "refusal": refusal,
        "has_policies": policies_for(server).exists(),
        "gateway_url": gateway_url_of(server.id),
        "snippets": write_snippets(server),
        "can_write": request.member.role in ADMINS,
    }
    return render(request, "policies/grants.html", context, status=status)


def _back_to(request: MemberRequest, grant: Grant) -> HttpResponseBase:
    return redirect("policies:grant", request.member.organisation.slug, grant.id)
