"""Grants that end while a request is on its way, or its stream is open: what counts is who may call now."""

import asyncio
import http.client
import json
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from django.conf import settings
from django.db import InterfaceError
from django.utils import timezone

from accounts.services import bump_epoch
from accounts.tenancy import tenant
from accounts.tokens import hash_token
from gateway.errors import UnavailableError
from gateway.ledger import Ledger
from gateway.snapshots import Snapshots
from gateway.threads import DatabaseThreads
from tests.gateway.test_door import change_grant
from tests.gateway.upstream import SSE_HEADERS, RecordingUpstream, Reply
from tests.gateway.world import (
    ALLOW,
    CAPABILITIES_META,
    VERSION,
    VERSION_META,
    Agent,
    World,
    agent_of,
    publish,
    records_of,
    wait_until,
)

T = TypeVar("T")
Build = Callable[..., World]
CALL = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"getTickers","arguments":{}}}'
META = {VERSION_META: VERSION, CAPABILITIES_META: {}}
LISTEN = json.dumps(
    {"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": {"_meta": META, "notifications": {}}}
).encode()
MIRRORS = {"MCP-Protocol-Version": VERSION, "Mcp-Method": "subscriptions/listen"}


class SlowPost:
    """A request whose head and first ten bytes have arrived; finish() sends the rest and gives the answer."""

    def __init__(self, agent: Agent, body: bytes, headers: dict[str, str] | None = None) -> None:
        self._rest = body[10:]
        self._connection = http.client.HTTPConnection(agent.base.removeprefix("http://"), timeout=60)
        self._connection.putrequest("POST", f"/mcp/{agent.server}")
        for name, value in {**agent.head(headers), "Content-Length": str(len(body))}.items():
            self._connection.putheader(name, value)
        self._connection.endheaders(body[:10])

    def finish(self) -> tuple[int, Any]:
        self._connection.send(self._rest)
        return self.answer()

    def answer(self) -> tuple[int, Any]:
        response = self._connection.getresponse()
        status, body = response.status, json.loads(response.read())
        self._connection.close()
        return status, body


def kill(world: World) -> None:
    with tenant(world.organisation.id):
        world.organisation.is_killed = True
        world.organisation.save(update_fields=["is_killed"])
        bump_epoch(organisation_id=world.organisation.id)


def is_refused(agent: Agent) -> bool:
    response = agent.call("getTickers")
    return response.status_code == 401 or response.json()["result"].get("isError") is True


ENDINGS: dict[str, Callable[[World], None]] = {
    "revoked": lambda world: change_grant(world, revoked_at=timezone.now()),
    "expired": lambda world: change_grant(world, expires_at=timezone.now() + timedelta(seconds=2)),
    "denied": lambda world: publish(world, {"version": "1", "default": "deny"}),
    "killed": kill,
}


@pytest.mark.parametrize("ending", ["none", *ENDINGS])
def test_a_call_whose_grant_ends_before_its_last_byte_is_not_forwarded(
    build: Build, gateway: str, upstream: RecordingUpstream, ending: str
) -> None:
    world = build(ALLOW)
    agent = agent_of(gateway, world)
    assert not is_refused(agent)
    slow = SlowPost(agent, CALL)
    if ending != "none":
        ENDINGS[ending](world)
        wait_until(lambda: is_refused(agent), 20)
    upstream.reset()
    status, body = slow.finish()
    if ending == "none":
        assert (status, len(upstream.received)) == (200, 1)
        return
    assert upstream.received == []
    if ending in ("revoked", "expired"):
        assert (status, body["error"]["code"]) == (401, -31401)
    else:
        assert body["result"]["isError"] is True


@pytest.mark.parametrize("is_revoked", [False, True])
def test_a_subscription_that_is_asked_for_slowly_is_not_opened_after_the_revoke(
    build: Build, gateway: str, upstream: RecordingUpstream, is_revoked: bool
) -> None:
    world = build(ALLOW)
    agent = agent_of(gateway, world)
    assert not is_refused(agent)
    slow = SlowPost(agent, LISTEN, MIRRORS)
    if is_revoked:
        change_grant(world, revoked_at=timezone.now())
        wait_until(lambda: is_refused(agent), 10)
    upstream.reset()
    assert slow.finish()[0] == (401 if is_revoked else 200)
    assert len(upstream.received) == (0 if is_revoked else 1)


@pytest.mark.slow
def test_a_body_that_does_not_end_is_refused_after_thirty_seconds(
    build: Build, gateway: str, upstream: RecordingUpstream, log_writer: None
) -> None:
    world = build(ALLOW)
    status, body = SlowPost(agent_of(gateway, world), CALL).answer()
    assert (status, body["id"], body["error"]["code"]) == (408, None, -31408)
    assert upstream.received == []
    wait_until(lambda: [(record.rule, record.status) for record in records_of(world)] == [("(malformed)", "refused")])


@contextmanager
def streaming(agent: Agent, what: str) -> Iterator[Iterator[bytes]]:
    """The bytes of an open stream, got in one of the ways there are."""
    if what == "GET":
        verb, content, headers = "GET", b"", {}
    elif what == "listen":
        verb, content, headers = "POST", LISTEN, MIRRORS
    else:
        verb, content, headers = "POST", b'{"jsonrpc":"2.0","id":1,"method":"%s","params":{}}' % what.encode(), {}
    with agent.http.stream(verb, agent.url, content=content, headers=agent.head(headers)) as response:
        assert response.status_code == 200
        yield response.iter_raw()


