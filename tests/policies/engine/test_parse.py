import json
import re
from typing import Any

import pytest

from policies.engine.parse import Parsed, Problem, parse_policy
from tests.policies.engine.builders import cond, index, load_bybit, make_tool, parse, when, write_policy

BYBIT = load_bybit()
OPEN = index(make_tool())


def errors_of(parsed: Parsed) -> list[tuple[str, str]]:
    assert (parsed.policy is None) == bool(parsed.errors)
    return [(problem.pointer, problem.suggestion) for problem in parsed.errors]


def rule_errors(**clauses: Any) -> list[tuple[str, str]]:
    return errors_of(parse(OPEN, tools={"tool": clauses}))


@pytest.mark.parametrize(
    ("text", "words", "line", "column"),
    [
        ("", "ends where a value", 1, 1),
        ("   \n ", "ends where a value", 2, 2),
        ("nonsense", "value is expected", 1, 1),
        ('{"version": "1",\n  "default": }', "value is expected", 2, 14),
        ('{"version": "1" "default": "deny"}', "comma", 1, 17),
        ('{"version": "1",}', "key in double quotes", 1, 17),
        ("{'version': '1'}", "key in double quotes", 1, 2),
        ('{"version" "1"}', "colon", 1, 12),
        ('{"version": "1', "does not end", 1, 13),
        ('{"a": [1, 2}', "comma or ]", 1, 12),
        ('{"a": NaN}', "value is expected", 1, 7),
        ('{"a": Infinity}', "value is expected", 1, 7),
        ('{"a": -}', "value is expected", 1, 7),
        ('{"a": 01}', "comma", 1, 8),
        ('{"a": .5}', "value is expected", 1, 7),
        ('{"a": 1e1000}', "exponent", 1, 7),
        ('{"a": ' + "1" * 65 + "}", "too long", 1, 7),
        ('{"a": "\t"}', "control character", 1, 7),
        ('{"a": "\\x41"}', "unknown escape", 1, 7),
        ('{"a": "\\ud800"}', "surrogate", 1, 7),
        ('{"a": "\\u0000"}', "NUL", 1, 7),
        ('{"a": 1} x', "after the end", 1, 10),
        ('{"a": 1}{"a": 1}', "after the end", 1, 9),
        ("\ufeff{}", "byte order mark", 1, 1),
        ('{"\ud800": 1}', "surrogate pair", 1, 3),
        ("[" * 40 + "]" * 40, "deeper than 32", 1, 34),
        ('{"' + "k" * 300 + '": 1}', "at most 256", 1, 2),
        (" " * 300_000, "at most 262,144", 1, 1),
        ("/* no */ {}", "value is expected", 1, 1),
    ],
)
def test_a_text_that_is_no_strict_json_is_one_error_with_its_place(
    text: str, words: str, line: int, column: int
) -> None:
    parsed = parse_policy(text, BYBIT)
    (problem,) = parsed.errors
    assert parsed.policy is None
    assert words in problem.message
    assert (problem.line, problem.column) == (line, column)


