"""tools/call through the door, in both eras: allowed, denied, hidden, unknown, changed, limited, held."""

import base64
import re
from collections.abc import Callable
from typing import Any

import pytest

from accounts.services import bump_epoch
from accounts.tenancy import tenant
from servers.models import Tool
from tests.gateway.upstream import RecordingUpstream
from tests.gateway.world import ALLOW, Agent, World, records_of, wait_until

Build = Callable[..., World]
Speak = Callable[[World], Agent]
UUID7 = r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"

POLICY = {
    "version": "1",
    "default": "deny",
    "hide": ["getWallet"],
    "tools": {
        "getTickers": {"rate_limit": {"max": 3, "window": 60}},
        "placeOrder": {
            "deny_if": [
                {"conditions": [{"path": "args.symbol", "op": "neq", "value": "BTCUSDT"}], "on_deny": "BTC only."}
            ]
        },
        "wipeAccount": {"action": "require_approval", "reason": "A person decides."},
    },
}


def refusal_of(response: Any) -> tuple[str, dict[str, Any], dict[str, Any]]:
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    result = response.json()["result"]
    assert result["isError"] is True
    return result["content"][0]["text"], result["_meta"]["policylayer/decision"], result


def test_an_allowed_call_reaches_the_upstream(build: Build, speak: Speak, upstream: RecordingUpstream) -> None:
    agent = speak(build(POLICY))
    response = agent.call("placeOrder", {"symbol": "BTCUSDT", "qty": "1"}, id="a")
    assert response.status_code == 200
    assert response.json() == {"jsonrpc": "2.0", "id": "a", "result": {"content": [{"type": "text", "text": "done"}]}}
    [received] = upstream.calls()
    assert received.message["params"]["arguments"] == {"symbol": "BTCUSDT", "qty": "1"}
    assert received.message["id"] == "a"


def test_a_denied_call_says_why_and_does_not_reach_it(build: Build, speak: Speak, upstream: RecordingUpstream) -> None:
    agent = speak(build(POLICY))
    text, decision, result = refusal_of(agent.call("placeOrder", {"symbol": "ETHUSDT", "qty": "1"}))
    lines = text.split("\n")
    assert lines[0] == "[POLICY DENIED] BTC only."
    assert lines[1] == "Rule: /tools/placeOrder/deny_if/0"
    assert re.fullmatch(f"Decision: {UUID7}", lines[2])
    assert lines[3] == (
        "Next: Do not repeat this call. Ask an admin or policy manager of your organisation if it should be allowed."
    )
    assert decision == {
        "id": lines[2].removeprefix("Decision: "),
        "outcome": "deny",
        "rule": "/tools/placeOrder/deny_if/0",
        "retry_after": None,
    }
    assert result.get("resultType") == ("complete" if agent.is_modern else None)
    assert upstream.calls() == []


def test_a_tool_that_no_rule_names_falls_to_the_default(
    build: Build, speak: Speak, upstream: RecordingUpstream
) -> None:
    text, decision, _ = refusal_of(speak(build(POLICY)).call("routed", {}))
    assert text.startswith("[POLICY DENIED] ") and decision["rule"] == "(default)"
    assert upstream.calls() == []


@pytest.mark.parametrize(
    "name", ["getWallet", "noSuchTool", "getTickers ", "gettickers", "getTickers\u200b", "Tickers"]
)
def test_hidden_and_unknown_tools_get_the_same_answer(
    build: Build, speak: Speak, upstream: RecordingUpstream, name: str
) -> None:
    agent = speak(build(POLICY))
    headers = {} if name.isascii() and name == name.strip() else {"Mcp-Name": sentinel(name)}
    response = agent.call(name, headers=headers if agent.is_modern else None)
    assert response.status_code == 200
    assert response.json() == {"jsonrpc": "2.0", "id": 1, "error": {"code": -32602, "message": f"Unknown tool: {name}"}}
    assert upstream.calls() == []


def sentinel(text: str) -> str:
    return f"=?base64?{base64.b64encode(text.encode()).decode()}?="


