"""Quotas of one organisation: exact at the edge, given back however a call or stream ends, and nobody else's matter."""

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import redis

from accounts.access import Member
from accounts.models import Role
from accounts.services import set_quotas
from accounts.shards import key_of
from accounts.tenancy import tenant
from gateway.limits import SESSION_SECONDS
from gateway.sessions import PLACE_SECONDS
from tests.gateway.test_sessions import INITIALIZE, Stateful, open_session
from tests.gateway.test_standing import CALL, LISTEN, META, MIRRORS, streaming
from tests.gateway.upstream import JSON_HEADERS, SSE_HEADERS, Received, RecordingUpstream, Reply, answer_normally
from tests.gateway.world import ALLOW, Agent, World, agent_of, make_world, records_of, wait_until

Build = Callable[..., World]
ONE_A_MINUTE = {"version": "1", "default": "allow", "tools": {"getWallet": {"rate_limit": {"max": 1, "window": 60}}}}
ASK_MODERN = json.dumps(
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "getTickers", "arguments": {}, "_meta": META},
    }
).encode()
MIRRORS_OF_CALL = {**MIRRORS, "Mcp-Method": "tools/call", "Mcp-Name": "getTickers"}
CANCEL = b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}'


def limit(world: World, *, calls: int | None = None, streams: int | None = None, sessions: int | None = None) -> None:
    member = Member(world.organisation, Role.ADMIN, "host@example.org (host)")
    with tenant(world.organisation.id):
        set_quotas(member=member, calls=calls, streams=streams, sessions=sessions)


class Gate:
    """Holds calls to `getTickers` until it is opened, and streams until the client or gateway leaves."""

    def __init__(self) -> None:
        self.event = threading.Event()

    def __call__(self, received: Received) -> Reply:
        if received.verb == "GET" or received.message.get("method") == "subscriptions/listen":
            return Reply(headers=SSE_HEADERS, parts=(b": open\n\n", self.event))
        if received.message.get("params", {}).get("name") == "getTickers":
            body = json.dumps({"jsonrpc": "2.0", "id": received.message["id"], "result": {"content": []}}).encode()
            return Reply(headers=JSON_HEADERS, parts=(self.event, body))
        return answer_normally(received)


@pytest.fixture
def gate(upstream: RecordingUpstream) -> Iterator[Gate]:
    upstream.answer = held = Gate()
    yield held
    held.event.set()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as threads:
        yield threads


def rule_of(response: httpx.Response) -> str:
    rule: str = response.json()["result"].get("_meta", {}).get("policylayer/decision", {}).get("rule", "")
    return rule


def fill(pool: ThreadPoolExecutor, upstream: RecordingUpstream, agent: Agent, count: int) -> "list[Future[Any]]":
    calls = [pool.submit(agent.call, "getTickers") for _ in range(count)]
    wait_until(lambda: len(upstream.calls()) == count)
    return calls


def is_free(agent: Agent) -> bool:
    return rule_of(agent.call("getWallet")) == ""


@pytest.mark.parametrize("is_modern", [False, True])
def test_calls_are_admitted_up_to_the_quota_and_not_one_more(
    build: Build, gateway: str, upstream: RecordingUpstream, pool: ThreadPoolExecutor, gate: Gate, log_writer: None,
    is_modern: bool,
) -> None:  # fmt: skip
    world = build(ALLOW)
    limit(world, calls=3)
    agent = agent_of(gateway, world, is_modern=is_modern)
    first = fill(pool, upstream, agent, 2)
    # The third place is still there, and is given back at once.
    assert is_free(agent) and is_free(agent)
    first.append(pool.submit(agent.call, "getTickers"))
    wait_until(lambda: sum(call.message["params"]["name"] == "getTickers" for call in upstream.calls()) == 3)
    before = len(upstream.received)
    for refused in list(pool.map(agent.call, ["getWallet"] * 3)):
        assert (refused.status_code, rule_of(refused)) == (200, "(quota)")
        text = refused.json()["result"]["content"][0]["text"]
        assert "This organisation has 3 calls on their way, as many as it may have at a time." in text
        assert "Next: Wait 1 second, then call again." in text
    listed = agent.request("tools/list")
    assert (listed.status_code, listed.json()["error"]["code"]) == (200, -31429)
    assert len(upstream.received) == before
    gate.event.set()
    assert [rule_of(call.result()) for call in first] == ["", "", ""]
    assert is_free(agent)
    wait_until(lambda: [one.rule for one in records_of(world)].count("(quota)") == 4)
    refused_rows = [one for one in records_of(world) if one.rule == "(quota)"]
    assert {(one.outcome, one.status) for one in refused_rows} == {("limit", "refused")}
    assert sorted(one.method for one in refused_rows) == ["tools/call"] * 3 + ["tools/list"]


