from typing import Any

import pytest

from policies.engine.paths import PathError, parse_path
from policies.engine.values import BROKEN, EMPTY, JSON, MISSING, Outcome
from tests.policies.engine.builders import call, compile_fields, cond, index, make_tool, rule, when

ALLOW, DENY = Outcome.ALLOW, Outcome.DENY


@pytest.mark.parametrize(
    "text",
    [
        "args.a",
        "args.a.b",
        "args.list[0].x",
        "args.list[*].x",
        'args["a.b"]',
        'args["a\\"b"].c',
        "args.snake_case-and-dash",
        "item",
        "item.x",
        "item[0]",
        "call.time",
    ],
)
def test_a_path_reads_back_as_it_was_written(text: str) -> None:
    assert parse_path(text).text == text


@pytest.mark.parametrize(
    "text",
    [
        "", "args", "args.", "args..a", "args[0]", "args[*].a", "symbol", "argsx.a", "args.a[", "args.a[-1]",
        "args.a[01]", "args.a[1", 'args["a', 'args["\\x"]', "args.a b", "args.a*", "call", "call.tool", "call.time.x",
        "args.a[*", "args.a\n", "args" + ".a" * 33, "ARGS.a",
    ],
)  # fmt: skip
def test_other_texts_are_no_paths(text: str) -> None:
    with pytest.raises(PathError):
        parse_path(text)


REACHED: list[tuple[str, dict[str, JSON]]] = [
    ("args.a", {"a": 1}),
    ("args.a.b", {"a": {"b": 1}}),
    ("args.l[0].x", {"l": [{"x": 1}]}),
    ("args.l[1][0]", {"l": [0, [1]]}),
    ('args["a.b"]', {"a.b": 1}),
    ('args.a["b c"]', {"a": {"b c": 1}}),
]


@pytest.mark.parametrize(("path", "arguments"), REACHED)
def test_a_path_reaches_its_value(path: str, arguments: dict[str, JSON]) -> None:
    assert call(rule(require=when(cond(path, "eq", 1))), **arguments).outcome == ALLOW
    assert call(rule(require=when(cond(path, "eq", 2))), **arguments).outcome == DENY


def test_a_dotted_argument_is_not_a_nested_one() -> None:
    policy = rule(deny_if=when(cond("args.a.b", "eq", 1)))
    assert call(policy, a={"b": 1}).outcome == DENY
    assert call(policy, **{"a.b": 1}).outcome == ALLOW


@pytest.mark.parametrize(
    ("path", "arguments"),
    [
        ("args.a.b", {"a": "text"}),
        ("args.a.b", {"a": None}),
        ("args.a.b", {"a": [1]}),
        ("args.l[0]", {"l": {"0": 1}}),
        ("args.l[0]", {"l": "abc"}),
        ("args.l[*].x", {"l": {"0": {"x": 1}}}),
        ("args.l[*].x", {"l": "abc"}),
        ("args.l[*].x", {"l": None}),
        ("args.l[*].x", {"l": [{"x": 1}, "abc"]}),
        ("args.l[*].x", {"l": [None]}),
    ],
)
@pytest.mark.parametrize("op", ["eq", "exists"])
def test_a_wrong_type_on_the_way_denies_in_every_clause(path: str, arguments: dict[str, JSON], op: str) -> None:
    condition = cond(path, op, 7 if op == "eq" else False)
    for clause in ("require", "deny_if", "approve_if"):
        decision = call(rule(**{clause: when(condition)}), **arguments)
        assert decision.outcome == DENY
        assert any(match.found is BROKEN for match in decision.matched) or op == "eq"


# op, value, elements, holds in require (all), holds in deny_if (one)
LISTS: list[tuple[str, Any, list[JSON], bool, bool]] = [
    ("in", ["a"], ["a", "a"], True, True),
    ("in", ["a"], ["a", "b"], False, True),
    ("in", ["a"], ["b"], False, False),
    ("not_in", ["a"], ["a", "b"], False, True),
    ("not_in", ["a"], ["b", "c"], True, True),
    ("not_in", ["a"], ["a"], False, False),
    ("gt", 5, [6, "7"], True, True),
    ("gt", 5, [6, 1], False, True),
    ("exists", True, [1, 2], True, True),
    ("in", ["a"], [], False, False),
    ("not_in", ["a"], [], False, False),
    ("exists", False, [], False, False),
]


