"""/api/v1/policies/<policy>/tests/: list, create, read, delete. What they stop is publishing, which is elsewhere."""

from collections.abc import Collection
from typing import ClassVar
from uuid import UUID

from rest_framework.response import Response

from accounts.access import POLICY_WRITERS
from accounts.api import ApiRequest, TenantView
from accounts.models import Role
from policies.access import policy_for, saved_test_for, saved_tests_for
from policies.api.bodies import read_body
from policies.api.idempotency import once
from policies.api.paging import page_of
from policies.api.problems import problems
from policies.api.schema import describe, describe_creation, describe_list
from policies.api.shapes import SavedTestBody, SavedTestPage, SavedTestShape
from policies.saved_tests import Expectation
from policies.services import delete_test, save_test

TAG = "policies"


class SavedTestsView(TenantView):
    write_roles: ClassVar[Collection[Role]] = POLICY_WRITERS

    @describe_list("listSavedTests", SavedTestPage, tag=TAG)
    def get(self, request: ApiRequest, policy: UUID) -> Response:
        """A policy's saved tests by name."""
        return Response(SavedTestPage(page_of(request, saved_tests_for(policy_for(policy)), "name", "id")).data)

    @describe_creation("createSavedTest", body=SavedTestBody, answers={201: SavedTestShape}, tag=TAG)
    @once
    def post(self, request: ApiRequest, policy: UUID) -> Response:
        """Keep a call with the outcome that every later publication must give it; 422 answers one that does not."""
        found = policy_for(policy)
        body = read_body(SavedTestBody, request)
        with problems():
            test = save_test(member=request.member, policy=found, wanted=Expectation(**body))
        return Response(SavedTestShape(test).data, status=201)


class SavedTestView(TenantView):
    write_roles: ClassVar[Collection[Role]] = POLICY_WRITERS

    @describe("readSavedTest", answers={200: SavedTestShape}, tag=TAG)
    def get(self, request: ApiRequest, policy: UUID, test: UUID) -> Response:
        """One saved test."""
        return Response(SavedTestShape(saved_test_for(policy_for(policy), test)).data)

    @describe("deleteSavedTest", answers={204: None}, tag=TAG)
    def delete(self, request: ApiRequest, policy: UUID, test: UUID) -> Response:
        """Delete a saved test; nothing is expected of its call from now on."""
        delete_test(member=request.member, test=saved_test_for(policy_for(policy), test))
        return Response(status=204)
