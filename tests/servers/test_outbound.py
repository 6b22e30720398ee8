"""Every way out to an upstream: where its sockets open is recorded, and nothing is sent but to this machine."""

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

import pytest

from servers.discovery import discover
from servers.upstream.exchange import Exchange, ExchangeError
from servers.upstream.http import HttpUpstream, UpstreamBrokenError, UpstreamCall, UpstreamError
from servers.upstream.target import Target
from tests.servers.upstreams import App, Upstream, answer, serve

HOME: Final = "127.0.0.1"
Way = Callable[[Target, int], list[str]]


def send(verb: str) -> Way:
    """The hot path: so many requests, one after the other, over one pool."""

    async def send_all(target: Target, times: int) -> list[str]:
        upstream, told = HttpUpstream(), []
        await upstream.start()
        try:
            for _ in range(times):
                try:
                    opened = await upstream.open(UpstreamCall(verb, target, (), b"{}" if verb == "POST" else None))
                    await opened.read()
                    opened.close()
                    told.append("answered")
                except UpstreamError as error:
                    told.append(type(error).__name__)
        finally:
            await upstream.close()
        return told

    return lambda target, times: asyncio.run(send_all(target, times))


def exchange(target: Target, times: int) -> list[str]:
    """The control plane: so many requests over one client."""
    told = []
    with Exchange(target, time.monotonic() + 30) as opened:
        for _ in range(times):
            try:
                opened.notify("ping", {})
                told.append("answered")
            except ExchangeError as error:
                told.append(str(error))
    return told


def look(target: Target, times: int) -> list[str]:
    """Discovery, which is also the connection test."""
    told = []
    for _ in range(times):
        try:
            discover(target)
            told.append("answered")
        except ExchangeError as error:
            told.append(str(error))
    return told


WAYS: Final[dict[str, Way]] = {
    "call": send("POST"),
    "stream": send("GET"),
    "end": send("DELETE"),
    "control plane": exchange,
    "discovery": look,
}


@dataclass
class Recorder:
    """Stands where sockets connect: lets this machine through, and records what it stops."""

    opened: list[str] = field(default_factory=list)
    answers: list[list[str]] = field(default_factory=list)
    asked: int = 0

    def resolve(self, host: str, port: Any, *_: Any, **__: Any) -> list[Any]:
        """A name service whose last answer stands for all that follow; an address is its own answer."""
        if host == HOME:
            return [info_of(HOME, port)]
        self.asked += 1
        return [info_of(address, port) for address in self.answers[min(self.asked, len(self.answers)) - 1]]


def info_of(address: str, port: Any) -> Any:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    tail = (0, 1 if "%" in address else 0) if family == socket.AF_INET6 else ()
    return (family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, int(port or 0), *tail))


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Recorder:
    settings.ALLOW_PRIVATE_UPSTREAMS = True
    recorder, connect = Recorder(), socket.socket.connect

    def stop_or_connect(self: socket.socket, address: Any) -> None:
        recorder.opened.append(address[0])
        if address[0] != HOME:
            raise ConnectionRefusedError("stopped by the test")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", stop_or_connect)
    monkeypatch.setattr(socket.socket, "connect_ex", stop_or_connect)
    monkeypatch.setattr(socket, "getaddrinfo", recorder.resolve)
    return recorder


async def accept_and_close(scope: Any, receive: Any, send: Any) -> None:
    """Takes anything, and has a new connection made for the next request."""
    await answer(send, 202, b"", headers={"connection": "close"})


@pytest.fixture
def closing() -> Iterator[Upstream]:
    with serve(accept_and_close) as running:
        yield running


def target_of(upstream: Upstream, host: str = "upstream.example") -> Target:
    return Target(uuid4(), f"http://{host}:{upstream.port}/mcp", ())


# A name is no loopback address, so the control plane refuses it by its URL before anything is asked.
BY_NAME: Final = [name for name in WAYS if name in ("call", "stream", "end")]


