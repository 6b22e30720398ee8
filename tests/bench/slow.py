"""An MCP server whose calls take a second each: what a tenant that floods the gateway waits for."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

CALL_SECONDS: Final = 1.0
TOOL: Final = {"name": "echo", "inputSchema": {"type": "object", "properties": {"symbol": {"type": "string"}}}}
CAPABLE: Final = {"capabilities": {"tools": {}}, "serverInfo": {"name": "slow", "version": "1"}}
RESULTS: Final[dict[str, dict[str, Any]]] = {
    "initialize": {"protocolVersion": "2025-06-18", **CAPABLE},
    "tools/list": {"tools": [TOOL]},
    "tools/call": {"content": [{"type": "text", "text": "done"}]},
}


async def application(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    body, is_whole = b"", scope["type"] != "http"
    while not is_whole:
        event = await receive()
        body += event.get("body", b"")
        is_whole = not event.get("more_body")
    message = json.loads(body) if body else {}
    if "id" not in message:
        await send({"type": "http.response.start", "status": 202 if body else 405, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        return
    if message["method"] == "tools/call":
        await asyncio.sleep(CALL_SECONDS)
    result = RESULTS.get(message["method"])
    told = {"result": result} if result else {"error": {"code": -32601, "message": "Method not found"}}
    answer = json.dumps({"jsonrpc": "2.0", "id": message["id"], **told}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})
