"""What begins on one gateway process and goes on at another: answers to the server, cancellation, resumed streams."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.gateway.stores import running_gateways
from tests.gateway.test_sessions import Stateful, open_session
from tests.gateway.upstream import SSE_HEADERS, Received, RecordingUpstream, Reply
from tests.gateway.world import ALLOW, VERSION, Agent, World, agent_of

pytestmark = pytest.mark.slow

Pair = tuple[str, str]
ANSWER = b'{"jsonrpc":"2.0","id":1,"result":{"content":[]}}'
# What servers ask of clients, and what clients answer; the server's id is the call's, which the gateway never matches.
ASKED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "sampling/createMessage": (
        {"messages": [{"role": "user", "content": {"type": "text", "text": "2+2?"}}], "maxTokens": 10},
        {"role": "assistant", "content": {"type": "text", "text": "4"}, "model": "m"},
    ),
    "elicitation/create": (
        {"message": "Who?", "requestedSchema": {"type": "object", "properties": {}}},
        {"action": "accept", "content": {"name": "\u00e9"}},
    ),
    "roots/list": ({}, {"roots": [{"uri": "file:///home"}]}),
}


META = {"io.modelcontextprotocol/protocolVersion": VERSION, "io.modelcontextprotocol/clientCapabilities": {}}
LISTEN = {"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": {"notifications": {}, "_meta": META}}
CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "getTickers"}}
SILENT: dict[str, tuple[str, dict[str, Any], dict[str, str]]] = {
    "GET": ("GET", {}, {}),
    "call": ("POST", CALL, {}),
    "listen": ("POST", LISTEN, {"MCP-Protocol-Version": VERSION, "Mcp-Method": "subscriptions/listen"}),
}


@pytest.fixture(scope="module")
def pair(rows: None, redis_url: str) -> Iterator[Pair]:
    """Two processes that serve the same organisations."""
    with running_gateways(2) as (first, second):
        yield first, second


class Talking(Stateful):
    """In a call it sends events, waits until the client has POSTed `awaited`, and answers."""

    def __init__(self, events: bytes, awaited: Callable[[Any], bool], answer: bytes = ANSWER) -> None:
        super().__init__()
        self.events, self.awaited, self.answer = events, awaited, answer
        self.heard = threading.Event()

    def __call__(self, received: Received) -> Reply:
        message = received.message if received.verb == "POST" else {}
        if message.get("method") == "tools/call":
            return Reply(headers=SSE_HEADERS, parts=(self.events, self.heard, b"data: %s\n\n" % self.answer))
        if message and self.awaited(message):
            self.heard.set()
            return Reply(status=202, headers=())
        return super().__call__(received)


@contextmanager
def calling(agent: Agent, session: str, request_id: object = 1) -> Iterator[Iterator[bytes]]:
    message = {"jsonrpc": "2.0", "id": request_id, "method": "tools/call", "params": {"name": "getTickers"}}
    head = agent.head({"Mcp-Session-Id": session})
    with (
        httpx.Client(trust_env=False, timeout=20) as http,
        http.stream("POST", agent.url, content=json.dumps(message), headers=head) as response,
    ):
        assert response.status_code == 200
        yield response.iter_raw()


@pytest.mark.parametrize("method", ASKED)
def test_an_answer_to_the_server_may_land_on_another_process(
    pair: Pair, build: Callable[..., World], upstream: RecordingUpstream, method: str
) -> None:
    params, result = ASKED[method]
    asked = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    upstream.answer = talking = Talking(b"data: %s\n\n" % asked, lambda message: "result" in message)
    world = build(ALLOW)
    first, second = (agent_of(base, world) for base in pair)
    session = open_session(first)
    answer = json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}).encode()
    with calling(first, session) as received:
        assert next(received) == b"data: %s\n\n" % asked
        response = second.post(answer, {"Mcp-Session-Id": session})
        assert (response.status_code, response.content) == (202, b"")
        assert b"".join(received) == b"data: %s\n\n" % ANSWER
    assert talking.heard.is_set()
    heard = upstream.received[-1]
    assert heard.message == json.loads(answer)
    assert heard.header(b"mcp-session-id") == session.encode()


@pytest.mark.parametrize("request_id", [7, "7"])
def test_a_cancellation_reaches_the_server_from_another_process(
    pair: Pair, build: Callable[..., World], upstream: RecordingUpstream, request_id: object
) -> None:
    cancelled = {
        "jsonrpc": "2.0",
        "method": "notifications/cancelled",
        "params": {"requestId": request_id, "reason": "enough"},
    }
    ended = json.dumps({"jsonrpc": "2.0", "id": request_id, "error": {"code": -32000, "message": "cancelled"}}).encode()
    upstream.answer = Talking(b": open\n\n", lambda message: message.get("method") == cancelled["method"], ended)
    world = build(ALLOW)
    first, second = (agent_of(base, world) for base in pair)
    session = open_session(first)
    with calling(first, session, request_id) as received:
        assert next(received) == b": open\n\n"
        assert second.post(json.dumps(cancelled), {"Mcp-Session-Id": session}).status_code == 202
        assert b"".join(received) == b"data: %s\n\n" % ended
    called = next(one for one in upstream.received if one.message.get("method") == "tools/call")
    assert upstream.received[-1].message == cancelled
    # The id of the call is the upstream's too.
    assert called.message["id"] == request_id and type(called.message["id"]) is type(request_id)


def test_progress_arrives_while_the_call_runs(
    pair: Pair, build: Callable[..., World], upstream: RecordingUpstream
) -> None:
    step = b'data: {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":0,"progress":0.5}}\n\n'
    upstream.answer = talking = Talking(step, lambda _: False)
    agent = agent_of(pair[0], build(ALLOW))
    with calling(agent, open_session(agent)) as received:
        assert next(received) == step
        talking.heard.set()
        assert b"".join(received) == b"data: %s\n\n" % ANSWER


def test_a_broken_stream_is_resumed_at_another_process(
    pair: Pair, build: Callable[..., World], upstream: RecordingUpstream
) -> None:
    rest = b"id: 2\ndata: %s\n\n" % ANSWER

    class Resumable(Talking):
        def __call__(self, received: Received) -> Reply:
            if received.verb == "GET":
                return Reply(headers=SSE_HEADERS, parts=(rest,))
            return super().__call__(received)

    upstream.answer = talking = Resumable(b"id: 1\nretry: 10\ndata:\n\n", lambda _: False)
    world = build(ALLOW)
    first, second = (agent_of(base, world) for base in pair)
    session = open_session(first)
    try:
        with calling(first, session) as received:
            assert next(received) == b"id: 1\nretry: 10\ndata:\n\n"
        head = second.head({"Accept": "text/event-stream", "Mcp-Session-Id": session, "Last-Event-ID": "1"})
        response = second.http.get(second.url, headers=head)
        assert (response.status_code, response.content) == (200, rest)
        assert upstream.received[-1].header(b"last-event-id") == b"1"
    finally:
        talking.heard.set()


@pytest.mark.slow
def test_silent_streams_carry_a_comment_every_fifteen_seconds(
    pair: Pair, build: Callable[..., World], upstream: RecordingUpstream
) -> None:
    gate = threading.Event()
    upstream.answer = lambda _: Reply(headers=SSE_HEADERS, parts=(b": open\n\n", gate, b": end\n\n"))
    world = build(ALLOW)

    have_all_heard = threading.Barrier(len(SILENT))

    def read(what: str) -> list[bytes]:
        verb, message, mirrors = SILENT[what]
        body = json.dumps(message) if message else None
        agent = agent_of(pair[0], world)
        head = agent.head(mirrors)
        with httpx.stream(verb, agent.url, content=body, headers=head, timeout=75, trust_env=False) as response:
            received = response.iter_raw()
            seen = [next(received), next(received)]
            have_all_heard.wait(75)
            gate.set()
            return [*seen, b"".join(received)]

    with ThreadPoolExecutor() as pool:
        seen = list(pool.map(read, SILENT))
    assert [parts[:2] for parts in seen] == [[b": open\n\n", b": keep-alive\n\n"]] * len(SILENT)
    # A request whose stream ends unanswered is told so after it.
    assert all(b": end\n\n" in parts[2] for parts in seen)


@pytest.mark.parametrize("path", ["", "/mcp/{server}"])
@pytest.mark.parametrize("name", ["oauth-protected-resource", "oauth-authorization-server", "openid-configuration"])
@pytest.mark.parametrize("tail", ["", "/", "/mcp/{server}"])
def test_what_is_not_well_known_is_plainly_not_found(
    pair: Pair, build: Callable[..., World], path: str, name: str, tail: str
) -> None:
    world = build(ALLOW)
    agent = agent_of(pair[0], world)
    address = f"{pair[0]}{path}/.well-known/{name}{tail}".format(server=world.server.id)
    for headers in ({}, agent.head()):
        response = agent.http.get(address, headers=headers)
        assert response.status_code == 404 and "www-authenticate" not in response.headers
        assert response.headers["content-type"].startswith("text/html")
