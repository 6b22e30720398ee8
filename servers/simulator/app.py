"""The simulator's MCP server as an ASGI application, in both protocol eras, for loopback callers with the secret.

It opens no connection but the database's, and answers for no account that is not a registered server.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import mcp_types as types
import orjson
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from mcp.shared.exceptions import MCPError
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from servers.simulator.definitions import tool_definitions
from servers.simulator.errors import SimulatorError
from servers.simulator.exchange import Exchange, UnknownToolError
from servers.simulator.store import AccountKey, Store, UnknownAccountError
from servers.simulator.values import Row

logger = logging.getLogger(__name__)

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_PATH = re.compile(rf"/mcp/({_UUID})/({_UUID})/?")
_HOSTS = ["127.0.0.1", "localhost", "[::1]", "127.0.0.1:*", "localhost:*", "[::1]:*"]


def read_clock() -> int:
    return int(time.time() * 1000)


class SimulatorApp:
    """Serves `/mcp/<organisation uuid>/<server uuid>`; each such path is an account of its own."""

    def __init__(self, exchange: Exchange, store: Store, secret: str, clock: Callable[[], int] = read_clock) -> None:
        if not secret:
            raise ValueError("the simulator needs a secret")
        self._exchange = exchange
        self._store = store
        self._expected = f"Bearer {secret}".encode()
        self._clock = clock
        # Each thread keeps its own database connection; the calls of one account queue at its row lock anyway.
        self._threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="simulator")
        self._lists: dict[str, HandlerResult] = {}
        self._manager = StreamableHTTPSessionManager(
            self._make_server(),
            json_response=True,
            security_settings=TransportSecuritySettings(allowed_hosts=_HOSTS, allowed_origins=[]),
        )
        self._running = AsyncExitStack()

    def _make_server(self) -> Server[dict[str, Any]]:
        server: Server[dict[str, Any]] = Server(
            "bybit-simulator",
            version="2.1.8",
            title="Bybit simulator",
            instructions="Bybit's trading tools over invented market data and an invented account; nothing is real.",
            get_tool_input_schema=_find_schema,
            on_list_tools=_list_tools,
            on_call_tool=self._call_tool,
        )
        server.middleware.append(self._reuse_list)
        return server

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await self.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def start(self) -> None:
        await self._running.enter_async_context(self._manager.run())

    async def stop(self) -> None:
        await self._running.aclose()
        self._threads.shutdown(wait=True)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        if len(given) != 1 or not hmac.compare_digest(given[0], self._expected):
            refusal = Response("Unauthorized", status_code=401, headers={"WWW-Authenticate": "Bearer"})
            await refusal(scope, receive, send)
            return
        place = _PATH.fullmatch(scope["path"])
        if place is None:
            await Response("Not found", status_code=404)(scope, receive, send)
            return
        key = AccountKey(UUID(place[1]), UUID(place[2]))
        # Sessions are bound to the account: the SDK answers 404 when another account presents their id.
        user = AuthenticatedUser(AccessToken(token="", client_id=f"{key.organisation}/{key.server}", scopes=[]))
        await self._manager.handle_request({**scope, "user": user, "simulator.account": key}, receive, send)

    async def _reuse_list(self, ctx: ServerRequestContext[Any], call_next: CallNext) -> HandlerResult:
        """The list is the same for everybody: its validated form is made once for each protocol version."""
        if ctx.method != "tools/list" or (ctx.params or {}).get("cursor") is not None:
            return await call_next(ctx)
        kept = self._lists.get(ctx.protocol_version)
        if kept is None:
            kept = self._lists[ctx.protocol_version] = await call_next(ctx)
        return kept

    async def _call_tool(
        self, ctx: ServerRequestContext[dict[str, Any]], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        if ctx.request is None:
            raise MCPError(code=types.INTERNAL_ERROR, message="The account of this request is unknown")
        key: AccountKey = ctx.request.scope["simulator.account"]
        loop = asyncio.get_running_loop()
        try:
            answer = await loop.run_in_executor(self._threads, self._run, key, params.name, params.arguments or {})
        except UnknownToolError:
            raise MCPError(code=types.INVALID_PARAMS, message=f"Unknown tool: {params.name}") from None
        except UnknownAccountError:
            raise MCPError(code=types.INVALID_PARAMS, message="No such simulator account") from None
        except SimulatorError as refusal:
            return _text(f"Bybit API error {refusal.code}: {refusal.message}", is_error=True)
        return _text(orjson.dumps(answer).decode(), is_error=False)

    def _run(self, key: AccountKey, tool: str, arguments: Row) -> Row:
        now = self._clock()
        return self._store.run(key, now, lambda state: self._exchange.call(state, tool, arguments, now))


def _text(text: str, *, is_error: bool) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(text=text)], is_error=is_error)


def _find_schema(name: str) -> Row | None:
    definition = tool_definitions().get(name)
    return None if definition is None else definition["inputSchema"]


async def _list_tools(
    ctx: ServerRequestContext[dict[str, Any]], params: types.PaginatedRequestParams | None
) -> types.ListToolsResult:
    if params is not None and params.cursor is not None:
        raise MCPError(code=types.INVALID_PARAMS, message="Invalid cursor")
    return types.ListToolsResult(tools=[types.Tool.model_validate(entry) for entry in tool_definitions().values()])
