"""One HTTP exchange over ASGI: reads a bounded body, answers as JSON or as a stream, notices that the client left."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, HTTPScope

from gateway.errors import BodyTimeoutError, ErrorAnswer, InvalidRequestError, MediaTypeError, TooLargeError
from gateway.headers import Headers, text_of
from gateway.jsonrpc import MAX_BYTES, RequestId, write_tree

Pair = tuple[bytes, bytes]

# For all of a body, however it trickles in.
BODY_SECONDS: Final = 30.0
JSON_TYPE: Final = (b"content-type", b"application/json")
STREAM_HEADERS: Final[tuple[Pair, ...]] = (
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
)


class Exchange:
    """The caller's side. `is_started`: the head of the answer has been sent, so another one cannot be."""

    __slots__ = ("_receive", "_send", "_sent", "is_started", "scope")

    def __init__(self, scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        self.scope = scope
        self._receive = receive
        self._send: Any = send
        self.is_started = False

    async def read_body(self, headers: Headers) -> bytes:
        """The whole body, at most MAX_BYTES within BODY_SECONDS.

        Raises TooLargeError, BodyTimeoutError, MediaTypeError, and InvalidRequestError for a client that left.
        """
        _check_media(headers)
        announced = headers.get(b"content-length", b"0")
        if announced.isdigit() and int(announced[:20]) > MAX_BYTES:
            raise TooLargeError(f"The body is larger than {MAX_BYTES} bytes.")
        try:
            async with asyncio.timeout(BODY_SECONDS):
                return await self._read_parts()
        except TimeoutError:
            raise BodyTimeoutError(f"The body did not arrive within {BODY_SECONDS:.0f} seconds.") from None

    async def _read_parts(self) -> bytes:
        parts: list[bytes] = []
        size = 0
        while True:
            event: Any = await self._receive()
            if event["type"] != "http.request":
                raise InvalidRequestError("The body is not complete.")
            part: bytes = event.get("body", b"")
            size += len(part)
            if size > MAX_BYTES:
                raise TooLargeError(f"The body is larger than {MAX_BYTES} bytes.")
            if not event.get("more_body", False):
                return b"".join([*parts, part]) if parts else part
            parts.append(part)

    async def answer(self, status: int, body: bytes = b"", headers: Sequence[Pair] = ()) -> None:
        """A whole answer."""
        self.is_started = True
        length = (b"content-length", b"%d" % len(body))
        await self._send({"type": "http.response.start", "status": status, "headers": [length, *headers]})
        await self._send({"type": "http.response.body", "body": body})

    async def fail(self, error: ErrorAnswer, request_id: RequestId | None, headers: Sequence[Pair] = ()) -> None:
        """A JSON-RPC error; its id is null where the request's could not be read."""
        await self.answer(error.status, error_body(error, request_id), (JSON_TYPE, *headers))

    async def start_stream(self, headers: Sequence[Pair] = ()) -> None:
        """The head of an event stream, sent at once."""
        self.is_started = True
        await self._send({"type": "http.response.start", "status": 200, "headers": [*STREAM_HEADERS, *headers]})
        await self._send({"type": "http.response.body", "body": b"", "more_body": True})

    async def send_part(self, part: bytes) -> None:
        """More of the stream; waits while the client reads slowly, and does nothing when it has left."""
        await self._send({"type": "http.response.body", "body": part, "more_body": True})

    async def end_stream(self) -> None:
        """The end of the stream."""
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    def watch(self, on_leave: Callable[[], None], *, delay: float) -> "Watch":
        """Call `on_leave` when the client leaves; begins after `delay` seconds, as most calls are over by then."""
        return Watch(self._receive, on_leave, delay)


class Watch:
    """Waits for the client's end of the connection, after the body was read; close() it before the answer is over."""

    __slots__ = ("_handle", "_on_leave", "_receive", "_task", "has_left")

    def __init__(self, receive: ASGIReceiveCallable, on_leave: Callable[[], None], delay: float) -> None:
        self._receive = receive
        self._on_leave = on_leave
        self._task: asyncio.Task[None] | None = None
        self.has_left = False
        self._handle = asyncio.get_running_loop().call_later(delay, self._begin)

    def _begin(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._wait())

    async def _wait(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.has_left = True
        self._on_leave()

    def close(self) -> None:
        self._handle.cancel()
        if self._task is not None:
            self._task.cancel()


def error_body(error: ErrorAnswer, request_id: RequestId | None) -> bytes:
    """A JSON-RPC error response."""
    return write_tree({"jsonrpc": "2.0", "id": request_id, "error": {"code": error.code, "message": error.message}})


def _check_media(headers: Headers) -> None:
    if headers.get(b"content-encoding", b"identity").strip().lower() not in (b"identity", b""):
        raise MediaTypeError("Compressed bodies are not read.")
    media, _, parameters = text_of(headers, b"content-type").partition(";")
    charset = parameters.strip().lower().replace('"', "").replace(" ", "")
    if media.strip().lower() != "application/json" or charset not in ("", "charset=utf-8", "charset=utf8"):
        raise MediaTypeError("The body must be application/json in UTF-8.")
