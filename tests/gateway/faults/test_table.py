"""Each fault of the table gets its declared answer, once, in time, and the next call is served."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.gateway.faults.conftest import FINE
from tests.gateway.faults.plays import NOTE, RESULT, STREAM, event_of, pour
from tests.gateway.faults.table import QUIET, SLOW_FAULTS, Fault
from tests.gateway.faults.upstreams import RawUpstream, serve_raw
from tests.gateway.world import ALLOW, Agent, World, agent_of, make_world, records_of, wait_until

pytestmark = pytest.mark.slow


def answers_in(response: httpx.Response) -> list[Any]:
    if response.headers["content-type"] != "text/event-stream":
        return [response.json()]
    lines = [line.removeprefix("data:") for line in response.text.splitlines() if line.startswith("data:")]
    return [message for message in map(json.loads, lines) if "id" in message]


def check(fault: Fault, response: httpx.Response) -> None:
    assert response.status_code == fault.status
    assert (response.headers["content-type"] == "text/event-stream") is fault.in_stream
    error = {"code": fault.code, "message": fault.text}
    declared = {"jsonrpc": "2.0", "id": 1, "error": error} if fault.text else json.loads(RESULT)
    assert answers_in(response) == [declared]
    assert "set-cookie" not in response.headers


def test_the_table_names_each_fault_once() -> None:
    names = [fault.name for fault in (*QUIET, *SLOW_FAULTS)]
    assert len(names) == len(set(names)) >= 50


@pytest.mark.parametrize("fault", QUIET, ids=lambda fault: fault.name)
def test_a_fault_has_its_declared_answer(
    gateway: str, world: World, raw: RawUpstream, log_writer: None, fault: Fault
) -> None:
    agent = agent_of(gateway, world)
    started = time.monotonic()
    check(fault, agent.call("getTickers", {"symbol": fault.name}))
    assert time.monotonic() - started < 5 * fault.seconds
    # Never sent again, nor to where a redirect leads.
    assert raw.received == [fault.name]
    assert agent.call("getTickers", {"symbol": FINE}).content == RESULT
    wait_until(lambda: [record.status for record in records_of(world)] == [fault.record, "ok"])
    record = records_of(world)[0]
    assert fault.record != "error" or fault.in_stream or record.reason == fault.text


@pytest.mark.parametrize("fault", QUIET, ids=lambda fault: fault.name)
def test_a_list_from_a_broken_server_is_refused_or_read(gateway: str, world: World, fault: Fault) -> None:
    agent = Agent(gateway, world.server.id, world.token, is_modern=True)
    response = agent.request("tools/list", {"cursor": fault.name})
    assert response.status_code in (200, 502)
    # What passed above is no list, and a list that is none is not passed on.
    assert all(message["error"]["code"] == -31502 for message in answers_in(response))
    assert answers_in(response)


@pytest.mark.slow
def test_a_legacy_client_that_left_is_waited_for_no_longer_than_a_minute(
    gateway: str, rows: None, log_writer: None
) -> None:
    note = event_of(NOTE)
    with serve_raw(RawUpstream({"events": pour(STREAM, note, every=0.1)})) as upstream:
        world = make_world(upstream.url, ALLOW)
        agent = agent_of(gateway, world)
        params = {"name": "getTickers", "arguments": {"symbol": "events"}}
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
        with httpx.stream("POST", agent.url, content=body, headers=agent.head(), trust_env=False) as response:
            assert next(response.iter_raw())
        left_at = time.monotonic()
        # Leaving is no cancellation in this era; an answer without an end is not read for ever all the same.
        assert upstream.left.wait(200)
        assert time.monotonic() - left_at > 50
        wait_until(lambda: [record.status for record in records_of(world)] == ["unknown"])


@pytest.mark.slow
def test_servers_that_never_finish_are_given_up_after_a_minute(
    gateway: str, world: World, raw: RawUpstream, log_writer: None
) -> None:
    def ask(fault: Fault) -> tuple[Fault, httpx.Response, float]:
        with httpx.Client(trust_env=False, timeout=200) as client:
            agent = Agent(gateway, world.server.id, world.token, http=client)
            started = time.monotonic()
            return fault, agent.call("getTickers", {"symbol": fault.name}), time.monotonic() - started

    with ThreadPoolExecutor(len(SLOW_FAULTS)) as pool:
        asked = [pool.submit(ask, fault) for fault in SLOW_FAULTS]
        # They keep nobody else waiting.
        assert agent_of(gateway, world).call("getTickers", {"symbol": FINE}).content == RESULT
        for answered in asked:
            fault, response, seconds = answered.result()
            check(fault, response)
            assert 50 < seconds < 2 * fault.seconds
    assert sorted(raw.received) == sorted([FINE, *(fault.name for fault in SLOW_FAULTS)])
    wait_until(lambda: sorted(one.status for one in records_of(world)) == ["error"] * len(SLOW_FAULTS) + ["ok"])
