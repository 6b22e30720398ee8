"""/api/v1/policies/ with keys of each role."""

import base64
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Role
from policies.check import MAX_BYTES
from servers.models import Server
from tests.conftest import Cast
from tests.policies.conftest import (
    NOTHING,
    PACED,
    READS,
    WRONG,
    WRONG_AT,
    Api,
    ApiOf,
    body_of,
    make_grant,
    make_policy,
    make_server,
    pointers_of,
)


def test_a_policy_is_created_published_read_and_restored(admin: Api, server: Server) -> None:
    created = admin.post("policies", body={"server": str(server.id), "name": "Agents", "document": READS})
    assert created.status_code == 201
    policy = body_of(created)
    assert (policy["server"], policy["current"]) == (str(server.id), 1)
    published = admin.post("publish", policy["id"], body={"document": PACED, "note": "slower", "expected": 1})
    assert (published.status_code, body_of(published)["number"]) == (201, 2)
    assert body_of(published)["document"] == PACED
    restored = admin.post("restore", policy["id"], 1, body={"expected": 2})
    assert (restored.status_code, body_of(restored)["number"]) == (201, 3)
    assert body_of(admin.get("policy", policy["id"]))["current"] == 3
    versions = body_of(admin.get("versions", policy["id"]))["items"]
    assert [(version["number"], version["note"]) for version in versions] == [
        (3, "Restored from version 1"),
        (2, "slower"),
        (1, ""),
    ]
    assert body_of(admin.get("version", policy["id"], 3))["document"] == READS
    assert versions[0]["author"] == "API key admin key"


def test_a_policy_may_be_created_without_document(admin: Api, server: Server) -> None:
    created = admin.post("policies", body={"server": str(server.id), "name": "Later"})
    assert (created.status_code, body_of(created)["current"]) == (201, 0)


def test_the_document_in_force_adds_no_version(cast: Cast, admin: Api, server: Server) -> None:
    policy = make_policy(cast, server)
    answer = admin.post("publish", policy.id, body={"document": READS})
    assert (answer.status_code, body_of(answer)["number"]) == (200, 1)


def test_a_document_with_errors_is_422_with_pointers_into_it(cast: Cast, admin: Api, server: Server) -> None:
    policy = make_policy(cast, server)
    answer = admin.post("publish", policy.id, body={"document": WRONG})
    assert answer.status_code == 422
    assert pointers_of(answer) == [WRONG_AT]
    assert body_of(answer)["errors"][0]["suggestion"] == "args.symbol"
    assert {"type", "title", "status", "detail", "errors"} == set(body_of(answer))
    assert len(body_of(admin.get("versions", policy.id))["items"]) == 1


def test_an_older_expectation_is_409(cast: Cast, admin: Api, server: Server) -> None:
    policy = make_policy(cast, server)
    assert admin.post("publish", policy.id, body={"document": PACED, "expected": 0}).status_code == 409
    assert pointers_of(admin.post("publish", policy.id, body={"document": PACED, "expected": 0})) == ["/expected"]
    assert admin.post("publish", policy.id, body={"document": PACED, "expected": 1}).status_code == 201


def test_a_name_that_is_taken_is_409(cast: Cast, admin: Api, server: Server) -> None:
    make_policy(cast, server)
    answer = admin.post("policies", body={"server": str(server.id), "name": "Agents"})
    assert (answer.status_code, pointers_of(answer)) == (409, ["/name"])


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"documnet": READS}, "/documnet"),
        ({"document": {"version": "1"}}, "/document"),
        ({"document": "\x00"}, "/document"),
        ({"document": "\ud800"}, "/document"),
        ({"name": ""}, "/name"),
        ({"name": "x" * 81}, "/name"),
        ({"server": "1"}, "/server"),
        ({"server": str(uuid4())}, "/server"),
        ({"note": "x" * 301}, "/note"),
    ],
)
def test_a_wrong_member_is_400_with_its_pointer(
    admin: Api, server: Server, change: dict[str, object], pointer: str
) -> None:
    body = {"server": str(server.id), "name": "Agents", "document": READS}
    answer = admin.post("policies", body={**body, **change})
    assert (answer.status_code, pointers_of(answer)) == (400, [pointer])
    assert admin.post("policies", body=body).status_code == 201


def test_a_document_is_judged_without_being_published(cast: Cast, api_of: ApiOf, server: Server) -> None:
    viewer = api_of(Role.VIEWER)
    wrong = body_of(viewer.post("validate", body={"server": str(server.id), "document": WRONG}))
    assert [error["pointer"] for error in wrong["errors"]] == [WRONG_AT]
    assert (wrong["errors"][0]["line"], wrong["sentences"]) == (4, [])
    right = body_of(viewer.post("validate", body={"server": str(server.id), "document": NOTHING}))
    assert right["errors"] == []
    assert "This policy allows nothing." in [warning["message"] for warning in right["warnings"]]
    assert right["sentences"]
    big = viewer.post("validate", body={"server": str(server.id), "document": " " * (MAX_BYTES + 1)})
    assert "256 KiB" in body_of(big)["errors"][0]["message"]