@pytest.mark.parametrize("value", ["[]", "1", '"text"', "null", "true"])
def test_a_policy_is_an_object(value: str) -> None:
    (problem,) = parse_policy(value, BYBIT).errors
    assert "Expected an object" in problem.message


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        ('{"version":"1","default":"deny","version":"1"}', "/version"),
        ('{"version":"1","default":"deny","def\\u0061ult":"allow"}', "/default"),
        ('{"version":"1","default":"deny","tools":{"tool":{},"tool":{"action":"deny"}}}', "/tools/tool"),
        ('{"version":"1","default":"deny","tools":{"tool":{"reason":"a","reason":"a"}}}', "/tools/tool/reason"),
        ('{"version":"1","default":"deny","x":{"a/b":1,"a/b":1}}', "/x/a~1b"),
    ],
)
def test_a_duplicate_key_is_an_error(text: str, pointer: str) -> None:
    parsed = parse_policy(text, OPEN)
    assert parsed.policy is None
    assert any(problem.pointer == pointer and "twice" in problem.message for problem in parsed.errors)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", [("", "version"), ("", "default")]),
        ('{"version":"1"}', [("", "default")]),
        ('{"default":"deny"}', [("", "version")]),
        ('{"version":1,"default":"deny"}', [("/version", '"1"')]),
        ('{"version":"2","default":"deny"}', [("/version", '"1"')]),
        ('{"version":"1","default":"Deny"}', [("/default", "deny")]),
        ('{"version":"1","default":"block"}', [("/default", "deny")]),
        ('{"version":"1","default":true}', [("/default", "")]),
        ('{"version":"1","defualt":"deny"}', [("", "default"), ("/defualt", "default")]),
        ('{"version":"1","default":"deny","tool":{}}', [("/tool", "tools")]),
        ('{"version":"1","default":"deny","Tools":{}}', [("/Tools", "tools")]),
        ('{"version":"1","default":"deny","description":1}', [("/description", "")]),
        ('{"version":"1","default":"deny","hide":"x"}', [("/hide", "")]),
        ('{"version":"1","default":"deny","hide":[1]}', [("/hide/0", "")]),
        ('{"version":"1","default":"deny","hide":[""]}', [("/hide/0", "")]),
        ('{"version":"1","default":"deny","methods":{"resource":"deny"}}', [("/methods/resource", "resources")]),
        ('{"version":"1","default":"deny","methods":{"resources":false}}', [("/methods/resources", "")]),
        ('{"version":"1","default":"deny","methods":{"extra":"x"}}', [("/methods/extra", "")]),
        ('{"version":"1","default":"deny","methods":{"extra":["tools/call"]}}', [("/methods/extra/0", "")]),
        ('{"version":"1","default":"deny","methods":{"extra":["x/*"]}}', [("/methods/extra/0", "")]),
        ('{"version":"1","default":"deny","risk":{"severe":{}}}', [("/risk/severe", "")]),
        ('{"version":"1","default":"deny","risk":{"criticall":{}}}', [("/risk/criticall", "critical")]),
        ('{"version":"1","default":"deny","tools":[]}', [("/tools", "")]),
        ('{"version":"1","default":"deny","tools":{"":{}}}', [("/tools/", "")]),
        ('{"version":"1","default":"deny","tools":{"tool":"allow"}}', [("/tools/tool", "")]),
        ('{"version":"1","default":"deny","tools":{"tool":null}}', [("/tools/tool", "")]),
        ('{"version":"1","default":"deny","all_tools":{"action":"deny"}}', [("/all_tools/action", "")]),
        ('{"version":"1","default":"deny","all_tools":{"rate_limit":{}}}', [("/all_tools/rate_limit", "limits")]),
    ],
)
def test_a_wrong_document_is_an_error_with_pointer_and_nearest_name(text: str, expected: list[tuple[str, str]]) -> None:
    found = errors_of(parse_policy(text, OPEN))
    assert [pointer for pointer, _ in found] == [pointer for pointer, _ in expected]
    assert all(near in ("", suggestion) for (_, suggestion), (_, near) in zip(found, expected, strict=True))


@pytest.mark.parametrize(
    ("clauses", "pointer", "suggestion"),
    [
        ({"action": "require approval"}, "action", "require_approval"),
        ({"action": "Require Approval"}, "action", "require_approval"),
        ({"action": "approve"}, "action", "require_approval"),
        ({"action": "denny"}, "action", "deny"),
        ({"action": "HIDE"}, "action", "hide"),
        ({"action": None}, "action", ""),
        ({"reason": 5}, "reason", ""),
        ({"requires": []}, "requires", "require"),
        ({"require": {}}, "require", ""),
        ({"require": ["x"]}, "require/0", ""),
        ({"require": [{}]}, "require/0", "conditions"),
        ({"require": [{"conditions": {}}]}, "require/0/conditions", ""),
        ({"require": [{"condition": []}]}, "require/0", "conditions"),
        ({"require": [{"conditions": [], "for": ["x"]}]}, "require/0/for", ""),
        ({"require": [{"conditions": [], "reason": "x"}]}, "require/0/reason", ""),
        ({"approve_if": [{"conditions": [], "reason": "x", "on_deny": "y"}]}, "approve_if/0/reason", ""),
        ({"require": [{"conditions": [], "on_deny": 1}]}, "require/0/on_deny", ""),
        ({"require": [{"conditions": [], "each": 1}]}, "require/0/each", ""),
        ({"require": [{"conditions": [], "each": "call.time"}]}, "require/0/each", "args.NAME[*]"),
        ({"require": [{"conditions": [], "each": "item.x"}]}, "require/0/each", "args.x"),
        ({"rate_limit": {"max": 10}}, "rate_limit", "window"),
        ({"rate_limit": {"max": 1.5, "window": 60}}, "rate_limit/max", ""),
        ({"rate_limit": {"max": -1, "window": 60}}, "rate_limit/max", ""),
        ({"rate_limit": {"max": True, "window": 60}}, "rate_limit/max", ""),
        ({"rate_limit": {"max": 1, "window": 0}}, "rate_limit/window", ""),
        ({"rate_limit": {"max": 1, "window": True}}, "rate_limit/window", ""),
        ({"rate_limit": {"max": 1, "window": 1.5}}, "rate_limit/window", ""),
        ({"rate_limit": {"max": 1, "window": 99999999999}}, "rate_limit/window", ""),
        ({"rate_limit": {"max": 1, "window": "minutes"}}, "rate_limit/window", "minute"),
        ({"rate_limit": {"max": 1, "window": 60, "scope": "grant"}}, "rate_limit/scope", ""),
        ({"limits": [{"counter": "a", "window": 1}]}, "limits/0", "max"),
        ({"limits": [{"counter": "", "window": 1, "max": 1}]}, "limits/0/counter", ""),
        ({"limits": [{"counter": "a\n", "window": 1, "max": 1}]}, "limits/0/counter", ""),
        ({"limits": [{"counter": 1, "window": 1, "max": 1}]}, "limits/0/counter", ""),
        ({"limits": [{"counter": "a", "window": 1, "max": "x"}]}, "limits/0/max", ""),
        ({"limits": [{"counter": "a", "window": 1, "max": 0.5}]}, "limits/0/max", ""),
        ({"limits": [{"counter": "a", "window": 1, "max": "1e15", "amount": "args.x"}]}, "limits/0/max", ""),
        ({"limits": [{"counter": "a", "window": 1, "max": "0.0000000001", "amount": "args.x"}]}, "limits/0/max", ""),
        ({"limits": [{"counter": "a", "window": 1, "max": 1, "scope": "user"}]}, "limits/0/scope", "server"),
        (
            {"limits": [{"counter": "a", "window": 1, "max": 1, "scope": "organization"}]},
            "limits/0/scope",
            "organisation",
        ),
        ({"limits": [{"counter": "a", "window": 1, "max": 1, "amount": 1}]}, "limits/0/amount", ""),
        ({"limits": [{"counter": "a", "window": 1, "max": 1, "amount": {}}]}, "limits/0/amount", ""),
        ({"limits": [{"counter": "a", "window": 1, "max": 1, "amount": {"avg": "args.x"}}]}, "limits/0/amount/avg", ""),
    ],
)
def test_a_wrong_rule_is_an_error_with_pointer_and_nearest_name(
    clauses: dict[str, Any], pointer: str, suggestion: str
) -> None:
    found = rule_errors(**clauses)
    assert f"/tools/tool/{pointer}" in [where for where, _ in found]
    assert suggestion == "" or (f"/tools/tool/{pointer}", suggestion) in found


