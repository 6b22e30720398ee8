"""Which rules a changed definition touches: what no longer fits, what looks at what changed, what a tool becomes."""

import json
from typing import Any
from uuid import UUID

import pytest

from policies.engine.tools import ToolFacts
from policies.engine.values import Level
from servers.access import InForce
from servers.changes import list_changes
from servers.touched import Touch, find_touch

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "qty": {"type": "string"},
        "side": {"type": "string", "enum": ["Buy", "Sell"]},
        "orders": {"type": "array", "items": {"type": "object", "properties": {"qty": {"type": "string"}}}},
    },
}
LEAST = {"require": [{"conditions": [{"path": "args.qty", "op": "lte", "value": 1}]}]}
BUYS = {"deny_if": [{"conditions": [{"path": "args.side", "op": "eq", "value": "Sell"}]}]}
EACH = {"require": [{"each": "args.orders[*]", "conditions": [{"path": "item.qty", "op": "lte", "value": 1}]}]}
SUM = {"limits": [{"counter": "c", "max": 5, "window": 60, "amount": {"sum": "args.orders[*].qty"}}]}


def touch(
    rule: dict[str, Any], *, level: Level = Level.LOW, schema: dict[str, Any] | None = None, **changed: Any
) -> Touch | None:
    new = schema or {**SCHEMA, "properties": {**SCHEMA["properties"], **changed}}
    new["properties"] = {name: value for name, value in new["properties"].items() if value is not None}
    document = {"version": "1", "default": "deny", "risk": {"high": {"action": "deny"}}, "tools": {"order": rule}}
    changes = list_changes({"inputSchema": SCHEMA}, {"inputSchema": new})
    pinned, offered = ToolFacts("order", Level.LOW, SCHEMA, is_changed=True), ToolFacts("order", level, new)
    return find_touch(InForce(UUID(int=1), "Desk", json.dumps(document)), pinned, offered, changes)


def words_of(found: Touch | None) -> str:
    assert found is not None
    return " ".join(found.sentences)


def test_a_rule_whose_argument_is_gone_no_longer_fits() -> None:
    found = touch(LEAST, qty=None)
    assert found is not None and found.is_breaking
    assert found.sentences[0] == ('/tools/order/require/0/conditions/0/path: order has no argument "args.qty".')


def test_a_value_that_is_no_longer_taken_no_longer_fits() -> None:
    found = touch(BUYS, side={"type": "string", "enum": ["Buy"]})
    assert found is not None and "Sell" in words_of(found)


@pytest.mark.parametrize(
    ("rule", "changed", "words"),
    [
        (BUYS, {"side": {"type": "string", "enum": ["Buy", "Sell", "Both"]}},
         "/tools/order/deny_if/0 looks at args.side"),
        (EACH, {"orders": {"type": "array", "items": {"type": "object", "properties": {"qty": {}}}}},
         "/tools/order/require/0 looks at args.orders[*].qty"),
        (SUM, {"orders": {"type": "array", "maxItems": 3, "items": SCHEMA["properties"]["orders"]["items"]}},
         "/tools/order/limits/0 looks at args.orders[*].qty"),
    ],
)  # fmt: skip
def test_a_rule_that_looks_at_what_changed_is_named(rule: Any, changed: Any, words: str) -> None:
    found = touch(rule, **changed)
    assert found is not None and not found.is_breaking and words in words_of(found)


@pytest.mark.parametrize("changed", [{"note": {"type": "string"}}, {"qty": {"type": "string", "description": "New."}}])
def test_a_rule_that_looks_at_nothing_of_it_is_not_touched(changed: Any) -> None:
    assert touch(LEAST, **changed) is None


def test_a_higher_level_that_another_rule_serves_is_said() -> None:
    found = touch({}, level=Level.HIGH, note={"type": "string"})
    assert words_of(found) == "order becomes denied as a tool of high risk (before the change: allowed)."


def test_a_policy_that_does_not_fit_already_is_not_touched() -> None:
    assert touch({"require": [{"conditions": [{"path": "args.none", "op": "exists"}]}]}, qty=None) is None
