"""A server with five tools, its policies and grants, and clients of the REST API."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.access import Member
from accounts.models import Organisation, Role, User
from accounts.services import mint_api_key
from accounts.tenancy import tenant
from policies.models import Grant, Policy
from policies.services import MintedGrant, create_policy, mint_grant
from servers.models import Kind, Server, Tool, ToolState
from tests.conftest import Cast

READS = '{"version": "1", "default": "deny", "tools": {"getTickers": {}}}'
PACED = '{"version": "1", "default": "deny", "tools": {"getTickers": {"rate_limit": {"max": 10, "window": 60}}}}'
NOTHING = '{"version":"1","default":"deny","hide":["wsBatchCancelOrders"]}'
WRONG = """{
  "version": "1",
  "default": "deny",
  "tools": {"createOrder": {"deny_if": [{"conditions": [{"path": "args.simbol", "op": "eq", "value": "BTC"}]}]}}
}"""
WRONG_AT = "/tools/createOrder/deny_if/0/conditions/0/path"

TOOLS = (
    # name, category, level, reviewed
    ("cancelAllOrders", "destructive", "critical", True),
    ("createOrder", "financial", "critical", True),
    ("getNotes", "read", "low", False),
    ("getTickers", "read", "low", True),
    ("wsBatchCancelOrders", "destructive", "high", True),
)


def make_server(organisation: Organisation, name: str = "Bybit") -> Server:
    with tenant(organisation.id):
        server = Server.objects.create(organisation=organisation, name=name, kind=Kind.SIMULATOR.value)
        for tool, category, level, is_reviewed in TOOLS:
            make_tool(server, tool, category=category, level=level, is_reviewed=is_reviewed)
    return server


def make_tool(server: Server, name: str, *, category: str, level: str, is_reviewed: bool) -> Tool:
    schema = json.dumps({"type": "object", "properties": {"symbol": {"type": "string"}, "qty": {"type": "string"}}})
    return Tool.objects.create(
        organisation=server.organisation,
        server=server,
        name=name,
        input_schema=schema,
        definition=json.dumps({"name": name, "inputSchema": json.loads(schema)}),
        fingerprint="0" * 64,
        category=category,
        level=level,
        is_reviewed=is_reviewed,
        state=ToolState.ACTIVE.value,
    )


def member_of(organisation: Organisation, user: User, role: Role = Role.ADMIN) -> Member:
    return Member(organisation, role, user.email, user)


def make_policy(cast: Cast, server: Server, *, name: str = "Agents", document: str | None = READS) -> Policy:
    with tenant(cast.organisation.id):
        member = member_of(cast.organisation, cast.pam, Role.POLICY_MANAGER)
        return create_policy(member=member, server=server, name=name, document=document)


def make_grant(cast: Cast, server: Server, policy: Policy | None = None, *, label: str = "Laptop") -> MintedGrant:
    with tenant(cast.organisation.id):
        member = member_of(cast.organisation, cast.alice)
        return mint_grant(member=member, server=server, label=label, policy=policy)


def reload_grant(cast: Cast, grant: Grant) -> Grant:
    with tenant(cast.organisation.id):
        return Grant.objects.select_related("policy").get(id=grant.id)


@pytest.fixture
def server(cast: Cast) -> Server:
    return make_server(cast.organisation)


@pytest.fixture
def foreign(cast: Cast) -> Server:
    """A server of charlie's organisation."""
    return make_server(cast.other)


class Api:
    """A client of the REST API with a key of one role."""

    def __init__(self, organisation: Organisation, user: User, role: Role) -> None:
        with tenant(organisation.id):
            minted = mint_api_key(member=member_of(organisation, user), label=f"{role} key", role=role)
        self.client = Client(headers={"Authorization": f"Bearer {minted.token}"})

    def get(self, name: str, *args: object, **query: object) -> HttpResponse:
        return self._answer(self.client.get(reverse(f"policies:api:{name}", args=args), query_params=query))

    def post(self, name: str, *args: object, body: object = None, key: str | None = None) -> HttpResponse:
        headers = {} if key is None else {"Idempotency-Key": key}
        url = reverse(f"policies:api:{name}", args=args)
        return self._answer(self.client.post(url, body or {}, content_type="application/json", headers=headers))

    def patch(self, name: str, *args: object, body: object) -> HttpResponse:
        url = reverse(f"policies:api:{name}", args=args)
        return self._answer(self.client.patch(url, body, content_type="application/json"))

    def delete(self, name: str, *args: object) -> HttpResponse:
        return self._answer(self.client.delete(reverse(f"policies:api:{name}", args=args)))

    def _answer(self, response: Any) -> HttpResponse:
        assert isinstance(response, HttpResponse)
        return response


def body_of(response: Any) -> Any:
    return json.loads(response.content)


def pointers_of(response: Any) -> list[str]:
    assert response["Content-Type"] == "application/problem+json"
    return [error["pointer"] for error in body_of(response)["errors"]]


ApiOf = Callable[[Role], Api]


@pytest.fixture
def api_of(cast: Cast) -> ApiOf:
    return lambda role: Api(cast.organisation, cast.alice, role)


@pytest.fixture
def admin(api_of: ApiOf) -> Api:
    return api_of(Role.ADMIN)


@pytest.fixture
def charlies(cast: Cast) -> Api:
    return Api(cast.other, cast.charlie, Role.ADMIN)
