"""Item 14: what comes back from an upstream names no hidden tool, answers nobody else, and gives no secret away."""

import json
from collections.abc import Callable
from typing import Any, Final

import pytest

from accounts.tenancy import tenant
from servers.access import place_of
from servers.credentials import seal
from servers.models import Server, ServerHeader
from tests.gateway.hostile.policies import HIDING
from tests.gateway.test_sessions import Stateful, open_session
from tests.gateway.upstream import JSON_HEADERS, SSE_HEADERS, TOOLS, Pair, Received, RecordingUpstream, Reply
from tests.gateway.world import ALLOW, World, agent_of, make_world, records_of, wait_until

Build = Callable[..., World]

HIDDEN: Final = (b"getWallet", b"wipeAccount")
FINE: Final = b'{"jsonrpc":"2.0","id":1,"result":{"content":[]}}'
LIST: Final = json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"tools": TOOLS}}).encode()
BARE_LIST: Final = json.dumps({"tools": TOOLS}).encode()


def whole(body: bytes, status: int = 200, *headers: Pair) -> Reply:
    return Reply(status=status, headers=(*JSON_HEADERS, *headers), parts=(body,))


def events(*parts: bytes) -> Reply:
    return Reply(headers=SSE_HEADERS, parts=parts)


def event(data: bytes, before: bytes = b"") -> bytes:
    return before + b"data: " + data + b"\n\n"


def other_id(spelling: bytes, body: bytes = FINE) -> bytes:
    return body.replace(b'"id":1', b'"id":' + spelling).replace(b'"id": 1', b'"id":' + spelling)


OTHER_IDS: Final = (b"2", b'"1"', b"1.0", b"true", b"null", b"[1]", b"{}", b'""', b"0", b"-1")
# None of these is an answer to the call: each as a whole body and as an event.
NO_ANSWERS: Final[dict[str, bytes]] = {
    **{f"id {spelling.decode()}": other_id(spelling) for spelling in OTHER_IDS},
    "no id": FINE.replace(b'"id":1,', b""),
    "a batch": b"[" + FINE + b"]",
    "two answers": FINE + FINE,
    "cut": FINE[:-2],
    "result and error": FINE[:-1] + b',"error":{"code":1,"message":"x"}}',
    "a request and a result": FINE[:-1] + b',"method":"ping"}',
    "a text": b'"done"',
    "nothing": b"null",
    "NaN": FINE.replace(b"[]", b"[NaN]"),
}


@pytest.mark.parametrize("what", NO_ANSWERS)
@pytest.mark.parametrize("wrap", [whole, lambda body: events(event(body))], ids=["whole", "event"])
def test_what_is_no_answer_to_the_call_does_not_reach_its_caller(
    build: Build, gateway: str, upstream: RecordingUpstream, wrap: Callable[[bytes], Reply], what: str
) -> None:
    agent = agent_of(gateway, build(ALLOW))
    upstream.answer = lambda _: wrap(FINE)
    assert FINE in agent.call("getTickers").content
    upstream.answer = lambda _: wrap(NO_ANSWERS[what])
    response = agent.call("getTickers")
    assert b'"code":-31502' in response.content and b'"id":1' in response.content
    assert NO_ANSWERS[what] not in response.content
    assert len(upstream.calls()) == 2


# Where a list of tools may turn up: each as (verb or method, the upstream's reply).
PLACES: Final[dict[str, tuple[str, Reply]]] = {
    "the list": ("tools/list", whole(LIST)),
    "the list in an event": ("tools/list", events(event(LIST))),
    "the list in an event with an id": ("tools/list", events(event(LIST, b"id: 7\nretry: 1\n"))),
    "the list of another id": ("tools/list", events(event(other_id(b"9", LIST)))),
    "the list in lines": ("tools/list", events(event(LIST.replace(b", ", b",\ndata: ")))),
    "the list with line ends of old": ("tools/list", events(b"data: " + LIST + b"\r\r")),
    "the list in another event": ("tools/list", events(event(LIST, b"event: tools\n"), event(FINE))),
    "the list twice": ("tools/list", events(event(LIST), event(LIST))),
    "the list unasked": ("tools/call", whole(LIST)),
    "the list unasked in an event": ("tools/call", events(event(LIST))),
    "the list before the answer": ("tools/call", events(event(other_id(b"9", LIST)), event(FINE))),
    "the list after the answer": ("tools/call", events(event(FINE), event(other_id(b"9", LIST)))),
    "the list in a refusal": ("tools/list", whole(LIST, 400)),
    "the list in a failure": ("tools/list", whole(LIST, 500)),
    "the bare list in a refusal": ("tools/list", whole(BARE_LIST, 404)),
    "the list in a resumed stream": ("GET", events(event(LIST, b"id: 8\n"))),
    "another's list in a resumed stream": ("GET", events(event(other_id(b'"x"', LIST)))),
    "a list with an escaped name": ("GET", events(event(LIST.replace(b'"tools"', b'"\\u0074ools"')))),
    "the list in a refused stream": ("GET", whole(LIST, 400)),
    "the list in the stream's place": ("GET", whole(LIST)),
    "the list at the end of a session": ("DELETE", whole(LIST)),
    "the list in a refused end": ("DELETE", whole(LIST, 405)),
    "the list for a notification": ("notification", whole(LIST)),
}


