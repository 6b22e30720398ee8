from typing import Any

import pytest

from policies.engine.policy import Policy
from policies.engine.tools import ToolFacts
from policies.engine.values import Level
from tests.policies.engine.builders import cond, index, load_bybit, make_tool, parse, when

BYBIT = load_bybit()
POINTER = "/tools/{}/{}/0/conditions/0"


def errors(**fields: Any) -> list[tuple[str, str]]:
    return [(problem.pointer, problem.suggestion) for problem in parse(BYBIT, **fields).errors]


def warnings(known: dict[str, ToolFacts], /, **fields: Any) -> list[tuple[str, str, str]]:
    parsed = parse(known, **fields)
    assert isinstance(parsed.policy, Policy), parsed.errors
    return [(problem.pointer, problem.message, problem.suggestion) for problem in parsed.warnings]


@pytest.mark.parametrize(
    ("tool", "path", "suggestion"),
    [
        ("createOrder", "args.symbl", "args.symbol"),
        ("createOrder", "args.Symbol", "args.symbol"),
        ("createOrder", "args.reduce_only", "args.reduceOnly"),
        ("createOrder", "args.symbol.x", ""),
        ("createOrder", "args.symbol[*]", ""),
        ("createOrder", "args.symbol[0]", ""),
        ("createOrder", "args.zzzzzzzz", ""),
        ("batchCreateOrders", "args.request.symbol", "args.request[*].symbol"),
        ("batchCreateOrders", "args.request[*].symbl", "args.request[*].symbol"),
        ("batchCreateOrders", "args.request[0].simbol", "args.request[0].symbol"),
        ("batchCreateOrders", "args.requests[*].symbol", "args.request[*].symbol"),
    ],
)
@pytest.mark.parametrize("clause", ["require", "deny_if", "approve_if"])
def test_a_path_that_the_schema_does_not_know_is_an_error(tool: str, path: str, suggestion: str, clause: str) -> None:
    found = errors(tools={tool: {clause: when(cond(path, "exists", True))}})
    assert found == [(POINTER.format(tool, clause) + "/path", suggestion)]


def test_paths_are_checked_wherever_they_stand() -> None:
    limit = {"counter": "n", "window": 60, "max": 1}
    assert errors(tools={"createOrder": {"limits": [{**limit, "amount": "args.qtty"}]}}) == [
        ("/tools/createOrder/limits/0/amount", "args.qty")
    ]
    case = {"when": [cond("args.marketUnt", "eq", "quoteCoin")], "amount": "args.qty"}
    assert errors(tools={"createOrder": {"limits": [{**limit, "amount": [case]}]}}) == [
        ("/tools/createOrder/limits/0/amount", "args.marketUnit")
    ]
    product = {"amount": {"product": ["args.qty", "args.prise"]}, "op": "gt", "value": 1}
    assert errors(tools={"createOrder": {"require": when(product)}}) == [
        (POINTER.format("createOrder", "require") + "/amount", "args.price")
    ]
    other = cond("args.stopLoss", "lt", {"path": "args.prce"})
    assert errors(tools={"createOrder": {"require": when(other)}}) == [
        (POINTER.format("createOrder", "require") + "/value/path", "args.price")
    ]
    each = when(cond("item.symbl", "eq", "X"), each="args.request[*]")
    assert errors(tools={"batchCreateOrders": {"require": each}}) == [
        (POINTER.format("batchCreateOrders", "require") + "/path", "item.symbol")
    ]
    unknown = when(cond("item.symbol", "eq", "X"), each="args.requst[*]")
    assert errors(tools={"batchCreateOrders": {"require": unknown}}) == [
        ("/tools/batchCreateOrders/require/0/each", "args.request[*]")
    ]
    plain = when(cond("item", "eq", "X"), each="args.category")
    assert errors(tools={"batchCreateOrders": {"require": plain}})[0][0] == "/tools/batchCreateOrders/require/0/each"


@pytest.mark.parametrize(
    ("tool", "path", "op", "value", "suffix", "suggestion"),
    [
        ("createOrder", "args.side", "eq", "buy", "", "Buy"),
        ("createOrder", "args.side", "eq", "Bye", "", "Buy"),
        ("createOrder", "args.category", "in", ["spot", "liner"], "/1", "linear"),
        ("createOrder", "args.category", "not_in", ["options"], "/0", "option"),
        ("createOrder", "args.positionIdx", "neq", 7, "", ""),
        ("createOrder", "args.side", "eq", True, "", ""),
        ("wsCreateOrder", "args.isLeverage", "eq", 2, "", ""),
        ("wsCreateOrder", "args.isLeverage", "eq", "1", "", "1"),
        ("batchCreateOrders", "args.request[*].orderType", "eq", "market", "", "Market"),
    ],
)
def test_an_enum_value_that_the_schema_does_not_know_is_an_error(
    tool: str, path: str, op: str, value: Any, suffix: str, suggestion: str
) -> None:
    found = errors(tools={tool: {"deny_if": when(cond(path, op, value))}})
    assert found == [(POINTER.format(tool, "deny_if") + "/value" + suffix, suggestion)]


