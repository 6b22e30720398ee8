"""/api/v1/grants/: list, mint, read, end, rotate, revoke, attach a policy. A token is in its first answer only."""

from collections.abc import Collection
from datetime import timedelta
from typing import ClassVar
from uuid import UUID

from rest_framework.response import Response

from accounts.access import ADMINS, POLICY_WRITERS
from accounts.api import ApiRequest, TenantView
from accounts.models import Role
from policies.access import grant_for, grants_for
from policies.api.bodies import policy_named, read_body, read_server_filter, server_named
from policies.api.idempotency import once
from policies.api.paging import page_of
from policies.api.problems import problems
from policies.api.schema import SERVER_FILTER, describe, describe_creation, describe_list
from policies.api.shapes import (
    AttachBody,
    GrantBody,
    GrantChange,
    GrantPage,
    GrantShape,
    MintedShape,
    RotateBody,
    StopBody,
)
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
from policies.snippets import gateway_url_of

TAG = "grants"


class GrantsView(TenantView):
    write_roles: ClassVar[Collection[Role]] = ADMINS

    @describe_list("listGrants", GrantPage, tag=TAG, filters=(SERVER_FILTER,))
    def get(self, request: ApiRequest) -> Response:
        """The organisation's grants, or one server's, newest first; never a token."""
        page = page_of(request, grants_for(read_server_filter(request)), "-created_at", "-id")
        return Response(GrantPage(page).data)

    @describe_creation("mintGrant", body=GrantBody, answers={201: MintedShape}, tag=TAG)
    @once
    def post(self, request: ApiRequest) -> Response:
        """Mint a grant. Its token is in this answer and can never be read again."""
        body = read_body(GrantBody, request)
        server, policy = server_named(body["server"]), policy_named(body["policy"])
        with problems():
            minted = mint_grant(
                member=request.member, server=server, label=body["label"], policy=policy, expires_at=body["expires_at"]
            )
        return _answer_minted(minted)


class GrantView(TenantView):
    write_roles: ClassVar[Collection[Role]] = ADMINS

    @describe("readGrant", answers={200: GrantShape}, tag=TAG)
    def get(self, request: ApiRequest, grant: UUID) -> Response:
        """One grant, without its token."""
        return Response(GrantShape(grant_for(grant)).data)

    @describe("changeGrant", body=GrantChange, answers={200: GrantShape}, problems=(409,), tag=TAG)
    def patch(self, request: ApiRequest, grant: UUID) -> Response:
        """Set when a grant ends; null: when it is revoked."""
        found = grant_for(grant)
        body = read_body(GrantChange, request)
        with problems():
            set_expiry(member=request.member, grant=found, expires_at=body["expires_at"])
        return Response(GrantShape(found).data)


class RotateView(TenantView):
    write_roles: ClassVar[Collection[Role]] = ADMINS

    @describe_creation("rotateGrant", body=RotateBody, answers={201: MintedShape}, tag=TAG)
    @once
    def post(self, request: ApiRequest, grant: UUID) -> Response:
        """Put a new grant with a new token in this one's place; the old token ends after the overlap."""
        found = grant_for(grant)
        overlap = timedelta(seconds=read_body(RotateBody, request)["overlap"])
        with problems():
            minted = rotate_grant(member=request.member, grant=found, overlap=overlap)
        return _answer_minted(minted)


class RevokeView(TenantView):
    write_roles: ClassVar[Collection[Role]] = ADMINS

    @describe("revokeGrant", answers={200: GrantShape}, tag=TAG)
    def post(self, request: ApiRequest, grant: UUID) -> Response:
        """End a grant for good, within 2 seconds everywhere; revoking twice is no error."""
        found = grant_for(grant)
        revoke_grant(member=request.member, grant=found)
        return Response(GrantShape(found).data)


class StopView(TenantView):
    write_roles: ClassVar[Collection[Role]] = POLICY_WRITERS

    @describe("stopGrant", body=StopBody, answers={200: GrantShape}, tag=TAG)
    def post(self, request: ApiRequest, grant: UUID) -> Response:
        """Refuse a grant's calls and end its streams, within 2 seconds everywhere; twice is no error.

        The grants that it was rotated from and to are stopped with it. Its token stays valid, for when it is resumed.
        """
        found = grant_for(grant)
        stop_grant(member=request.member, grant=found, reason=read_body(StopBody, request)["reason"])
        return Response(GrantShape(found).data)


class ResumeView(TenantView):
    write_roles: ClassVar[Collection[Role]] = POLICY_WRITERS

    @describe("resumeGrant", answers={200: GrantShape}, tag=TAG)
    def post(self, request: ApiRequest, grant: UUID) -> Response:
        """Let a stopped grant go on, with those that it was rotated from and to."""
        found = grant_for(grant)
        resume_grant(member=request.member, grant=found)
        return Response(GrantShape(found).data)


class AttachView(TenantView):
    write_roles: ClassVar[Collection[Role]] = POLICY_WRITERS

    @describe("attachPolicy", body=AttachBody, answers={200: GrantShape}, problems=(409,), tag=TAG)
    def post(self, request: ApiRequest, grant: UUID) -> Response:
        """Put a grant under another policy of its server, within 2 seconds everywhere."""
        found = grant_for(grant)
        policy = policy_named(read_body(AttachBody, request)["policy"])
        with problems():
            attach_policy(member=request.member, grant=found, policy=policy)
        return Response(GrantShape(found).data)


def _answer_minted(minted: MintedGrant) -> Response:
    answer = {"grant": minted.grant, "gateway_url": gateway_url_of(minted.grant.server_id), "token": minted.token}
    return Response(MintedShape(answer).data, status=201, headers={"Cache-Control": "no-store"})
