"""Makes what a call needs (organisation, server, tools, policy, grant) and speaks to the gateway's door."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID, uuid4

import httpx

from accounts.models import Organisation
from accounts.services import bump_epoch
from accounts.tenancy import tenant
from accounts.tokens import Prefix, mint_token
from policies.models import DecisionRecord, Grant, Policy, PolicyVersion
from servers.fingerprint import fingerprint_of
from servers.models import Server, Tool
from tests.gateway.upstream import TOOLS

LEVELS = {"getTickers": "low", "getWallet": "low", "placeOrder": "medium", "wipeAccount": "critical", "routed": "low"}
ALLOW = {"version": "1", "default": "allow"}
VERSION = "2026-07-28"
VERSION_META = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES_META = "io.modelcontextprotocol/clientCapabilities"
ACCEPT = "application/json, text/event-stream"


@dataclass
class World:
    """One organisation with one server, one policy and one grant."""

    organisation: Organisation
    server: Server
    grant: Grant
    token: str
    policy: Policy | None = None


def make_server(
    organisation: Organisation, url: str, name: str = "Upstream", tools: Sequence[dict[str, Any]] = TOOLS
) -> Server:
    server = Server(organisation=organisation, name=name, kind="http", url=url)
    with tenant(organisation.id):
        server.save(force_insert=True)
        for definition in tools:
            text = json.dumps(definition)
            exact = json.loads(text, parse_float=Decimal)
            Tool.objects.create(
                organisation=organisation,
                server=server,
                name=definition["name"],
                input_schema=json.dumps(definition["inputSchema"]),
                definition=text,
                fingerprint=fingerprint_of(exact),
                category="read",
                level=LEVELS.get(definition["name"], "low"),
                is_reviewed=True,
            )
    return server


def make_grant(server: Server, policy: Policy | None, label: str = "agent") -> tuple[Grant, str]:
    token = mint_token(Prefix.GRANT)
    with tenant(server.organisation_id):
        grant = Grant.objects.create(
            organisation_id=server.organisation_id,
            server=server,
            policy=policy,
            label=label,
            token_hash=token.hash,
            last_four=token.last_four,
        )
    return grant, token.text


def make_world(url: str, document: dict[str, Any] | str | None, tools: Sequence[dict[str, Any]] = TOOLS) -> World:
    organisation = Organisation(id=uuid4(), name="Acme", slug=f"acme-{uuid4().hex[:12]}")
    with tenant(organisation.id):
        organisation.save(force_insert=True)
    server = make_server(organisation, url, tools=tools)
    policy = None
    if document is not None:
        policy = Policy(organisation=organisation, server=server, name="Policy")
        with tenant(organisation.id):
            policy.save(force_insert=True)
    grant, token = make_grant(server, policy)
    world = World(organisation, server, grant, token, policy)
    if document is not None:
        publish(world, document)
    return world


def publish(world: World, document: dict[str, Any] | str) -> None:
    policy = world.policy
    assert policy is not None
    with tenant(world.organisation.id):
        policy.current += 1
        policy.save(update_fields=["current"])
        text = document if isinstance(document, str) else json.dumps(document)
        PolicyVersion.objects.create(
            organisation=world.organisation, policy=policy, number=policy.current, document=text, author="alice"
        )
        bump_epoch(organisation_id=world.organisation.id)


def records_of(world: World) -> list[DecisionRecord]:
    with tenant(world.organisation.id):
        return list(DecisionRecord.objects.filter(organisation=world.organisation).order_by("id"))


def wait_until(is_true: Callable[[], Any], seconds: float = 10.0) -> None:
    """Poll a promise; `seconds` is at most five times what is promised."""
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, "the promise was not kept in time"
        time.sleep(0.02)


@cache
def shared_client() -> httpx.Client:
    return httpx.Client(trust_env=False, timeout=30)


@dataclass
class Agent:
    """Speaks JSON-RPC to one gateway URL with one token, in either era."""

    base: str
    server: UUID | str
    token: str
    is_modern: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    http: httpx.Client = field(default_factory=shared_client)

    @property
    def url(self) -> str:
        return f"{self.base}/mcp/{self.server}"

    def head(self, extra: dict[str, str] | None = None) -> dict[str, str]:
        base = {"Authorization": f"Bearer {self.token}", "Accept": ACCEPT, "Content-Type": "application/json"}
        return {**base, **self.headers, **(extra or {})}

    def post(self, body: bytes | str, headers: dict[str, str] | None = None) -> httpx.Response:
        return self.http.post(self.url, content=body, headers=self.head(headers))

    def request(
        self, method: str, params: dict[str, Any] | None = None, *, id: Any = 1, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        message: dict[str, Any] = {"jsonrpc": "2.0", "id": id, "method": method}
        params = dict(params or {})
        mirrors: dict[str, str] = {}
        if self.is_modern:
            params["_meta"] = {VERSION_META: VERSION, CAPABILITIES_META: {}}
            mirrors = {"MCP-Protocol-Version": VERSION, "Mcp-Method": method}
            if method == "tools/call":
                mirrors["Mcp-Name"] = params["name"]
        if params:
            message["params"] = params
        return self.post(json.dumps(message), {**mirrors, **(headers or {})})

    def call(self, tool: str, arguments: dict[str, Any] | None = None, **options: Any) -> httpx.Response:
        return self.request("tools/call", {"name": tool, "arguments": arguments or {}}, **options)


def agent_of(base: str, world: World, *, is_modern: bool = False) -> Agent:
    return Agent(base, world.server.id, world.token, is_modern=is_modern)
