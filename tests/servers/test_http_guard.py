"""The hot path's client behind the guard: asserted at a socket that records whether anybody came."""

import asyncio
import socket
from collections.abc import Iterator
from threading import Event
from typing import Any
from uuid import uuid4

import pytest

from servers.upstream.http import GuardedResolver, HttpUpstream, UpstreamCall, UpstreamError, UpstreamUnreachableError
from servers.upstream.target import Target

GOOD, BAD = "127.0.0.1", "10.0.0.1"


@pytest.fixture
def recorder() -> Iterator[socket.socket]:
    with socket.socket() as listening:
        listening.bind((GOOD, 0))
        listening.listen()
        listening.settimeout(1)
        yield listening


def has_visitor(recorder: socket.socket) -> bool:
    try:
        recorder.accept()[0].close()
    except TimeoutError:
        return False
    return True


def answer_names_with(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """The machine's name service, which is not ours: every name has these addresses."""

    def resolve(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


async def call(host: str, recorder: socket.socket) -> None:
    upstream = HttpUpstream()
    await upstream.start()
    try:
        target = Target(uuid4(), f"http://{host}:{recorder.getsockname()[1]}/mcp", ())
        await upstream.open(UpstreamCall("POST", target, (), b"{}"))
    finally:
        await upstream.close()


async def test_a_name_with_allowed_addresses_only_is_reached(
    recorder: socket.socket, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ALLOW_PRIVATE_UPSTREAMS = True
    answer_names_with(monkeypatch, GOOD)
    visit = asyncio.create_task(call("upstream.example", recorder))
    assert await asyncio.to_thread(has_visitor, recorder)
    with pytest.raises(UpstreamError) as failure:
        await visit
    assert failure.value.is_sent


async def test_one_forbidden_address_refuses_the_name_before_any_socket(
    recorder: socket.socket, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ALLOW_PRIVATE_UPSTREAMS = True
    answer_names_with(monkeypatch, GOOD, BAD)
    with pytest.raises(UpstreamUnreachableError):
        await call("upstream.example", recorder)
    assert not has_visitor(recorder)


@pytest.mark.parametrize("host", [GOOD, "localhost"])
async def test_this_machine_is_refused_unless_the_operator_allows_it(
    host: str, recorder: socket.socket, settings: Any
) -> None:
    settings.ALLOW_PRIVATE_UPSTREAMS = False
    settings.SIMULATOR_URL = ""
    with pytest.raises(UpstreamUnreachableError):
        await call(host, recorder)
    assert not has_visitor(recorder)


async def test_a_slow_name_server_keeps_only_its_own_name_waiting(
    recorder: socket.socket, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ALLOW_PRIVATE_UPSTREAMS = True
    is_over = Event()
    asked: list[str] = []

    def resolve(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        if host == "slow.example":
            is_over.wait(30)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (GOOD, port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    resolver = GuardedResolver()
    slow = [asyncio.create_task(resolver.resolve("slow.example", 443)) for _ in range(200)]
    quick = await resolver.resolve("quick.example", 443)
    assert [answer["host"] for answer in quick] == [GOOD]
    assert not any(task.done() for task in slow)
    is_over.set()
    await asyncio.gather(*slow)
    assert sorted(asked) == ["quick.example", "slow.example"]
    await resolver.close()
