"""Legacy session ids belong to the grant and server that opened them; to anybody else they do not exist."""

from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

import pytest

from tests.gateway.upstream import SSE_HEADERS, Received, RecordingUpstream, Reply, answer_normally
from tests.gateway.world import ALLOW, Agent, World, agent_of, make_grant, make_server, records_of, wait_until

Build = Callable[..., World]
INITIALIZE = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "tester", "version": "2"}}


class Stateful:
    """Issues session ids, knows them until DELETE, and streams on GET."""

    def __init__(self, issued: str | None = None) -> None:
        self.issued = issued
        self.known: set[bytes] = set()

    def __call__(self, received: Received) -> Reply:
        session = received.header(b"mcp-session-id")
        if received.verb == "POST" and received.message.get("method") == "initialize":
            issued = (self.issued or f"session-{uuid4()}").encode()
            self.known.add(issued)
            reply = answer_normally(received)
            return replace(reply, headers=(*reply.headers, (b"mcp-session-id", issued)))
        if session is None:
            return Reply(status=400, parts=(b'{"error":"a session is needed"}',))
        if session not in self.known:
            return Reply(status=404, parts=(b'{"error":"gone"}',))
        if received.verb == "DELETE":
            self.known.discard(session)
            return Reply(status=204, headers=())
        if received.verb == "GET":
            return Reply(headers=SSE_HEADERS, parts=(b": hello\n\n",))
        return answer_normally(received)


def open_session(agent: Agent) -> str:
    response = agent.request("initialize", INITIALIZE)
    assert response.status_code == 200
    return response.headers["mcp-session-id"]


def use(agent: Agent, verb: str, session: str) -> int:
    head = {"Mcp-Session-Id": session}
    if verb == "POST":
        return agent.call("getTickers", headers=head).status_code
    if verb == "notification":
        body = b'{"jsonrpc":"2.0","method":"notifications/initialized"}'
        return agent.post(body, head).status_code
    if verb == "response":
        return agent.post(b'{"jsonrpc":"2.0","id":1,"result":{}}', head).status_code
    return agent.http.request(verb, agent.url, headers=agent.head(head)).status_code


OWNER = {"POST": 200, "notification": 202, "response": 202, "GET": 200, "DELETE": 204}


@pytest.mark.parametrize("verb", OWNER)
def test_a_session_serves_its_owner_and_nobody_else(
    build: Build, gateway: str, upstream: RecordingUpstream, verb: str
) -> None:
    upstream.answer = Stateful()
    world, foreign = build(ALLOW), build(ALLOW)
    sibling = make_server(world.organisation, upstream.url, "Sibling")
    _, second = make_grant(world.server, world.policy, "second")
    _, elsewhere = make_grant(sibling, world.policy, "elsewhere")
    owner = agent_of(gateway, world)
    session = open_session(owner)
    upstream.received.clear()
    for stranger in (
        Agent(gateway, world.server.id, second),
        Agent(gateway, sibling.id, elsewhere),
        agent_of(gateway, foreign),
    ):
        assert use(stranger, verb, session) == 404
    assert use(owner, verb, session + "x") == 404
    assert upstream.received == []
    assert use(owner, verb, session) == OWNER[verb]
    assert upstream.received[0].header(b"mcp-session-id") == session.encode()


def test_an_ended_session_is_unknown(build: Build, gateway: str, upstream: RecordingUpstream) -> None:
    upstream.answer = Stateful()
    owner = agent_of(gateway, build(ALLOW))
    session = open_session(owner)
    assert use(owner, "DELETE", session) == 204
    upstream.received.clear()
    assert use(owner, "POST", session) == 404
    assert upstream.received == []


def test_a_missing_session_gets_the_upstreams_own_answer(
    build: Build, gateway: str, upstream: RecordingUpstream
) -> None:
    upstream.answer = Stateful()
    owner = agent_of(gateway, build(ALLOW))
    open_session(owner)
    response = owner.call("getTickers")
    assert (response.status_code, response.content) == (400, b'{"error":"a session is needed"}')


def test_one_session_id_is_never_two_grants(build: Build, gateway: str, upstream: RecordingUpstream) -> None:
    upstream.answer = Stateful(issued="always-the-same")
    world = build(ALLOW)
    _, second = make_grant(world.server, world.policy, "second")
    owner, other = agent_of(gateway, world), Agent(gateway, world.server.id, second)
    assert open_session(owner) == "always-the-same"
    assert open_session(owner) == "always-the-same"
    response = other.request("initialize", INITIALIZE)
    assert response.status_code == 502 and "mcp-session-id" not in response.headers
    assert use(owner, "POST", "always-the-same") == 200
    assert use(other, "POST", "always-the-same") == 404


@pytest.mark.parametrize("issued", ["with space", "x" * 600, "caf\u00e9"])
def test_a_session_id_that_is_not_visible_ascii_is_not_passed_on(
    build: Build, gateway: str, upstream: RecordingUpstream, issued: str
) -> None:
    def answer(received: Received) -> Reply:
        reply = answer_normally(received)
        return replace(reply, headers=(*reply.headers, (b"mcp-session-id", issued.encode("latin-1"))))

    upstream.answer = answer
    response = agent_of(gateway, build(ALLOW)).request("initialize", INITIALIZE)
    assert response.status_code == 502 and "mcp-session-id" not in response.headers


def test_a_modern_request_has_no_session(build: Build, gateway: str, upstream: RecordingUpstream) -> None:
    agent = agent_of(gateway, build(ALLOW), is_modern=True)
    assert agent.call("getTickers", headers={"Mcp-Session-Id": "somebody-elses"}).status_code == 200
    assert upstream.received[0].header(b"mcp-session-id") is None


def test_a_foreign_session_is_recorded(
    build: Build, gateway: str, upstream: RecordingUpstream, log_writer: None
) -> None:
    world = build(ALLOW)
    agent = agent_of(gateway, world)
    agent.request("initialize", INITIALIZE)
    assert agent.call("getTickers", headers={"Mcp-Session-Id": "somebody-elses"}).status_code == 404
    wait_until(lambda: len(records_of(world)) == 2, 10)
    opened, refused = records_of(world)
    assert (opened.method, opened.client) == ("initialize", "tester 2")
    assert (refused.outcome, refused.rule, refused.status) == ("deny", "(unknown session)", "refused")
    assert len(refused.session_hash) == 64