@pytest.mark.parametrize("way", BY_NAME)
def test_a_name_is_asked_anew_for_each_connection_and_refused_once_it_leads_elsewhere(
    recorder: Recorder, closing: Upstream, way: str
) -> None:
    recorder.answers = [[HOME], [HOME], ["10.0.0.1"]]
    assert WAYS[way](target_of(closing), 4) == ["answered"] * 2 + ["UpstreamUnreachableError"] * 2
    assert recorder.opened == [HOME, HOME]
    assert (recorder.asked, len(closing.seen)) == (4, 2)


BAD_ANSWERS: Final[dict[str, list[str]]] = {
    "private": ["10.0.0.1"],
    "metadata": ["169.254.169.254"],
    "good and bad": [HOME, "10.0.0.1"],
    "bad and good": ["192.168.0.1", HOME],
    "many good and one bad": [HOME] * 20 + ["100.64.0.1"],
    "good and bad of both families": [HOME, "fd00::1"],
    "mapped loopback": ["::ffff:127.0.0.1"],
    "mapped private": ["::ffff:10.0.0.1"],
    "translated": ["64:ff9b::a00:1"],
    "6to4": ["2002:7f00:1::"],
    "ISATAP": ["2a00:1450::5efe:a00:1"],
    "link-local with a scope": ["fe80::1%1"],
    "loopback with a scope": ["::1%1"],
    "global with a scope": ["2a00:1450::1%1"],
    "unspecified": ["0.0.0.0"],
    "a cloud's service": ["168.63.129.16"],
    "public, at a port of this machine's": ["8.8.8.8"],
}


@pytest.mark.parametrize("way", BY_NAME)
@pytest.mark.parametrize("what", BAD_ANSWERS)
def test_one_bad_answer_opens_no_socket(recorder: Recorder, closing: Upstream, what: str, way: str) -> None:
    recorder.answers = [BAD_ANSWERS[what]]
    assert WAYS[way](target_of(closing), 1) == ["UpstreamUnreachableError"]
    assert recorder.opened == [] and recorder.asked == 1
    recorder.answers = [[HOME]]
    assert WAYS[way](target_of(closing), 1) == ["answered"]


@pytest.mark.parametrize("way", ["control plane", "discovery"])
@pytest.mark.parametrize("what", BAD_ANSWERS)
def test_the_control_plane_judges_what_localhost_leads_to(
    recorder: Recorder, closing: Upstream, what: str, way: str
) -> None:
    recorder.answers = [BAD_ANSWERS[what]]
    [told] = WAYS[way](target_of(closing, "localhost"), 1)
    assert "Give the https address" in told or "is not allowed" in told
    assert recorder.opened == [] and recorder.asked >= 1
    assert closing.seen == []


def test_the_control_plane_asks_anew_for_each_connection(recorder: Recorder, closing: Upstream) -> None:
    recorder.answers = [[HOME], [HOME], ["10.0.0.1"]]
    told = exchange(target_of(closing, "localhost"), 4)
    assert told[:2] == ["answered"] * 2 and all("10.0.0.1 is a private address" in one for one in told[2:])
    assert recorder.opened == [HOME, HOME]


def redirect(status: int, location: str) -> App:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await answer(send, status, b"", headers={"location": location})

    return app


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
def test_no_redirect_is_followed_even_to_an_address_that_is_allowed(
    recorder: Recorder, closing: Upstream, status: int, way: str
) -> None:
    with serve(redirect(status, f"http://{HOME}:{closing.port}/elsewhere")) as redirecting:
        [told] = WAYS[way](target_of(redirecting, HOME), 1)
        assert told == UpstreamBrokenError.__name__ or "redirect" in told
        assert redirecting.seen
    assert closing.seen == []


@pytest.mark.parametrize("way", WAYS)
def test_no_proxy_of_the_environment_is_asked(
    recorder: Recorder, closing: Upstream, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    with serve(accept_and_close) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://{HOME}:{proxy.port}")
        WAYS[way](target_of(closing, HOME), 1)
        assert proxy.seen == []
    assert closing.seen
