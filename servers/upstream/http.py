"""The hot path's way to an HTTP upstream: one aiohttp session a process, bounded in size and time, behind the guard.

Must never follow a redirect, keep a cookie, use a proxy of the environment, or name the upstream in an error's text.
"""

import asyncio
import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, Protocol

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from servers.upstream.guard import AddrInfo, check_answers, open_socket
from servers.upstream.sse import EventFramer, EventTooLargeError
from servers.upstream.target import Target

MAX_BODY: Final = 16 * 1024 * 1024
CONNECT_SECONDS: Final = 5.0
# Below the keep-alive time of common servers (5 s and more), so that a call does not meet a connection being closed.
KEEP_ALIVE_SECONDS: Final = 4.0
MAX_CONNECTIONS: Final = 4096
# Threads that wait for name servers; made as they are needed.
MAX_LOOKUPS: Final = 128


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to wait: for an answer's head, for all of a body, and for the next bytes of a stream."""

    head: float = 60.0
    body: float = 60.0
    idle: float = 300.0


# RuntimeError is what aiohttp raises to who waits for more of a body when it closed the connection over odd bytes.
_BREAKS: Final = (aiohttp.ClientError, aiohttp.http.HttpProcessingError, OSError, RuntimeError)


class UpstreamError(Exception):
    """The upstream gave no usable answer. `is_sent`: a byte of the request may have left, so something may be done."""

    def __init__(self, text: str, *, is_sent: bool) -> None:
        super().__init__(text)
        self.is_sent = is_sent


class UpstreamUnreachableError(UpstreamError):
    """No connection was made: refused by the guard or the network, no such name, bad TLS."""

    def __init__(self) -> None:
        super().__init__("The server could not be reached.", is_sent=False)


class UpstreamTimeoutError(UpstreamError):
    """It did not answer in time."""

    def __init__(self) -> None:
        super().__init__("The server did not answer in time.", is_sent=True)


class UpstreamBrokenError(UpstreamError):
    """It closed the connection, or what it sent is no answer that may be passed on."""

    def __init__(self, text: str = "The connection to the server broke.") -> None:
        super().__init__(text, is_sent=True)


@dataclass(frozen=True, slots=True)
class UpstreamCall:
    """One request. `headers` are the protocol's own; the target's secret ones are added when it is sent."""

    verb: str
    target: Target
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)


class Answer(Protocol):
    """What an upstream answers: `status`, then either one body or events, then close()."""

    status: int
    media_type: str
    headers: Mapping[str, str]

    async def read(self) -> bytes: ...
    async def next_event(self) -> bytes | None: ...
    def hide_secrets(self, text: bytes) -> bytes: ...
    def close(self) -> None: ...


class Upstream(Protocol):
    """One way to reach an upstream; raises UpstreamError and nothing else."""

    async def open(self, call: UpstreamCall) -> Answer: ...


class HttpAnswer:
    """The head is here; the body comes as one (read) or as events (next_event), each bounded."""

    def __init__(self, response: aiohttp.ClientResponse, target: Target, patience: Patience) -> None:
        self._target = target
        self._patience = patience
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers
        self.media_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        self._response = response
        self._framer = EventFramer()
        self._heard_at = 0.0

    async def read(self) -> bytes:
        """The whole body, at most MAX_BODY bytes and as long as patience lasts; raises UpstreamError."""
        content = self._response.content
        try:
            if content.is_eof() and content.exception() is None:
                # All of it came with the head, as it does for most calls.
                return content.read_nowait()
            chunks: list[bytes] = []
            size = 0
            async with asyncio.timeout(self._patience.body):
                while not content.at_eof():
                    chunks.append(await content.readany())
                    size += len(chunks[-1])
                    if size > MAX_BODY:
                        raise UpstreamBrokenError("The server's answer is too large.")
        except TimeoutError:
            raise UpstreamTimeoutError from None
        except _BREAKS:
            raise UpstreamBrokenError from None
        return b"".join(chunks)

    async def next_event(self) -> bytes | None:
        """The next event, None at the end; may be cancelled and called again. Raises UpstreamError."""
        loop = asyncio.get_running_loop()
        self._heard_at = self._heard_at or loop.time()
        content = self._response.content
        try:
            while (event := self._framer.pop()) is None:
                async with asyncio.timeout_at(self._heard_at + self._patience.idle):
                    chunk = await content.readany()
                if not chunk and content.at_eof():
                    return None
                self._heard_at = loop.time()
                self._framer.feed(chunk)
        except TimeoutError:
            raise UpstreamTimeoutError from None
        except EventTooLargeError:
            raise UpstreamBrokenError("The server sent an event that is too large.") from None
        except _BREAKS:
            raise UpstreamBrokenError from None
        return event

    def hide_secrets(self, text: bytes) -> bytes:
        """A failure's text without what the upstream was sent in confidence."""
        return self._target.hide_secrets(text)

    def close(self) -> None:
        """Give the connection back when the body was read to its end, else cut it."""
        self._response.close()