def test_a_call_over_the_quota_uses_up_no_limit(
    build: Build, gateway: str, upstream: RecordingUpstream, pool: ThreadPoolExecutor, gate: Gate
) -> None:
    world = build(ONE_A_MINUTE)
    limit(world, calls=1)
    agent = agent_of(gateway, world)
    fill(pool, upstream, agent, 1)
    assert rule_of(agent.call("getWallet")) == "(quota)"
    gate.event.set()
    wait_until(lambda: agent.request("tools/list").json().get("error") is None)
    assert rule_of(agent.call("getWallet")) == ""
    assert rule_of(agent.call("getWallet")).startswith("/tools/getWallet")


def test_one_tenant_at_its_quota_leaves_another_s_calls_alone(
    build: Build, gateway: str, upstream: RecordingUpstream, pool: ThreadPoolExecutor, gate: Gate
) -> None:
    full, other = build(ALLOW), build(ALLOW)
    limit(full, calls=2)
    fill(pool, upstream, agent_of(gateway, full), 2)
    assert rule_of(agent_of(gateway, full).call("getWallet")) == "(quota)"
    assert [is_free(agent_of(gateway, other)) for _ in range(5)] == [True] * 5


def test_what_cancels_a_call_gets_through_while_the_calls_fill_their_quota(
    build: Build, gateway: str, upstream: RecordingUpstream, pool: ThreadPoolExecutor, gate: Gate
) -> None:
    world = build(ALLOW)
    limit(world, calls=1)
    agent = agent_of(gateway, world)
    fill(pool, upstream, agent, 1)
    assert agent.post(CANCEL).status_code == 202
    assert agent.request("ping").status_code == 200


def test_messages_have_a_quota_of_their_own(
    build: Build, gateway: str, upstream: RecordingUpstream, pool: ThreadPoolExecutor, log_writer: None
) -> None:
    world, gate = build(ALLOW), threading.Event()
    limit(world, calls=1)
    agent = agent_of(gateway, world)
    upstream.answer = lambda received: Reply(
        parts=(gate, json.dumps({"jsonrpc": "2.0", "id": 1, "result": {}}).encode())
    )
    first = pool.submit(agent.request, "ping")
    wait_until(lambda: len(upstream.received) == 1)
    refused = agent.request("ping")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
    assert refused.json()["error"]["code"] == -31429
    gate.set()
    assert first.result().status_code == 200
    assert agent.request("ping").status_code == 200
    wait_until(lambda: [(one.method, one.rule) for one in records_of(world)] == [("ping", "(quota)")])


def test_a_refused_call_gives_back_what_it_never_used(build: Build, gateway: str, upstream: RecordingUpstream) -> None:
    world = build(ONE_A_MINUTE)
    limit(world, calls=1)
    agent = agent_of(gateway, world)
    assert rule_of(agent.call("getWallet")) == ""
    for _ in range(3):
        assert rule_of(agent.call("getWallet")).startswith("/tools/getWallet")
    assert rule_of(agent.call("placeOrder", {"symbol": "BTCUSDT", "qty": "1"})) == ""


