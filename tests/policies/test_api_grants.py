"""/api/v1/grants/ and /api/v1/decisions/ with keys of each role."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.models import Role
from accounts.tokens import Prefix, hash_token, is_well_formed
from policies.access import find_grant
from servers.models import Server
from tests.conftest import Cast
from tests.policies.conftest import (
    Api,
    ApiOf,
    body_of,
    make_grant,
    make_policy,
    make_server,
    pointers_of,
    reload_grant,
)
from tests.policies.test_access import make_record


def test_a_token_is_in_the_minting_answer_only(cast: Cast, admin: Api, server: Server) -> None:
    policy = make_policy(cast, server)
    body = {"server": str(server.id), "label": "Laptop", "policy": str(policy.id)}
    answer = admin.post("grants", body=body)
    assert (answer.status_code, answer["Cache-Control"]) == (201, "no-store")
    minted = body_of(answer)
    assert is_well_formed(minted["token"], Prefix.GRANT)
    assert minted["gateway_url"].endswith(f"/mcp/{server.id}")
    found = find_grant(hash_token(minted["token"]))
    assert found is not None
    assert str(found.grant_id) == minted["grant"]["id"]
    again = admin.get("grant", found.grant_id)
    assert body_of(again) == minted["grant"]
    for later in (again, admin.get("grants"), admin.post("revoke", found.grant_id)):
        assert minted["token"] not in later.content.decode()


def test_a_grant_is_attached_ended_and_revoked(cast: Cast, admin: Api, server: Server) -> None:
    grant, policy = make_grant(cast, server).grant, make_policy(cast, server)
    assert body_of(admin.post("attach", grant.id, body={"policy": str(policy.id)}))["policy"] == str(policy.id)
    assert body_of(admin.post("attach", grant.id, body={"policy": None}))["policy"] is None
    end = (timezone.now() + timedelta(days=1)).isoformat()
    assert body_of(admin.patch("grant", grant.id, body={"expires_at": end}))["expires_at"] is not None
    revoked = body_of(admin.post("revoke", grant.id))["revoked_at"]
    assert revoked is not None
    assert body_of(admin.post("revoke", grant.id))["revoked_at"] == revoked
    assert admin.post("attach", grant.id, body={"policy": str(policy.id)}).status_code == 409
    assert admin.patch("grant", grant.id, body={"expires_at": None}).status_code == 409


def test_a_grant_takes_a_policy_of_its_own_server_only(cast: Cast, admin: Api, server: Server) -> None:
    other = make_policy(cast, make_server(cast.organisation, "Second"))
    grant = make_grant(cast, server).grant
    attached = admin.post("attach", grant.id, body={"policy": str(other.id)})
    minted = admin.post("grants", body={"server": str(server.id), "label": "Laptop", "policy": str(other.id)})
    for answer in (attached, minted):
        assert (answer.status_code, pointers_of(answer)) == (400, ["/policy"])
    assert reload_grant(cast, grant).policy is None


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"label": " "}, "/label"),
        ({"policy": str(uuid4())}, "/policy"),
        ({"server": str(uuid4())}, "/server"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
        ({"token": "plg_mine"}, "/token"),
        ({"id": str(uuid4())}, "/id"),
    ],
)
def test_a_wrong_member_mints_nothing(admin: Api, server: Server, change: dict[str, object], pointer: str) -> None:
    answer = admin.post("grants", body={"server": str(server.id), "label": "Laptop", **change})
    assert (answer.status_code, pointers_of(answer)) == (400, [pointer])
    assert body_of(admin.get("grants"))["items"] == []


def test_policy_managers_attach_and_admins_do_the_rest(cast: Cast, api_of: ApiOf, server: Server) -> None:
    grant, policy = make_grant(cast, server).grant, make_policy(cast, server)
    body = {"server": str(server.id), "label": "Another"}
    for role, mints, attaches in (
        (Role.VIEWER, 403, 403),
        (Role.POLICY_MANAGER, 403, 200),
        (Role.ADMIN, 201, 200),
    ):
        api = api_of(role)
        assert api.get("grants").status_code == 200
        assert api.post("grants", body=body).status_code == mints
        assert api.post("attach", grant.id, body={"policy": str(policy.id)}).status_code == attaches
    assert api_of(Role.POLICY_MANAGER).post("revoke", grant.id).status_code == 403
    assert api_of(Role.POLICY_MANAGER).patch("grant", grant.id, body={"expires_at": None}).status_code == 403


def test_another_organisation_gets_the_404_of_what_does_not_exist(cast: Cast, charlies: Api, server: Server) -> None:
    grant = make_grant(cast, server).grant
    record = make_record(cast.organisation, server.id)
    for foreign, unknown in (
        (charlies.get("grant", grant.id), charlies.get("grant", uuid4())),
        (charlies.post("revoke", grant.id), charlies.post("revoke", uuid4())),
        (charlies.post("attach", grant.id, body={}), charlies.post("attach", uuid4(), body={})),
        (charlies.patch("grant", grant.id, body={}), charlies.patch("grant", uuid4(), body={})),
        (charlies.get("decision", record), charlies.get("decision", uuid4())),
    ):
        assert (foreign.status_code, foreign.content) == (404, unknown.content)
    assert body_of(charlies.get("grants"))["items"] == []
    assert body_of(charlies.get("decisions"))["items"] == []
    assert reload_grant(cast, grant).revoked_at is None


def test_decisions_are_read_by_filter_and_page_by_page(cast: Cast, admin: Api, server: Server) -> None:
    grant = uuid4()
    made = [str(make_record(cast.organisation, server.id, grant=grant)) for _ in range(3)]
    denied = str(make_record(cast.organisation, server.id, outcome="deny", tool="createOrder", policy_version=2))
    elsewhere = str(make_record(cast.organisation, uuid4()))
    first = body_of(admin.get("decisions", limit=2))
    assert [record["id"] for record in first["items"]] == [elsewhere, denied]
    second = body_of(admin.get("decisions", limit=3, cursor=first["next"]))
    assert ([record["id"] for record in second["items"]], second["next"]) == (made[::-1], None)
    for query in ({"outcome": "deny"}, {"tool": "createOrder"}):
        assert [record["id"] for record in body_of(admin.get("decisions", **query))["items"]] == [denied]
    of_grant = body_of(admin.get("decisions", grant=grant, server=server.id))
    assert [record["id"] for record in of_grant["items"]] == made[::-1]
    one = body_of(admin.get("decision", denied))
    assert (one["rule"], one["policy_version"], one["argument_keys"]) == ("/tools/getTickers", 2, [])
    assert one["organisation"] == str(cast.organisation.id)


@pytest.mark.parametrize("query", [{"outcome": "perhaps"}, {"grant": "x"}, {"cursor": "x"}, {"limit": "many"}])
def test_a_wrong_filter_is_400(admin: Api, query: dict[str, str]) -> None:
    answer = admin.get("decisions", **query)
    assert (answer.status_code, pointers_of(answer)) == (400, [f"/{next(iter(query))}"])


def test_decisions_cannot_be_written(admin: Api, cast: Cast, server: Server) -> None:
    record = make_record(cast.organisation, server.id)
    assert admin.post("decisions").status_code == 405
    assert admin.delete("decision", record).status_code == 405