class GuardedResolver(AbstractResolver):
    """Looks a name up for each new connection; one forbidden answer refuses them all, as it shows a hostile name.

    Has threads of its own, and one look-up at a time for a name: whose name server is slow keeps only himself waiting.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(MAX_LOOKUPS, "names")
        self._running: dict[tuple[str, int], asyncio.Future[list[AddrInfo]]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The checked addresses of a name, of both families; raises AddressRefusedError and socket.gaierror."""
        running = self._running.get((host, port))
        if running is None:
            running = asyncio.get_running_loop().run_in_executor(self._threads, _look_up, host, port)
            self._running[host, port] = running
            running.add_done_callback(lambda done: self._end(host, port, done))
        # Shielded: whoever gives up does not take the answer from those who wait for the same name.
        found = check_answers(await asyncio.shield(running))
        return [_answer_of(host, info) for info in found]

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _end(self, host: str, port: int, done: "asyncio.Future[list[AddrInfo]]") -> None:
        self._running.pop((host, port), None)
        if not done.cancelled():
            # Seen here, in case everybody has given up.
            done.exception()


def _look_up(host: str, port: int) -> list[AddrInfo]:
    return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG))


def _answer_of(host: str, info: AddrInfo) -> ResolveResult:
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(
        hostname=host, host=str(info[4][0]), port=int(info[4][1]), family=int(info[0]), proto=info[2], flags=flags
    )


class TidyConnector(aiohttp.TCPConnector):
    """Uses no connection again on which something came unasked: it would be taken for the next answer."""

    async def _get(self, key: Any, traces: Any) -> Any:
        # aiohttp looks for such bytes when a connection is given back, and not when it is taken out again.
        while (connection := await super()._get(key, traces)) is not None:
            if connection.protocol is None or not connection.protocol.should_close:
                return connection
            connection.close()
        return None


class HttpUpstream:
    """Sends calls over HTTP; start() and close() belong to one event loop."""

    def __init__(self, patience: Patience = Patience()) -> None:
        self._patience = patience
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Open the pool."""
        connector = TidyConnector(
            resolver=GuardedResolver(),
            use_dns_cache=False,
            socket_factory=open_socket,
            limit=MAX_CONNECTIONS,
            keepalive_timeout=KEEP_ALIVE_SECONDS,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            headers={"Accept-Encoding": "identity", "User-Agent": "PolicyLayer"},
            timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS * 2, sock_connect=CONNECT_SECONDS),
        )

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def open(self, call: UpstreamCall) -> Answer:
        """The head of the answer, which the caller closes. Raises UpstreamError, to which all else is mapped."""
        response = await self._send(call)
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            response.close()
            raise UpstreamBrokenError("The server compressed its answer though it was asked not to.")
        if response.status < 200:
            response.close()
            raise UpstreamBrokenError("The server asked for another protocol.")
        if 300 <= response.status < 400:
            response.close()
            raise UpstreamBrokenError("The server answered with a redirect, which is not followed.")
        return HttpAnswer(response, call.target, self._patience)

    async def _send(self, call: UpstreamCall) -> aiohttp.ClientResponse:
        if self._session is None:
            raise UpstreamUnreachableError
        try:
            async with asyncio.timeout(self._patience.head):
                return await self._session.request(
                    call.verb,
                    _url_of(call.target.url),
                    data=call.body,
                    headers=(*call.headers, *call.target.headers),
                    allow_redirects=False,
                )
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL):
            raise UpstreamUnreachableError from None
        except TimeoutError:
            raise UpstreamTimeoutError from None
        except _BREAKS:
            raise UpstreamBrokenError from None


@lru_cache(maxsize=4096)
def _url_of(url: str) -> URL:
    # Already in its normal spelling (guard.check_url); taken letter for letter.
    return URL(url, encoded=True)
