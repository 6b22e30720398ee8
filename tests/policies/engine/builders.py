"""Tools, policies and calls for the engine's tests. The Bybit tools are the project's own catalogue data."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from policies.engine.compile import CompiledPolicy, compile_policy
from policies.engine.evaluate import Call, Decision, decide
from policies.engine.parse import Parsed, parse_policy
from policies.engine.policy import Policy
from policies.engine.tools import ToolFacts
from policies.engine.values import JSON, Level

CATALOG = Path(__file__).resolve().parents[3] / "catalog" / "data" / "bybit-exchange-trading-mcp-2.1.8.json"

# A Monday, in the morning in London.
MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)

ORDER: dict[str, JSON] = {
    "category": "linear",
    "symbol": "BTCUSDT",
    "side": "Buy",
    "orderType": "Limit",
    "qty": "0.1",
    "price": "30000",
}


@cache
def load_bybit() -> dict[str, ToolFacts]:
    entries = json.loads(CATALOG.read_text(encoding="utf-8"), parse_float=Decimal)["tools"]
    return {entry["name"]: ToolFacts(entry["name"], Level(entry["risk"]), entry["input_schema"]) for entry in entries}


def make_tool(
    name: str = "tool", properties: dict[str, Any] | None = None, *, level: Level = Level.LOW, **rest: Any
) -> ToolFacts:
    """A tool whose schema lists these properties; without any it is open to every argument."""
    schema: dict[str, Any] = {"type": "object", **rest}
    if properties is not None:
        schema |= {"properties": properties, "additionalProperties": False}
    return ToolFacts(name, level, schema)


def index(*tools: ToolFacts) -> dict[str, ToolFacts]:
    return {tool.name: tool for tool in tools}


def write_policy(**fields: Any) -> str:
    return json.dumps({"version": "1", "default": "deny", **fields}, default=_write_decimal)


def parse(known: dict[str, ToolFacts], /, **fields: Any) -> Parsed:
    return parse_policy(write_policy(**fields), known)


def build(known: dict[str, ToolFacts], /, **fields: Any) -> Policy:
    parsed = parse(known, **fields)
    assert parsed.policy is not None, parsed.errors
    return parsed.policy


def compile_fields(known: dict[str, ToolFacts], /, **fields: Any) -> CompiledPolicy:
    return compile_policy(build(known, **fields), known)


def rule(**clauses: Any) -> CompiledPolicy:
    """A policy with one open tool, `tool`, and these clauses for it."""
    return compile_fields(index(make_tool()), tools={"tool": clauses})


def when(*conditions: dict[str, Any], **rest: Any) -> list[dict[str, Any]]:
    """A clause with one entry."""
    return [{"conditions": list(conditions), **rest}]


def cond(path: str, op: str, value: Any) -> dict[str, Any]:
    return {"path": path, "op": op, "value": value}


def call(policy: CompiledPolicy, name: str = "tool", /, **arguments: JSON) -> Decision:
    return decide(policy, Call(name, arguments, MONDAY))


def call_at(policy: CompiledPolicy, at: datetime, name: str = "tool", /, **arguments: JSON) -> Decision:
    return decide(policy, Call(name, arguments, at))


def _write_decimal(value: object) -> float:
    assert isinstance(value, Decimal)
    return float(value)