FAILURES: dict[str, Callable[[Received], Reply]] = {
    "not json": lambda _: Reply(parts=(b"nonsense",)),
    "server error": lambda _: Reply(status=500),
    "redirect": lambda _: Reply(status=302, headers=((b"location", b"http://127.0.0.1/"),)),
    "client error": lambda _: Reply(status=404, parts=(b"{}",)),
    "stream without an answer": lambda _: Reply(headers=SSE_HEADERS, parts=(b": nothing\n\n",)),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_call_that_fails_gives_its_place_back(
    build: Build, gateway: str, upstream: RecordingUpstream, failure: str
) -> None:
    world = build(ALLOW)
    limit(world, calls=1)
    agent = agent_of(gateway, world, is_modern=True)
    upstream.answer = FAILURES[failure]
    for _ in range(3):
        agent.call("getTickers")
    upstream.answer = answer_normally
    assert is_free(agent)


def test_a_server_that_cannot_be_reached_keeps_no_place(rows: None, gateway: str) -> None:
    world = make_world("http://127.0.0.1:9/mcp", ALLOW)
    limit(world, calls=1)
    assert [agent_of(gateway, world).call("getTickers").status_code for _ in range(3)] == [502] * 3


@pytest.mark.parametrize("is_modern", [False, True])
def test_a_client_that_leaves_gives_its_place_back_when_its_call_ends(
    build: Build, gateway: str, upstream: RecordingUpstream, gate: Gate, is_modern: bool
) -> None:
    world = build(ALLOW)
    limit(world, calls=1)
    agent = agent_of(gateway, world, is_modern=is_modern)
    body, headers = (ASK_MODERN, MIRRORS_OF_CALL) if is_modern else (CALL, {})
    connection = http.client.HTTPConnection(gateway.removeprefix("http://"), timeout=30)
    connection.request("POST", f"/mcp/{world.server.id}", body, agent.head(headers))
    wait_until(lambda: len(upstream.calls()) == 1)
    connection.close()
    if not is_modern:
        # A dropped connection is no cancellation there: the call is on its way, and counts.
        assert rule_of(agent.call("getWallet")) == "(quota)"
        gate.event.set()
    wait_until(lambda: is_free(agent))


@contextmanager
def opened(agent: Agent, what: str) -> Iterator[None]:
    with streaming(agent, what) as received:
        assert next(received) == b": open\n\n"
        yield


def ask(agent: Agent, what: str) -> httpx.Response:
    if what == "GET":
        return agent.http.get(agent.url, headers=agent.head())
    return agent.post(LISTEN, MIRRORS)


@pytest.mark.parametrize("what", ["GET", "listen"])
def test_streams_are_opened_up_to_the_quota_and_given_back_when_the_client_leaves(
    build: Build, gateway: str, upstream: RecordingUpstream, gate: Gate, log_writer: None, what: str
) -> None:
    world, other = build(ALLOW), build(ALLOW)
    limit(world, calls=1, streams=2)
    agent = agent_of(gateway, world)
    with opened(agent, "GET"), opened(agent, "listen"):
        before = len(upstream.received)
        refused = ask(agent, what)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
        assert refused.json()["error"] == {
            "code": -31429,
            "message": "This organisation has 2 streams open, as many as it may have at a time.",
        }
        assert len(upstream.received) == before
        # Streams take no place of calls.
        assert is_free(agent)
        with opened(agent_of(gateway, other), what):
            pass

    def is_open() -> bool:
        with streaming_or_none(agent, what) as status:
            return status == 200

    wait_until(is_open, 20)
    wait_until(lambda: "(quota)" in [one.rule for one in records_of(world)])


@contextmanager
def streaming_or_none(agent: Agent, what: str) -> Iterator[int]:
    verb, content, headers = ("GET", b"", {}) if what == "GET" else ("POST", LISTEN, MIRRORS)
    with agent.http.stream(verb, agent.url, content=content, headers=agent.head(headers)) as response:
        yield response.status_code


def test_a_stream_that_the_upstream_does_not_have_keeps_no_place(build: Build, gateway: str) -> None:
    world = build(ALLOW)
    limit(world, streams=1)
    agent = agent_of(gateway, world)
    assert [agent.http.get(agent.url, headers=agent.head()).status_code for _ in range(3)] == [405] * 3


def test_sessions_are_opened_up_to_the_quota_and_given_back_when_they_end(
    build: Build, gateway: str, upstream: RecordingUpstream, log_writer: None
) -> None:
    world, other = build(ALLOW), build(ALLOW)
    limit(world, sessions=2)
    agent = agent_of(gateway, world)
    upstream.answer = Stateful()
    first, _ = open_session(agent), open_session(agent)
    before = len(upstream.received)
    refused = agent.request("initialize", INITIALIZE)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
    assert "2 sessions open" in refused.json()["error"]["message"]
    assert len(upstream.received) == before
    assert agent.call("getWallet", headers={"Mcp-Session-Id": first}).status_code == 200
    open_session(agent_of(gateway, other))
    head = agent.head({"Mcp-Session-Id": first})
    assert agent.http.request("DELETE", agent.url, headers=head).status_code == 204
    open_session(agent)
    assert agent.request("initialize", INITIALIZE).status_code == 429
    wait_until(lambda: [one.rule for one in records_of(world) if one.method == "initialize"].count("(quota)") == 2)


def test_sessions_opened_at_once_do_not_pass_the_quota(
    build: Build, gateway: str, upstream: RecordingUpstream, pool: ThreadPoolExecutor
) -> None:
    world = build(ALLOW)
    limit(world, sessions=3)
    agent = agent_of(gateway, world)
    upstream.answer = Stateful()
    statuses = list(pool.map(lambda _: agent.request("initialize", INITIALIZE).status_code, range(12)))
    assert sorted(statuses) == [200] * 3 + [429] * 9


def test_an_initialize_that_opens_no_session_keeps_no_place(
    build: Build, gateway: str, upstream: RecordingUpstream
) -> None:
    world = build(ALLOW)
    limit(world, sessions=1)
    agent = agent_of(gateway, world)
    for failing in (answer_normally, FAILURES["server error"], FAILURES["not json"]):
        upstream.answer = failing
        agent.request("initialize", INITIALIZE)
    upstream.answer = Stateful()
    open_session(agent)


def test_sessions_that_ran_out_and_places_of_a_crashed_process_are_given_back(
    build: Build, gateway: str, upstream: RecordingUpstream, redis_url: str
) -> None:
    world = build(ALLOW)
    limit(world, sessions=2)
    agent = agent_of(gateway, world)
    upstream.answer = Stateful()
    used, lost = open_session(agent), open_session(agent)
    # redis-py gives one type to what may be awaited and what may not.
    client: Any = redis.Redis.from_url(redis_url)
    index, key = key_of(world.organisation.id, "sessions"), key_of(world.organisation.id, "session", "")
    try:
        # As after a day in which one session was used and one was not; and a process that died with a place.
        names = [name.decode() for name in client.zrange(index, 0, -1)]
        for name in names:
            client.zadd(index, {name: time.time() - 1})
        client.zadd(index, {"place:of-a-crash": time.time() - 1})
        ended = [name for name in names if agent_ends(client, key + name, agent, lost)]
        assert len(ended) == 1
        open_session(agent)
        assert agent.request("initialize", INITIALIZE).status_code == 429
        assert agent.call("getWallet", headers={"Mcp-Session-Id": used}).status_code == 200
        assert client.zscore(index, "place:of-a-crash") is None
        scores = [score for _, score in client.zrange(index, 0, -1, withscores=True)]
        assert len(scores) == 2 and min(scores) > time.time() + SESSION_SECONDS - 10 * PLACE_SECONDS
    finally:
        client.close()


def agent_ends(client: Any, key: str, agent: Agent, session: str) -> bool:
    """Let a session's key run out if it is this session's."""
    before = agent.call("getWallet", headers={"Mcp-Session-Id": session}).status_code
    if before != 200:
        return False
    value, left = client.get(key), client.ttl(key)
    client.delete(key)
    if agent.call("getWallet", headers={"Mcp-Session-Id": session}).status_code == 404:
        return True
    client.set(key, value, ex=left)
    return False


def test_a_quota_of_the_host_is_in_force_within_two_seconds(
    build: Build, gateway: str, upstream: RecordingUpstream, pool: ThreadPoolExecutor, gate: Gate
) -> None:
    world = build(ALLOW)
    agent = agent_of(gateway, world)
    fill(pool, upstream, agent, 1)
    assert is_free(agent)
    limit(world, calls=1)
    wait_until(lambda: not is_free(agent))
    limit(world)
    wait_until(lambda: is_free(agent))
