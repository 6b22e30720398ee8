"""Stores that go away: what a limit covers is denied, nothing is forwarded without a record, and all of it recovers."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from django.conf import settings as django_settings

from gateway.ledger import ANSWER_SECONDS, MAX_CONNECTIONS
from gateway.log_writer import LogWriter
from tests.gateway.conftest import make_application
from tests.gateway.stores import CuttableDatabase, OwnValkey
from tests.gateway.test_sessions import Stateful, open_session
from tests.gateway.test_standing import streaming
from tests.gateway.upstream import SSE_HEADERS, RecordingUpstream, Reply, serve
from tests.gateway.world import Agent, World, agent_of, make_world, records_of, wait_until

POLICY = {"version": "1", "default": "allow", "tools": {"placeOrder": {"rate_limit": {"max": 100, "window": 60}}}}


@dataclass
class Fragile:
    """A gateway whose stores the test can take away."""

    base: str
    valkey: OwnValkey
    database: CuttableDatabase


@pytest.fixture
def fragile(rows: None, tmp_path: Path) -> Iterator[Fragile]:
    valkey, database = OwnValkey(tmp_path), CuttableDatabase(django_settings.DATABASES["default"])
    before = django_settings.REDIS_URL, django_settings.DATABASES
    valkey.start()
    try:
        django_settings.REDIS_URL = valkey.url
        django_settings.DATABASES = {**django_settings.DATABASES, "default": database.settings}
        with serve(make_application(), lifespan="on") as port:
            django_settings.REDIS_URL, django_settings.DATABASES = before
            yield Fragile(f"http://127.0.0.1:{port}", valkey, database)
    finally:
        django_settings.REDIS_URL, django_settings.DATABASES = before
        valkey.stop()
        database.close()


@pytest.fixture
def world(rows: None, upstream: RecordingUpstream) -> World:
    return make_world(upstream.url, POLICY)


def rule_of(response: Any) -> str:
    result = response.json().get("result", {})
    rule: str = result.get("_meta", {}).get("policylayer/decision", {}).get("rule", "")
    return rule


def order(agent: Agent) -> Any:
    return agent.call("placeOrder", {"symbol": "BTCUSDT", "qty": "1"})


def test_without_redis_calls_under_a_limit_are_denied_and_others_recorded_in_postgresql(
    fragile: Fragile, world: World, upstream: RecordingUpstream
) -> None:
    agent = agent_of(fragile.base, world)
    assert rule_of(order(agent)) == "" and rule_of(agent.call("getTickers")) == ""
    fragile.valkey.stop()
    upstream.reset()
    wait_until(lambda: rule_of(order(agent)) == "(limits unavailable)", 5)
    assert rule_of(order(agent)) == "(limits unavailable)"
    assert upstream.received == []
    before = len(records_of(world))
    assert rule_of(agent.call("getTickers")) == ""
    assert len(upstream.received) == 1
    wait_until(lambda: [one.status for one in records_of(world)[before:]] == ["ok"], 10)
    assert {one.rule for one in records_of(world) if one.status == "refused"} == {"(limits unavailable)"}
    fragile.valkey.start()
    wait_until(lambda: rule_of(order(agent)) == "", 10)


def test_a_redis_that_does_not_answer_is_one_that_is_away(
    fragile: Fragile, world: World, upstream: RecordingUpstream
) -> None:
    agent = agent_of(fragile.base, world)
    assert rule_of(order(agent)) == ""
    assert fragile.valkey.process is not None
    os.kill(fragile.valkey.process.pid, signal.SIGSTOP)
    try:
        upstream.reset()
        started = time.monotonic()
        assert rule_of(order(agent)) == "(limits unavailable)"
        assert time.monotonic() - started < 7.5
        assert upstream.received == []
        assert rule_of(agent.call("getTickers")) == ""
    finally:
        os.kill(fragile.valkey.process.pid, signal.SIGCONT)
    wait_until(lambda: rule_of(order(agent)) == "", 10)


def test_without_redis_only_a_session_that_this_process_knows_goes_on(
    fragile: Fragile, world: World, upstream: RecordingUpstream
) -> None:
    upstream.answer = Stateful()
    agent = agent_of(fragile.base, world)
    session = open_session(agent)
    fragile.valkey.stop()
    wait_until(lambda: rule_of(order(agent)) == "(limits unavailable)", 5)
    upstream.received.clear()
    assert agent.call("getTickers", headers={"Mcp-Session-Id": session}).status_code == 200
    assert len(upstream.calls()) == 1
    response = agent.call("getTickers", headers={"Mcp-Session-Id": "another"})
    assert (response.status_code, response.json()["error"]["code"]) == (503, -31503)
    assert len(upstream.calls()) == 1


@pytest.mark.slow
def test_without_postgresql_costly_calls_are_refused_at_once_and_all_others_after_five_seconds(
    fragile: Fragile, world: World, upstream: RecordingUpstream
) -> None:
    agent = agent_of(fragile.base, world)
    assert rule_of(agent.call("wipeAccount")) == ""
    fragile.database.cut()
    cut_at = time.monotonic()
    upstream.reset()
    assert rule_of(agent.call("getTickers")) == ""
    assert len(upstream.received) == 1
    assert rule_of(agent.call("wipeAccount")) == "(record unavailable)"
    assert len(upstream.received) == 1
    wait_until(lambda: rule_of(agent.call("getTickers")) == "(policy unconfirmed)", 25)
    assert time.monotonic() - cut_at > 3
    upstream.reset()
    assert rule_of(agent.call("getTickers")) == "(policy unconfirmed)"
    assert rule_of(agent.call("wipeAccount")) == "(policy unconfirmed)"
    assert upstream.received == []
    fragile.database.mend()
    wait_until(lambda: rule_of(agent.call("getTickers")) == "", 10)
    wait_until(lambda: rule_of(agent.call("wipeAccount")) == "", 10)


@pytest.mark.slow
@pytest.mark.slow
@pytest.mark.parametrize("what", ["GET", "listen"])
def test_without_postgresql_an_open_stream_ends_after_five_seconds_and_none_is_opened(
    fragile: Fragile, world: World, upstream: RecordingUpstream, what: str
) -> None:
    gate = threading.Event()
    upstream.answer = lambda _: Reply(headers=SSE_HEADERS, parts=(b": open\n\n", gate, b": later\n\n"))
    agent = agent_of(fragile.base, world)
    with streaming(agent, what) as received:
        assert next(received) == b": open\n\n"
        cut_at = time.monotonic()
        fragile.database.cut()
        assert b"".join(received) == b""
        assert time.monotonic() - cut_at < 25
    upstream.reset()
    assert agent.http.get(agent.url, headers=agent.head()).status_code == 503
    assert upstream.received == []
    fragile.database.mend()
    wait_until(lambda: rule_of(agent.call("getTickers")) == "", 50)
    gate.set()


def test_without_both_stores_nothing_is_forwarded(fragile: Fragile, world: World, upstream: RecordingUpstream) -> None:
    agent = agent_of(fragile.base, world)
    assert rule_of(agent.call("getTickers")) == ""
    fragile.database.cut()
    fragile.valkey.stop()
    upstream.reset()
    assert rule_of(agent.call("getTickers")) in ("(record unavailable)", "(policy unconfirmed)")
    assert agent.request("tools/list").json()["error"]["code"] == -31403
    assert upstream.received == []


def limited(calls: int) -> dict[str, Any]:
    return {**POLICY, "tools": {"placeOrder": {"rate_limit": {"max": calls, "window": 600}}}}


def test_a_redis_that_is_read_only_is_one_that_is_away(
    fragile: Fragile, world: World, upstream: RecordingUpstream
) -> None:
    agent = agent_of(fragile.base, world)
    assert rule_of(order(agent)) == ""
    with redis.Redis.from_url(fragile.valkey.url) as client:
        # A replica of one that is not there.
        client.execute_command("REPLICAOF", "127.0.0.1", "1")
        upstream.reset()
        assert rule_of(order(agent)) == "(limits unavailable)"
        assert upstream.received == []
        before = len(records_of(world))
        assert rule_of(agent.call("getTickers")) == ""
        wait_until(lambda: [one.status for one in records_of(world)[before:]] == ["ok"], 10)
        client.execute_command("REPLICAOF", "NO", "ONE")
    wait_until(lambda: rule_of(order(agent)) == "", 50)


def test_a_redis_without_memory_counts_on_and_other_calls_are_recorded_in_postgresql(
    fragile: Fragile, rows: None, upstream: RecordingUpstream
) -> None:
    world = make_world(upstream.url, limited(2))
    agent = agent_of(fragile.base, world)
    assert rule_of(order(agent)) == ""
    with redis.Redis.from_url(fragile.valkey.url) as client:
        client.config_set("maxmemory", 1)
        assert rule_of(order(agent)) == ""
        assert order(agent).json()["result"]["isError"] is True
        assert rule_of(agent.call("getTickers")) == ""
        wait_until(lambda: ("getTickers", "ok") in [(one.tool, one.status) for one in records_of(world)], 10)
        client.config_set("maxmemory", 0)
    assert len(upstream.calls()) == 3


def test_a_redis_that_lost_its_scripts_is_given_them_again_and_counts_on(
    fragile: Fragile, rows: None, upstream: RecordingUpstream
) -> None:
    agent = agent_of(fragile.base, make_world(upstream.url, limited(3)))
    assert rule_of(order(agent)) == ""
    with redis.Redis.from_url(fragile.valkey.url) as client:
        client.script_flush()
        assert rule_of(order(agent)) == ""
        client.script_flush()
    assert rule_of(order(agent)) == ""
    assert order(agent).json()["result"]["isError"] is True
    assert len(upstream.calls()) == 3


def test_a_redis_that_was_emptied_forgets_counts_and_sessions_and_nothing_else(
    fragile: Fragile, rows: None, upstream: RecordingUpstream
) -> None:
    world = make_world(upstream.url, limited(1))
    agent = agent_of(fragile.base, world)
    stop = threading.Event()
    writer = threading.Thread(target=LogWriter(fragile.valkey.url).run, args=(stop,), daemon=True)
    writer.start()
    try:
        assert rule_of(order(agent)) == "" and order(agent).json()["result"]["isError"] is True
        wait_until(lambda: [one.status for one in records_of(world)] == ["ok", "refused"])
        upstream.answer = Stateful()
        session = open_session(agent)
        calls = len(upstream.calls())
        with redis.Redis.from_url(fragile.valkey.url) as client:
            client.flushall()
        # A session of which nobody knows is refused; the counts of the window are lost, as docs/security.md says.
        assert agent.call("getTickers", headers={"Mcp-Session-Id": session}).status_code == 404
        assert len(upstream.calls()) == calls
        upstream.reset()
        assert rule_of(order(agent)) == "" and order(agent).json()["result"]["isError"] is True
        assert rule_of(agent.call("getWallet")) == ""
        # The writer finds its place in a log that begins anew.
        wait_until(lambda: ("getWallet", "ok") in [(one.tool, one.status) for one in records_of(world)], 50)
    finally:
        stop.set()
        writer.join(timeout=20)
    assert not writer.is_alive()


def test_a_slow_redis_slows_calls_down_and_refuses_none(
    fragile: Fragile, world: World, upstream: RecordingUpstream
) -> None:
    agent = agent_of(fragile.base, world)
    assert rule_of(order(agent)) == ""
    with redis.Redis.from_url(fragile.valkey.url) as client:
        for _ in range(3):
            client.execute_command("CLIENT", "PAUSE", "300", "ALL")
            assert rule_of(order(agent)) == ""
    assert len(upstream.calls()) == 4


@pytest.mark.slow
def test_a_locked_table_refuses_costly_calls_in_time_and_keeps_nobody_else_waiting(
    fragile: Fragile, world: World, upstream: RecordingUpstream
) -> None:
    agent = agent_of(fragile.base, world)
    assert rule_of(agent.call("wipeAccount")) == ""
    database = django_settings.DATABASES["default"]
    upstream.reset()
    with psycopg.connect(
        host=database["HOST"],
        port=database["PORT"] or None,
        user=database["USER"],
        password=database["PASSWORD"],
        dbname=database["NAME"],
    ) as holder:
        holder.execute("LOCK TABLE policies_decisionrecord IN ACCESS EXCLUSIVE MODE")
        started = time.monotonic()
        # More than the pool has connections: those wait for the lock, and the rest for a connection.
        with ThreadPoolExecutor(3 * MAX_CONNECTIONS) as pool:
            asked = [pool.submit(agent.call, "wipeAccount") for _ in range(3 * MAX_CONNECTIONS)]
            assert rule_of(agent.call("getTickers")) == ""
            assert {rule_of(one.result()) for one in asked} == {"(record unavailable)"}
        assert time.monotonic() - started < 5 * 2 * ANSWER_SECONDS
        assert [one.message["params"]["name"] for one in upstream.calls()] == ["getTickers"]
        # The epochs are read over a connection of their own, so nothing becomes unconfirmed.
        until = started + 8
        while time.monotonic() < until:
            assert rule_of(agent.call("getTickers")) == ""
            time.sleep(0.2)
    wait_until(lambda: rule_of(agent.call("wipeAccount")) == "", 50)
