"""Stores that go away: what a limit covers is denied, nothing is forwarded without a record, and all of it recovers."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings

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