@pytest.mark.parametrize(
    ("condition", "pointer", "suggestion"),
    [
        ("x", "", ""),
        ({"op": "eq", "value": 1}, "", "path"),
        ({"path": "args.x", "amount": "args.x", "op": "eq", "value": 1}, "", ""),
        ({"path": "args.x", "value": 1}, "", "op"),
        ({"path": "args.x", "op": "eq"}, "", "value"),
        (cond("args.x", "equals", 1), "/op", "eq"),
        (cond("args.x", "==", 1), "/op", "eq"),
        (cond("args.x", ">=", 1), "/op", "gte"),
        (cond("args.x", "notin", [1]), "/op", "not_in"),
        (cond("args.x", "EQ", 1), "/op", "eq"),
        (cond("args.x", "regexp", "a"), "/op", "regex"),
        (cond("args.x", "starts_with", "a"), "/op", ""),
        ({"path": "args.x", "op": "eq", "value": 1, "vlaue": 2}, "/vlaue", "value"),
        (cond("x", "eq", 1), "/path", "args.x"),
        (cond("item.x", "eq", 1), "/path", "args.x"),
        (cond("call.tool", "eq", 1), "/path", "call.time"),
        ({"path": 5, "op": "eq", "value": 1}, "/path", ""),
        (cond("call.time", "eq", 1), "/op", "within"),
        (cond("args.x", "within", {"tz": "UTC"}), "/op", ""),
        (cond("args.x", "in", "a"), "/value", ""),
        (cond("args.x", "not_in", {"a": 1}), "/value", ""),
        (cond("args.x", "gt", "abc"), "/value", ""),
        (cond("args.x", "gt", True), "/value", ""),
        (cond("args.x", "gt", [1]), "/value", ""),
        (cond("args.x", "exists", "yes"), "/value", "true"),
        (cond("args.x", "exists", {"path": "args.y"}), "/value", "true"),
        (cond("args.x", "contains", ["a"]), "/value", ""),
        (cond("args.x", "matches", 5), "/value", ""),
        (cond("args.x", "matches", "("), "/value", ""),
        (cond("args.x", "regex", "(?=a)"), "/value", ""),
        (cond("args.x", "regex", r"(a)\1"), "/value", ""),
        (cond("args.x", "regex", "a" * 1001), "/value", ""),
        (cond("args.x", "regex", "((a{50}){20}){11}"), "/value", ""),
        (cond("args.x", "matches", {"path": "args.y"}), "/value", ""),
        (cond("args.x", "eq", {"path": "y"}), "/value/path", "args.y"),
        (cond("args.x", "eq", {"path": "args.y", "z": 1}), "/value/z", ""),
        (cond("args.x", "eq", {"path": "args.y[*]"}), "/value", ""),
        (cond("args.x", "eq", {"path": "call.time"}), "/value", ""),
        (cond("call.time", "within", {}), "/value", "tz"),
        (cond("call.time", "within", "office"), "/value", ""),
        (cond("call.time", "within", {"path": "args.y"}), "/value/path", ""),
        (cond("call.time", "within", {"tz": "Europe/Lodnon"}), "/value/tz", "Europe/London"),
        (cond("call.time", "within", {"tz": "../etc/passwd"}), "/value/tz", ""),
        (cond("call.time", "within", {"tz": "UTC", "days": ["monday"]}), "/value/days/0", "mon"),
        (cond("call.time", "within", {"tz": "UTC", "days": []}), "/value/days", ""),
        (cond("call.time", "within", {"tz": "UTC", "from": "08:00"}), "/value", "to"),
        (cond("call.time", "within", {"tz": "UTC", "from": "8:00", "to": "9:00"}), "/value/from", ""),
        (cond("call.time", "within", {"tz": "UTC", "from": "08:00", "to": "24:01"}), "/value/to", ""),
        (cond("call.time", "within", {"tz": "UTC", "from": "08:00", "to": "08:00"}), "/value", ""),
        (cond("call.time", "within", {"tz": "UTC", "from": "24:00", "to": "08:00"}), "/value", ""),
        ({"amount": "args.x", "op": "contains", "value": 1}, "/op", ""),
        ({"amount": "args.x", "op": "eq", "value": "abc"}, "/value", ""),
        ({"amount": "args.x", "op": "in", "value": [1, None]}, "/value/1", ""),
        ({"amount": "args.l[*].x", "op": "eq", "value": 1}, "/amount", '{"sum": "args.l[*].x"}'),
        ({"amount": {"count": "args.l"}, "op": "eq", "value": 1}, "/amount/count", "args.l[*]"),
        ({"amount": {"product": ["args.x"]}, "op": "eq", "value": 1}, "/amount/product", ""),
        ({"amount": {"product": ["args.l[*].x", "args.y"]}, "op": "eq", "value": 1}, "/amount/product", ""),
        ({"amount": {"product": ["args.l[*].x", "args.m[*].x"]}, "op": "eq", "value": 1}, "/amount/product", ""),
        ({"amount": {"sum": "args.x", "min": "args.x"}, "op": "eq", "value": 1}, "/amount", ""),
        ({"amount": {"sum": "call.time"}, "op": "eq", "value": 1}, "/amount/sum", ""),
        ({"amount": [], "op": "eq", "value": 1}, "/amount", ""),
        ({"amount": [{"when": []}], "op": "eq", "value": 1}, "/amount/0", "amount"),
    ],
)  # fmt: skip
def test_a_wrong_condition_is_an_error_with_pointer_and_nearest_name(
    condition: Any, pointer: str, suggestion: str
) -> None:
    found = rule_errors(deny_if=[{"conditions": [condition]}])
    where = f"/tools/tool/deny_if/0/conditions/0{pointer}"
    assert where in [pointer for pointer, _ in found]
    assert suggestion == "" or (where, suggestion) in found


