"""/api/v1/organisation/: the key's own organisation, and the switch that stops all of its agents."""

from collections.abc import Collection
from typing import ClassVar

from rest_framework.response import Response

from accounts.access import POLICY_WRITERS, organisation_for
from accounts.api import ApiRequest, TenantView
from accounts.models import Role
from accounts.services import resume_organisation, stop_organisation
from policies.api.bodies import read_body
from policies.api.schema import describe
from policies.api.shapes import OrganisationShape, StopBody

TAG = "organisation"


class OrganisationView(TenantView):
    @describe("readOrganisation", answers={200: OrganisationShape}, tag=TAG)
    def get(self, request: ApiRequest) -> Response:
        """The organisation of this key, and whether its agents are stopped."""
        return _answer(request)


class StopView(TenantView):
    write_roles: ClassVar[Collection[Role]] = POLICY_WRITERS

    @describe("stopOrganisation", body=StopBody, answers={200: OrganisationShape}, tag=TAG)
    def post(self, request: ApiRequest) -> Response:
        """Refuse every call and end open streams, within 2 seconds everywhere, until resumed; twice is no error."""
        stop_organisation(member=request.member, reason=read_body(StopBody, request)["reason"])
        return _answer(request)


class ResumeView(TenantView):
    write_roles: ClassVar[Collection[Role]] = POLICY_WRITERS

    @describe("resumeOrganisation", answers={200: OrganisationShape}, tag=TAG)
    def post(self, request: ApiRequest) -> Response:
        """Let agents go on; a server or grant that was stopped by itself stays stopped."""
        resume_organisation(member=request.member)
        return _answer(request)


def _answer(request: ApiRequest) -> Response:
    return Response(OrganisationShape(organisation_for(request.member.organisation.id)).data)
