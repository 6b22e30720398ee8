"""Upstreams for tests: MCP servers of the official SDK, and ASGI applications that misbehave, on loopback ports."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import mcp_types as types
import uvicorn
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server

App = Callable[..., Any]
Tool = dict[str, Any]
DEADLINE = 10.0


@dataclass
class Seen:
    """One request as it reached the upstream."""

    method: str
    path: str
    headers: dict[str, str]


@dataclass
class Upstream:
    """A running upstream and what it was sent."""

    url: str
    port: int
    seen: list[Seen] = field(default_factory=list)


@contextmanager
def serve(app: App, **options: Any) -> Iterator[Upstream]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        scheme = "https" if options else "http"
        upstream = Upstream(f"{scheme}://localhost:{port}/mcp", port)
        config = uvicorn.Config(record(app, upstream.seen), log_config=None, timeout_graceful_shutdown=1, **options)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        wait_until(lambda: server.started)
        try:
            yield upstream
        finally:
            server.should_exit = True
            thread.join(DEADLINE)


def wait_until(is_true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def record(app: App, seen: list[Seen]) -> App:
    async def recorded(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            headers = {name.decode(): value.decode() for name, value in scope["headers"]}
            seen.append(Seen(scope["method"], scope["path"], headers))
        await app(scope, receive, send)

    return recorded


def make_tool(name: str, **fields: Any) -> Tool:
    schema = {"type": "object", "properties": {"symbol": {"type": "string"}}, "required": ["symbol"]}
    return {"name": name, "description": f"Does {name}", "inputSchema": schema, **fields}


class Toolbox:
    """The tools that an SDK server offers; tests change the list between discoveries."""

    def __init__(self, *tools: Tool, page: int = 1000) -> None:
        self.tools = list(tools)
        self.page = page

    async def list_tools(
        self, ctx: ServerRequestContext[Any], params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        start = int(params.cursor) if params is not None and params.cursor else 0
        end = start + self.page
        return types.ListToolsResult(
            tools=[types.Tool.model_validate(tool) for tool in self.tools[start:end]],
            next_cursor=str(end) if end < len(self.tools) else None,
        )

    async def call_tool(
        self, ctx: ServerRequestContext[Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        return types.CallToolResult(content=[types.TextContent(text=params.name)])

    def app(self, *, answers_json: bool = True) -> App:
        """Both eras, as the SDK serves them."""
        server: Server[Any] = Server("fixture", on_list_tools=self.list_tools, on_call_tool=self.call_tool)
        return server.streamable_http_app(json_response=answers_json)

    def legacy_app(self, *, answers_json: bool = False) -> App:
        """What a server of an SDK before 2026-07-28 does with a version that it does not know: 400."""
        app = self.app(answers_json=answers_json)

        async def legacy(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
            if (b"mcp-protocol-version", b"2026-07-28") in scope.get("headers", ()):
                error = {"code": -32600, "message": "Bad Request: Unsupported protocol version: 2026-07-28"}
                body = {"jsonrpc": "2.0", "id": "server-error", "error": error}
                await answer(send, 400, json.dumps(body).encode())
                return
            await app(scope, receive, send)

        return legacy


def with_bearer(app: App, token: str) -> App:
    async def guarded(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http" and (b"authorization", f"Bearer {token}".encode()) not in scope["headers"]:
            await answer(send, 401, b"no", {"www-authenticate": "Bearer"})
            return
        await app(scope, receive, send)

    return guarded


async def answer(
    send: Any, status: int, body: bytes, headers: Mapping[str, str] | None = None, *, kind: str = "application/json"
) -> None:
    sent = {"content-type": kind, **(headers or {})}
    pairs = [(name.encode(), value.encode()) for name, value in sent.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})


Reply = Callable[[dict[str, Any]], bytes]


def scripted(reply: Reply, *, kind: str = "application/json", headers: Mapping[str, str] | None = None) -> App:
    """An upstream that answers every request with whatever bytes `reply` makes of it; GET and DELETE are 405."""

    async def app(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await live(receive, send)
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        if scope["method"] != "POST":
            await answer(send, 405, b"")
            return
        request = json.loads(body)
        if "id" not in request:
            await answer(send, 202, b"")
            return
        await answer(send, 200, reply(request), headers, kind=kind)

    return app


async def live(receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


def modern(list_tools: Callable[[dict[str, Any]], Any], *, tools: Mapping[str, object] | None = None) -> Reply:
    """Answers server/discover properly, and tools/list with what `list_tools` makes of its params, text or value."""

    def reply(request: dict[str, Any]) -> bytes:
        if request["method"] == "server/discover":
            capabilities = {"tools": tools or {}}
            result: Any = {"resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": capabilities}
        else:
            result = list_tools(request["params"])
        text = result if isinstance(result, str) else json.dumps(result)
        return f'{{"jsonrpc":"2.0","id":{json.dumps(request["id"])},"result":{text}}}'.encode()

    return reply
