"""A small MCP upstream on loopback: records the bytes that reach it and answers as the test says."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import uvicorn

Pair = tuple[bytes, bytes]
JSON_HEADERS: tuple[Pair, ...] = ((b"content-type", b"application/json"),)
SSE_HEADERS: tuple[Pair, ...] = ((b"content-type", b"text/event-stream"),)

TOOLS: list[dict[str, Any]] = [
    {
        "name": "getTickers",
        "title": "Tickers",
        "description": "Prices.",
        "inputSchema": {"type": "object", "properties": {"symbol": {"type": "string"}}},
    },
    {"name": "getWallet", "inputSchema": {"type": "object", "properties": {}}, "x-own": {"depth": [1.50, {"a": None}]}},
    {
        "name": "placeOrder",
        "inputSchema": {
            "type": "object",
            "properties": {"symbol": {"type": "string"}, "qty": {"type": "string"}},
            "required": ["symbol", "qty"],
        },
    },
    {"name": "wipeAccount", "inputSchema": {"type": "object", "properties": {}}},
    {
        "name": "routed",
        "inputSchema": {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}},
    },
]


@dataclass(frozen=True)
class Received:
    """One request as it came."""

    verb: str
    path: str
    headers: tuple[Pair, ...]
    body: bytes

    @property
    def message(self) -> Any:
        return json.loads(self.body)

    def header(self, name: bytes) -> bytes | None:
        return next((value for key, value in self.headers if key == name), None)


@dataclass(frozen=True)
class Reply:
    """What to answer: parts are sent one by one, and an event among them is waited for first."""

    status: int = 200
    headers: Sequence[Pair] = JSON_HEADERS
    parts: Sequence[bytes | threading.Event] = ()


def result_of(received: Received, result: dict[str, Any]) -> Reply:
    body = json.dumps({"jsonrpc": "2.0", "id": received.message["id"], "result": result}).encode()
    return Reply(parts=(body,))


def answer_normally(received: Received) -> Reply:
    if received.verb != "POST":
        return Reply(status=405, headers=((b"allow", b"POST"),))
    message = received.message
    if "id" not in message or "method" not in message:
        return Reply(status=202, headers=())
    if message["method"] == "tools/list":
        return result_of(received, {"tools": TOOLS, "ttlMs": 60000, "cacheScope": "public"})
    if message["method"] == "initialize":
        return result_of(
            received,
            {
                "protocolVersion": "2025-11-25",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "recorder", "version": "1"},
            },
        )
    return result_of(received, {"content": [{"type": "text", "text": "done"}]})


@dataclass
class RecordingUpstream:
    url: str = ""
    received: list[Received] = field(default_factory=list)
    answer: Callable[[Received], Reply] = answer_normally
    closed: threading.Event = field(default_factory=threading.Event)

    def calls(self) -> list[Received]:
        return [one for one in self.received if one.verb == "POST" and one.message.get("method") == "tools/call"]

    def reset(self) -> None:
        self.received.clear()
        self.answer = answer_normally
        self.closed.clear()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            event = await receive()
            body += event.get("body", b"")
            if not event.get("more_body", False):
                break
        received = Received(scope["method"], scope["path"], tuple(scope["headers"]), body)
        self.received.append(received)
        reply = self.answer(received)
        await send({"type": "http.response.start", "status": reply.status, "headers": list(reply.headers)})
        for part in reply.parts:
            if isinstance(part, threading.Event):
                await self._wait(part, receive)
            else:
                await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _wait(self, gate: threading.Event, receive: Any) -> None:

        leaving = asyncio.ensure_future(receive())
        while not gate.is_set() and not leaving.done():
            await asyncio.sleep(0.01)
        if leaving.done():
            self.closed.set()
        leaving.cancel()


@contextmanager
def serve(app: Any, *, lifespan: Literal["on", "off"] = "off") -> Iterator[int]:
    """Run an ASGI application on a free port of loopback in a thread; gives the port."""
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, lifespan=lifespan, log_config=None, access_log=False, timeout_graceful_shutdown=2
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started:
        assert thread.is_alive() and time.monotonic() < deadline, "the server did not start"
        time.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        assert not thread.is_alive()
