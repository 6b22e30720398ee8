"""Generated policy documents as people and programs write them: any spelling of numbers, any order, any spacing."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from policies.engine.tools import ToolFacts
from policies.engine.values import Level

SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "symbol": {"type": "string"},
        "side": {"type": "string", "enum": ["Buy", "Sell"]},
        "qty": {"type": "string"},
        "leverage": {"type": "number"},
        "reduceOnly": {"type": "boolean"},
        "legs": {"type": "array", "items": {"type": "object", "properties": {"qty": {"type": "string"}}}},
    },
}
NAMES: Final = ("getTickers", "getTime", "createOrder", "closeBot", "closeAllBots", "cancelAll", "a/b~c", "übertrag")
LEVELS: Final = tuple(Level)
PATTERNS: Final = ("*", "get*", "getT*", "close*", "close*Bots", "*Bots", "c*", "create*r")
ACTIONS: Final = ("allow", "deny", "hide", "require_approval")
NUMBERS: Final = ("0", "5", "0.50", "1e3", "5000.000", "12E-2", '"0.5"', '"10"', "100000000000000000000")
# Those of the last group no form draws.
CONDITIONS: Final = (
    '{"path": "args.symbol", "op": "in", "value": ["BTCUSDT", "ETHUSDT"]}',
    '{"value": ["A,B", " x", "", "5", "\\u0041\\"", "C"], "path": "args.symbol", "op": "not_in"}',
    '{"path": "args.symbol", "op": "matches", "value": "[A-Z]+\\\\d*USDT"}',
    '{"path": "args.symbol", "op": "contains", "value": "USD"}',
    '{"path": "args.symbol", "op": "neq", "value": "XRPUSDT"}',
    '{"op": "eq", "path": "args.reduceOnly", "value": true}',
    '{"path": "args.reduceOnly", "op": "exists", "value": false}',
    '{"path": "args.side", "op": "in", "value": ["Buy"]}',
    '{"path": "args.qty", "op": "lte", "value": NUMBER}',
    '{"path": "args.qty", "op": "gt", "value": {"path": "args.leverage"}}',
    '{"path": "args.leverage", "op": "gte", "value": NUMBER}',
    '{"path": "args.leverage", "op": "in", "value": [1, 2.0, "3", 5e0]}',
    '{"path": "args.legs[*].qty", "op": "lt", "value": NUMBER}',
    '{"path": "args.legs[0].qty", "op": "eq", "value": "1"}',
    '{"amount": AMOUNT, "op": "gt", "value": NUMBER}',
    '{"path": "call.time", "op": "within", "value": {"days": ["mon"], "tz": "UTC"}}',
    '{"path": "call.time", "op": "within", "value": {"tz": "Europe/London", "from": "22:00", "to": "24:00"}}',
    '{"path": "args.legs", "op": "eq", "value": [{"qty": "1"}]}',
    '{"path": "args.symbol", "op": "in", "value": ["A", null]}',
)
ITEMS: Final = (
    '{"path": "item.qty", "op": "gt", "value": NUMBER}',
    '{"path": "item.qty", "op": "lte", "value": {"path": "args.qty"}}',
    '{"amount": {"product": ["item.qty", "args.leverage"]}, "op": "gt", "value": NUMBER}',
)
AMOUNTS: Final = (
    '"args.qty"',
    '{"sum": "args.legs[*].qty"}',
    '{"count": "args.legs[*]"}',
    '{"max": "args.legs[*].qty"}',
    '{"product": ["args.qty", "args.leverage"]}',
    '{"abs": {"min": "args.legs[*].qty"}}',
    '[{"when": [{"path": "args.side", "op": "eq", "value": "Buy"}], "amount": "args.qty"}, '
    '{"amount": {"abs": "args.leverage"}}]',
)
MAXIMA: Final = ("20000", "20000.50", '"1e3"', "1E+2")

TOOLS: Final = {name: ToolFacts(name, LEVELS[index % 4], SCHEMA) for index, name in enumerate(NAMES)}


@dataclass(frozen=True)
class Raw:
    """A piece of JSON that is written exactly so."""

    text: str


def write_policy(random: Random) -> str:
    """One document; not every one is valid."""
    parts: dict[str, Any] = {"version": "1", "default": random.choice(["deny", "allow"])}
    optional: dict[str, Callable[[], Any]] = {
        "description": lambda: random.choice(["", 'Said "so" \\ \t ü ok']),
        "hide": lambda: random.sample([*NAMES, "closeA*", "cancel*"], random.randint(0, 2)),
        "risk": lambda: {level.value: _rule(random) for level in random.sample(LEVELS, random.randint(0, 3))},
        "all_tools": lambda: _shared(random),
        "tools": lambda: {name: _rule(random) for name in _names(random)},
        "methods": lambda: {"resources": "deny"},
    }
    for key in random.sample(list(optional), random.randint(1, len(optional))):
        parts[key] = optional[key]()
    order = random.sample(list(parts), len(parts))
    return _Writer(random).write({key: parts[key] for key in order}) + random.choice(["", "\n", "\n\n"])


def _names(random: Random) -> list[str]:
    chosen = random.sample(NAMES, random.randint(0, 5)) + random.sample(PATTERNS, random.choice([0, 0, 1, 1, 2]))
    return random.sample(chosen, len(chosen))


def _rule(random: Random) -> dict[str, Any]:
    optional: dict[str, Callable[[], Any]] = {
        "action": lambda: random.choice(ACTIONS),
        "reason": lambda: "Because.",
        "rate_limit": lambda: {"max": Raw(random.choice(["10", "3"])), "window": random.choice([60, "hour", 90])},
        "require": lambda: [_entry(random) for _ in range(random.randint(0, 2))],
        "deny_if": lambda: [_entry(random)],
        "approve_if": lambda: [_entry(random, random.choice(["on_deny", "reason"]))],
        "limits": lambda: [_limit(random) for _ in range(random.randint(0, 2))],
    }
    return {key: optional[key]() for key in random.sample(list(optional), random.randint(0, 4))}


def _shared(random: Random) -> dict[str, Any]:
    """Clauses of all_tools, some for a few tools only."""
    rule = {key: part for key, part in _rule(random).items() if isinstance(part, list)}
    rule.setdefault("limits", [{"counter": "calls", "window": "minute", "max": Raw("120.0")}])
    for part in rule.values():
        for entry in part:
            entry |= random.choice([{}, {"for": ["getTickers", "c*"]}, {"except": ["get*"]}])
    return rule


def _entry(random: Random, reason: str = "on_deny") -> dict[str, Any]:
    is_each = random.random() < 0.2
    texts = [random.choice(ITEMS if is_each else CONDITIONS) for _ in range(random.choice([1, 1, 2]))]
    entry: dict[str, Any] = {"conditions": [Raw(_fill(random, text)) for text in texts]}
    if is_each:
        entry = {"each": random.choice(["args.legs", "args.legs[*]"]), **entry}
    return entry | ({reason: "Not so."} if random.random() < 0.5 else {})


def _limit(random: Random) -> dict[str, Any]:
    limit: dict[str, Any] = {
        "counter": f"counter {random.randrange(10**9)}",
        "max": Raw(random.choice(MAXIMA)),
        "window": random.choice(["day", 3600, 90]),
        "amount": Raw(random.choice(AMOUNTS)),
        "scope": random.choice(["grant", "server"]),
        "on_deny": "Enough.",
    }
    kept = {"counter", "max", "window", "amount", *random.sample(list(limit), 2)}
    return {key: limit[key] for key in random.sample(list(limit), len(limit)) if key in kept}


def _fill(random: Random, text: str) -> str:
    return text.replace("AMOUNT", random.choice(AMOUNTS)).replace("NUMBER", random.choice(NUMBERS))


class _Writer:
    """JSON in one person's manner of writing it."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.unit = random.choice(["  ", "    ", "\t", None, None])
        self.eol = random.choice(["\n", "\n", "\r\n"])
        self.colon = ": " if self.unit else random.choice([":", ": "])
        self.comma = "," if self.unit or self.colon == ":" else ", "

    def write(self, value: object, indent: str = "") -> str:
        if isinstance(value, Raw):
            return value.text
        if isinstance(value, dict):
            return self._wrap(
                "{}", [f"{self._key(key)}{self.colon}{{}}" for key in value], list(value.values()), indent
            )
        if isinstance(value, list):
            return self._wrap("[]", ["{}"] * len(value), value, indent)
        return json.dumps(value, ensure_ascii=self.random.random() < 0.5)

    def _key(self, key: str) -> str:
        text = json.dumps(key, ensure_ascii=False)
        escaped = text.replace("T", "\\u0054", 1) if self.random.random() < 0.2 else text
        return escaped.replace("{", "{{").replace("}", "}}")

    def _wrap(self, marks: str, frames: list[str], values: list[Any], indent: str) -> str:
        if not values:
            return marks[0] + self.random.choice(["", " "]) + marks[1]
        is_open = self.unit is not None and self.random.random() < 0.9
        inner = indent + (self.unit or "")
        parts = [frame.format(self.write(value, inner)) for frame, value in zip(frames, values, strict=True)]
        if not is_open:
            return marks[0] + (self.comma if self.comma != "," or self.unit is None else ", ").join(parts) + marks[1]
        line = self.eol + inner
        return marks[0] + line + f",{line}".join(parts) + self.eol + indent + marks[1]
