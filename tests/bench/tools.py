"""Invents a list of MCP tools of realistic size (326 make about 300 KB of JSON), the same on every run."""

import json
import random
from pathlib import Path
from typing import Any

AREAS = [
    "account",
    "order",
    "position",
    "market",
    "wallet",
    "asset",
    "user",
    "transfer",
    "loan",
    "earn",
    "spot",
    "option",
    "futures",
    "index",
    "funding",
    "ticker",
    "kline",
    "leverage",
    "margin",
    "subaccount",
]
VERBS = ["get", "list", "create", "cancel", "amend", "set", "query", "batch", "close", "confirm"]
WORDS = [
    "the",
    "of",
    "a",
    "returns",
    "list",
    "records",
    "for",
    "given",
    "symbol",
    "category",
    "account",
    "optional",
    "filter",
    "by",
    "cursor",
    "limit",
    "time",
    "start",
    "end",
    "order",
    "type",
    "market",
    "price",
    "quantity",
    "required",
    "uppercase",
    "only",
    "default",
    "maximum",
    "page",
    "data",
    "size",
    "trading",
    "pair",
    "contract",
    "status",
    "history",
    "current",
]
ECHO = {
    "name": "echo",
    "description": "Echo the arguments.",
    "inputSchema": {
        "type": "object",
        "properties": {name: {"type": "string"} for name in ("symbol", "qty", "side", "message")},
    },
}


def write_tools(path: Path, count: int) -> None:
    """Write a JSON array of `count` tools, of which `echo` is the first."""
    choose = random.Random(326)
    tools: dict[str, Any] = {"echo": ECHO}
    while len(tools) < count:
        name = f"{choose.choice(VERBS)}_{choose.choice(AREAS)}_{choose.choice(AREAS)}_{choose.randint(1, count)}"
        tools.setdefault(name, _make_tool(choose, name))
    path.write_text(json.dumps(list(tools.values()), separators=(",", ":")), encoding="utf-8")


def _make_tool(choose: random.Random, name: str) -> dict[str, Any]:
    names = [f"{choose.choice(WORDS)}_{index}" for index in range(choose.randint(4, 9))]
    schema = {
        "type": "object",
        "properties": {key: _make_property(choose) for key in names},
        "required": names[: choose.randint(0, 3)],
    }
    return {"name": name, "description": _make_sentence(choose, choose.randint(20, 40)), "inputSchema": schema}


def _make_property(choose: random.Random) -> dict[str, Any]:
    kind = choose.choice(["string", "string", "integer", "number", "boolean"])
    made: dict[str, Any] = {"type": kind, "description": _make_sentence(choose, choose.randint(5, 12))}
    if kind == "string" and choose.random() < 0.3:
        made["enum"] = ["linear", "inverse", "spot", "option"][: choose.randint(2, 4)]
    return made


def _make_sentence(choose: random.Random, words: int) -> str:
    return " ".join(choose.choice(WORDS) for _ in range(words)).capitalize() + "."
