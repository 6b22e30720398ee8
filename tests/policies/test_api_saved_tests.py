"""/api/v1/policies/<policy>/tests/ with keys of each role, and what saved tests stop."""

from uuid import uuid4

import pytest

from accounts.models import Role
from servers.models import Server
from tests.conftest import Cast
from tests.policies.conftest import NOTHING, PACED, Api, ApiOf, body_of, make_policy, pointers_of

TEST = {"name": "Tickers", "tool": "getTickers", "arguments": '{"symbol": "BTCUSDT"}', "expected_outcome": "allow"}


def test_a_test_is_created_listed_read_and_deleted(cast: Cast, admin: Api, server: Server) -> None:
    policy = make_policy(cast, server)
    created = admin.post("tests", policy.id, body={**TEST, "at": "2026-11-23T10:00:00Z"})
    assert created.status_code == 201
    test = body_of(created)
    assert {name: test[name] for name in TEST} == TEST
    assert (test["policy"], test["at"], test["expected_rule"]) == (str(policy.id), "2026-11-23T10:00:00Z", "")
    assert body_of(admin.get("test", policy.id, test["id"])) == test
    admin.post("tests", policy.id, body={**TEST, "name": "A"})
    page = body_of(admin.get("tests", policy.id, limit=1))
    assert [item["name"] for item in page["items"]] == ["A"]
    rest = body_of(admin.get("tests", policy.id, cursor=page["next"]))
    assert ([item["name"] for item in rest["items"]], rest["next"]) == (["Tickers"], None)
    assert admin.delete("test", policy.id, test["id"]).status_code == 204
    assert admin.get("test", policy.id, test["id"]).status_code == 404


def test_one_key_creates_one_test(cast: Cast, admin: Api, server: Server) -> None:
    policy = make_policy(cast, server)
    key = str(uuid4())
    first = admin.post("tests", policy.id, body=TEST, key=key)
    assert first.status_code == 201
    assert admin.post("tests", policy.id, body={**TEST, "name": "Other"}, key=key).status_code == 422
    assert len(body_of(admin.get("tests", policy.id))["items"]) == 1


def test_a_failing_test_is_422_where_it_was_decided(cast: Cast, admin: Api, server: Server) -> None:
    policy = make_policy(cast, server)
    admin.post("tests", policy.id, body=TEST)
    refused = admin.post("publish", policy.id, body={"document": NOTHING})
    assert (refused.status_code, pointers_of(refused)) == (422, [""])
    assert "“Tickers” (getTickers): expected allow, got deny, since no rule speaks of it." in body_of(refused)["detail"]
    denied = '{"version": "1", "default": "deny", "tools": {"getTickers": {"action": "deny"}}}'
    assert pointers_of(admin.post("publish", policy.id, body={"document": denied})) == ["/tools/getTickers"]
    assert admin.post("publish", policy.id, body={"document": PACED}).status_code == 201


@pytest.mark.parametrize(
    ("change", "status", "pointer"),
    [
        ({"arguments": "[]"}, 400, "/arguments"),
        ({"arguments": '{"a": 1, "a": 2}'}, 400, "/arguments"),
        ({"arguments": {"a": 1}}, 400, "/arguments"),
        ({"expected_outcome": "limit"}, 400, "/expected_outcome"),
        ({"name": ""}, 400, "/name"),
        ({"tool": ""}, 400, "/tool"),
        ({"at": "1200-01-01T00:00:00Z"}, 400, "/at"),
        ({"outcome": "allow"}, 400, "/outcome"),
    ],
)
def test_a_wrong_member_is_said(
    cast: Cast, admin: Api, server: Server, change: dict[str, object], status: int, pointer: str
) -> None:
    policy = make_policy(cast, server)
    answer = admin.post("tests", policy.id, body={**TEST, **change})
    assert (answer.status_code, pointers_of(answer)) == (status, [pointer])
    assert admin.post("tests", policy.id, body=TEST).status_code == 201


def test_a_name_is_taken_once(cast: Cast, admin: Api, server: Server) -> None:
    policy, other = make_policy(cast, server), make_policy(cast, server, name="Other")
    assert admin.post("tests", policy.id, body=TEST).status_code == 201
    answer = admin.post("tests", policy.id, body=TEST)
    assert (answer.status_code, pointers_of(answer)) == (409, ["/name"])
    assert admin.post("tests", other.id, body=TEST).status_code == 201


def test_roles_decide_who_keeps_tests(cast: Cast, api_of: ApiOf, server: Server) -> None:
    policy = make_policy(cast, server)
    for role, status in ((Role.VIEWER, 403), (Role.POLICY_MANAGER, 201), (Role.ADMIN, 201)):
        assert api_of(role).post("tests", policy.id, body={**TEST, "name": role}).status_code == status
        assert api_of(role).get("tests", policy.id).status_code == 200


def test_another_organisation_finds_no_tests(cast: Cast, admin: Api, charlies: Api, server: Server) -> None:
    policy = make_policy(cast, server)
    test = body_of(admin.post("tests", policy.id, body=TEST))["id"]
    for foreign, unknown in (
        (charlies.get("tests", policy.id), charlies.get("tests", uuid4())),
        (charlies.get("test", policy.id, test), charlies.get("test", uuid4(), test)),
        (charlies.delete("test", policy.id, test), charlies.delete("test", policy.id, uuid4())),
        (charlies.post("tests", policy.id, body=TEST), charlies.post("tests", uuid4(), body=TEST)),
    ):
        assert (foreign.status_code, foreign.content) == (404, unknown.content)
    assert admin.get("test", policy.id, test).status_code == 200
