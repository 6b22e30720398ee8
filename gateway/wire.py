"""One Redis connection that the concurrent calls of a process share as a pipeline; knows commands, not what they mean.

Never waits on a store that is known to be away: it fails at once and tries again by itself.
"""

import asyncio
import logging
import ssl
from collections import deque
from typing import Any, Final, cast

import hiredis
from redis.asyncio.connection import parse_url

log = logging.getLogger(__name__)

Argument = str | bytes | int

CONNECT_SECONDS: Final = 1.0
ANSWER_SECONDS: Final = 1.0
RETRY_SECONDS: Final = 0.25
# So long a command whose reply nobody waits for may wait for one to travel with.
LINGER_SECONDS: Final = 0.005


class StoreAwayError(Exception):
    """Redis did not answer: nothing is known about whether the command was carried out."""


class StoreReplyError(Exception):
    """Redis answered with an error; its text starts with a code word such as NOSCRIPT."""


class Wire:
    """Sends commands in the order they come, many to a packet; start() and close() belong to one event loop."""

    def __init__(self, url: str) -> None:
        options = cast("dict[str, Any]", dict(parse_url(url)))
        self._host: str = options.get("host", "localhost")
        self._port: int = options.get("port", 6379)
        self._greeting = _greeting_of(options)
        self._ssl = ssl.create_default_context() if url.startswith("rediss://") else None
        self._connection: _Connection | None = None
        self._keeper: asyncio.Task[None] | None = None

    @property
    def is_open(self) -> bool:
        """Whether commands can be sent now."""
        return self._connection is not None and self._connection.is_open

    async def start(self) -> None:
        """Try to connect once, then keep the connection up until close()."""
        await self._connect()
        self._keeper = asyncio.get_running_loop().create_task(self._keep())

    async def close(self) -> None:
        """Fail what is waiting and stop."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        if self._connection is not None:
            self._connection.drop()

    def send(self, *arguments: Argument, lingers: bool = False) -> "asyncio.Future[Any]":
        """The reply to come: bytes, int, list or None. Fails with StoreAwayError or StoreReplyError.

        What `lingers` leaves with the next command, LINGER_SECONDS later at the latest: each packet costs as much as a
        good part of a call.
        """
        if self._connection is None:
            future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            future.set_exception(StoreAwayError())
            return future
        return self._connection.send(_pack(arguments), lingers=lingers)

    async def _keep(self) -> None:
        was_open = True
        while True:
            await asyncio.sleep(RETRY_SECONDS)
            if self._connection is not None:
                self._connection.check()
            if not self.is_open:
                await self._connect()
            if self.is_open != was_open:
                was_open = self.is_open
                log.warning("Redis is %s", "back" if was_open else "away")

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _, connection = await loop.create_connection(_Connection, self._host, self._port, ssl=self._ssl)
                try:
                    for command in self._greeting:
                        await connection.send(_pack(command))
                except BaseException:
                    connection.drop()
                    raise
        except (OSError, StoreAwayError, StoreReplyError) as error:
            # TimeoutError is an OSError. The name only: texts of the network may hold addresses.
            log.debug("no connection to Redis: %s", type(error).__name__)
            return
        self._connection = connection


class _Connection(asyncio.Protocol):
    """Replies come in the order of the commands."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader(protocolError=StoreReplyError, replyError=StoreReplyError)
        self._waiting: deque[tuple[float, asyncio.Future[Any]]] = deque()
        self._packed: list[bytes] = []
        self._is_leaving = False
        self._transport: asyncio.Transport | None = None

    @property
    def is_open(self) -> bool:
        return self._transport is not None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def send(self, packed: bytes, *, lingers: bool = False) -> "asyncio.Future[Any]":
        future: asyncio.Future[Any] = self._loop.create_future()
        if self._transport is None:
            future.set_exception(StoreAwayError())
            return future
        self._waiting.append((self._loop.time(), future))
        self._packed.append(packed)
        if not lingers and not self._is_leaving:
            # Commands of the same turn of the loop travel in one packet.
            self._is_leaving = True
            self._loop.call_soon(self._flush)
        elif len(self._packed) == 1:
            self._loop.call_later(LINGER_SECONDS, self._flush)
        return future

    def _flush(self) -> None:
        self._is_leaving = False
        packed, self._packed = self._packed, []
        if packed and self._transport is not None:
            self._transport.write(b"".join(packed))

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while True:
            try:
                reply = self._reader.gets()
            except StoreReplyError:
                self.drop()
                return
            if reply is False:
                return
            future = self._waiting.popleft()[1]
            if future.done():
                continue
            if isinstance(reply, StoreReplyError):
                future.set_exception(reply)
            else:
                future.set_result(reply)

    def check(self) -> None:
        """Give the connection up when its oldest command has waited too long: nothing behind it can be answered."""
        if self._waiting and self._loop.time() - self._waiting[0][0] > ANSWER_SECONDS:
            self.drop()

    def drop(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()
        waiting, self._waiting = self._waiting, deque()
        for _, future in waiting:
            if not future.done():
                future.set_exception(StoreAwayError())

    def connection_lost(self, error: Exception | None) -> None:
        self.drop()


def _pack(arguments: tuple[Argument, ...]) -> bytes:
    # hiredis's own types allow one argument only.
    packed: bytes = cast("Any", hiredis.pack_command)(arguments)
    return packed


def _greeting_of(options: dict[str, Any]) -> list[tuple[str, ...]]:
    greeting: list[tuple[str, ...]] = []
    if options.get("password"):
        user = (options["username"],) if options.get("username") else ()
        greeting.append(("AUTH", *user, options["password"]))
    greeting.append(("SELECT", str(options.get("db", 0))))
    return greeting
