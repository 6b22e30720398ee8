"""The Python SDK of the version that is installed beside PolicyLayer, in the era that is asked for."""

import asyncio
import json
import sys
from importlib.metadata import version
from typing import Any

import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client


async def run(task: dict[str, Any]) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {task['token']}"}
    async with (
        httpx2.AsyncClient(headers=headers, trust_env=False) as http,
        Client(streamable_http_client(task["url"], http_client=http), mode=task["mode"]) as client,
    ):
        tools = [tool.name for tool in (await client.list_tools()).tools]
        answers = [await call(client, name, arguments) for name, arguments in task["calls"]]
    return {"version": version("mcp"), "tools": tools, "answers": answers}


async def call(client: Client, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    try:
        result: Any = await client.call_tool(name, arguments)
    except MCPError as error:
        return {"code": error.error.code, "text": error.error.message}
    return {"is_error": bool(result.is_error), "text": result.content[0].text}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(run(json.load(sys.stdin)))))
