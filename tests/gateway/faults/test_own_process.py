"""A gateway in a process of its own: what certificates it takes, and how much memory hostile answers cost it."""

import contextlib
import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

import httpx
import pytest

from tests.gateway.faults.certificates import Authority
from tests.gateway.faults.plays import (
    JSON_TYPE,
    MEGABYTE,
    NOTE,
    RESULT,
    STREAM,
    answer_of,
    chunk_of,
    event_of,
    make_bomb,
    pour,
    say,
)
from tests.gateway.faults.upstreams import Play, RawUpstream, serve_raw
from tests.gateway.stores import free_port, is_gateway_up, start_gateway
from tests.gateway.world import ALLOW, Agent, agent_of, make_world, wait_until

UNREACHABLE = {"code": -31502, "message": "The server could not be reached."}
ROUNDS = 5
AT_ONCE = 4
# Of what is taken in at most: a body of 16 MiB or an event of 8 MiB for each call, and what it is copied to.
MOST = AT_ONCE * 3 * 16 * MEGABYTE


@dataclass
class Own:
    process: subprocess.Popen[bytes]
    base: str
    authority: Authority

    def memory(self) -> int:
        """What it holds now, in bytes."""
        shown = subprocess.run(["ps", "-o", "rss=", "-p", str(self.process.pid)], check=True, capture_output=True)
        return int(shown.stdout) * 1024


@pytest.fixture(scope="module")
def own(rows: None, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Own]:
    authority = Authority(tmp_path_factory.mktemp("certificates"))
    port = free_port()
    process = start_gateway(port, {"SSL_CERT_FILE": str(authority.file)})
    try:
        wait_until(lambda: is_gateway_up(port), 60)
        yield Own(process, f"http://127.0.0.1:{port}", authority)
    finally:
        process.terminate()
        process.wait(timeout=40)


@contextlib.contextmanager
def playing(plays: dict[str, Play]) -> Iterator[RawUpstream]:
    with serve_raw(RawUpstream({"": say(answer_of(RESULT)), **plays})) as upstream:
        yield upstream


@pytest.mark.slow
@pytest.mark.parametrize(
    ("host", "lasts", "is_self_signed"),
    [
        ("localhost", timedelta(days=-1), False),
        ("mcp.example.com", timedelta(days=1), False),
        ("localhost", timedelta(days=1), True),
    ],
    ids=["expired", "another name", "self-signed"],
)
def test_a_server_with_a_bad_certificate_is_not_spoken_to(
    own: Own, host: str, lasts: timedelta, is_self_signed: bool
) -> None:
    bad = own.authority.context_for(host, lasts=lasts, is_self_signed=is_self_signed)
    good = own.authority.context_for("localhost")
    for context, is_good in ((bad, False), (good, True)):
        with serve_raw(RawUpstream({"": say(answer_of(RESULT))}), context) as upstream:
            agent = agent_of(own.base, make_world(f"https://localhost:{upstream.port}/mcp", ALLOW))
            response = agent.call("getTickers")
            if is_good:
                assert response.content == RESULT
            else:
                assert (response.status_code, response.json()["error"]) == (502, UNREACHABLE)
            assert upstream.received == ([""] if is_good else [])


@pytest.mark.slow
def test_a_server_without_tls_is_not_spoken_to_where_tls_was_agreed(own: Own) -> None:
    with serve_raw(RawUpstream({"": say(answer_of(RESULT))})) as upstream:
        agent = agent_of(own.base, make_world(f"https://localhost:{upstream.port}/mcp", ALLOW))
        response = agent.call("getTickers")
    assert (response.status_code, response.json()["error"]) == (502, UNREACHABLE)
    assert upstream.received == []


JSON_STREAM = STREAM.replace(b"text/event-stream", b"application/json")
BOMBS = {
    "bomb": say(answer_of(make_bomb(1024 * MEGABYTE), JSON_TYPE + b"Content-Encoding: gzip\r\n")),
    "body": pour(JSON_STREAM, chunk_of(b"1," * 32_768)),
    "line": pour(STREAM, chunk_of(b"x" * 65_536)),
    "event": pour(STREAM, chunk_of(b"data: " + b"x" * 1000 + b"\n")),
    "head": pour(b"HTTP/1.1 200 OK\r\n", b"X-Many: " + b"x" * 1000 + b"\r\n"),
    "status": pour(b"", b"HTTP/1.1 200 " + b"x" * 65_536),
}


@pytest.mark.slow
def test_answers_without_an_end_cost_no_more_memory_than_is_declared(own: Own) -> None:
    with playing(BOMBS) as upstream:
        world = make_world(upstream.url, ALLOW)

        def ask(name: str) -> httpx.Response:
            with httpx.Client(trust_env=False, timeout=120) as client:
                return Agent(own.base, world.server.id, world.token, http=client).call("getTickers", {"symbol": name})

        assert ask("").content == RESULT
        before, most = own.memory(), 0
        with ThreadPoolExecutor(AT_ONCE) as pool:
            asked = [pool.submit(ask, name) for _ in range(ROUNDS) for name in BOMBS]
            while not all(one.done() for one in asked):
                most = max(most, own.memory())
        assert all('"code":-31502' in one.result().text for one in asked)
        assert most - before < MOST
        assert ask("").content == RESULT


@pytest.mark.slow
def test_a_client_that_does_not_read_keeps_its_server_waiting_and_fills_no_memory(own: Own) -> None:
    poured = event_of(NOTE.replace(b"{}", b'{"x":"%s"}' % (b"x" * 65_536)))
    with playing({"events": pour(STREAM, poured)}) as upstream:
        world = make_world(upstream.url, ALLOW)
        agent = agent_of(own.base, world)
        assert agent.call("getTickers").content == RESULT
        before = own.memory()
        params = {"name": "getTickers", "arguments": {"symbol": "events"}}
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
        with httpx.stream(
            "POST", agent.url, content=body, headers=agent.head(), trust_env=False, timeout=60
        ) as response:
            chunks = response.iter_raw()
            # It is relayed event by event for as long as it is read ...
            assert sum(len(next(chunks)) for _ in range(200)) > MEGABYTE
            # ... and waits otherwise: the next answers come at once, and nothing piles up.
            for _ in range(100):
                assert agent.call("getTickers").content == RESULT
            assert own.memory() - before < 32 * MEGABYTE
