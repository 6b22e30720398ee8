"""FastMCP's client, in an environment of its own."""

import asyncio
import json
import sys
from importlib.metadata import version

from fastmcp import Client
from mcp import McpError


async def run(task):
    async with Client(task["url"], auth=task["token"]) as client:
        tools = [tool.name for tool in await client.list_tools()]
        answers = [await call(client, name, arguments) for name, arguments in task["calls"]]
    return {"version": version("fastmcp"), "tools": tools, "answers": answers}


async def call(client, name, arguments):
    try:
        result = await client.call_tool(name, arguments, raise_on_error=False)
    except McpError as error:
        return {"code": error.error.code, "text": error.error.message}
    return {"is_error": bool(result.is_error), "text": result.content[0].text}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(run(json.load(sys.stdin)))))
