"""Item 13: a part that fails refuses what depends on it; no error becomes an allow, and none another caller."""

import os
import signal
from collections.abc import Callable
from typing import Final

import pytest
import redis

from accounts.shards import key_of
from tests.gateway.faults.test_stores import POLICY, Fragile
from tests.gateway.hostile.test_changes import told
from tests.gateway.upstream import RecordingUpstream
from tests.gateway.world import World, agent_of, make_world, records_of, wait_until

LIMITED, PLAIN, COSTLY = "placeOrder", "getTickers", "wipeAccount"
Fault = Callable[[Fragile, World], object]


def configure(**options: str) -> Fault:
    def fault(fragile: Fragile, _: World) -> None:
        with redis.Redis.from_url(fragile.valkey.url) as client:
            for name, value in options.items():
                client.config_set(name.replace("_", "-"), value)

    return fault


def follow_nobody(fragile: Fragile, _: World) -> None:
    """A replica, which takes no writes; what it would follow is a closed port of this machine."""
    with redis.Redis.from_url(fragile.valkey.url) as client:
        client.execute_command("REPLICAOF", "127.0.0.1", "1")


def spoil_counter(fragile: Fragile, world: World) -> None:
    key = key_of(world.organisation.id, "limit", "grant", str(world.grant.id), "placeOrder_rate")
    with redis.Redis.from_url(fragile.valkey.url) as client:
        assert client.delete(key) == 1
        client.set(key, "no set")


def lose_scripts(fragile: Fragile, _: World) -> None:
    with redis.Redis.from_url(fragile.valkey.url) as client:
        client.script_flush()


def pause(fragile: Fragile, _: World) -> None:
    assert fragile.valkey.process is not None
    os.kill(fragile.valkey.process.pid, signal.SIGSTOP)


# Each with the tool that depends on it, the rule that refuses it, and a tool that goes on.
FAULTS: Final[dict[str, tuple[Fault, str, str, str]]] = {
    "Redis gone": (lambda fragile, _: fragile.valkey.stop(), LIMITED, "(limits unavailable)", PLAIN),
    "Redis without its replicas": (configure(min_replicas_to_write="1"), LIMITED, "(limits unavailable)", PLAIN),
    "Redis read-only": (follow_nobody, LIMITED, "(limits unavailable)", PLAIN),
    "Redis hanging": (pause, LIMITED, "(limits unavailable)", PLAIN),
    "a counter that is none": (spoil_counter, LIMITED, "(limits unavailable)", PLAIN),
    "PostgreSQL gone": (lambda fragile, _: fragile.database.cut(), COSTLY, "(record unavailable)", PLAIN),
}


@pytest.fixture
def world(rows: None, upstream: RecordingUpstream) -> World:
    return make_world(upstream.url, POLICY)


@pytest.mark.parametrize("what", FAULTS)
def test_what_depends_on_a_part_that_fails_is_refused_and_recorded(
    fragile: Fragile, world: World, upstream: RecordingUpstream, what: str
) -> None:
    fault, tool, rule, other = FAULTS[what]
    agent = agent_of(fragile.base, world)
    assert [told(agent.call(one)) for one in (tool, other)] == ["", ""]
    fault(fragile, world)
    try:
        wait_until(lambda: told(agent.call(tool)) == rule, 10)
        upstream.reset()
        assert [told(agent.call(tool)) for _ in range(3)] == [rule] * 3
        assert upstream.received == []
        assert told(agent.call(other)) == ""
        assert len(upstream.received) == 1
    finally:
        if fragile.valkey.process is not None:
            os.kill(fragile.valkey.process.pid, signal.SIGCONT)
        fragile.database.mend()
    if what.startswith("Redis"):
        # Redis cannot take the log now, so PostgreSQL has it.
        wait_until(lambda: [one.rule for one in records_of(world)].count(rule) >= 3, 15)


def test_scripts_that_are_lost_are_no_fault(fragile: Fragile, world: World, upstream: RecordingUpstream) -> None:
    agent = agent_of(fragile.base, world)
    assert told(agent.call(LIMITED)) == ""
    lose_scripts(fragile, world)
    assert told(agent.call(LIMITED)) == ""
    assert len(upstream.calls()) == 2