def test_every_error_is_reported_at_its_place_in_order() -> None:
    text = '{\n  "version": "1",\n  "default": "dney",\n  "tools": {"tool": {"acton": "deny"}},\n  "hidden": []\n}'
    parsed = parse_policy(text, OPEN)
    assert [(problem.line, problem.column) for problem in parsed.errors] == [(3, 14), (4, 22), (5, 3)]
    assert [problem.suggestion for problem in parsed.errors][:2] == ["deny", "action"]


def test_a_hostile_document_is_answered_with_a_bounded_list() -> None:
    names: dict[str, Any] = {f"*{number}*": {} for number in range(490)}
    conditions = [cond(f"args.nope{number}", "eq", 1) for number in range(400)]
    texts = [
        write_policy(tools=names),
        write_policy(all_tools={"deny_if": when(*conditions)}),
        write_policy(tools={f"tool{number}": {"deny_if": when()} for number in range(4000)}),
        write_policy(tools={"createOrder": {"deny_if": [{"conditions": []}] * 6000}}),
        "[" + "1," * 100_000 + "1]",
        '{"a":' * 30 + '"' + "\\" * 1000,
    ]
    for text in texts:
        parsed = parse_policy(text, BYBIT)
        assert len(parsed.errors) <= 100
        assert len(parsed.warnings) <= 100


def test_a_problem_is_plain_data() -> None:
    (problem,) = parse_policy("[]", {}).errors
    assert problem == Problem("", problem.message, "", 1, 1)
    assert json.dumps(problem.__dict__)
    assert re.search(r"\.$", problem.message)
