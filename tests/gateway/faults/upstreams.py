"""An upstream that misbehaves below HTTP: it reads a request, and writes to the socket whatever the test says."""

import asyncio
import json
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

Play = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class RawUpstream:
    """Plays what the call's argument `symbol` (or a list's cursor) names; `received` are those names as they came."""

    plays: dict[str, Play]
    received: list[str] = field(default_factory=list)
    left: threading.Event = field(default_factory=threading.Event)
    spoken: threading.Event = field(default_factory=threading.Event)
    serving: list["asyncio.Task[None]"] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.serving.append(task)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                name = _name_of(await reader.readexactly(_length_of(head)))
                self.received.append(name)
                await self.plays[name](writer)
                self.spoken.set()
        except (OSError, asyncio.IncompleteReadError):
            self.left.set()
        finally:
            writer.transport.abort()


def _length_of(head: bytes) -> int:
    lines = [line.partition(b":") for line in head.lower().split(b"\r\n")]
    return next((int(value) for key, _, value in lines if key == b"content-length"), 0)


def _name_of(body: bytes) -> str:
    message: Any = json.loads(body) if body else {}
    params = message.get("params", {})
    name: str = params.get("cursor") or params.get("arguments", {}).get("symbol", "")
    return name


@asynccontextmanager
async def serving(upstream: RawUpstream, context: ssl.SSLContext | None = None) -> AsyncIterator[None]:
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0, ssl=context)
    upstream.port = server.sockets[0].getsockname()[1]
    try:
        yield
    finally:
        server.close()
        for task in upstream.serving:
            task.cancel()
        await asyncio.gather(*upstream.serving, return_exceptions=True)
        # Sockets close in the turn after their transports were aborted.
        await asyncio.sleep(0.05)


@contextmanager
def serve_raw(upstream: RawUpstream, context: ssl.SSLContext | None = None) -> Iterator[RawUpstream]:
    """Serve in a thread of its own; gives the upstream once its port is known."""
    is_up, loop = threading.Event(), asyncio.new_event_loop()
    end = asyncio.Event()
    # A peer that will not have our certificate is what some tests are about.
    loop.set_exception_handler(lambda *_: None)

    async def main() -> None:
        async with serving(upstream, context):
            is_up.set()
            await end.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(main(),), daemon=True)
    thread.start()
    assert is_up.wait(10)
    try:
        yield upstream
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(timeout=10)
        assert not thread.is_alive()
        loop.close()
