"""An agent with a real MCP client, in either era of the protocol."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from threading import Thread
from typing import Any, Literal

import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, TextContent

Mode = Literal["legacy", "2026-07-28"]


@dataclass(frozen=True)
class Answer:
    """What a call came back with: `error` is a JSON-RPC error's text, `text` the tool result's."""

    text: str
    is_error: bool
    error: str = ""


@dataclass(frozen=True)
class Seen:
    """What one agent saw in one connection."""

    tools: list[str]
    answers: list[Answer]


def run_agent(url: str, token: str, mode: Mode, calls: list[tuple[str, dict[str, Any]]]) -> Seen:
    """Connect, list the tools, make the calls one after another, disconnect."""
    return _run_apart(lambda: _run(url, token, mode, calls))


async def _run(url: str, token: str, mode: Mode, calls: list[tuple[str, dict[str, Any]]]) -> Seen:
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(headers=headers, timeout=30) as http:
        transport = streamable_http_client(url, http_client=http)
        async with Client(transport, mode=mode) as client:
            tools = [tool.name for tool in (await client.list_tools()).tools]
            return Seen(tools, [await _call(client, name, arguments) for name, arguments in calls])


async def _call(client: Client, name: str, arguments: dict[str, Any]) -> Answer:
    try:
        result = await client.call_tool(name, arguments)
    except MCPError as error:
        return Answer("", True, str(error))
    assert isinstance(result, CallToolResult)
    text = "".join(part.text for part in result.content if isinstance(part, TextContent))
    return Answer(text, bool(result.is_error))


def _run_apart(work: Callable[[], Coroutine[Any, Any, Seen]]) -> Seen:
    """Run in a thread: Playwright's own event loop occupies this one."""
    seen: list[Seen] = []
    thread = Thread(target=lambda: seen.append(asyncio.run(work())))
    thread.start()
    thread.join()
    assert seen, "the agent failed, see above"
    return seen[0]
