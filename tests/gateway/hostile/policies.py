"""The policies that the hostile inputs meet, and the tools that these govern."""

import json
from typing import Any, Final

from tests.gateway.upstream import TOOLS as PLAIN_TOOLS

_ANYTHING: Final[dict[str, Any]] = {}
_TEXT: Final = {"type": "string"}
_LEG: Final = {"type": "object", "properties": {"symbol": _TEXT, "qty": _ANYTHING, "reduceOnly": {"type": "boolean"}}}
_SCHEMA: Final = {
    "type": "object",
    "properties": {
        "symbol": _TEXT,
        "side": _TEXT,
        "qty": _ANYTHING,
        "price": _ANYTHING,
        "flag": _ANYTHING,
        "note": _TEXT,
        "a.b": _TEXT,
        "a": {"type": "object", "properties": {"b": _TEXT}},
        "where": {"type": "object", "properties": {"symbol": _TEXT}},
        "legs": {"type": "array", "items": _LEG},
    },
}
NAMES: Final = (
    *(
        "order",
        "cap",
        "batch",
        "every",
        "nested",
        "dotted",
        "word",
        "tail",
        "slow",
        "slower",
        "wide",
        "flag",
        "one",
        "pair",
    ),
    *("some", "ask", "asked", "counted", "stopped", "orderAll"),
)
TOOLS: Final[list[dict[str, Any]]] = [
    *PLAIN_TOOLS,
    *({"name": name, "title": f"Title of {name}", "inputSchema": _SCHEMA} for name in NAMES),
]

SYMBOLS: Final = ["BTCUSDT", "ETHUSDT"]


def _when(path: str, op: str, value: Any) -> dict[str, Any]:
    return {"path": f"args.{path}", "op": op, "value": value}


def _entry(*conditions: dict[str, Any]) -> dict[str, Any]:
    return {"conditions": list(conditions), "on_deny": "No."}


GUARDED: Final[dict[str, Any]] = {
    "version": "1",
    "default": "deny",
    "hide": ["getWallet"],
    "tools": {
        "getTickers": {},
        "order": {"require": [_entry(_when("symbol", "in", SYMBOLS)), _entry(_when("qty", "lte", 100))]},
        "cap": {"deny_if": [_entry(_when("qty", "gt", 100)), _entry(_when("symbol", "not_in", SYMBOLS))]},
        "batch": {"require": [_entry(_when("legs[*].symbol", "in", SYMBOLS))]},
        "every": {
            "deny_if": [
                {
                    "each": "args.legs[*]",
                    "conditions": [
                        {"path": "item.symbol", "op": "eq", "value": "DOGEUSDT"},
                        {"path": "item.reduceOnly", "op": "neq", "value": True},
                    ],
                    "on_deny": "No.",
                }
            ]
        },
        "nested": {"require": [_entry(_when("where.symbol", "in", SYMBOLS))]},
        "dotted": {"require": [_entry({"path": 'args["a.b"]', "op": "eq", "value": "yes"})]},
        "word": {"require": [_entry(_when("note", "matches", "[a-z]+"))]},
        "tail": {"deny_if": [_entry(_when("note", "regex", "secret$"))]},
        "slow": {"deny_if": [_entry(_when("note", "matches", "(a+)+b"))]},
        "slower": {"require": [_entry(_when("note", "matches", "(a|aa|a*)*(a|b)*c?"))]},
        "wide": {"deny_if": [_entry(_when("note", "matches", "([a-y]{1,40}){1,20}z"))]},
        "flag": {"require": [_entry(_when("flag", "eq", True))]},
        "one": {"deny_if": [_entry(_when("flag", "eq", 1))]},
        "pair": {"require": [_entry(_when("symbol", "eq", {"path": "args.side"}))]},
        "some": {"require": [_entry(_when("note", "exists", True))]},
        "ask": {"action": "require_approval", "reason": "A person decides."},
        "asked": {"approve_if": [_entry(_when("qty", "gt", 100))]},
        "counted": {"limits": [{"counter": "qty", "window": "day", "max": 1000, "amount": "args.qty"}]},
        "stopped": {"action": "deny", "reason": "Never."},
    },
}
OPEN: Final = {"version": "1", "default": "allow"}
HIDING: Final = {"version": "1", "default": "allow", "hide": ["getWallet", "wipe*"]}
SWITCHED: Final = {
    "version": "1",
    "default": "allow",
    "methods": dict.fromkeys(("resources", "prompts", "completion", "tasks"), "deny") | {"extra": ["x/own"]},
}
DOCUMENTS: Final[dict[str, str | None]] = {
    "open": json.dumps(OPEN),
    "guarded": json.dumps(GUARDED),
    "hiding": json.dumps(HIDING),
    "switched": json.dumps(SWITCHED),
    "none": None,
}
