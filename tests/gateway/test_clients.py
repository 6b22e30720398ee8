"""The Python SDK's client against the SDK's server, with the gateway in between, in both eras."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx
import httpx2
import pytest
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp.server.mcpserver import MCPServer

from tests.gateway.upstream import serve
from tests.gateway.world import ACCEPT, CAPABILITIES_META, VERSION, VERSION_META, World, make_world

POLICY = {
    "version": "1",
    "default": "allow",
    "hide": ["secret"],
    "tools": {
        "echo": {"rate_limit": {"max": 10, "window": 60}},
        "spend": {
            "deny_if": [{"conditions": [{"path": "args.amount", "op": "gt", "value": 5}], "on_deny": "At most 5."}]
        },
    },
}


@pytest.fixture(scope="module", params=[True, False], ids=["json", "sse"])
def sdk_server(request: Any) -> Iterator[str]:
    with serve_sdk(is_json=request.param) as url:
        yield url


@contextmanager
def serve_sdk(*, is_json: bool) -> Iterator[str]:
    server = MCPServer("fixture")

    @server.tool()
    def echo(text: str) -> str:
        return f"echo {text}"

    @server.tool()
    def spend(amount: int) -> str:
        return f"spent {amount}"

    @server.tool()
    def secret() -> str:
        return "secret"

    @server.resource("test://one")
    def one() -> str:
        return "a resource"

    with serve(server.streamable_http_app(json_response=is_json), lifespan="on") as port:
        yield f"http://127.0.0.1:{port}/mcp"


@pytest.fixture
def world(rows: None, sdk_server: str) -> World:
    return make_world(sdk_server, POLICY, tools_of(sdk_server))


def tools_of(url: str) -> list[dict[str, Any]]:
    meta = {VERSION_META: VERSION, CAPABILITIES_META: {}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": meta}}
    headers = {"Accept": ACCEPT, "MCP-Protocol-Version": VERSION, "Mcp-Method": "tools/list"}
    with httpx.Client(trust_env=False) as http:
        tools: list[dict[str, Any]] = http.post(url, json=body, headers=headers).json()["result"]["tools"]
        return tools


@asynccontextmanager
async def connect(gateway: str, world: World, mode: str) -> AsyncIterator[Client]:
    url = f"{gateway}/mcp/{world.server.id}"
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {world.token}"}, trust_env=False) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield client


def text_of(result: Any) -> str:
    text: str = result.content[0].text
    return text


@pytest.mark.parametrize("mode", ["legacy", "auto", VERSION])
async def test_a_client_lives_with_every_kind_of_answer(gateway: str, world: World, mode: str) -> None:
    async with connect(gateway, world, mode) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == ["echo", "spend"]
        allowed = await client.call_tool("echo", {"text": "hello"})
        assert not allowed.is_error and text_of(allowed) == "echo hello"
        denied = await client.call_tool("spend", {"amount": 6})
        assert denied.is_error and text_of(denied).startswith("[POLICY DENIED] At most 5.")
        assert denied.meta is not None and denied.meta["policylayer/decision"]["outcome"] == "deny"
        with pytest.raises(MCPError, match="Unknown tool: secret") as caught:
            await client.call_tool("secret", {})
        assert caught.value.error.code == -32602
        for _ in range(9):
            assert not (await client.call_tool("echo", {"text": "x"})).is_error
        limited = await client.call_tool("echo", {"text": "x"})
        assert limited.is_error and "Next: Wait " in text_of(limited)
        # The session goes on after every refusal.
        assert not (await client.call_tool("spend", {"amount": 1})).is_error
        resource: Any = await client.read_resource("test://one")
        assert resource.contents[0].text == "a resource"


@pytest.mark.parametrize("mode", ["legacy", VERSION])
async def test_a_client_without_a_valid_token_gets_nowhere(gateway: str, world: World, mode: str) -> None:
    world.token = world.token.replace("plg_", "plg_0")[:-1]
    with pytest.raises(Exception) as caught:
        async with connect(gateway, world, mode) as client:
            await client.list_tools()
    assert "MCPError" in repr(caught.value) or isinstance(caught.value, MCPError)
