"""Gateways that are broken in one way each, as wrappers around the real one: a check is worth what it catches."""

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable
from typing import Any

from tests.gateway.upstream import Received, RecordingUpstream

App = Callable[[Any, Any, Any], Awaitable[None]]
Mutant = Callable[[App, Any, Any, Any], Awaitable[None]]


class Breakable:
    """Passes everything to the real gateway, through the mutant that is set."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.base = ""
        self.mutant: Mutant | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self.mutant is None or scope["type"] != "http":
            await self._app(scope, receive, send)
        else:
            await self.mutant(self._app, scope, receive, send)


async def buffer_streams(app: App, scope: Any, receive: Any, send: Any) -> None:
    held: list[Any] = []

    async def hold(event: Any) -> None:
        held.append(event)

    await app(scope, receive, hold)
    for event in held:
        await send(event)


async def lose_session(app: App, scope: Any, receive: Any, send: Any) -> None:
    await app(scope, receive, changing_head(send, lambda head: drop(head, b"mcp-session-id")))


async def answer_200_for_202(app: App, scope: Any, receive: Any, send: Any) -> None:
    def change(head: Any) -> Any:
        return {**head, "status": 200} if head["status"] == 202 else head

    await app(scope, receive, changing_head(send, change))


def refuse_verb(verb: str) -> Mutant:
    async def mutant(app: App, scope: Any, receive: Any, send: Any) -> None:
        if scope["method"] != verb:
            await app(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 405, "headers": [(b"allow", b"POST")]})
        await send({"type": "http.response.body", "body": b""})

    return mutant


async def lose_last_event_id(app: App, scope: Any, receive: Any, send: Any) -> None:
    await app(drop(scope, b"last-event-id"), receive, send)


async def leave_upstream_open(app: App, scope: Any, receive: Any, send: Any) -> None:
    async def receive_all_but_the_end() -> Any:
        event = await receive()
        if event["type"] == "http.disconnect":
            await asyncio.Event().wait()
        return event

    await app(scope, receive_all_but_the_end, send)


async def coerce_ids(app: App, scope: Any, receive: Any, send: Any) -> None:
    body = json.loads(await read_all(receive))
    if "id" in body:
        body["id"] = str(body["id"])
    await app(drop(scope, b"content-length"), replaying(json.dumps(body).encode(), receive), send)


async def rebuild_headers(app: App, scope: Any, receive: Any, send: Any) -> None:
    kept = (b"host", b"authorization", b"accept", b"content-type", b"content-length", b"mcp-protocol-version")
    content = await read_all(receive)
    body = json.loads(content)
    mirrors = [(b"mcp-method", body["method"].encode()), (b"mcp-name", body["params"]["name"].encode())]
    headers = [pair for pair in scope["headers"] if pair[0] in kept]
    await app({**scope, "headers": [*headers, *mirrors]}, replaying(content, receive), send)


def pass_list_on(upstream: RecordingUpstream) -> Mutant:
    """Answers with the upstream's own bytes."""

    async def mutant(_app: App, scope: Any, receive: Any, send: Any) -> None:
        body = await read_all(receive)
        reply = upstream.answer(Received(scope["method"], scope["path"], tuple(scope["headers"]), body))
        await send({"type": "http.response.start", "status": reply.status, "headers": list(reply.headers)})
        parts = b"".join(part for part in reply.parts if isinstance(part, bytes))
        await send({"type": "http.response.body", "body": parts})

    return mutant


async def compress(app: App, scope: Any, receive: Any, send: Any) -> None:
    def change(head: Any) -> Any:
        head = drop(head, b"content-length")
        return {**head, "headers": [*head["headers"], (b"content-encoding", b"gzip")]}

    async def send_compressed(event: Any) -> None:
        if event["type"] == "http.response.body":
            event = {**event, "body": gzip.compress(event["body"])}
        await changing_head(send, change)(event)

    await app(scope, receive, send_compressed)


def drop(message: Any, name: bytes) -> Any:
    return {**message, "headers": [pair for pair in message["headers"] if pair[0] != name]}


def changing_head(send: Any, change: Callable[[Any], Any]) -> Any:
    async def send_changed(event: Any) -> None:
        await send(change(event) if event["type"] == "http.response.start" else event)

    return send_changed


async def read_all(receive: Any) -> bytes:
    parts: list[bytes] = []
    while True:
        event = await receive()
        parts.append(event.get("body", b""))
        if not event.get("more_body", False):
            return b"".join(parts)


def replaying(body: bytes, receive: Any) -> Any:
    first = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Any:
        return first.pop() if first else await receive()

    return receive_again
