"""Headers that repeat the body must say what it says; a mismatch is 400 with -32020, and the upstream is untouched."""

import base64
from collections.abc import Callable

import pytest

from tests.gateway.upstream import RecordingUpstream
from tests.gateway.world import ALLOW, CAPABILITIES_META, VERSION, VERSION_META, World, agent_of

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
