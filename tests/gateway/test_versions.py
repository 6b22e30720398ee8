"""Each version that is served passes as the upstream speaks it; what a client is given to keep comes back whole."""

import json
from collections.abc import Callable

import pytest

from tests.gateway.test_sessions import INITIALIZE
from tests.gateway.upstream import JSON_HEADERS, Received, RecordingUpstream, Reply, answer_normally
from tests.gateway.world import ALLOW, World, agent_of

Build = Callable[..., World]
LEGACY = ("2025-03-26", "2025-06-18", "2025-11-25")
STATES = {
    "empty": "",
    "base64": "eyJhIjoxfQ==.c2ln/+-_~",
    "quotes and backslashes": '{"a": "\\\\n\\"", "b": [1.0, 1e2]}',
    "control characters": "\u0000\u0001\t\r\n\x7f",
    "letters": "\u00e9 e\u0301 \u017f \ufb01 \U0001f600 \u2028\u2029 \ufeff",
    "long": "x" * 500_000,
}


@pytest.mark.parametrize("version", LEGACY)
def test_a_legacy_version_is_negotiated_by_the_upstream(
    build: Build, gateway: str, upstream: RecordingUpstream, version: str
) -> None:
    chosen = {"protocolVersion": version, "capabilities": {}, "serverInfo": {"name": "one", "version": "1"}}

    def answer(received: Received) -> Reply:
        if received.message["method"] != "initialize":
            return answer_normally(received)
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "result": chosen}).encode()
        return Reply(headers=(*JSON_HEADERS, (b"mcp-session-id", b"a-session")), parts=(body,))

    upstream.answer = answer
    agent = agent_of(gateway, build(ALLOW))
    opened = agent.request("initialize", {**INITIALIZE, "protocolVersion": version})
    assert opened.json()["result"] == chosen
    head = {"Mcp-Session-Id": opened.headers["mcp-session-id"], "MCP-Protocol-Version": version}
    assert agent.call("getTickers", headers=head).json()["result"]["content"][0]["text"] == "done"
    first, second = upstream.received
    assert first.message["params"]["protocolVersion"] == version
    assert second.header(b"mcp-protocol-version") == version.encode()
    if version == "2025-03-26":
        # That version has no such header.
        assert agent.call("getTickers", headers={"Mcp-Session-Id": "a-session"}).status_code == 200
        assert upstream.received[-1].header(b"mcp-protocol-version") is None


@pytest.mark.parametrize("what", STATES)
@pytest.mark.parametrize("is_escaped", [True, False])
def test_a_request_state_comes_back_letter_for_letter(
    build: Build, gateway: str, upstream: RecordingUpstream, what: str, is_escaped: bool
) -> None:
    state = STATES[what]
    asked = {"resultType": "input_required", "inputRequests": {}, "requestState": state}
    answer = {"jsonrpc": "2.0", "id": 1, "result": asked}
    body = json.dumps(answer, ensure_ascii=is_escaped).encode()
    upstream.answer = lambda _: Reply(parts=(body,))
    agent = agent_of(gateway, build(ALLOW), is_modern=True)
    assert agent.call("getTickers").content == body
    retried = {"name": "getTickers", "arguments": {}, "inputResponses": {}, "requestState": state}
    assert agent.request("tools/call", retried).status_code == 200
    assert upstream.received[-1].message["params"]["requestState"] == state
