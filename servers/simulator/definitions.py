"""The tools as they are listed: the catalogue's 326 and the two stream tools that it does not know."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

from servers.simulator.values import Row

DATA: Final = Path(__file__).resolve().parents[2] / "catalog" / "data" / "bybit-exchange-trading-mcp-2.1.8.json"

STREAM_TOOLS: Final[tuple[Row, ...]] = (
    {
        "name": "startSubscription",
        "title": "Open a stream of market data",
        "description": "Opens a stream on one public topic and returns its subscriptionId; messages are buffered until "
        "readMessages fetches them. Topics: tickers.SYMBOL, orderbook.DEPTH.SYMBOL, publicTrade.SYMBOL, "
        "kline.INTERVAL.SYMBOL.",
        "inputSchema": {
            "type": "object",
            "properties": {
                "topic": {"type": "string", "maxLength": 100},
                "category": {"type": "string", "enum": ["linear", "spot", "inverse", "option"], "default": "linear"},
                "bufferSize": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 200},
            },
            "required": ["topic"],
            "additionalProperties": False,
        },
        "annotations": {"readOnlyHint": False, "destructiveHint": False, "openWorldHint": True},
    },
    {
        "name": "readMessages",
        "title": "Read buffered messages of a stream",
        "description": "Returns the messages that a subscription has buffered since they were last read, oldest first.",
        "inputSchema": {
            "type": "object",
            "properties": {
                "subscriptionId": {"type": "string", "maxLength": 64},
                "maxMessages": {"type": "integer", "minimum": 1, "maximum": 200, "default": 50},
            },
            "required": ["subscriptionId"],
            "additionalProperties": False,
        },
        "annotations": {"readOnlyHint": True, "destructiveHint": False, "openWorldHint": True},
    },
)
_DESTRUCTIVE: Final = frozenset({"destructive", "financial"})


@lru_cache(maxsize=1)
def tool_definitions() -> Mapping[str, Row]:
    """Every tool by name, in the order in which it is listed, as MCP describes tools."""
    catalogue = json.loads(DATA.read_text(encoding="utf-8"))
    known = {entry["name"]: _define(entry) for entry in catalogue["tools"]}
    return known | {entry["name"]: entry for entry in STREAM_TOOLS}


def _define(entry: Row) -> Row:
    category = entry["category"]
    return {
        "name": entry["name"],
        "title": entry["title"],
        "description": entry["summary"],
        "inputSchema": entry["input_schema"],
        "annotations": {
            "readOnlyHint": category == "read",
            "destructiveHint": category in _DESTRUCTIVE,
            "openWorldHint": True,
        },
    }
