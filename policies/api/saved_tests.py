"""/api/v1/policies/<policy>/tests/: list, create, read, run, delete. What they stop is publishing, done elsewhere."""

from collections.abc import Collection
from typing import ClassVar
from uuid import UUID

from django.utils import timezone
from rest_framework.response import Response

from accounts.access import EVERYONE, POLICY_WRITERS
from accounts.api import ApiRequest, TenantView
from accounts.models import Role
from policies.access import current_version_for, policy_for, saved_test_for, saved_tests_for
from policies.api.bodies import read_body
from policies.api.idempotency import once
from policies.api.paging import page_of
from policies.api.problems import problems
from policies.api.schema import describe, describe_creation, describe_list
from policies.api.shapes import SavedTestBody, SavedTestPage, SavedTestShape, TestRunBody, TestRunShape
from policies.check import judge_text
from policies.errors import NothingPublishedError, PolicyInvalidError
from policies.saved_tests import Expectation, run_saved_tests
from policies.services import delete_test, save_test
from servers.access import tool_facts_for

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


class RunView(TenantView):
    # Changes nothing, so whoever may read may ask.
    write_roles: ClassVar[Collection[Role]] = EVERYONE

    @describe("runSavedTests", body=TestRunBody, answers={200: TestRunShape}, problems=(409, 422), tag=TAG)
    def post(self, request: ApiRequest, policy: UUID) -> Response:
        """Run a policy's saved tests against a document, or without one against the version in force."""
        found = policy_for(policy)
        document = read_body(TestRunBody, request)["document"]
        version = current_version_for(found) if document is None else None
        tools = tool_facts_for(found.server)
        with problems():
            if document is None and version is None:
                raise NothingPublishedError
            judged = judge_text(version.document if version else document, tools)
            if judged.policy is None:
                raise PolicyInvalidError(judged.checked.errors)
        results = run_saved_tests(saved_tests_for(found), judged.policy, tools, timezone.now())
        answer = {
            "version": version.number if version else None,
            "is_passed": all(result.is_passed for result in results),
            "results": results,
        }
        return Response(TestRunShape(answer).data)
