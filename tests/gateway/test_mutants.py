"""What the conformance suite does not see: each property holds of the gateway, and its check fails on a broken one."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import httpx
import pytest

from tests.gateway import mutants
from tests.gateway.conftest import make_application
from tests.gateway.mutants import Breakable, Mutant
from tests.gateway.test_sessions import INITIALIZE, Stateful, open_session, use
from tests.gateway.upstream import SSE_HEADERS, TOOLS, Received, RecordingUpstream, Reply, answer_normally, serve
from tests.gateway.world import ALLOW, VERSION, Agent, World, agent_of

Check = Callable[[Agent, RecordingUpstream], None]
# Of what a sound gateway does at once.
SECONDS = 5.0
ACCEPT = "text/event-stream;q=0.5, application/json"


def check_events_arrive_one_by_one(agent: Agent, upstream: RecordingUpstream) -> None:
    first, gate = b'data: {"jsonrpc":"2.0","method":"notifications/message","params":{}}\n\n', threading.Event()
    upstream.answer = lambda _: Reply(headers=SSE_HEADERS, parts=(first, gate))
    try:
        with agent.http.stream("GET", agent.url, headers=agent.head(), timeout=SECONDS) as response:
            received = response.iter_raw()
            assert next(received) == first
            gate.set()
            assert b"".join(received) == b""
    finally:
        gate.set()


def check_a_session_is_kept(agent: Agent, upstream: RecordingUpstream) -> None:
    upstream.answer = Stateful()
    session = agent.request("initialize", INITIALIZE).headers.get("mcp-session-id")
    assert session is not None
    assert use(agent, "POST", session) == 200
    assert upstream.received[-1].header(b"mcp-session-id") == session.encode()


def check_a_notification_is_accepted_with_202(agent: Agent, upstream: RecordingUpstream) -> None:
    for body in (b'{"jsonrpc":"2.0","method":"notifications/initialized"}', b'{"jsonrpc":"2.0","id":1,"result":{}}'):
        response = agent.post(body)
        assert (response.status_code, response.content) == (202, b"")
    assert len(upstream.received) == 2


def check_a_get_streams(agent: Agent, upstream: RecordingUpstream) -> None:
    upstream.answer = lambda _: Reply(headers=SSE_HEADERS, parts=(b": hello\n\n",))
    response = agent.http.get(agent.url, headers=agent.head())
    assert (response.status_code, response.content) == (200, b": hello\n\n")


def check_a_delete_ends_the_session(agent: Agent, upstream: RecordingUpstream) -> None:
    upstream.answer = Stateful()
    session = open_session(agent)
    assert use(agent, "DELETE", session) == 204
    assert upstream.received[-1].verb == "DELETE"


def check_a_stream_is_resumed_where_it_ended(agent: Agent, upstream: RecordingUpstream) -> None:
    upstream.answer = lambda _: Reply(headers=SSE_HEADERS, parts=(b"id: 8\ndata:\n\n",))
    response = agent.http.get(agent.url, headers=agent.head({"Last-Event-ID": "stream/7"}))
    assert response.content == b"id: 8\ndata:\n\n"
    assert upstream.received[0].header(b"last-event-id") == b"stream/7"


def check_the_upstream_is_left_with_the_client(agent: Agent, upstream: RecordingUpstream) -> None:
    gate = threading.Event()
    upstream.answer = lambda _: Reply(headers=SSE_HEADERS, parts=(b": open\n\n", gate))
    try:
        with (
            httpx.Client(trust_env=False, timeout=SECONDS) as http,
            http.stream("GET", agent.url, headers=agent.head()) as response,
        ):
            assert next(response.iter_raw()) == b": open\n\n"
        assert upstream.closed.wait(SECONDS)
    finally:
        gate.set()


def check_ids_keep_their_type(agent: Agent, upstream: RecordingUpstream) -> None:
    for number, sent in enumerate((7, "7", 0, "", -1, 2**53 - 1)):
        response = agent.call("getTickers", id=sent)
        found = [upstream.received[number].message["id"], response.json()["id"]]
        assert [(type(one), one) for one in found] == [(type(sent), sent)] * 2


def check_mirrored_headers_pass_as_they_are(agent: Agent, upstream: RecordingUpstream) -> None:
    encoded = f"=?base64?{base64.b64encode(b'getTickers').decode()}?="
    sent = {"Mcp-Method": "tools/call", "Mcp-Name": encoded, "Mcp-Param-Extra": "a value", "Accept": ACCEPT}
    response = replace(agent, is_modern=True).call("getTickers", headers=sent)
    assert response.status_code == 200
    for name, value in {**sent, "MCP-Protocol-Version": VERSION}.items():
        assert upstream.received[0].header(name.lower().encode()) == value.encode()


def check_a_list_is_filtered_in_a_stream(agent: Agent, upstream: RecordingUpstream) -> None:
    def answer(received: Received) -> Reply:
        (body,) = answer_normally(received).parts
        assert isinstance(body, bytes)
        return Reply(headers=SSE_HEADERS, parts=(b"id: 1\ndata: %s\n\n" % body,))

    upstream.answer = answer
    response = agent.request("tools/list")
    lines = response.text.splitlines()
    assert lines[0] == "id: 1"
    shown = [tool["name"] for tool in json.loads(lines[1].removeprefix("data: "))["result"]["tools"]]
    assert shown == [tool["name"] for tool in TOOLS if tool["name"] != "wipeAccount"]


def check_nothing_is_compressed(agent: Agent, upstream: RecordingUpstream) -> None:
    head = agent.head({"Accept-Encoding": "gzip"})
    body = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"getTickers"}}'
    with agent.http.stream("POST", agent.url, content=body, headers=head) as response:
        content = b"".join(response.iter_raw())
    assert "content-encoding" not in response.headers
    assert json.loads(content)["result"]["content"][0]["text"] == "done"
    assert upstream.received[0].header(b"accept-encoding") == b"identity"


CASES: dict[str, tuple[Check, Callable[[RecordingUpstream], Mutant]]] = {
    "buffering": (check_events_arrive_one_by_one, lambda _: mutants.buffer_streams),
    "lost session": (check_a_session_is_kept, lambda _: mutants.lose_session),
    "202 turned 200": (check_a_notification_is_accepted_with_202, lambda _: mutants.answer_200_for_202),
    "GET turned 405": (check_a_get_streams, lambda _: mutants.refuse_verb("GET")),
    "DELETE turned 405": (check_a_delete_ends_the_session, lambda _: mutants.refuse_verb("DELETE")),
    "lost Last-Event-ID": (check_a_stream_is_resumed_where_it_ended, lambda _: mutants.lose_last_event_id),
    "upstream left open": (check_the_upstream_is_left_with_the_client, lambda _: mutants.leave_upstream_open),
    "id coerced": (check_ids_keep_their_type, lambda _: mutants.coerce_ids),
    "headers rebuilt": (check_mirrored_headers_pass_as_they_are, lambda _: mutants.rebuild_headers),
    "list unfiltered in SSE": (check_a_list_is_filtered_in_a_stream, mutants.pass_list_on),
    "gzip passed on": (check_nothing_is_compressed, lambda _: mutants.compress),
}


@pytest.fixture(scope="module")
def breakable(redis_url: str) -> Iterator[Breakable]:
    wrapped = Breakable(make_application())
    with serve(wrapped, lifespan="on") as port:
        wrapped.base = f"http://127.0.0.1:{port}"
        yield wrapped


@pytest.mark.parametrize("what", CASES)
def test_a_broken_gateway_is_told_from_the_sound_one(
    build: Callable[..., World], gateway: str, breakable: Breakable, upstream: RecordingUpstream, what: str
) -> None:
    world = build({**ALLOW, "hide": ["wipeAccount"]})
    check, make_mutant = CASES[what]
    check(agent_of(gateway, world), upstream)

    broken = agent_of(breakable.base, world)
    upstream.reset()
    breakable.mutant = None
    check(broken, upstream)

    upstream.reset()
    breakable.mutant = make_mutant(upstream)
    with pytest.raises((AssertionError, httpx.TimeoutException)):
        check(broken, upstream)
