"""Headers that repeat the body must say what it says; a mismatch is 400 with -32020, and the upstream is untouched.

A body that lacks what its header's version needs is 400 with -32602 (MCP 2026-07-28).
"""

import base64
from collections.abc import Callable
from typing import Any

import pytest

from tests.gateway.upstream import RecordingUpstream
from tests.gateway.world import (
    ALLOW,
    CAPABILITIES_META,
    VERSION,
    VERSION_META,
    World,
    agent_of,
    records_of,
    wait_until,
)

Build = Callable[..., World]


def encode(text: str) -> str:
    return f"=?base64?{base64.b64encode(text.encode()).decode()}?="


@pytest.mark.parametrize(
    "headers",
    [
        {"MCP-Protocol-Version": "2025-11-25"},
        {"MCP-Protocol-Version": ""},
        {"Mcp-Method": "tools/list"},
        {"Mcp-Method": "Tools/Call"},
        {"Mcp-Method": ""},
        {"Mcp-Name": "placeOrder"},
        {"Mcp-Name": "GetTickers"},
        {"Mcp-Name": encode("placeOrder")},
        {"Mcp-Name": "=?base64?Z2V0VGlja2Vycw?="},
        {"Mcp-Name": "=?base64?!!!?="},
        {"Mcp-Name": "=?base64?Z2V0VGlja2Vyc1==?="},
    ],
)
def test_a_modern_request_that_disagrees_with_itself_is_refused(
    build: Build, gateway: str, upstream: RecordingUpstream, headers: dict[str, str]
) -> None:
    agent = agent_of(gateway, build(ALLOW), is_modern=True)
    assert agent.call("getTickers").status_code == 200
    upstream.reset()
    response = agent.call("getTickers", headers=headers)
    assert (response.status_code, response.json()["error"]["code"]) == (400, -32020)
    assert response.json()["id"] == 1
    assert upstream.received == []


@pytest.mark.parametrize("missing", ["MCP-Protocol-Version", "Mcp-Method", "Mcp-Name"])
def test_a_modern_request_without_a_mirror_is_refused(
    build: Build, gateway: str, upstream: RecordingUpstream, missing: str
) -> None:
    agent = agent_of(gateway, build(ALLOW))
    meta = f'{{"{VERSION_META}":"{VERSION}","{CAPABILITIES_META}":{{}}}}'
    body = f'{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"getTickers","_meta":{meta}}}}}'
    mirrors = {"MCP-Protocol-Version": VERSION, "Mcp-Method": "tools/call", "Mcp-Name": "getTickers"}
    assert agent.post(body, mirrors).status_code == 200
    upstream.reset()
    response = agent.post(body, {name: value for name, value in mirrors.items() if name != missing})
    assert (response.status_code, response.json()["error"]["code"]) == (400, -32020)
    assert upstream.received == []


@pytest.mark.parametrize("version", ["null", "1", "[]", '""', '"2025-11-25"', f'"{VERSION} "'])
def test_a_body_and_header_of_different_versions_are_refused(
    build: Build, gateway: str, upstream: RecordingUpstream, version: str
) -> None:
    body = f'{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"_meta":{{"{VERSION_META}":{version}}}}}}}'
    mirrors = {"MCP-Protocol-Version": VERSION, "Mcp-Method": "ping"}
    response = agent_of(gateway, build(ALLOW)).post(body, mirrors)
    assert (response.status_code, response.json()["error"]["code"]) == (400, -32020)
    assert upstream.received == []


def test_an_encoded_name_is_opened(build: Build, gateway: str, upstream: RecordingUpstream) -> None:
    agent = agent_of(gateway, build(ALLOW), is_modern=True)
    assert agent.call("getTickers", headers={"Mcp-Name": encode("getTickers")}).status_code == 200
    assert upstream.received[0].header(b"mcp-name") == encode("getTickers").encode()


@pytest.mark.parametrize("headers", [{"Mcp-Method": "tools/list"}, {"Mcp-Name": "placeOrder"}])
def test_a_legacy_request_may_carry_right_mirrors_only(
    build: Build, gateway: str, upstream: RecordingUpstream, headers: dict[str, str]
) -> None:
    agent = agent_of(gateway, build(ALLOW))
    assert agent.call("getTickers", headers={"Mcp-Method": "tools/call", "Mcp-Name": "getTickers"}).status_code == 200
    upstream.reset()
    response = agent.call("getTickers", headers=headers)
    assert (response.status_code, response.json()["error"]["code"]) == (400, -32020)
    assert upstream.received == []


@pytest.mark.parametrize(
    ("arguments", "headers", "status"),
    [
        ({"region": "eu"}, {"Mcp-Param-Region": "eu"}, 200),
        ({"region": "eu"}, {"Mcp-Param-Region": encode("eu")}, 200),
        ({"region": "é"}, {"Mcp-Param-Region": encode("é")}, 200),
        ({}, {}, 200),
        ({"region": None}, {}, 200),
        ({"region": "eu"}, {"Mcp-Param-Region": "eu", "Mcp-Param-Unknown": "x"}, 200),
        ({"region": "eu"}, {"Mcp-Param-Region": "us"}, 400),
        ({"region": "eu"}, {"Mcp-Param-Region": "EU"}, 400),
        ({"region": "eu"}, {}, 400),
        ({}, {"Mcp-Param-Region": "eu"}, 400),
        ({"region": ["eu"]}, {"Mcp-Param-Region": "eu"}, 400),
    ],
)
def test_parameters_that_the_schema_mirrors_are_compared(
    build: Build,
    gateway: str,
    upstream: RecordingUpstream,
    arguments: dict[str, object],
    headers: dict[str, str],
    status: int,
) -> None:
    response = agent_of(gateway, build(ALLOW), is_modern=True).call("routed", arguments, headers=headers)
    assert response.status_code == status
    assert len(upstream.received) == (1 if status == 200 else 0)
    if status == 200:
        sent = dict(upstream.received[0].headers)
        assert {name.lower(): value for name, value in headers.items()} == {
            name.decode(): value.decode() for name, value in sent.items() if name.startswith(b"mcp-param-")
        }


