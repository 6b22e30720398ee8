"""The WebSocket of console pages: members of the organisation hear that something happened, and nobody else does."""

import asyncio
import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.conf import settings
from django.test import Client
from django.urls import reverse

from accounts.models import Membership, Role
from accounts.tenancy import tenant
from config.asgi import application
from gateway import live
from gateway.hints import Happened, Hint, send_hints
from tests.conftest import client_of, make_member
from tests.gateway.world import ALLOW, World, agent_of

Build = Callable[..., World]
Work = Callable[[], Any]
ORIGIN = b"http://localhost"
DENY = '{"version": "1", "default": "deny"}'


def run(work: Work) -> Any:
    """Run a coroutine on a loop of its own, with which the channel layer's connections end."""

    async def whole() -> Any:
        return await asyncio.wait_for(work(), 20)

    return async_to_sync(whole)()


class Socket:
    """One page's end of a WebSocket."""

    def __init__(self, path: str, headers: list[tuple[bytes, bytes]]) -> None:
        make: Any = ApplicationCommunicator
        scope = {"type": "websocket", "path": path, "raw_path": path.encode(), "query_string": b"", "headers": headers}
        self._ends = make(application, {**scope, "subprotocols": []})

    async def connect(self) -> bool:
        await self._ends.send_input({"type": "websocket.connect"})
        answer = await self._ends.receive_output(5)
        return str(answer["type"]) == "websocket.accept"

    async def send(self, text: str) -> None:
        await self._ends.send_input({"type": "websocket.receive", "text": text})

    async def hear(self) -> Any:
        return await self._ends.receive_output(10)

    async def hears_nothing(self) -> bool:
        return bool(await self._ends.receive_nothing(0.3))

    async def leave(self) -> None:
        await self._ends.send_input({"type": "websocket.disconnect", "code": 1000})
        await self._ends.wait(5)


def socket_of(slug: str, client: Client | None, *, origin: bytes = ORIGIN, path: str = "") -> Socket:
    headers = [(b"host", b"localhost"), (b"origin", origin)]
    if client is not None:
        cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
        headers.append((b"cookie", f"{settings.SESSION_COOKIE_NAME}={cookie}".encode()))
    return Socket(path or f"/ws/live/{slug}/", headers)


def member_of(world: World) -> Client:
    return client_of(make_member(world.organisation, f"bob-{uuid4().hex}", Role.VIEWER))


async def try_out(socket: Socket) -> bool:
    is_open = await socket.connect()
    await socket.leave()
    return is_open


def test_a_member_hears_of_their_organisation_alone(build: Build) -> None:
    world, foreign = build(ALLOW), build(ALLOW)
    socket = socket_of(world.organisation.slug, member_of(world))

    async def work() -> Any:
        assert await socket.connect()
        await send_hints([Hint(foreign.organisation.id, foreign.server.id, Happened.DECISION)])
        await send_hints([Hint(world.organisation.id, world.server.id, Happened.DECISION)])
        heard = await socket.hear()
        await socket.leave()
        return json.loads(heard["text"])

    assert run(work) == {"happened": "decision", "server": str(world.server.id)}


@pytest.mark.parametrize("who", ["member", "stranger", "anonymous"])
def test_only_members_are_let_in(build: Build, who: str) -> None:
    world, foreign = build(ALLOW), build(ALLOW)
    client = {"member": member_of(world), "stranger": member_of(foreign), "anonymous": None}[who]
    socket = socket_of(world.organisation.slug, client)
    assert run(lambda: try_out(socket)) is (who == "member")


@pytest.mark.parametrize(
    ("origin", "path", "is_open"),
    [
        (ORIGIN, "", True),
        (b"https://evil.example", "", False),
        (b"null", "", False),
        (ORIGIN, "/ws/other/", False),
        (ORIGIN, "/mcp/x", False),
    ],
)
def test_only_this_sites_pages_and_addresses_are_served(build: Build, origin: bytes, path: str, is_open: bool) -> None:
    world = build(ALLOW)
    socket = socket_of(world.organisation.slug, member_of(world), origin=origin, path=path)
    assert run(lambda: try_out(socket)) is is_open


@pytest.mark.parametrize("end", ["membership", "session"])
def test_it_closes_when_the_membership_or_the_session_ends(
    build: Build, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    world = build(ALLOW)
    client = member_of(world)
    socket = socket_of(world.organisation.slug, client)
    # The same promise in less time.
    monkeypatch.setattr(live, "CHECK_SECONDS", 0.05)

    def finish() -> None:
        if end == "session":
            client.logout()
        else:
            with tenant(world.organisation.id):
                Membership.objects.all().delete()

    async def work() -> Any:
        assert await socket.connect()
        assert await socket.hears_nothing()
        await sync_to_async(finish)()
        closed = await socket.hear()
        await socket.leave()
        return closed

    closed = run(work)
    assert (closed["type"], closed["code"]) == ("websocket.close", live.ENDED)


def test_a_page_has_nothing_to_say(build: Build) -> None:
    world = build(ALLOW)
    socket = socket_of(world.organisation.slug, member_of(world))

    async def work() -> Any:
        assert await socket.connect()
        await socket.send("x" * 1000)
        closed = await socket.hear()
        await socket.leave()
        return closed

    assert run(work)["code"] == live.UNASKED


@pytest.mark.parametrize("happened", ["decision", "knock"])
def test_calls_and_knocks_are_hinted(build: Build, gateway: str, log_writer: None, happened: str) -> None:
    world = build(ALLOW)
    socket = socket_of(world.organisation.slug, member_of(world))
    agent = agent_of(gateway, world)

    def act() -> None:
        if happened == "decision":
            agent.call("getTickers")
        else:
            agent.http.post(agent.url, content=b"{}")

    async def work() -> Any:
        assert await socket.connect()
        await asyncio.get_running_loop().run_in_executor(None, act)
        heard = await socket.hear()
        await socket.leave()
        return json.loads(heard["text"])

    assert run(work) == {"happened": happened, "server": str(world.server.id)}


def test_a_publication_is_hinted(build: Build) -> None:
    world = build(ALLOW)
    socket = socket_of(world.organisation.slug, member_of(world))
    manager = client_of(make_member(world.organisation, f"pam-{uuid4().hex}", Role.POLICY_MANAGER))
    assert world.policy is not None
    url = reverse("policies:publish", args=[world.organisation.slug, world.policy.id])

    async def work() -> Any:
        assert await socket.connect()
        answer = await sync_to_async(manager.post)(url, {"document": DENY, "expected": "1"})
        assert answer.status_code == 302
        heard = await socket.hear()
        await socket.leave()
        return json.loads(heard["text"])

    assert run(work) == {"happened": "publication", "server": str(world.server.id)}
