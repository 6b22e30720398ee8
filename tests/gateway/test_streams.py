"""Answers on their way back: framing kept, headers at once, the upstream's refusals unchanged, failures in ours."""

import threading
from collections.abc import Callable

import httpx
import pytest
from django.utils import timezone

from accounts.services import bump_epoch
from accounts.tenancy import tenant
from servers.models import ServerHeader
from tests.gateway.test_door import change_grant
from tests.gateway.upstream import JSON_HEADERS, SSE_HEADERS, RecordingUpstream, Reply
from tests.gateway.world import ALLOW, Agent, World, agent_of, make_world, records_of, wait_until

Build = Callable[..., World]
Speak = Callable[[World], Agent]
ANSWER = b'{"jsonrpc":"2.0","id":1,"result":{"content":[]}}'
STREAMS = {
    "line feeds": b"event: message\nid: 1\ndata: %s\n\n" % ANSWER,
    "carriage returns and line feeds": b"id: 1\r\ndata: %s\r\n\r\n" % ANSWER,
    "carriage returns": b"id: 1\rdata: %s\r\r" % ANSWER,
    "comments": b": one\n\n: two\ndata: %s\n\n" % ANSWER,
    "a priming event": b"id: 0\nretry: 500\ndata:\n\ndata: %s\n\n" % ANSWER,
    "several lines of data": b'data: {"jsonrpc":"2.0","id":1,\ndata: "result":{"content":[]}}\n\n',
    "other messages first": b'data: {"jsonrpc":"2.0","method":"notifications/progress","params":{}}\n\ndata: %s\n\n'
    % ANSWER,
    "a large event": b'data: {"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"%s"}]}}\n\n'
    % (b"x" * 2_000_000),
}


@pytest.mark.parametrize("what", STREAMS)
def test_a_stream_arrives_byte_for_byte(
    build: Build, speak: Speak, upstream: RecordingUpstream, log_writer: None, what: str
) -> None:
    world = build(ALLOW)
    stream = STREAMS[what]
    # Cut in odd places: events are found whatever the packets look like.
    cut = [stream[at : at + 7] for at in range(0, 70, 7)] + [stream[70:]]
    upstream.answer = lambda _: Reply(headers=SSE_HEADERS, parts=cut)
    response = speak(world).call("getTickers")
    assert response.content == stream
    assert response.headers["content-type"] == "text/event-stream"
    assert response.headers["cache-control"] == "no-cache, no-transform"
    assert response.headers["x-accel-buffering"] == "no"
    wait_until(lambda: [record.status for record in records_of(world)] == ["ok"], 10)


def test_events_arrive_while_the_stream_goes_on(build: Build, speak: Speak, upstream: RecordingUpstream) -> None:
    agent = speak(build(ALLOW))
    first, gate = b'data: {"jsonrpc":"2.0","method":"notifications/message","params":{}}\n\n', threading.Event()
    upstream.answer = lambda _: Reply(headers=SSE_HEADERS, parts=(first, gate, b"data: %s\n\n" % ANSWER))
    with agent.http.stream("GET", agent.url, headers=agent.head({"Accept": "text/event-stream"})) as response:
        received = response.iter_raw()
        assert next(received) == first
        gate.set()
        assert b"".join(received) == b"data: %s\n\n" % ANSWER


def test_the_head_arrives_before_the_first_event(build: Build, gateway: str, upstream: RecordingUpstream) -> None:
    agent, gate = agent_of(gateway, build(ALLOW)), threading.Event()
    upstream.answer = lambda _: Reply(headers=SSE_HEADERS, parts=(gate,))
    with agent.http.stream("GET", agent.url, headers=agent.head()) as response:
        assert response.status_code == 200
        gate.set()
        assert b"".join(response.iter_raw()) == b""


@pytest.mark.parametrize("verb", ["GET", "modern POST", "modern POST before an answer"])
def test_the_upstream_is_left_when_the_client_leaves(
    build: Build, gateway: str, upstream: RecordingUpstream, log_writer: None, verb: str
) -> None:
    world, gate = build(ALLOW), threading.Event()
    agent = agent_of(gateway, world, is_modern=verb != "GET")
    parts = (gate,) if "before" in verb else (b": open\n\n", gate)
    upstream.answer = lambda _: Reply(headers=SSE_HEADERS, parts=parts)
    leave(agent, verb)
    wait_until(upstream.closed.is_set, 10)
    gate.set()
    if verb != "GET":
        wait_until(lambda: [record.status for record in records_of(world)] == ["unknown"], 10)


