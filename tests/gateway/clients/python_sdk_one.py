"""The Python SDK before 2.0, in an environment of its own."""

import asyncio
import json
import sys
from importlib.metadata import version

import httpx
from mcp import ClientSession, McpError
from mcp.client.streamable_http import streamable_http_client


async def run(task):
    headers = {"Authorization": f"Bearer {task['token']}"}
    async with (
        httpx.AsyncClient(headers=headers, trust_env=False) as http,
        streamable_http_client(task["url"], http_client=http) as (read, write, _),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        tools = [tool.name for tool in (await session.list_tools()).tools]
        answers = [await call(session, name, arguments) for name, arguments in task["calls"]]
    return {"version": version("mcp"), "tools": tools, "answers": answers}


async def call(session, name, arguments):
    try:
        result = await session.call_tool(name, arguments)
    except McpError as error:
        return {"code": error.error.code, "text": error.error.message}
    return {"is_error": bool(result.isError), "text": result.content[0].text}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(run(json.load(sys.stdin)))))
