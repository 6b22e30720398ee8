"""Count limits: exact in rolling windows, all or nothing, one history a counter, given back when nothing was done."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import redis

from accounts.shards import key_of
from accounts.tenancy import tenant
from policies.models import Grant
from tests.gateway.upstream import Received, RecordingUpstream, Reply
from tests.gateway.world import Agent, World, agent_of, make_grant, make_server, publish, wait_until

Build = Callable[..., World]


def limits(*entries: dict[str, Any], **tools: Any) -> dict[str, Any]:
    return {"version": "1", "default": "allow", "all_tools": {"limits": list(entries)}, "tools": tools}


def limit(max: int, window: int = 60, counter: str = "calls", scope: str = "grant") -> dict[str, Any]:
    return {"counter": counter, "window": window, "max": max, "scope": scope}


def outcome_of(response: Any) -> str:
    result = response.json()["result"]
    return "allow" if "isError" not in result else result["_meta"]["policylayer/decision"]["outcome"]


def rule_of(response: Any) -> Any:
    return response.json()["result"]["_meta"]["policylayer/decision"]["rule"]


def test_a_window_rolls(build: Build, gateway: str, upstream: RecordingUpstream) -> None:
    agent = agent_of(gateway, build(limits(limit(2, window=1))))
    assert [outcome_of(agent.call("getTickers")) for _ in range(3)] == ["allow", "allow", "limit"]
    wait_until(lambda: outcome_of(agent.call("getTickers")) == "allow", 5)


def test_a_full_limit_charges_none_of_the_others(
    build: Build, gateway: str, upstream: RecordingUpstream, redis_url: str
) -> None:
    world = build(limits(limit(100, counter="wide"), limit(1, counter="narrow")))
    agent = agent_of(gateway, world)
    responses = [agent.call("getTickers") for _ in range(4)]
    assert [outcome_of(one) for one in responses] == ["allow", "limit", "limit", "limit"]
    assert rule_of(responses[1]) == "/all_tools/limits/1"
    with redis.Redis.from_url(redis_url) as client:
        key = key_of(world.organisation.id, "limit", "grant", str(world.grant.id), "wide")
        assert client.zcount(key, 0, "+inf") == 1
        assert 55_000 < client.pttl(key) <= 61_000


def test_a_rotated_grant_goes_on_with_the_counters_of_the_old_one(
    build: Build, gateway: str, upstream: RecordingUpstream
) -> None:
    world = build(limits(limit(2)))
    assert outcome_of(agent_of(gateway, world).call("getTickers")) == "allow"
    following, token = make_grant(world.server, world.policy, "rotated")
    beside, other = make_grant(world.server, world.policy, "beside")
    with tenant(world.organisation.id):
        Grant.objects.filter(id=following.id).update(replaces=world.grant, counts_as=world.grant.id)
    rotated = Agent(gateway, world.server.id, token)
    assert [outcome_of(rotated.call("getTickers")) for _ in range(2)] == ["allow", "limit"]
    assert outcome_of(Agent(gateway, world.server.id, other).call("getTickers")) == "allow"
    assert beside.counts_as is None


def test_entries_of_one_counter_share_its_history_and_are_charged_once(
    build: Build, gateway: str, upstream: RecordingUpstream
) -> None:
    agent = agent_of(gateway, build(limits(limit(3, window=3600), limit(2, window=1), limit(5, window=60))))
    assert [outcome_of(agent.call("getTickers")) for _ in range(2)] == ["allow", "allow"]
    refused = agent.call("placeOrder", {"symbol": "BTCUSDT", "qty": "1"})
    assert rule_of(refused) == "/all_tools/limits/1"
    wait_until(lambda: outcome_of(agent.call("getWallet")) == "allow", 5)
    refused = agent.call("getTickers")
    assert rule_of(refused) == "/all_tools/limits/0"
    decision = refused.json()["result"]["_meta"]["policylayer/decision"]
    assert 3590 <= decision["retry_after"] <= 3600


def test_a_shorter_window_that_is_published_later_does_not_cut_the_history(
    build: Build, gateway: str, upstream: RecordingUpstream
) -> None:
    world = build(limits(limit(3, window=3600)))
    agent = agent_of(gateway, world)
    assert outcome_of(agent.call("getTickers")) == "allow"
    publish(world, limits(limit(100, window=1)))
    wait_until(lambda: [outcome_of(agent.call("getTickers")) for _ in range(4)] == ["allow"] * 4, 10)
    publish(world, limits(limit(3, window=3600)))
    wait_until(lambda: outcome_of(agent.call("getTickers")) == "limit", 10)


@pytest.mark.parametrize(("scope", "shared"), [("grant", 0), ("server", 1), ("organisation", 2)])
def test_a_scope_says_who_shares_a_limit(
    build: Build, gateway: str, upstream: RecordingUpstream, scope: str, shared: int
) -> None:
    world = build(limits(limit(1, scope=scope)))
    sibling = make_server(world.organisation, upstream.url, "Sibling")
    _, beside = make_grant(world.server, world.policy, "beside")
    _, elsewhere = make_grant(sibling, world.policy, "elsewhere")
    foreign = build(limits(limit(1, scope=scope)))
    assert outcome_of(agent_of(gateway, world).call("getTickers")) == "allow"
    others = [Agent(gateway, world.server.id, beside), Agent(gateway, sibling.id, elsewhere)]
    found = [outcome_of(agent.call("getTickers")) for agent in others]
    # Each allowed one has charged a counter of its own.
    assert found == [["allow", "allow"], ["limit", "allow"], ["limit", "limit"]][shared]
    assert outcome_of(agent_of(gateway, foreign).call("getTickers")) == "allow"


def test_refused_calls_charge_nothing(build: Build, gateway: str, upstream: RecordingUpstream) -> None:
    policy = limits(limit(2), placeOrder={"action": "deny"}, wipeAccount={"action": "require_approval"})
    agent = agent_of(gateway, build(policy))
    for tool in ("placeOrder", "wipeAccount", "noSuchTool"):
        agent.call(tool)
    assert [outcome_of(agent.call("getTickers")) for _ in range(3)] == ["allow", "allow", "limit"]


def test_a_limit_of_nothing_is_never_open(build: Build, gateway: str, upstream: RecordingUpstream) -> None:
    agent = agent_of(gateway, build({"version": "1", "default": "allow", "all_tools": {"limits": [limit(0)]}}))
    response = agent.call("getTickers")
    assert outcome_of(response) in ("limit", "deny")
    assert upstream.calls() == []


def error(code: int, status: int = 200) -> Callable[[Received], Reply]:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "error": {"code": code, "message": "no"}}).encode()
    return lambda _: Reply(status=status, parts=(body,))


def stream_error(code: int) -> Callable[[Received], Reply]:
    def answer(received: Received) -> Reply:
        return Reply(
            headers=((b"content-type", b"text/event-stream"),), parts=(b"data: ", *error(code)(received).parts, b"\n\n")
        )

    return answer


def is_error(_: Received) -> Reply:
    return Reply(parts=(b'{"jsonrpc":"2.0","id":1,"result":{"content":[],"isError":true}}',))


@pytest.mark.parametrize(
    ("answer", "is_given_back"),
    [
        (error(-32700), True),
        (error(-32600), True),
        (error(-32601), True),
        (error(-32602), True),
        (error(-32602, 400), True),
        (stream_error(-32602), True),
        (error(-32603), False),
        (error(-32000, 400), False),
        (stream_error(-32603), False),
        (is_error, False),
        (lambda _: Reply(status=500, parts=(b"x",)), False),
        (lambda _: Reply(status=404, parts=(b"gone",)), False),
        (lambda _: Reply(parts=(b"not json",)), False),
    ],
)
def test_a_charge_is_given_back_only_when_nothing_was_done(
    build: Build,
    gateway: str,
    upstream: RecordingUpstream,
    answer: Callable[[Received], Reply],
    is_given_back: bool,
) -> None:
    agent = agent_of(gateway, build(limits(limit(1))))
    normal, upstream.answer = upstream.answer, answer
    agent.call("getTickers")
    upstream.answer = normal
    assert outcome_of(agent.call("getTickers")) == ("allow" if is_given_back else "limit")


def test_a_charge_is_given_back_when_nothing_was_sent(build: Build, gateway: str, upstream: RecordingUpstream) -> None:
    world = build(limits(limit(1)))
    sibling = make_server(world.organisation, "http://127.0.0.1:1/mcp", "Away")
    _, token = make_grant(sibling, world.policy, "away")
    for _ in range(3):
        response = Agent(gateway, sibling.id, token).call("getTickers")
        assert response.status_code == 502


def test_limits_hold_when_redis_has_lost_its_scripts(
    build: Build, gateway: str, upstream: RecordingUpstream, redis_url: str
) -> None:
    agent = agent_of(gateway, build(limits(limit(2))))
    assert outcome_of(agent.call("getTickers")) == "allow"
    with redis.Redis.from_url(redis_url) as client:
        client.script_flush()
    assert [outcome_of(agent.call("getTickers")) for _ in range(2)] == ["allow", "limit"]
