"""What the editor completes, against the engine that judges it: every key and word of the grammar is offered in its
place and accepted there, and whatever is chosen leaves JSON behind."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from config.launcher.front_end import find_node
from config.launcher.packages import ROOT
from policies.engine.grammar import OBJECTS, WORDS, describe_grammar
from policies.engine.parse import parse_policy
from policies.engine.tools import ToolFacts
from policies.engine.values import Level

CARET = "▮"
ORDER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "symbol": {"type": "string"},
        "side": {"type": "string", "enum": ["Buy", "Sell"]},
        "qty": {"type": "string"},
        "reduceOnly": {"type": "boolean"},
        "odd.name": {"type": "number"},
        "nested": {"anyOf": [{"$ref": "#/$defs/Nested"}, {"type": "null"}]},
        "request": {
            "type": "array",
            "items": {"type": "object", "properties": {"orderType": {"enum": ["Market", "Limit"]}, "qty": {}}},
        },
    },
    "$defs": {
        "Nested": {"type": "object", "properties": {"mode": {"enum": [1, 2]}, "again": {"$ref": "#/$defs/Nested"}}}
    },
}
TIME: dict[str, Any] = {"type": "object", "properties": {"zone": {"type": "string"}, "symbol": {"type": "string"}}}
SCHEMAS = {"createOrder": ORDER, "getTickers": TIME, "getTime": TIME, "cancelOrder": TIME}
LEVELS = {"createOrder": Level.CRITICAL, "cancelOrder": Level.HIGH}
TOOLS = {name: ToolFacts(name, LEVELS.get(name, Level.LOW), schema) for name, schema in SCHEMAS.items()}

# An open object of each shape; what else the object needs stands in it already.
IN_RULE = '{"version": "1", "default": "deny", "tools": {"createOrder": %s}}'
IN_ALL = '{"version": "1", "default": "deny", "all_tools": {%s}}'
CONDITION = '{"path": "args.symbol", "op": "eq", "value": "X"}'
OPEN = {
    "policy": "{▮}",
    "methods": '{"version": "1", "default": "deny", "methods": {▮}}',
    "risk": '{"version": "1", "default": "deny", "risk": {▮}}',
    "all_tools": IN_ALL % "▮",
    "rule": IN_RULE % "{▮}",
    "rate_limit": IN_RULE % '{"rate_limit": {▮}}',
    "entry": IN_RULE % '{"require": [{▮}]}',
    "asking entry": IN_RULE % '{"approve_if": [{▮}]}',
    "limit": IN_RULE % '{"limits": [{▮}]}',
    "chosen entry": IN_ALL % '"deny_if": [{▮}]',
    "chosen asking entry": IN_ALL % '"approve_if": [{▮}]',
    "chosen limit": IN_ALL % '"limits": [{▮}]',
    "condition": IN_RULE % '{"require": [{"conditions": [{▮}]}]}',
    "other": IN_RULE % '{"require": [{"conditions": [{"path": "args.symbol", "op": "eq", "value": {▮}}]}]}',
    "hours": IN_RULE % '{"require": [{"conditions": [{"path": "call.time", "op": "within", "value": {▮}}]}]}',
    "amount": IN_RULE % '{"limits": [{"counter": "c", "window": 60, "max": 5, "amount": {▮}}]}',
    "case": IN_RULE % '{"limits": [{"counter": "c", "window": 60, "max": 5, "amount": [{▮}]}]}',
}
SAMPLES: dict[str, Any] = {
    "text": "08:00",
    "number": 1,
    "tools": {"createOrder": {}},
    "name": "createOrder",
    "path": "args.qty",
    "list path": "args.request[*]",
    "value": "X",
    "amount": "args.qty",
    "condition": {"path": "args.symbol", "op": "eq", "value": "X"},
    "entry": {"conditions": []},
    "limit": {"counter": "c", "window": 60, "max": 5},
    "methods": {},
    "risk": {},
    "all_tools": {},
    "rule": {},
    "rate_limit": {"max": 1, "window": 60},
    **{name: next(iter(words)) for name, words in WORDS.items()},
}
# Where each list of words is offered.
WORD_PLACES = {
    "version": '{"version": ▮}',
    "default": '{"default": "▮"}',
    "action": IN_RULE % '{"action": "▮"}',
    "scope": IN_RULE % '{"limits": [{"counter": "c", "window": 60, "max": 1, "scope": "▮"}]}',
    "window": IN_RULE % '{"rate_limit": {"max": 1, "window": "▮"}}',
    "day": IN_RULE
    % '{"require": [{"conditions": [{"path": "call.time", "op": "within", "value": {"tz": "UTC", "days": ["▮"]}}]}]}',
    "op": IN_RULE % '{"require": [{"conditions": [{"path": "args.qty", "op": "▮", "value": 1}]}]}',
    "amount op": IN_RULE % '{"require": [{"conditions": [{"op": "▮", "amount": "args.qty", "value": 1}]}]}',
    "time op": IN_RULE % '{"require": [{"conditions": [{"op": "▮", "path": "call.time", "value": {"tz": "UTC"}}]}]}',
}
# Wrong for its place, whatever else is wrong with it.
MISFIT = ("is not known here", "Expected ", "can be compared with", "can only be judged", "judges call.time")


@dataclass(frozen=True)
class Offer:
    label: str
    detail: str
    text: str
    chosen: str


def ask(tmp_path: Path, *marked: str) -> list[dict[str, Offer]]:
    """For each text with a caret what is offered there, by label."""
    cases = [{"text": text.replace(CARET, ""), "at": text.index(CARET)} for text in marked]
    tools = [{"name": name, "title": "", "level": TOOLS[name].level, "input_schema": SCHEMAS[name]} for name in SCHEMAS]
    path = tmp_path / "cases.json"
    path.write_text(json.dumps({"data": {"grammar": describe_grammar(), "tools": tools}, "cases": cases}))
    argv = [str(find_node()), str(ROOT / "tests" / "assets" / "complete.mjs")]
    environment = {**os.environ, "CASES": str(path)}
    answer = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert answer.returncode == 0, answer.stderr
    return [
        {
            each["label"]: Offer(each["label"], each["detail"], each["text"], each["text"][each["from"] : each["to"]])
            for each in case
        }
        for case in json.loads(answer.stdout)
    ]


def misfits(text: str) -> list[str]:
    return [
        error.message
        for error in parse_policy(text, TOOLS).errors
        if error.message.startswith(MISFIT) or MISFIT[0] in error.message
    ]


def sample_of(shape: str) -> Any:
    if shape.startswith("["):
        inner = shape[1:-1].removeprefix("chosen ").replace("asking entry", "entry")
        return [SAMPLES[inner]] * (2 if inner == "path" else 1)
    return SAMPLES[shape]


def test_each_object_offers_the_keys_that_the_parser_knows_there(tmp_path: Path) -> None:
    assert set(OPEN) == set(OBJECTS)
    offers = ask(tmp_path, *OPEN.values())
    for (name, marked), offered in zip(OPEN.items(), offers, strict=True):
        assert list(offered) == list(OBJECTS[name]), name
        assert all(offer.detail for offer in offered.values())
        # Beside a path, because an object without one is a value to compare with.
        nonsense = '"path": "args.qty", "nonsense": 1' if name == "other" else '"nonsense": 1'
        assert misfits(marked.replace(CARET, nonsense)), name
        for key, what in OBJECTS[name].items():
            assert misfits(marked.replace(CARET, f'"{key}": {json.dumps(sample_of(what.shape))}')) == [], (name, key)


def test_each_place_for_a_word_offers_those_that_the_parser_knows_there(tmp_path: Path) -> None:
    assert set(WORD_PLACES) == set(WORDS)
    for (name, marked), offered in zip(WORD_PLACES.items(), ask(tmp_path, *WORD_PLACES.values()), strict=True):
        assert list(offered) == list(WORDS[name]), name
        for offer in offered.values():
            assert [found for found in misfits(offer.text) if not found.startswith("Expected ")] == [], offer
        nonsense = marked.replace('"▮"', CARET).replace(CARET, '"nonsense"')
        assert parse_policy(nonsense, TOOLS).errors, name


WHOLE = """{
  "version": "1",
  "default": "deny",
  "hide": ["cancelOrder", "get*"],
  "methods": {"resources": "deny", "extra": []},
  "risk": {"low": {}, "critical": {"action": "require_approval", "reason": "A \\"person\\" decides: [yes]."}},
  "all_tools": {"require": [{"except": ["get*"], "conditions": [
    {"path": "call.time", "op": "within", "value": {"days": ["mon"], "from": "08:00", "to": "18:00", "tz": "UTC"}}]}]},
  "tools": {
    "createOrder": {
      "deny_if": [{"each": "args.request[*]", "conditions": [{"path": "item.orderType", "op": "eq", "value": "Market"},
                                                             {"op": "in", "value": ["Buy"], "path": "args.side"}]}],
      "rate_limit": {"max": 10, "window": 60},
      "limits": [{"counter": "n", "window": "day", "max": 2.5, "amount": [{"when": [], "amount": {"sum": "args.qty"}}]}]
    }
  }
}"""
UNFINISHED = (
    "{▮",
    '{"▮',
    '{"act▮}',
    '{"version": "1", "def▮}',
    '{"version": "1" ▮}',
    '{"version": "1",\n  ▮\n  "default": "deny"}',
    '{"version": "1"\n  ▮\n  "default": "deny"}',
    '{"default": ▮, "version": "1"}',
    '{"default": "▮, "version": "1"}',
    '{"default": de▮}',
    '{"hide": ["getTime" ▮ "createOrder"]}',
    '{"tools": {cre▮ate}}',
)


def test_whatever_is_chosen_wherever_leaves_json(tmp_path: Path) -> None:
    places = [WHOLE[:at] + CARET + WHOLE[at:] for at in range(len(WHOLE) + 1)]
    whole = ask(tmp_path, *places)
    assert sum(map(len, whole)) > 2_000
    for marked, offered in zip(places, whole, strict=True):
        for offer in offered.values():
            assert reads(offer.text), (marked, offer)
    for marked, offered in zip(UNFINISHED, ask(tmp_path, *UNFINISHED), strict=True):
        assert offered, marked
        for offer in offered.values():
            closed = offer.text + "}" * (offer.text.count("{") - offer.text.count("}"))
            assert reads(closed), (marked, offer)


def reads(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def condition(inner: str, around: str = "") -> str:
    return IN_RULE % f'{{"require": [{{{around}"conditions": [{{{inner}}}]}}]}}'


@pytest.mark.parametrize(
    ("marked", "present", "absent"),
    [
        # Quotes, colon and a start for the value come with a key; an existing value stays.
        ('{"version": "1", "def▮}', {"default": '{"version": "1", "default": ""}'}, ["version"]),
        ('{"de▮": "deny"}', {"default": '{"default": "deny"}'}, []),
        ('{"version": "1"▮}', {}, ["default"]),
        ('{"version"▮: "1"}', {}, ["default"]),
        ('{\n  ▮\n  "default": "deny"}', {"hide": '{\n  "hide": [],\n  "default": "deny"}'}, ["default"]),
        ('{"version": "1"\n  ▮\n}', {"hide": '{"version": "1",\n  "hide": []\n}'}, []),
        # Tools and patterns, without those that are there.
        ('{"tools": {"getTime": {}, "▮"}}', {"createOrder": None, "get*": None}, ["getTime"]),
        ('{"tools": {▮}}', {"createOrder": '{"tools": {"createOrder": {}}}'}, []),
        ('{"hide": ["▮"]}', {"get*": '{"hide": ["get*"]}', "getTime": None}, ["createOrder*"]),
        ('{"hide": [▮]}', {"getTime": '{"hide": ["getTime"]}'}, []),
        ('{"all_tools": {"limits": [{"for": ["▮"]}]}}', {"createOrder": None}, []),
        # Paths of the tool, nested, through lists, and of the elements of `each`.
        (
            condition('"path": "▮", "op": "eq", "value": 1'),
            {"args.symbol": None, "args.request[*].qty": None, "args.nested.mode": None, "call.time": None},
            ["args.zone", "item.qty"],
        ),
        (condition('"path": "args.odd▮"'), {'args["odd.name"]': condition('"path": "args[\\"odd.name\\"]"')}, []),
        (condition('"path": "▮"', '"each": "args.request", '), {"item.orderType": None, "args.side": None}, []),
        (IN_RULE % '{"deny_if": [{"each": "▮"}]}', {"args.request[*]": None}, ["args.request", "args.symbol"]),
        # Values of the argument, inside a list without those that are there.
        (condition('"path": "args.side", "op": "eq", "value": ▮'), {"Buy": None, "Sell": None}, ["Market"]),
        (condition('"path": "args.side", "op": "in", "value": ["Buy", "▮"]'), {"Sell": None}, ["Buy"]),
        (condition('"value": "▮", "op": "eq", "path": "args.request[0].orderType"'), {"Limit": None}, ["Buy"]),
        (
            condition('"path": "item.orderType", "op": "eq", "value": "▮"', '"each": "args.request[*]", '),
            {"Market": None},
            [],
        ),
        (
            condition('"path": "args.nested.mode", "op": "eq", "value": "▮"'),
            {"2": condition('"path": "args.nested.mode", "op": "eq", "value": 2')},
            [],
        ),
        (
            condition('"path": "args.reduceOnly", "op": "eq", "value": ▮'),
            {"true": condition('"path": "args.reduceOnly", "op": "eq", "value": true')},
            [],
        ),
        (
            condition('"path": "args.side", "op": "in", ▮'),
            {"value": condition('"path": "args.side", "op": "in", "value": []')},
            ["op"],
        ),
        (condition('"path": "call.time", "op": "within", ▮'), {"value": None}, []),
    ],
)
def test_what_is_offered_fits_the_place(
    tmp_path: Path, marked: str, present: dict[str, str | None], absent: list[str]
) -> None:
    (offered,) = ask(tmp_path, marked)
    assert set(present) <= set(offered)
    assert set(absent).isdisjoint(offered)
    for label, text in present.items():
        assert text is None or offered[label].text == text


def test_several_tools_offer_what_any_of_them_has_and_say_how_many(tmp_path: Path) -> None:
    documents = [
        '{"tools": {"get*": {"require": [{"conditions": [{"path": "▮"}]}]}}}',
        '{"risk": {"critical": {"require": [{"conditions": [{"path": "▮"}]}]}}}',
        '{"all_tools": {"require": [{"conditions": [{"path": "▮"}], "except": ["get*", "cancel*"]}]}}',
        '{"all_tools": {"require": [{"conditions": [{"path": "▮"}]}]}}',
    ]
    patterned, risky, excepting, every = ask(tmp_path, *documents)
    assert {offer.detail for offer in patterned.values()} == {"in 2 of 2 tools", "when the call is made"}
    assert "args.zone" not in risky
    assert risky["args.side"].detail == "one of 2"
    assert list(excepting) == list(risky)
    assert (every["args.side"].detail, every["args.symbol"].detail) == ("in 1 of 4 tools", "in 4 of 4 tools")