@pytest.mark.parametrize("what", ["GET", "listen", "tools/list", "resources/read"])
@pytest.mark.parametrize("ending", ["revoked", "expired", "killed"])
def test_a_stream_ends_with_its_grant(
    build: Build, gateway: str, upstream: RecordingUpstream, what: str, ending: str
) -> None:
    world, gate = build(ALLOW), threading.Event()
    upstream.answer = lambda _: Reply(headers=SSE_HEADERS, parts=(b": open\n\n", gate, b": later\n\n"))
    with streaming(agent_of(gateway, world), what) as received:
        assert next(received) == b": open\n\n"
        ENDINGS[ending](world)
        assert b"".join(received) == b""
    wait_until(upstream.closed.is_set, 10)
    gate.set()


@pytest.mark.parametrize("what", ["GET", "listen"])
def test_a_stream_ends_at_the_hour_that_was_set_when_it_was_opened(
    build: Build, gateway: str, upstream: RecordingUpstream, what: str
) -> None:
    world, gate = build(ALLOW), threading.Event()
    ENDINGS["expired"](world)
    upstream.answer = lambda _: Reply(headers=SSE_HEADERS, parts=(b": open\n\n", gate, b": later\n\n"))
    with streaming(agent_of(gateway, world), what) as received:
        assert next(received) == b": open\n\n"
        assert b"".join(received) == b""
    gate.set()


def test_a_call_that_was_forwarded_is_heard_to_its_end(
    build: Build, gateway: str, upstream: RecordingUpstream, log_writer: None
) -> None:
    world, gate = build(ALLOW), threading.Event()
    agent = agent_of(gateway, world)
    answer = b'data: {"jsonrpc":"2.0","id":1,"result":{"content":[]}}\n\n'
    upstream.answer = lambda _: Reply(headers=SSE_HEADERS, parts=(b": open\n\n", gate, answer))
    with agent.http.stream("POST", agent.url, content=CALL, headers=agent.head()) as response:
        received = response.iter_raw()
        assert next(received) == b": open\n\n"
        change_grant(world, revoked_at=timezone.now())
        wait_until(lambda: agent.request("ping").status_code == 401, 10)
        gate.set()
        assert b"".join(received) == answer
    wait_until(lambda: [record.status for record in records_of(world)] == ["ok"], 10)


def watching(work: Callable[[Snapshots, DatabaseThreads], Coroutine[Any, Any, T]], pool: DatabaseThreads) -> T:
    """Run with snapshots of its own, which hear of no change unless the test says so."""

    async def run() -> T:
        snapshots = Snapshots(Ledger(settings.DATABASES["default"]), pool, settings.REDIS_URL)
        try:
            return await work(snapshots, pool)
        finally:
            await snapshots.close()
            await pool.close()

    return asyncio.run(run())


async def hold(snapshots: Snapshots, token_hash: bytes, known: Any) -> list[str]:
    """What happens to a stream that is opened on the strength of `known`."""
    closed: list[str] = []
    async with snapshots.hold_stream(token_hash, known, lambda: closed.append("closed")):
        return list(closed)


@pytest.mark.parametrize("ending", ["none", "revoked", "killed"])
def test_a_stream_is_closed_when_its_grant_ended_before_it_was_held(build: Build, ending: str) -> None:
    world = build(ALLOW)
    token_hash = hash_token(world.token)

    async def race(snapshots: Snapshots, pool: DatabaseThreads) -> list[str]:
        known = await snapshots.find(token_hash)
        if ending != "none":
            await pool.run(ENDINGS[ending], world)
        # The news came while the request waited for something else.
        snapshots.drop(world.organisation.id)
        return await hold(snapshots, token_hash, known)

    assert watching(race, DatabaseThreads()) == ([] if ending == "none" else ["closed"])


@pytest.mark.parametrize("is_over", [False, True])
def test_a_stream_is_closed_when_its_grant_expired_before_it_was_held(build: Build, is_over: bool) -> None:
    world = build(ALLOW)
    change_grant(world, expires_at=timezone.now() + timedelta(seconds=2 if is_over else 600))
    token_hash = hash_token(world.token)

    async def race(snapshots: Snapshots, _: DatabaseThreads) -> list[str]:
        known = await snapshots.find(token_hash)
        assert known is not None
        while is_over and known.is_live(datetime.now(UTC)):
            await asyncio.sleep(0.05)
        return await hold(snapshots, token_hash, known)

    assert watching(race, DatabaseThreads()) == (["closed"] if is_over else [])


class BrokenThreads(DatabaseThreads):
    """Database threads whose connection breaks after the first job, in the way that is no DatabaseError."""

    jobs = 0

    async def run(self, job: Callable[..., T], *arguments: object) -> T:
        self.jobs += 1
        if self.jobs > 1:
            raise InterfaceError("connection already closed")
        return await super().run(job, *arguments)


def test_a_broken_connection_closes_streams_and_is_no_other_error(build: Build) -> None:
    world = build(ALLOW)
    token_hash = hash_token(world.token)

    async def lose(snapshots: Snapshots, _: DatabaseThreads) -> list[str]:
        known = await snapshots.find(token_hash)
        assert known is not None
        closed = asyncio.Event()
        async with snapshots.hold_stream(token_hash, known, closed.set):
            snapshots.drop(world.organisation.id)
            await asyncio.wait_for(closed.wait(), 10)
        with pytest.raises(UnavailableError):
            await snapshots.find(token_hash)
        return await hold(snapshots, token_hash, known)

    assert watching(lose, BrokenThreads()) == ["closed"]