@pytest.mark.parametrize("name", ["Mcp-Param-X", "Last-Event-ID", "Accept"])
def test_headers_with_other_than_printable_bytes_do_not_travel(
    build: Build, gateway: str, upstream: RecordingUpstream, name: str
) -> None:
    agent = agent_of(gateway, build(ALLOW))
    raw = [(key.encode(), value.encode()) for key, value in agent.head().items() if key != name]
    body = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"getTickers"}}'
    response = agent.http.post(agent.url, content=body, headers=[*raw, (name.encode(), b"caf\xe9")])
    assert response.status_code == 400
    assert upstream.received == []


HIDDEN = {"version": "1", "default": "allow", "hide": ["routed"]}
DENIED = {"version": "1", "default": "allow", "tools": {"routed": {"action": "deny"}}}


@pytest.mark.parametrize("headers", [{}, {"Mcp-Param-Region": "us"}, {"Mcp-Param-Region": "eu"}])
@pytest.mark.parametrize("document", [HIDDEN, None])
def test_the_mirrors_of_a_tool_do_not_tell_that_it_is_there(
    build: Build,
    gateway: str,
    upstream: RecordingUpstream,
    document: dict[str, object] | None,
    headers: dict[str, str],
) -> None:
    agent = agent_of(gateway, build(document), is_modern=True)
    hidden, unknown = (agent.call(tool, {"region": "eu"}, headers=headers) for tool in ("routed", "nobody"))
    assert hidden.status_code == unknown.status_code == 200
    texts = [answer_of(one.json()).replace("routed", "nobody") for one in (hidden, unknown)]
    assert texts[0] == texts[1]
    # An unknown name has the server looked at again.
    assert upstream.calls() == []


def answer_of(body: dict[str, Any]) -> str:
    # Every decision has an id of its own.
    identity = body.get("result", {}).get("_meta", {}).get("policylayer/decision", {}).get("id", "-")
    return str(body).replace(identity, "-")


@pytest.mark.parametrize(("document", "fine"), [(ALLOW, None), (DENIED, True)])
def test_a_wrong_mirror_of_a_known_tool_is_refused_and_recorded_whatever_the_policy_says(
    build: Build,
    gateway: str,
    upstream: RecordingUpstream,
    log_writer: None,
    document: dict[str, object],
    fine: bool | None,
) -> None:
    world = build(document)
    agent = agent_of(gateway, world, is_modern=True)
    right = agent.call("routed", {"region": "eu"}, headers={"Mcp-Param-Region": "eu"})
    assert right.json()["result"].get("isError") is fine
    upstream.reset()
    wrong = agent.call("routed", {"region": "eu"}, headers={"Mcp-Param-Region": "us"})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (400, -32020)
    assert upstream.received == []
    wait_until(lambda: ("refused", "(malformed)") in {(one.status, one.rule) for one in records_of(world)}, 10)
    assert len(records_of(world)) == 2


def test_a_wrong_mirror_charges_no_limit(build: Build, gateway: str, upstream: RecordingUpstream) -> None:
    limited = {"version": "1", "default": "allow", "tools": {"routed": {"rate_limit": {"max": 1, "window": 300}}}}
    agent = agent_of(gateway, build(limited), is_modern=True)
    for region, status in (("us", 400), ("us", 400), ("eu", 200)):
        response = agent.call("routed", {"region": "eu"}, headers={"Mcp-Param-Region": region})
        assert response.status_code == status
    assert len(upstream.received) == 1


MIRRORS = {"Mcp-Method": "tools/call", "Mcp-Name": "getTickers", "Mcp-Param-Region": "eu"}
BODIES = {
    "request": '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"getTickers"}}',
    "response": '{"jsonrpc":"2.0","id":1,"result":{},"params":{"name":"getTickers"}}',
    "error": '{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"no"},"params":{"name":"getTickers"}}',
}


@pytest.mark.parametrize("what", [*BODIES, "GET", "DELETE"])
def test_mirrors_travel_only_with_what_they_were_compared_with(
    build: Build, gateway: str, upstream: RecordingUpstream, what: str
) -> None:
    agent = agent_of(gateway, build(ALLOW))
    if what in BODIES:
        agent.post(BODIES[what], MIRRORS)
    else:
        agent.http.request(what, agent.url, headers=agent.head(MIRRORS))
    [received] = upstream.received
    travelled = [name for name, _ in received.headers if name.startswith((b"mcp-method", b"mcp-name", b"mcp-param"))]
    assert len(travelled) == (3 if what == "request" else 0)


@pytest.mark.parametrize(
    "body",
    [
        *BODIES.values(),
        '{"jsonrpc":"2.0","id":1,"method":"ping"}',
        '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{}}}',
        '{"jsonrpc":"2.0","method":"notifications/initialized"}',
    ],
)
def test_a_body_of_the_legacy_era_under_the_modern_version_is_refused(
    build: Build, gateway: str, upstream: RecordingUpstream, body: str
) -> None:
    agent = agent_of(gateway, build(ALLOW))
    assert agent.post(body, {"MCP-Protocol-Version": "2025-11-25"}).status_code in (200, 202)
    upstream.reset()
    response = agent.post(body, {"MCP-Protocol-Version": VERSION})
    assert (response.status_code, response.json()["error"]["code"]) == (400, -32602)
    assert upstream.received == []