def test_a_policy_in_use_is_not_deleted(cast: Cast, admin: Api, server: Server) -> None:
    policy = make_policy(cast, server)
    grant = make_grant(cast, server, policy).grant
    assert admin.delete("policy", policy.id).status_code == 409
    assert admin.post("revoke", grant.id).status_code == 200
    assert admin.delete("policy", policy.id).status_code == 204
    assert admin.get("policy", policy.id).status_code == 404


def test_roles_decide_who_writes(cast: Cast, api_of: ApiOf, server: Server) -> None:
    policy = make_policy(cast, server)
    for role, status in ((Role.VIEWER, 403), (Role.POLICY_MANAGER, 201), (Role.ADMIN, 201)):
        api = api_of(role)
        body = {"server": str(server.id), "name": f"Of {role}"}
        assert api.post("policies", body=body).status_code == status
        assert api.post("publish", policy.id, body={"document": PACED + " " * len(role)}).status_code == status
        assert api.get("policy", policy.id).status_code == 200


def test_another_organisation_gets_the_404_of_what_does_not_exist(cast: Cast, charlies: Api, server: Server) -> None:
    policy = make_policy(cast, server)
    for foreign, unknown in (
        (charlies.get("policy", policy.id), charlies.get("policy", uuid4())),
        (charlies.get("versions", policy.id), charlies.get("versions", uuid4())),
        (charlies.get("version", policy.id, 1), charlies.get("version", uuid4(), 1)),
        (charlies.delete("policy", policy.id), charlies.delete("policy", uuid4())),
        (charlies.post("publish", policy.id, body={}), charlies.post("publish", uuid4(), body={})),
        (charlies.post("restore", policy.id, 1), charlies.post("restore", uuid4(), 1)),
    ):
        assert (foreign.status_code, foreign.content) == (404, unknown.content)
    answer = charlies.post("validate", body={"server": str(server.id), "document": READS})
    assert (answer.status_code, pointers_of(answer)) == (400, ["/server"])
    assert body_of(charlies.get("policies"))["items"] == []


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer pla_x"}])
def test_without_a_valid_key_there_is_nothing(db: None, headers: dict[str, str]) -> None:
    answer = Client(headers=headers).get(reverse("policies:api:policies"))
    assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")


def test_lists_are_read_page_by_page(cast: Cast, admin: Api, server: Server) -> None:
    second = make_server(cast.organisation, "Second")
    made = [make_policy(cast, at, name=name) for name in "ABC" for at in (server, second)]
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = body_of(admin.get("policies", limit=4, **({"cursor": cursor} if cursor else {})))
        assert len(page["items"]) <= 4
        seen += [policy["id"] for policy in page["items"]]
        cursor = page["next"]
    assert seen == [str(policy.id) for policy in made]
    of_one = body_of(admin.get("policies", server=second.id))
    assert ([policy["name"] for policy in of_one["items"]], of_one["next"]) == (["A", "B", "C"], None)


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"cursor": "nonsense"}, "/cursor"),
        ({"cursor": "é"}, "/cursor"),
        ({"cursor": "WyJ4IiwieSJd"}, "/cursor"),
        ({"cursor": "WzEsMl0"}, "/cursor"),
        ({"cursor": base64.urlsafe_b64encode(b"[" * 9000).decode()}, "/cursor"),
        ({"limit": "0"}, "/limit"),
        ({"limit": "201"}, "/limit"),
        ({"server": "x"}, "/server"),
        ({"server": str(uuid4())}, "/server"),
    ],
)
def test_a_wrong_query_is_400(admin: Api, server: Server, query: dict[str, str], pointer: str) -> None:
    answer = admin.get("policies", **query)
    assert (answer.status_code, pointers_of(answer)) == (400, [pointer])


def test_a_body_that_is_nested_too_deeply_is_400(admin: Api) -> None:
    url = reverse("policies:api:policies")
    answer = admin.client.post(url, "[" * 200_000, content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert body_of(answer)["detail"] == "The body is nested too deeply."


@pytest.mark.parametrize("path", ["", "nope/", "policies/nope/", "policies", f"policies/{UUID(int=7)}/nope/"])
def test_an_address_that_does_not_exist_is_a_problem_too(path: str) -> None:
    for answer in (Client().get(f"/api/v1/{path}"), Client().post(f"/api/v1/{path}")):
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