def leave(agent: Agent, verb: str) -> None:
    with httpx.Client(trust_env=False, timeout=httpx.Timeout(30, read=0.5)) as http:
        leaver = Agent(agent.base, agent.server, agent.token, agent.is_modern, http=http)
        if verb == "GET":
            with http.stream("GET", leaver.url, headers=leaver.head()) as response:
                assert next(response.iter_raw()) == b": open\n\n"
        else:
            with pytest.raises(httpx.ReadTimeout):
                leaver.call("getTickers")


def test_a_legacy_call_is_heard_to_its_end_without_its_client(
    build: Build, gateway: str, upstream: RecordingUpstream, log_writer: None
) -> None:
    world, gate = build(ALLOW), threading.Event()
    upstream.answer = lambda _: Reply(headers=SSE_HEADERS, parts=(b": open\n\n", gate, b"data: %s\n\n" % ANSWER))
    leave(agent_of(gateway, world), "POST")
    assert not upstream.closed.wait(0.3)
    gate.set()
    wait_until(lambda: [record.status for record in records_of(world)] == ["ok"], 10)


def test_a_revoked_grants_stream_ends_within_two_seconds(
    build: Build, gateway: str, upstream: RecordingUpstream
) -> None:
    world, gate = build(ALLOW), threading.Event()
    agent = agent_of(gateway, world)
    upstream.answer = lambda _: Reply(headers=SSE_HEADERS, parts=(b": open\n\n", gate))
    with agent.http.stream("GET", agent.url, headers=agent.head()) as response:
        received = response.iter_raw()
        assert next(received) == b": open\n\n"
        change_grant(world, revoked_at=timezone.now())
        assert b"".join(received) == b""
    wait_until(upstream.closed.is_set, 10)
    gate.set()


@pytest.mark.parametrize("status", [400, 401, 404, 405, 406, 409, 422, 429])
def test_the_upstreams_refusals_pass_unchanged(
    build: Build, speak: Speak, upstream: RecordingUpstream, status: int
) -> None:
    headers = ((b"content-type", b"text/plain"), (b"set-cookie", b"a=b"), (b"www-authenticate", b"Basic"))
    upstream.answer = lambda _: Reply(status=status, headers=headers, parts=(b"in its own words",))
    response = speak(build(ALLOW)).call("getTickers")
    assert (response.status_code, response.content) == (status, b"in its own words")
    assert response.headers["content-type"] == "text/plain"
    assert "set-cookie" not in response.headers and "www-authenticate" not in response.headers


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=500, parts=(b"Traceback: secret",)),
        Reply(status=302, headers=((b"location", b"http://127.0.0.1:1/secret"),)),
        Reply(headers=((b"content-type", b"text/html"),), parts=(b"secret",)),
        Reply(headers=(*JSON_HEADERS, (b"content-encoding", b"gzip")), parts=(b"secret",)),
    ],
)
def test_what_is_no_answer_is_a_failure_of_the_upstream(
    build: Build, speak: Speak, upstream: RecordingUpstream, reply: Reply
) -> None:
    upstream.answer = lambda _: reply
    response = speak(build(ALLOW)).call("getTickers")
    assert response.status_code == 502
    assert response.json()["error"]["code"] == -31502 and response.json()["id"] == 1
    assert "secret" not in response.text


def test_an_error_in_the_protocols_form_passes_with_its_status(
    build: Build, speak: Speak, upstream: RecordingUpstream
) -> None:
    body = b'{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"broken"}}'
    upstream.answer = lambda _: Reply(status=500, parts=(body,))
    response = speak(build(ALLOW)).call("getTickers")
    assert (response.status_code, response.content) == (500, body)


def test_an_upstream_that_is_not_there_is_named_by_nobody(
    rows: None, gateway: str, upstream: RecordingUpstream, log_writer: None
) -> None:
    world = make_world("http://127.0.0.1:1/mcp", ALLOW)
    response = agent_of(gateway, world).call("getTickers")
    assert response.status_code == 502
    assert response.json()["error"]["message"] == "The server could not be reached."
    wait_until(lambda: [record.status for record in records_of(world)] == ["error"], 10)