def ask(agent: Any, how: str) -> Any:
    if how in ("GET", "DELETE"):
        return agent.http.request(how, agent.url, headers=agent.head({"Last-Event-ID": "6"}))
    if how == "notification":
        return agent.post(b'{"jsonrpc":"2.0","method":"notifications/initialized"}')
    return agent.request(how, {"name": "getTickers", "arguments": {}} if how == "tools/call" else {})


@pytest.mark.parametrize("what", PLACES)
def test_a_hidden_tool_is_nowhere(build: Build, gateway: str, upstream: RecordingUpstream, what: str) -> None:
    how, reply = PLACES[what]
    upstream.answer = lambda _: reply
    response = ask(agent_of(gateway, build(HIDING)), how)
    assert [name for name in HIDDEN if name in response.content] == []
    assert len([one for one in upstream.received if one.verb in (how, "POST")]) >= 1


HEADERS_BACK: Final[tuple[Pair, ...]] = (
    (b"set-cookie", b"session=1"),
    (b"location", b"http://127.0.0.1:1/elsewhere"),
    (b"www-authenticate", b"Basic realm=upstream"),
    (b"mcp-session-id", b"unasked"),
    (b"access-control-allow-origin", b"*"),
    (b"server", b"upstream/1.0"),
    (b"x-debug", b"on"),
    (b"alt-svc", b'h3=":443"'),
    (b"refresh", b"0;url=http://127.0.0.1:1/"),
)


@pytest.mark.parametrize("how", ["tools/call", "tools/list", "ping", "notification", "GET", "DELETE"])
@pytest.mark.parametrize("status", [200, 400])
def test_no_header_of_the_upstreams_own_comes_back(
    build: Build, gateway: str, upstream: RecordingUpstream, how: str, status: int
) -> None:
    def answer(received: Received) -> Reply:
        return whole(LIST if b"tools/list" in received.body else FINE, status, *HEADERS_BACK)

    upstream.answer = answer
    response = ask(agent_of(gateway, build(ALLOW)), how)
    assert len(upstream.received) == 1
    values = {value.decode() for _, value in HEADERS_BACK}
    assert [name for name, value in response.headers.items() if value in values] == []


def test_only_initialize_brings_a_session_back(build: Build, gateway: str, upstream: RecordingUpstream) -> None:
    upstream.answer = Stateful()
    assert open_session(agent_of(gateway, build(ALLOW))).startswith("session-")


TOKEN, QUERY = "sk-upstream-4711-secret", "key-in-the-query"
FAILURES: Final[dict[str, Reply | None]] = {
    "nobody there": None,
    "a failure": whole(b"Traceback: " + TOKEN.encode(), 500),
    "a redirect": whole(b"", 302, (b"location", f"http://127.0.0.1:1/?k={QUERY}".encode())),
    "a page": Reply(headers=((b"content-type", b"text/html"),), parts=(TOKEN.encode(),)),
    "compressed": whole(TOKEN.encode(), 200, (b"content-encoding", b"gzip")),
    "no JSON": whole(b"{" + TOKEN.encode()),
    "an event that cannot be read": events(event(b"{" + TOKEN.encode())),
}


@pytest.mark.parametrize("how", ["tools/call", "tools/list", "resources/list", "ping"])
@pytest.mark.parametrize("what", FAILURES)
def test_no_error_of_ours_holds_a_secret_or_the_servers_address(
    rows: None, gateway: str, upstream: RecordingUpstream, log_writer: None, what: str, how: str
) -> None:
    reply = FAILURES[what]
    base = "http://127.0.0.1:1/mcp" if reply is None else upstream.url
    world = make_world(f"{base}?k={QUERY}", ALLOW)
    store_header(world.server, "Authorization", f"Bearer {TOKEN}")
    if reply is not None:
        upstream.answer = lambda _: reply
    response = ask(agent_of(gateway, world), how)
    assert b'"code":-31502' in response.content
    secrets = (TOKEN, QUERY, base, "127.0.0.1")
    assert [secret for secret in secrets if secret in response.text or secret in str(response.headers)] == []
    if reply is not None:
        assert upstream.received[0].header(b"authorization") == f"Bearer {TOKEN}".encode()
    if how != "ping":
        wait_until(lambda: [record.status for record in records_of(world)] == ["error"], 10)
        assert [secret for secret in secrets if secret in repr(vars(records_of(world)[0]))] == []


def store_header(server: Server, name: str, value: str) -> None:
    sealed = seal(value, place_of(server, name))
    with tenant(server.organisation_id):
        ServerHeader.objects.create(
            organisation_id=server.organisation_id,
            server=server,
            name=name,
            sealed=sealed.data,
            key_version=sealed.key_version,
        )
