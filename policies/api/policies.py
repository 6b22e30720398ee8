"""/api/v1/policies/: list, create, import, read, export, duplicate, delete, validate, publish, versions, restore."""

from collections.abc import Collection
from dataclasses import asdict
from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from accounts.access import EVERYONE, POLICY_WRITERS
from accounts.api import ApiRequest, TenantView
from accounts.models import Role
from policies.access import current_version_for, policies_for, policy_for, version_for, versions_for
from policies.api.bodies import read_body, read_server_filter, server_named
from policies.api.idempotency import once
from policies.api.paging import page_of
from policies.api.problems import problems
from policies.api.schema import SERVER_FILTER, describe, describe_creation, describe_list
from policies.api.shapes import (
    CheckedShape,
    ImportBody,
    PolicyBody,
    PolicyPage,
    PolicyShape,
    PublishBody,
    RestoreBody,
    ValidateBody,
    VersionPage,
    VersionShape,
)
from policies.check import check_document
from policies.errors import NothingPublishedError
from policies.export import answer_document
from policies.models import PolicyVersion
from policies.services import (
    create_policy,
    delete_policy,
    duplicate_policy,
    import_policy,
    publish_policy,
    restore_version,
)

TAG = "policies"


class PoliciesView(TenantView):
    write_roles: ClassVar[Collection[Role]] = POLICY_WRITERS

    @describe_list("listPolicies", PolicyPage, tag=TAG, filters=(SERVER_FILTER,))
    def get(self, request: ApiRequest) -> Response:
        """The organisation's policies, or one server's."""
        page = page_of(request, policies_for(read_server_filter(request)), "created_at", "id")
        return Response(PolicyPage(page).data)

    @describe_creation("createPolicy", body=PolicyBody, answers={201: PolicyShape}, tag=TAG)
    @once
    def post(self, request: ApiRequest) -> Response:
        """Create a policy; a document given with it is published as version 1."""
        body = read_body(PolicyBody, request)
        server = server_named(body.pop("server"))
        with problems():
            policy = create_policy(member=request.member, server=server, **body)
        return Response(PolicyShape(policy).data, status=201)


class ImportView(TenantView):
    write_roles: ClassVar[Collection[Role]] = POLICY_WRITERS

    @describe_creation("importPolicy", body=ImportBody, answers={200: VersionShape, 201: VersionShape}, tag=TAG)
    @once
    def post(self, request: ApiRequest) -> Response:
        """Publish a document under a name, whether or not the server has a policy of that name: 201. The document in
        force, letter for letter, adds no version: 200."""
        body = read_body(ImportBody, request)
        server, expected = server_named(body.pop("server")), body["expected"]
        with problems():
            version = import_policy(member=request.member, server=server, **body)
        return _answer_version(version, expected)


class ValidateView(TenantView):
    # Changes nothing, so whoever may read may ask.
    write_roles: ClassVar[Collection[Role]] = EVERYONE

    @describe("validatePolicy", body=ValidateBody, answers={200: CheckedShape}, tag=TAG)
    def post(self, request: ApiRequest) -> Response:
        """Judge a document against a server's tools and say what it means; publishes nothing."""
        body = read_body(ValidateBody, request)
        checked = check_document(body["document"], server_named(body["server"]))
        return Response(CheckedShape(asdict(checked)).data)


class PolicyView(TenantView):
    write_roles: ClassVar[Collection[Role]] = POLICY_WRITERS

    @describe("readPolicy", answers={200: PolicyShape}, tag=TAG)
    def get(self, request: ApiRequest, policy: UUID) -> Response:
        """One policy; its documents are under `versions/`."""
        return Response(PolicyShape(policy_for(policy)).data)

    @describe("deletePolicy", answers={204: None}, problems=(409,), tag=TAG)
    def delete(self, request: ApiRequest, policy: UUID) -> Response:
        """Delete a policy with its versions; 409 while a grant carries it."""
        with problems():
            delete_policy(member=request.member, policy=policy_for(policy))
        return Response(status=204)


class ExportView(TenantView):
    @describe("exportPolicy", answers={(200, "application/json"): OpenApiTypes.OBJECT}, problems=(409,), tag=TAG)
    def get(self, request: ApiRequest, policy: UUID) -> HttpResponse:
        """The document in force as a file, letter for letter; 409 while none is."""
        found = policy_for(policy)
        version = current_version_for(found)
        with problems():
            if version is None:
                raise NothingPublishedError
        return answer_document(found, version)


class DuplicateView(TenantView):
    write_roles: ClassVar[Collection[Role]] = POLICY_WRITERS

    @describe_creation("duplicatePolicy", body=None, answers={201: PolicyShape}, tag=TAG)
    @once
    def post(self, request: ApiRequest, policy: UUID) -> Response:
        """A copy under a free name, with the saved tests. It is not published: until it is, it denies every call."""
        with problems():
            copy = duplicate_policy(member=request.member, policy=policy_for(policy))
        return Response(PolicyShape(copy).data, status=201)


class PublishView(TenantView):
    write_roles: ClassVar[Collection[Role]] = POLICY_WRITERS

    @describe_creation("publishPolicy", body=PublishBody, answers={200: VersionShape, 201: VersionShape}, tag=TAG)
    @once
    def post(self, request: ApiRequest, policy: UUID) -> Response:
        """Publish a document as the next version: 201. The document in force, letter for letter, adds none: 200."""
        found = policy_for(policy)
        body = read_body(PublishBody, request)
        before = found.current
        with problems():
            version = publish_policy(member=request.member, policy=found, **body)
        return _answer_version(version, before)


class VersionsView(TenantView):
    @describe_list("listVersions", VersionPage, tag=TAG)
    def get(self, request: ApiRequest, policy: UUID) -> Response:
        """A policy's published versions, newest first."""
        return Response(VersionPage(page_of(request, versions_for(policy_for(policy)), "-number")).data)


class VersionView(TenantView):
    @describe("readVersion", answers={200: VersionShape}, tag=TAG)
    def get(self, request: ApiRequest, policy: UUID, number: int) -> Response:
        """One published version; it never changes."""
        return Response(VersionShape(version_for(policy_for(policy), number)).data)


class RestoreView(TenantView):
    write_roles: ClassVar[Collection[Role]] = POLICY_WRITERS

    @describe_creation("restoreVersion", body=RestoreBody, answers={200: VersionShape, 201: VersionShape}, tag=TAG)
    @once
    def post(self, request: ApiRequest, policy: UUID, number: int) -> Response:
        """Publish an earlier version's document as a new version, judged again against today's tools."""
        found = policy_for(policy)
        body = read_body(RestoreBody, request)
        before = found.current
        with problems():
            version = restore_version(member=request.member, policy=found, number=number, **body)
        return _answer_version(version, before)


def _answer_version(version: PolicyVersion, before: int) -> Response:
    shape: Serializer[Any] = VersionShape(version)
    return Response(shape.data, status=200 if version.number == before else 201)