def test_enum_values_compare_as_the_engine_compares() -> None:
    assert errors(tools={"createOrder": {"require": when(cond("args.positionIdx", "in", [0, 1]))}}) == []
    assert errors(tools={"wsCreateOrder": {"require": when(cond("args.isLeverage", "eq", 1))}}) == []


def test_unknown_paths_and_enums_of_patterns_are_warnings() -> None:
    found = warnings(BYBIT, tools={"create*": {"require": when(cond("args.symbol", "in", ["BTCUSDT"]))}})
    assert any("tools covered here have no argument" in message for _, message, _ in found)
    found = warnings(BYBIT, all_tools={"require": when(cond("args.category", "eq", "sport"), **{"for": ["*Order"]})})
    assert any("is never" in message for _, message, _ in found)


def test_an_entry_for_named_tools_is_checked_like_a_rule() -> None:
    entry = when(cond("args.symbl", "eq", "X"), **{"for": ["createOrder"]})
    assert errors(all_tools={"require": entry}) == [("/all_tools/require/0/conditions/0/path", "args.symbol")]
    assert errors(all_tools={"require": when(cond("args.symbl", "eq", "X"), **{"except": ["get*"]})}) == []


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object"},
        {"type": "object", "properties": {"a": {}}, "additionalProperties": True},
        {"type": "object", "additionalProperties": {"type": "object"}},
        {"anyOf": [{"properties": {"x": {}}}, {"properties": {"b": {}}}]},
        {"oneOf": [{"type": "object"}, {"type": "null"}]},
        {"allOf": [{"properties": {"x": {"properties": {"y": {}}}}}, {"required": ["x"]}]},
        {"properties": {"x": {"$ref": "#/$defs/X"}}, "$defs": {"X": {"properties": {"y": {}}}}},
        {"properties": {"x": {"$ref": "#/properties/x"}}},
        {"properties": {"x": {"type": ["object", "null"]}}},
        {"properties": "broken"},
        {"properties": {"x": 5}, "type": 7, "required": "x", "anyOf": {}},
        {"patternProperties": {"^x": {}}, "properties": {"a": {}}},
    ],
)
def test_what_a_schema_leaves_open_counts_as_known(schema: dict[str, Any]) -> None:
    tools = {"tool": ToolFacts("tool", Level.LOW, schema)}
    assert parse(tools, tools={"tool": {"require": when(cond("args.x.y", "exists", True))}}).errors == ()


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {}},
        {"type": "object", "additionalProperties": False},
        {"properties": {"x": {"type": "string"}}},
        {"properties": {"x": {"properties": {"z": {}}}}},
        {"anyOf": [{"properties": {"a": {}}}, {"properties": {"b": {}}}]},
    ],
)
def test_what_a_schema_closes_is_unknown(schema: dict[str, Any]) -> None:
    tools = {"tool": ToolFacts("tool", Level.LOW, schema)}
    assert parse(tools, tools={"tool": {"require": when(cond("args.x.y", "exists", True))}}).errors


def test_an_unknown_tool_name_is_a_warning_with_the_nearest_one() -> None:
    found = warnings(BYBIT, hide=["wsBatchCancelOrder", "zz*"], tools={"createOder": {}, "getTickers": {}})
    assert [(pointer, suggestion) for pointer, _, suggestion in found] == [
        ("/hide/0", "wsBatchCancelOrders"),
        ("/hide/1", ""),
        ("/tools/createOder", "createOrder"),
    ]
    entry = when(cond("call.time", "within", {"tz": "UTC"}), **{"except": ["getTikers"]})
    assert warnings(BYBIT, tools={"getTickers": {}}, all_tools={"require": entry})[0][2] == "getTickers"


def test_patterns_that_tie_are_an_error() -> None:
    assert errors(tools={"get*": {}, "*Order*": {}}) == [("/tools/*Order*", "")]
    assert errors(tools={"get*": {}, "getOrder*": {}, "*": {}, "cancel*": {}, "createOrder": {}}) == []


def test_one_counter_with_two_amounts_is_an_error() -> None:
    def limit(amount: Any = None, **rest: Any) -> dict[str, Any]:
        return {"counter": "n", "window": 60, "max": 5, **({"amount": amount} if amount else {}), **rest}

    shared = {"limits": [limit()]}
    assert errors(all_tools=shared, tools={"createOrder": {"limits": [limit("args.qty")]}}) == [
        ("/tools/createOrder/limits/0", "")
    ]
    assert errors(tools={"createOrder": {"limits": [limit("args.qty"), limit("args.qty", window=90)]}}) == []
    assert errors(tools={"createOrder": {"limits": [limit("args.qty"), limit("args.price", scope="server")]}}) == []
    assert errors(tools={"createOrder": {"limits": [limit("args.qty")]}, "amendOrder": {"limits": [limit()]}}) == []
    rated = {"rate_limit": {"max": 1, "window": 1}, "limits": [limit("args.qty", counter="createOrder_rate")]}
    assert errors(tools={"createOrder": rated}) == [("/tools/createOrder/limits/0", "")]
    excepted = {"limits": [limit(**{"except": ["createOrder"]})]}
    assert errors(all_tools=excepted, tools={"createOrder": {"limits": [limit("args.qty")]}}) == []


