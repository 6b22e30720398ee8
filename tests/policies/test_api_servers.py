"""/api/v1/servers/ with keys of each role."""

from uuid import uuid4

import pytest
from django.conf import settings

from accounts.models import Role
from accounts.tenancy import tenant
from servers.models import Server
from tests.conftest import Cast
from tests.policies.conftest import Api, ApiOf, body_of, make_grant, make_policy, pointers_of

SECRET = "Bearer not to be shown"
BODY = {
    "name": "Upstream",
    "url": "http://127.0.0.1:9/mcp",
    "headers": [{"name": "Authorization", "value": SECRET}],
}


def test_a_server_is_registered_edited_and_deleted(admin: Api, cast: Cast) -> None:
    created = admin.post("servers", body=BODY)
    assert created.status_code == 201
    server = body_of(created)
    assert (server["kind"], server["header_names"]) == ("http", ["Authorization"])
    assert server["gateway_url"] == f"{settings.PUBLIC_URL}/mcp/{server['id']}"
    edited = admin.patch("server", server["id"], body={"name": "Renamed", "removed_headers": ["Authorization"]})
    assert (body_of(edited)["name"], body_of(edited)["header_names"]) == ("Renamed", [])
    assert body_of(admin.get("server", server["id"])) == body_of(edited)
    assert admin.delete("server", server["id"]).status_code == 204
    assert admin.get("server", server["id"]).status_code == 404


def test_a_stored_header_is_never_answered(admin: Api) -> None:
    created = admin.post("servers", body=BODY)
    for answer in (created, admin.get("servers"), admin.get("server", body_of(created)["id"])):
        assert SECRET not in answer.content.decode()


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"url": "http://10.0.0.1:0"}, "/url"),
        ({"url": ""}, "/url"),
        ({"kind": "stdio"}, "/kind"),
        ({"headers": [{"name": "Host", "value": "x"}]}, "/headers"),
        ({"headers": [{"name": "X-A"}]}, "/headers/0/value"),
        ({"catalogue_slug": "none"}, "/catalogue_slug"),
        ({"secret": "x"}, "/secret"),
    ],
)
def test_a_wrong_member_registers_nothing(admin: Api, change: dict[str, object], pointer: str) -> None:
    answer = admin.post("servers", body={**BODY, **change})
    assert (answer.status_code, pointers_of(answer)) == (400, [pointer])
    assert body_of(admin.get("servers"))["items"] == []


def test_a_name_that_is_taken_registers_nothing(admin: Api) -> None:
    assert admin.post("servers", body=BODY).status_code == 201
    answer = admin.post("servers", body=BODY)
    assert (answer.status_code, pointers_of(answer)) == (400, ["/name"])
    assert len(body_of(admin.get("servers"))["items"]) == 1


def test_tools_are_read_page_by_page(admin: Api, server: Server) -> None:
    first = body_of(admin.get("tools", server.id, limit=2))
    assert [tool["name"] for tool in first["items"]] == ["cancelAllOrders", "createOrder"]
    rest = body_of(admin.get("tools", server.id, cursor=first["next"]))
    assert [tool["name"] for tool in rest["items"]] == ["getNotes", "getTickers", "wsBatchCancelOrders"]
    assert rest["next"] is None
    assert rest["items"][0]["is_reviewed"] is False
    assert pointers_of(admin.get("tools", server.id, cursor="x")) == ["/cursor"]


def test_a_discovery_is_queued(admin: Api, server: Server) -> None:
    answer = admin.post("discover", server.id)
    assert (answer.status_code, body_of(answer)) == (202, {"queued": True})


def test_deleting_a_server_takes_its_policies_and_grants(cast: Cast, admin: Api, server: Server) -> None:
    policy = make_policy(cast, server)
    grant = make_grant(cast, server, policy).grant
    assert admin.delete("server", server.id).status_code == 204
    assert admin.get("policy", policy.id).status_code == 404
    assert admin.get("grant", grant.id).status_code == 404


def test_only_admins_write(api_of: ApiOf, server: Server) -> None:
    for role in (Role.VIEWER, Role.POLICY_MANAGER):
        api = api_of(role)
        assert api.get("server", server.id).status_code == 200
        assert api.post("servers", body=BODY).status_code == 403
        assert api.patch("server", server.id, body={"name": "Mine"}).status_code == 403
        assert api.post("discover", server.id).status_code == 403
        assert api.delete("server", server.id).status_code == 403
    assert api_of(Role.ADMIN).patch("server", server.id, body={"name": "Mine"}).status_code == 200


def test_another_organisation_gets_the_404_of_what_does_not_exist(cast: Cast, charlies: Api, server: Server) -> None:
    for foreign, unknown in (
        (charlies.get("server", server.id), charlies.get("server", uuid4())),
        (charlies.get("tools", server.id), charlies.get("tools", uuid4())),
        (charlies.patch("server", server.id, body={}), charlies.patch("server", uuid4(), body={})),
        (charlies.post("discover", server.id), charlies.post("discover", uuid4())),
        (charlies.delete("server", server.id), charlies.delete("server", uuid4())),
    ):
        assert (foreign.status_code, foreign.content) == (404, unknown.content)
    assert body_of(charlies.get("servers"))["items"] == []
    with tenant(cast.organisation.id):
        assert Server.objects.filter(id=server.id).exists()