def test_a_changed_tool_is_refused_until_it_is_accepted(
    build: Build, speak: Speak, upstream: RecordingUpstream
) -> None:
    world = build(ALLOW)
    agent = speak(world)
    assert "result" in agent.call("getTickers").json()
    set_state(world, "getTickers", "changed")
    wait_until(lambda: "error" in agent.call("getTickers").json(), 10)
    assert agent.call("getTickers").json()["error"] == {"code": -32602, "message": "Unknown tool: getTickers"}
    set_state(world, "getTickers", "active")
    wait_until(lambda: "result" in agent.call("getTickers").json(), 10)


def set_state(world: World, tool: str, state: str) -> None:
    with tenant(world.organisation.id):
        Tool.objects.filter(server=world.server, name=tool).update(state=state)
        bump_epoch(organisation_id=world.organisation.id)


def test_the_call_after_the_last_allowed_one_waits(build: Build, speak: Speak, upstream: RecordingUpstream) -> None:
    agent = speak(build(POLICY))
    for _ in range(3):
        assert "isError" not in agent.call("getTickers").json()["result"]
    text, decision, _ = refusal_of(agent.call("getTickers"))
    assert decision["outcome"] == "limit" and decision["rule"] == "/tools/getTickers/rate_limit"
    assert 1 <= decision["retry_after"] <= 60
    assert text.startswith("[POLICY DENIED] At most 3 calls of getTickers")
    assert text.endswith(f"Next: Wait {decision['retry_after']} seconds, then call again.")
    assert len(upstream.calls()) == 3


def test_a_call_that_needs_a_person_is_refused_with_its_reason(
    build: Build, speak: Speak, upstream: RecordingUpstream
) -> None:
    text, decision, _ = refusal_of(speak(build(POLICY)).call("wipeAccount"))
    assert decision["outcome"] == "approve" and decision["rule"] == "/tools/wipeAccount"
    assert text.startswith("[POLICY DENIED] A person decides.")
    assert "needs a person's approval, and approvals are not available on this gateway yet" in text
    assert upstream.calls() == []


def test_a_limit_on_amounts_denies_until_amounts_are_counted(
    build: Build, speak: Speak, upstream: RecordingUpstream
) -> None:
    limit = {"counter": "qty", "window": "day", "max": 10, "amount": "args.qty"}
    agent = speak(build({"version": "1", "default": "allow", "tools": {"placeOrder": {"limits": [limit]}}}))
    text, decision, _ = refusal_of(agent.call("placeOrder", {"symbol": "BTCUSDT", "qty": "1"}))
    assert decision["rule"] == "/tools/placeOrder/limits/0"
    assert "not counted by this gateway yet" in text
    assert upstream.calls() == []


def test_every_decision_is_in_the_log_within_two_seconds(
    build: Build, speak: Speak, upstream: RecordingUpstream, log_writer: None
) -> None:
    world = build(POLICY)
    agent = speak(world)
    agent.call("placeOrder", {"symbol": "BTCUSDT", "qty": "secret-value"})
    agent.call("placeOrder", {"symbol": "ETHUSDT", "qty": "1"})
    agent.call("getWallet")
    agent.request("tools/list")
    wait_until(lambda: sum(record.status != "intent" for record in records_of(world)) == 4, 10)
    allowed, denied, hidden, listed = records_of(world)
    assert (allowed.outcome, allowed.status, allowed.rule) == ("allow", "ok", "/tools/placeOrder")
    assert (allowed.tool, allowed.method, allowed.grant) == ("placeOrder", "tools/call", world.grant.id)
    assert allowed.argument_keys == ["symbol", "qty"] and len(allowed.argument_digest) == 64
    assert (allowed.policy, allowed.policy_version, allowed.upstream_status) == (
        world.policy and world.policy.id,
        1,
        200,
    )
    assert allowed.era == ("modern" if agent.is_modern else "legacy") and allowed.gateway_us > 0
    assert (denied.outcome, denied.status, denied.reason) == ("deny", "refused", "BTC only.")
    assert (hidden.outcome, hidden.status, hidden.rule, hidden.tool) == ("hide", "refused", "(hidden)", "getWallet")
    assert (listed.method, listed.outcome, listed.status) == ("tools/list", "allow", "ok")
    assert "secret-value" not in repr([vars(record) for record in records_of(world)])
