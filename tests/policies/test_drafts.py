"""A rule put into a policy's text: it is there afterwards, and every other character is as it was."""

import json

import pytest

from policies.drafts import put_rule

RULE = '{"action": "deny"}'
CASES = [
    ('{"version": "1"}', '{"tools": {"t": {"action": "deny"}}, "version": "1"}'),
    ("{}", '{"tools": {"t": {"action": "deny"}}}'),
    ('{"tools": {}}', '{"tools": {"t": {"action": "deny"}}}'),
    (
        '\n{ "a" : 1e1 ,\n"tools": { "s": {"max": 1.50} } }',
        '\n{ "a" : 1e1 ,\n"tools": { "t": {"action": "deny"}, "s": {"max": 1.50} } }',
    ),
    (
        '{"tools": {"s": {}, "t": {"x": [1, {"t": 2}]}, "u": {}}}',
        '{"tools": {"s": {}, "t": {"action": "deny"}, "u": {}}}',
    ),
    # The name in its other spelling is the same name.
    ('{"tools": {"\\u0074": 1}}', '{"tools": {"\\u0074": {"action": "deny"}}}'),
    (
        '{"x": {"tools": {"t": 1}}, "tools": {}}',
        '{"x": {"tools": {"t": 1}}, "tools": {"t": {"action": "deny"}}}',
    ),
    # It is written as the document is: by lines, with its indentation, a rule on one line where others are.
    (
        '{\n\t"tools": {\n\t\t"s": {\n\t\t\t"max": 1.50\n\t\t}\n\t}\n}\n',
        '{\n\t"tools": {\n\t\t"t": {\n\t\t\t"action": "deny"\n\t\t},\n\t\t"s": {\n\t\t\t"max": 1.50\n\t\t}\n\t}\n}\n',
    ),
    (
        '{\n  "version": "1",\n  "tools": {}\n}',
        '{\n  "version": "1",\n  "tools": {\n    "t": {\n      "action": "deny"\n    }\n  }\n}',
    ),
    (
        '{\n  "risk": {"low": {}},\n  "tools": {\n    "s": {"max": 1.50}\n  }\n}',
        '{\n  "risk": {"low": {}},\n  "tools": {\n    "t": {"action": "deny"},\n    "s": {"max": 1.50}\n  }\n}',
    ),
    (
        '{\n  "tools": {\n    "t": {\n      "max": 1.50\n    }\n  }\n}',
        '{\n  "tools": {\n    "t": {\n      "action": "deny"\n    }\n  }\n}',
    ),
]


@pytest.mark.parametrize(("before", "after"), CASES)
def test_a_rule_is_put_in_and_nothing_else_changes(before: str, after: str) -> None:
    assert put_rule(before, "t", RULE) == after
    assert json.loads(after)["tools"]["t"] == {"action": "deny"}


@pytest.mark.parametrize("text", ["", "[]", "nothing", '{"tools": []}', '{"tools": 1}', '{"tools" {}}', '{"a": '])
def test_what_is_no_policy_takes_no_rule(text: str) -> None:
    assert put_rule(text, "t", RULE) == ""
