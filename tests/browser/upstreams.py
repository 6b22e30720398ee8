"""MCP servers on loopback that a whole installation registers: tools that change, and one that waits for the test."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from tests.servers.upstreams import App, Toolbox, Upstream, answer, live, make_tool, modern, serve

DEADLINE = 60.0
SIDE = {"type": "string", "enum": ["Buy", "Sell"]}


def order_tool(**properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": {"qty": {"type": "string"}, "side": SIDE, **properties}}
    return {"name": "placeOrder", "description": "Places an order.", "inputSchema": schema}


@contextmanager
def changing() -> Iterator[tuple[Toolbox, Upstream]]:
    """Three tools of a small exchange, which the test may change in place."""
    box = Toolbox(make_tool("getPrice"), make_tool("getBook"), order_tool())
    with serve(box.app()) as running:
        yield box, running


class Gate:
    """A server that answers each page of its tools only when the test lets it."""

    def __init__(self) -> None:
        self._turns = threading.Semaphore(0)

    def let_through(self, pages: int = 1) -> None:
        self._turns.release(pages)

    def list_tools(self, params: dict[str, Any]) -> dict[str, Any]:
        assert self._turns.acquire(timeout=DEADLINE)
        at = int(params.get("cursor", 0))
        more = {"nextCursor": str(at + 50)} if at < 100 else {}
        return {"tools": [make_tool(f"tool{at + each}") for each in range(50)], **more}


@contextmanager
def gated() -> Iterator[tuple[Gate, Upstream]]:
    """150 tools on three pages."""
    gate = Gate()
    with ExitStack() as stack:
        # A page that still waits would keep the server from ending.
        running = stack.enter_context(serve(in_threads(gate)))
        stack.callback(gate.let_through, 100)
        yield gate, running


def in_threads(gate: Gate) -> App:
    reply = modern(gate.list_tools)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await live(receive, send)
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        await answer(send, 200, await asyncio.to_thread(reply, json.loads(body)))

    return app
