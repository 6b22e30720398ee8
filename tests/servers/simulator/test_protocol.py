"""The simulator as an MCP server, over a loopback port, in both eras of the protocol."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import httpx
import httpx2
import pytest
import uvicorn
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import TextContent

from servers.simulator.app import SimulatorApp
from servers.simulator.definitions import tool_definitions
from servers.simulator.exchange import Exchange
from servers.simulator.market import Market
from servers.simulator.store import MemoryStore

ORGANISATION = UUID("11111111-1111-4111-8111-111111111111")
FIRST = UUID("22222222-2222-4222-8222-222222222222")
SECOND = UUID("33333333-3333-4333-8333-333333333333")
SECRET = "a-secret-of-the-test"
MODES = ["legacy", "2026-07-28"]
HEADERS = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
BEARER = {"Authorization": f"Bearer {SECRET}"}
HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
}


@asynccontextmanager
async def running() -> AsyncIterator[str]:
    app = SimulatorApp(Exchange(Market()), MemoryStore(), SECRET, clock=lambda: 1_795_000_000_000)
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, lifespan="on", log_level="warning"))
        task = asyncio.create_task(server.serve(sockets=[opened]))
        try:
            while not server.started:
                await asyncio.sleep(0.01)
            yield f"http://127.0.0.1:{opened.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


@asynccontextmanager
async def connected(address: str, mode: str, server: UUID = FIRST) -> AsyncIterator[Client]:
    async with httpx2.AsyncClient(headers=BEARER) as http:
        transport = streamable_http_client(f"{address}/mcp/{ORGANISATION}/{server}", http_client=http)
        async with Client(transport, mode=mode) as client:
            yield client


@pytest.mark.asyncio
@pytest.mark.parametrize("mode", MODES)
async def test_it_lists_all_328_tools_with_their_schemas(mode: str) -> None:
    async with running() as address, connected(address, mode) as client:
        for _ in range(2):
            tools = (await client.list_tools(cache_mode="bypass")).tools
            assert len(tools) == 328
        known = tool_definitions()
        assert {tool.name: tool.input_schema for tool in tools} == {
            name: entry["inputSchema"] for name, entry in known.items()
        }
        hints = {tool.name: tool.annotations for tool in tools}
        read, cancel = hints["getWalletBalance"], hints["cancelAllOrders"]
        assert read is not None and read.read_only_hint
        assert cancel is not None and cancel.destructive_hint and not cancel.read_only_hint


@pytest.mark.asyncio
@pytest.mark.parametrize("mode", MODES)
async def test_it_answers_a_call_and_keeps_its_effect(mode: str) -> None:
    order = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Market", "qty": "0.01"}
    async with running() as address, connected(address, mode) as client:
        placed = await client.call_tool("createOrder", order)
        assert not placed.is_error
        listed = await client.call_tool("getPositionInfo", {"category": "linear", "symbol": "BTCUSDT"})
        content = listed.content[0]
        assert isinstance(content, TextContent)
        assert json.loads(content.text)["result"]["list"][0]["size"] == "0.01"


@pytest.mark.asyncio
@pytest.mark.parametrize("mode", MODES)
async def test_it_answers_a_mistake_as_a_tool_error(mode: str) -> None:
    async with running() as address, connected(address, mode) as client:
        refused = await client.call_tool("getTickers", {"category": "moon"})
        assert refused.is_error
        content = refused.content[0]
        assert isinstance(content, TextContent)
        assert content.text.startswith("Bybit API error 10001: params error")


@pytest.mark.asyncio
@pytest.mark.parametrize("mode", MODES)
async def test_it_does_not_know_a_tool_that_is_not_listed(mode: str) -> None:
    async with running() as address, connected(address, mode) as client:
        with pytest.raises(MCPError, match="Unknown tool: withdraw"):
            await client.call_tool("withdraw", {})


@pytest.mark.asyncio
async def test_two_servers_are_two_accounts() -> None:
    order = {
        "category": "spot",
        "symbol": "BTCUSDT",
        "side": "Buy",
        "orderType": "Limit",
        "qty": "0.01",
        "price": "105000",
    }
    async with running() as address, connected(address, "legacy") as one, connected(address, "legacy", SECOND) as two:
        await one.call_tool("createOrder", order)
        counts = []
        for client in (one, two):
            content = (await client.call_tool("getOpenOrders", {"category": "spot"})).content[0]
            assert isinstance(content, TextContent)
            counts.append(len(json.loads(content.text)["result"]["list"]))
        assert counts == [1, 0]


@pytest.mark.asyncio
async def test_it_refuses_a_wrong_or_missing_secret() -> None:
    async with running() as address, httpx.AsyncClient(headers=HEADERS) as http:
        url = f"{address}/mcp/{ORGANISATION}/{FIRST}"
        assert (await http.post(url, json=HELLO)).status_code == 401
        assert (await http.post(url, json=HELLO, headers={"Authorization": "Bearer no"})).status_code == 401
        assert (await http.post(url, json=HELLO, headers=BEARER)).status_code == 200


@pytest.mark.asyncio
async def test_it_refuses_other_hosts_origins_and_paths() -> None:
    async with running() as address, httpx.AsyncClient(headers={**HEADERS, **BEARER}) as http:
        url = f"{address}/mcp/{ORGANISATION}/{FIRST}"
        assert (await http.post(url, json=HELLO, headers={"Host": "example.test"})).status_code == 421
        assert (await http.post(url, json=HELLO, headers={"Origin": "https://example.test"})).status_code == 403
        assert (await http.post(f"{address}/mcp/{ORGANISATION}", json=HELLO)).status_code == 404
        assert (await http.post(url, json=HELLO)).status_code == 200


@pytest.mark.asyncio
async def test_a_session_of_one_account_is_unknown_to_another() -> None:
    ping = {"jsonrpc": "2.0", "id": 2, "method": "ping"}
    async with running() as address, httpx.AsyncClient(headers={**HEADERS, **BEARER}) as http:
        own, other = (f"{address}/mcp/{ORGANISATION}/{server}" for server in (FIRST, SECOND))
        hello = await http.post(own, json=HELLO)
        session = {"Mcp-Session-Id": hello.headers["mcp-session-id"], "MCP-Protocol-Version": "2025-11-25"}
        assert (await http.post(other, json=ping, headers=session)).status_code == 404
        assert (await http.post(own, json=ping, headers=session)).status_code == 200


@pytest.mark.asyncio
async def test_a_modern_answer_says_that_it_is_complete() -> None:
    meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
    call = {
        "jsonrpc": "2.0",
        "id": "a",
        "method": "tools/call",
        "params": {"name": "getServerTime", "arguments": {}, "_meta": meta},
    }
    mirrored = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "getServerTime"}
    async with running() as address, httpx.AsyncClient(headers={**HEADERS, **BEARER, **mirrored}) as http:
        answer = await http.post(f"{address}/mcp/{ORGANISATION}/{FIRST}", json=call)
        assert answer.status_code == 200
        assert answer.json()["result"]["resultType"] == "complete"
        assert "mcp-session-id" not in answer.headers