@pytest.mark.parametrize(("op", "value", "elements", "all_hold", "one_holds"), LISTS)
def test_lists_need_every_element_in_require_and_one_elsewhere(
    op: str, value: Any, elements: list[JSON], all_hold: bool, one_holds: bool
) -> None:
    condition = cond("args.l[*].x", op, value)
    orders: JSON = [{"x": element} for element in elements]
    assert (call(rule(require=when(condition)), l=orders).outcome == ALLOW) == all_hold
    assert (call(rule(deny_if=when(condition)), l=orders).outcome == DENY) == one_holds
    assert (call(rule(approve_if=when(condition)), l=orders).outcome == Outcome.APPROVE) == one_holds


def test_one_element_without_the_argument_counts_as_missing() -> None:
    orders: JSON = [{"x": "a"}, {}]
    assert call(rule(require=when(cond("args.l[*].x", "in", ["a"]))), l=orders).outcome == DENY
    assert call(rule(deny_if=when(cond("args.l[*].x", "not_in", ["a"]))), l=orders).outcome == DENY
    assert call(rule(deny_if=when(cond("args.l[*].x", "in", ["b"]))), l=orders).outcome == ALLOW


def test_one_bad_element_in_a_list_denies() -> None:
    policy = rule(deny_if=when(cond("args.l[*].x", "gt", 5)))
    assert call(policy, l=[{"x": 1}, {"x": 2}]).outcome == ALLOW
    assert call(policy, l=[{"x": 1}, {"x": "bad"}]).outcome == DENY
    assert call(policy, l=[{"x": 1}, {"x": 6}]).matched[0].path == "args.l[1].x"


def test_an_absent_list_fails_require_and_meets_what_forbids_absence() -> None:
    assert call(rule(require=when(cond("args.l[*].x", "exists", False)))).outcome == DENY
    assert call(rule(deny_if=when(cond("args.l[*].x", "not_in", ["a"])))).outcome == DENY
    assert call(rule(deny_if=when(cond("args.l[*].x", "in", ["a"])))).outcome == ALLOW


def test_an_empty_list_inside_a_list_fails_require() -> None:
    policy = rule(require=when(cond("args.l[*].m[*]", "eq", 1)))
    assert call(policy, l=[{"m": [1]}, {"m": [1, 1]}]).outcome == ALLOW
    denied = call(policy, l=[{"m": [1]}, {"m": []}])
    assert denied.outcome == DENY
    assert denied.matched[-1].found is EMPTY


EACH = {"each": "args.l[*]"}
REDUCE = (cond("item.t", "eq", "Market"), cond("item.r", "neq", True))


@pytest.mark.parametrize(
    ("elements", "outcome"),
    [
        ([{"t": "Market", "r": True}], ALLOW),
        ([{"t": "Limit"}], ALLOW),
        ([{"t": "Limit"}, {"t": "Market", "r": True}], ALLOW),
        ([{"t": "Market"}], DENY),
        ([{"t": "Market", "r": False}], DENY),
        ([{"t": "Market", "r": "true"}], DENY),
        ([{"t": "Limit"}, {"t": "Market"}], DENY),
        ([{"t": 5}], DENY),
        ([{"t": 5, "r": True}], ALLOW),
        (["Market"], DENY),
        ([None], DENY),
        ([], ALLOW),
    ],
)
def test_each_judges_the_conditions_of_an_element_together(elements: JSON, outcome: Outcome) -> None:
    assert call(rule(deny_if=when(*REDUCE, **EACH)), l=elements).outcome == outcome


def test_each_matches_the_element_that_decided() -> None:
    decision = call(rule(deny_if=when(*REDUCE, **EACH)), l=[{"t": "Limit"}, {"t": "Market"}])
    assert [(match.path, match.found) for match in decision.matched] == [
        ("args.l[1].t", "Market"),
        ("args.l[1].r", MISSING),
    ]