def test_the_editor_says_what_an_absent_argument_slips_past() -> None:
    (found,) = warnings(BYBIT, tools={"createOrder": {"deny_if": when(cond("args.price", "gt", 100))}})
    assert found[0] == POINTER.format("createOrder", "deny_if")
    assert "args.price" in found[1]
    assert found[2] == '{"path": "args.price", "op": "exists", "value": true}'


@pytest.mark.parametrize(
    "clauses",
    [
        {"deny_if": when(cond("args.qty", "gt", 100))},
        {"deny_if": when(cond("args.reduceOnly", "neq", True))},
        {"deny_if": when(cond("args.orderFilter", "eq", "Order"))},
        {"require": when(cond("args.price", "lt", 100))},
        {"require": when(cond("args.price", "exists", True)), "deny_if": when(cond("args.price", "gt", 100))},
    ],
)
def test_nothing_slips_past_what_is_required_has_a_default_or_forbids_absence(clauses: dict[str, Any]) -> None:
    assert warnings(BYBIT, tools={"createOrder": clauses}) == []


def test_items_of_a_list_slip_too() -> None:
    entry = when(cond("item.price", "gt", 100), each="args.request[*]")
    (found,) = warnings(BYBIT, tools={"batchCreateOrders": {"deny_if": entry}})
    assert found[2] == '{"path": "args.request[*].price", "op": "exists", "value": true}'
    covered = {"require": when(cond("args.request[*].price", "exists", True)), "deny_if": entry}
    assert warnings(BYBIT, tools={"batchCreateOrders": covered}) == []


def test_what_all_tools_require_of_the_same_tools_closes_a_slip_there() -> None:
    named = {"for": ["createOrder"]}
    slips = {"deny_if": when(cond("args.price", "gt", 100), **named)}
    exists = cond("args.price", "exists", True)
    (found,) = warnings(BYBIT, default="allow", all_tools=slips)
    assert found[0] == "/all_tools/deny_if/0/conditions/0"
    for names, pointers in (
        (["createOrder"], []),
        (["create*er"], []),
        (["amendOrder"], ["/all_tools/deny_if/0/conditions/0"]),
    ):
        clauses = {**slips, "require": when(exists, **{"for": names})}
        assert [problem[0] for problem in warnings(BYBIT, default="allow", all_tools=clauses)] == pointers


@pytest.mark.parametrize(("case", "slips"), [("args.qty", 1), ({"product": ["args.price", "args.qty"]}, 0)])
def test_an_amount_by_case_demands_only_what_each_of_its_cases_needs(case: Any, slips: int) -> None:
    amount = [{"when": [cond("args.side", "eq", "Buy")], "amount": case}, {"amount": {"abs": "args.price"}}]
    bounded = [{"conditions": [{"amount": amount, "op": "lte", "value": 5}]}]
    clauses = {"require": bounded, "deny_if": when(cond("args.price", "gt", 100))}
    assert len(warnings(BYBIT, tools={"createOrder": clauses})) == slips


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"hide": ["getTickers"]}, "allows nothing"),
        ({"tools": {"createOrder": {"action": "deny"}}}, "allows nothing"),
        ({"default": "allow", "hide": ["*"]}, "allows nothing"),
        ({"default": "allow", "all_tools": {"deny_if": when()}}, "allows nothing"),
        ({"tools": {"createOrder": {"deny_if": when()}}}, "allows nothing"),
        ({"tools": {"createOrder": {"require": when(cond("args.symbol", "regex", "BTC"))}}}, "whole text"),
        ({"tools": {"createOrder": {"require": when()}}}, "requires nothing"),
        ({"tools": {"createOrder": {"require": when(cond("args.symbol", "in", []))}}}, "empty"),
        ({"tools": {"createOrder": {"action": "deny", "limits": []}}}, "never looked at"),
        ({"hide": ["create*"], "tools": {"createOrder": {}}}, "never looked at"),
        ({"tools": {"createOrder": {"rate_limit": {"max": 0, "window": 1}}}}, "nothing through"),
        (
            {"tools": {"createOrder": {"limits": [{"counter": "a", "window": 1, "max": 1, "scope": "session"}]}}},
            "enforced as grant",
        ),
        ({"tools": {"createOrder": {"deny_if": when(cond("args.reduceOnly", "neq", "true"))}}}, "never compared"),
        ({"tools": {"createOrder": {"require": when(cond("args.reduceOnly", "gt", 1))}}}, "boolean"),
    ],
)
def test_slips_of_the_author_are_warnings(fields: dict[str, Any], words: str) -> None:
    assert any(words in message for _, message, _ in warnings(BYBIT, **fields))


def test_a_policy_for_a_server_without_tools_is_judged_by_its_rules() -> None:
    assert [message for _, message, _ in warnings({}, hide=["x"])] == ["This policy allows nothing."]
    assert warnings({}, tools={"x": {}}) == []
    assert warnings({}, default="allow") == []
    assert warnings(index(make_tool("a")), tools={"a": {}}) == []