@pytest.mark.parametrize("method", ["tools/call", "tools/list", "resources/list"])
def test_a_request_to_a_server_whose_credentials_do_not_open_is_recorded_and_charges_nothing(
    build: Build, gateway: str, upstream: RecordingUpstream, log_writer: None, method: str
) -> None:
    limited = {"version": "1", "default": "allow", "tools": {"getTickers": {"rate_limit": {"max": 1, "window": 300}}}}
    world = build(limited)
    agent = agent_of(gateway, world)
    with tenant(world.organisation.id):
        header = ServerHeader.objects.create(
            organisation=world.organisation, server=world.server, name="X-Key", sealed=b"broken", key_version=1
        )
    for _ in range(2):
        response = agent.request(method, {"name": "getTickers"})
        assert (response.status_code, response.json()["error"]["code"]) == (502, -31502)
    assert upstream.received == []
    wait_until(lambda: [record.status for record in records_of(world)] == ["error", "error"], 10)
    assert {(record.outcome, record.method) for record in records_of(world)} == {("allow", method)}
    with tenant(world.organisation.id):
        header.delete()
        bump_epoch(organisation_id=world.organisation.id)
    wait_until(lambda: "result" in agent.request(method, {"name": "getTickers"}).json(), 10)
    assert len(upstream.received) == 1


def test_a_refused_call_to_a_server_that_cannot_be_reached_is_refused_as_any_other(
    build: Build, gateway: str, upstream: RecordingUpstream, log_writer: None
) -> None:
    world = build({"version": "1", "default": "deny"})
    with tenant(world.organisation.id):
        ServerHeader.objects.create(
            organisation=world.organisation, server=world.server, name="X-Key", sealed=b"broken", key_version=1
        )
    assert agent_of(gateway, world).call("getTickers").json()["result"]["isError"] is True
    wait_until(lambda: [(one.outcome, one.status) for one in records_of(world)] == [("deny", "refused")], 10)


@pytest.mark.parametrize("verb", ["GET", "DELETE"])
def test_405_stays_405(build: Build, gateway: str, upstream: RecordingUpstream, verb: str) -> None:
    agent = agent_of(gateway, build(ALLOW))
    assert agent.http.request(verb, agent.url, headers=agent.head()).status_code == 405
    assert upstream.received[0].verb == verb


@pytest.mark.parametrize(
    "body",
    [
        b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}',
        b'{"jsonrpc":"2.0","id":5,"result":{}}',
    ],
)
def test_notifications_and_responses_are_accepted_without_a_body(
    build: Build, gateway: str, upstream: RecordingUpstream, body: bytes
) -> None:
    response = agent_of(gateway, build(ALLOW)).post(body)
    assert (response.status_code, response.content) == (202, b"")
    assert "content-type" not in response.headers
    assert upstream.received[0].body == body


@pytest.mark.parametrize(
    ("method", "policy", "code"),
    [
        ("resources/list", {}, None),
        ("prompts/get", {}, None),
        ("completion/complete", {}, None),
        ("tasks/get", {}, None),
        ("logging/setLevel", {}, None),
        ("server/discover", {}, None),
        ("resources/list", {"methods": {"resources": "deny"}}, -31403),
        ("tasks/get", {"methods": {"tasks": "deny"}}, -31403),
        ("own/method", {"methods": {"extra": ["own/method"]}}, None),
        ("own/method", {}, -32601),
        ("tools/delete", {}, -32601),
        ("Tools/Call", {}, -32601),
        ("tools/call ", {}, -32601),
        ("notifications/initialized", {}, -32601),
        ("sampling/createMessage", {}, -32601),
        ("resources", {}, -32601),
        ("", {}, -32601),
    ],
)
def test_methods_pass_as_the_policy_says(
    build: Build,
    gateway: str,
    upstream: RecordingUpstream,
    log_writer: None,
    method: str,
    policy: dict[str, object],
    code: int | None,
) -> None:
    world = build({**ALLOW, **policy})
    response = agent_of(gateway, world).request(method, {"name": "x"})
    assert response.status_code == 200
    assert response.json().get("error", {}).get("code") == code
    assert len(upstream.received) == (1 if code is None else 0)
    wait_until(lambda: [record.status for record in records_of(world)] == ["ok" if code is None else "refused"], 10)


def test_an_unknown_method_is_404_to_a_modern_client_alone(
    build: Build, speak: Speak, upstream: RecordingUpstream
) -> None:
    agent = speak(build(ALLOW))
    response = agent.request("own/method", id="a")
    assert response.status_code == (404 if agent.is_modern else 200)
    assert (response.json()["id"], response.json()["error"]["code"]) == ("a", -32601)
    assert upstream.received == []
