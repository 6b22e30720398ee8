"""A gateway that is asked to stop ends its streams at once and lets its calls come to their answers."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.gateway.stores import free_port, is_gateway_up, start_gateway
from tests.gateway.test_standing import streaming
from tests.gateway.upstream import JSON_HEADERS, SSE_HEADERS, Received, RecordingUpstream, Reply
from tests.gateway.world import ALLOW, agent_of, make_world, records_of, wait_until

ANSWER = b'{"jsonrpc":"2.0","id":1,"result":{"content":[]}}'


@pytest.fixture
def port(rows: None, redis_url: str) -> Iterator[int]:
    yield free_port()


@pytest.mark.parametrize("what", ["GET", "listen"])
def test_a_stop_ends_streams_cleanly_and_waits_for_calls(
    port: int, upstream: RecordingUpstream, log_writer: None, what: str
) -> None:
    world, gate = make_world(upstream.url, ALLOW), threading.Event()

    def answer(received: Received) -> Reply:
        is_call = received.verb == "POST" and received.message["method"] == "tools/call"
        if is_call:
            return Reply(headers=JSON_HEADERS, parts=(gate, ANSWER))
        return Reply(headers=SSE_HEADERS, parts=(b": open\n\n", gate, b": later\n\n"))

    upstream.answer = answer
    process = start_gateway(port)
    try:
        wait_until(lambda: is_gateway_up(port), 60)
        agent = agent_of(f"http://127.0.0.1:{port}", world)
        with ThreadPoolExecutor() as pool, streaming(agent, what) as received:
            assert next(received) == b": open\n\n"
            call = pool.submit(agent.call, "getTickers")
            wait_until(lambda: len(upstream.calls()) == 1)
            process.terminate()
            # A stream that is cut off instead raises here: its last chunk is missing.
            assert b"".join(received) == b""
            wait_until(upstream.closed.is_set)
            assert not call.done()
            gate.set()
            assert (call.result().status_code, call.result().content) == (200, ANSWER)
        assert process.wait(timeout=30) in (0, -15)
    finally:
        gate.set()
        process.kill()
        process.wait()
    wait_until(lambda: "ok" in [record.status for record in records_of(world) if record.tool])
