"""What the gateway is measured with: a tenant whose server is the C upstream, with a policy and a grant."""

import json
from dataclasses import dataclass, field
from uuid import uuid4

from django.urls import reverse

from accounts.access import Member, member_of
from accounts.services import create_organisation, create_verified_user
from accounts.tenancy import tenant
from policies.services import create_policy, mint_grant
from servers.access import server_for, tools_for
from servers.models import DiscoveryStatus, Kind, Server
from servers.services import register_server, review_tool
from servers.tasks import discover_server

# An argument rule and one Redis limit: what a governed call is measured with.
POLICY = json.dumps(
    {
        "version": "1",
        "default": "allow",
        "tools": {
            "echo": {
                "require": [{"conditions": [{"path": "args.symbol", "op": "in", "value": ["BTCUSDT", "ETHUSDT"]}]}],
                "rate_limit": {"max": 10_000_000, "window": 1},
            }
        },
    }
)


@dataclass(frozen=True)
class Scene:
    """The path of the gateway URL and the grant's token."""

    path: str
    token: str = field(repr=False)


@dataclass(frozen=True)
class Desk:
    """The page of a policy over so many tools, and who may open it."""

    path: str
    tools: int
    email: str
    password: str = field(repr=False)


def set_desk(upstream: str) -> Desk:
    """A tenant whose server offers what the upstream does, with a policy that rules nothing yet."""
    email, password = f"{uuid4()}@example.com", str(uuid4())
    member, server = _make_tenant("Desk", upstream, email, password)
    with tenant(member.organisation.id):
        policy = create_policy(
            member=member, server=server, name="Desk", document='{\n  "version": "1",\n  "default": "deny"\n}\n'
        )
        path = reverse("policies:detail", args=[member.organisation.slug, policy.id])
        return Desk(path=path, tools=len(tools_for(server)), email=email, password=password)


def set_scene(upstream: str, *, level: str) -> Scene:
    """A tenant of its own whose tool `echo` has this level: low is recorded through Redis, high in PostgreSQL first."""
    member, server = _make_tenant(f"Bench {level}", upstream, f"{uuid4()}@example.com", str(uuid4()))
    with tenant(member.organisation.id):
        for tool in tools_for(server):
            review_tool(member=member, tool=tool, level=level, category="read")
        policy = create_policy(member=member, server=server, name="Bench", document=POLICY)
        minted = mint_grant(member=member, server=server, label="Bench", policy=policy)
    return Scene(path=f"/mcp/{server.id}", token=minted.token)


def _make_tenant(name: str, upstream: str, email: str, password: str) -> tuple[Member, Server]:
    user = create_verified_user(email=email, password=password)
    member = member_of(user, create_organisation(user=user, name=name))
    with tenant(member.organisation.id):
        server = register_server(member=member, name="Upstream", kind=Kind.HTTP.value, url=upstream)
    discover_server(str(member.organisation.id), str(server.id))
    with tenant(member.organisation.id):
        server = server_for(server.id)
    if server.discovery != DiscoveryStatus.DONE.value:
        raise SystemExit(f"The upstream could not be discovered: {server.discovery_error}")
    return member, server