@pytest.mark.parametrize("each", ["args.l[*]", "args.l"])
@pytest.mark.parametrize(
    ("arguments", "outcome"),
    [
        ({"l": [{"x": 1}, {"x": 1}]}, ALLOW),
        ({"l": [{"x": 1}, {"x": 2}]}, DENY),
        ({"l": [{"x": 1}, {}]}, DENY),
        ({"l": []}, DENY),
        ({}, DENY),
        ({"l": {"0": {"x": 1}}}, DENY),
    ],
)
def test_each_in_require_needs_every_element_and_a_list(
    each: str, arguments: dict[str, JSON], outcome: Outcome
) -> None:
    assert call(rule(require=when(cond("item.x", "eq", 1), each=each)), **arguments).outcome == outcome


def test_each_reaches_the_arguments_and_nested_lists() -> None:
    policy = rule(
        deny_if=when(
            cond("item.m[*]", "contains", "b"),
            cond("args.y", "eq", 1),
            cond("item.x", "gt", {"path": "args.z"}),
            **EACH,
        )
    )
    blocked: JSON = [{"m": ["a"], "x": 9}, {"m": ["a", "b"], "x": 5}]
    assert call(policy, l=blocked, y=1, z=4).outcome == DENY
    assert call(policy, l=blocked, y=2, z=4).outcome == ALLOW
    assert call(policy, l=blocked, y=1, z=5).outcome == ALLOW


def test_an_absent_list_meets_an_each_that_forbids_absence() -> None:
    assert call(rule(deny_if=when(cond("item.s", "not_in", ["a"]), **EACH))).outcome == DENY
    assert call(rule(deny_if=when(*REDUCE, **EACH))).outcome == ALLOW


def test_items_can_be_plain_values() -> None:
    policy = rule(require=when(cond("item", "in", ["a", "b"]), each="args.l[*]"))
    assert call(policy, l=["a", "b"]).outcome == ALLOW
    assert call(policy, l=["a", "c"]).outcome == DENY


DEFAULTS = {
    "f": {"type": "string", "enum": ["Order", "Stop"], "default": "Order"},
    "o": {"type": "object", "properties": {"n": {"type": "integer", "default": 3}}},
    "l": {"type": "array", "items": {"type": "object", "properties": {"t": {"type": "string", "default": "GTC"}}}},
}


@pytest.mark.parametrize(
    ("condition", "arguments", "outcome"),
    [
        (cond("args.f", "eq", "Order"), {}, ALLOW),
        (cond("args.f", "eq", "Order"), {"f": "Stop"}, DENY),
        (cond("args.f", "exists", True), {}, ALLOW),
        (cond("args.o.n", "eq", 3), {"o": {}}, ALLOW),
        (cond("args.o.n", "eq", 3), {"o": {"n": 4}}, DENY),
        (cond("args.o.n", "eq", 3), {}, DENY),
        (cond("args.l[*].t", "eq", "GTC"), {"l": [{}, {"t": "GTC"}]}, ALLOW),
        (cond("args.l[*].t", "eq", "GTC"), {"l": [{}, {"t": "IOC"}]}, DENY),
    ],
)
def test_an_absent_argument_takes_the_default_of_its_schema(
    condition: dict[str, Any], arguments: dict[str, JSON], outcome: Outcome
) -> None:
    tools = index(make_tool(properties=DEFAULTS))
    assert call(compile_fields(tools, tools={"tool": {"require": when(condition)}}), **arguments).outcome == outcome


def test_items_of_each_take_the_defaults_of_the_list() -> None:
    tools = index(make_tool(properties=DEFAULTS))
    policy = compile_fields(tools, tools={"tool": {"deny_if": when(cond("item.t", "eq", "GTC"), **EACH)}})
    assert call(policy, l=[{"t": "IOC"}]).outcome == ALLOW
    assert call(policy, l=[{"t": "IOC"}, {}]).outcome == DENY


def test_shared_entries_keep_the_default_of_each_tool() -> None:
    tools = index(
        make_tool("a", {"n": {"type": "integer", "default": 1}}),
        make_tool("b", {"n": {"type": "integer", "default": 9}}),
        make_tool("c", {"n": {"type": "integer"}}),
    )
    policy = compile_fields(tools, default="allow", all_tools={"require": when(cond("args.n", "lt", 5))})
    assert [call(policy, name).outcome for name in ("a", "b", "c")] == [ALLOW, DENY, DENY]
    assert [call(policy, name, n=2).outcome for name in ("a", "b", "c")] == [ALLOW, ALLOW, ALLOW]
