"""Every tool answers: with its own shape when it succeeds, with one of Bybit's errors when it does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from servers.simulator.definitions import tool_definitions
from servers.simulator.errors import MESSAGES, SimulatorError
from servers.simulator.exchange import UnknownToolError
from servers.simulator.registry import HANDLERS
from tests.servers.simulator.arguments import Desk, arguments_for
from tests.servers.simulator.preparations import success_arguments

TOOLS = list(tool_definitions())
SHAPES: dict[str, str] = json.loads(Path(__file__).with_name("shapes.json").read_text(encoding="utf-8"))


def test_there_are_328_tools_and_each_has_one_function() -> None:
    assert len(TOOLS) == 328
    assert set(HANDLERS) == set(TOOLS) == set(SHAPES)


@pytest.mark.parametrize("tool", TOOLS)
def test_it_succeeds_with_the_shape_that_its_name_promises(tool: str) -> None:
    desk = Desk()
    answer = desk.answer(tool, **success_arguments(tool, desk))
    assert answer["retCode"] == 0
    assert answer["retMsg"] == "OK"
    assert answer["time"] == desk.now
    assert " ".join(sorted(answer["result"])) == SHAPES[tool]
    assert all(entry["code"] == 0 for entry in answer["retExtInfo"].get("list", []))
    assert json.loads(json.dumps(answer)) == answer


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("is_full", [False, True])
def test_generated_arguments_are_answered_or_refused_with_a_known_code(tool: str, is_full: bool) -> None:
    try:
        answer = Desk().answer(tool, **arguments_for(tool, is_full=is_full))
    except SimulatorError as refusal:
        assert refusal.code in MESSAGES
        assert refusal.message
    else:
        assert answer["retCode"] == 0
        assert isinstance(answer["result"], dict)


@pytest.mark.parametrize("tool", TOOLS)
def test_an_argument_of_the_wrong_type_or_name_is_a_parameter_error(tool: str) -> None:
    schema = tool_definitions()[tool]["inputSchema"]
    good = arguments_for(tool)
    broken = [{**good, "noSuchArgument": 1}, *({**good, name: {"x": [None]}} for name in schema["properties"])]
    broken += [{key: value for key, value in good.items() if key != name} for name in schema.get("required", [])]
    for arguments in broken:
        with pytest.raises(SimulatorError) as refusal:
            Desk().answer(tool, **arguments)
        assert refusal.value.code == 10001


HOSTILE: list[object] = ["1e400", "NaN", "-Infinity", "-5", "0", "1e14", "0.000000000000000001", "\uff11", " 1 ", "",
"x" * 200,
           "1_000", "9" * 40, 0, -1, 1 << 61, True, 1.5]  # fmt: skip


@pytest.mark.parametrize("tool", TOOLS)
def test_hostile_values_are_answered_or_refused_and_never_crash(tool: str) -> None:
    desk = Desk()
    good = success_arguments(tool, desk)
    kept = json.dumps(desk.state)
    for name in tool_definitions()[tool]["inputSchema"]["properties"]:
        for value in HOSTILE:
            desk.state = json.loads(kept)
            try:
                json.dumps(desk.answer(tool, **{**good, name: value}), allow_nan=False)
            except SimulatorError as refusal:
                assert refusal.code in MESSAGES


def test_a_tool_that_is_not_listed_is_unknown() -> None:
    with pytest.raises(UnknownToolError):
        Desk().answer("withdraw")


def test_the_same_seed_and_times_give_the_same_answers() -> None:
    def run() -> list[object]:
        desk = Desk()
        answers: list[object] = []
        for tool in TOOLS[::7]:
            try:
                answers.append(desk.answer(tool, **arguments_for(tool)))
            except SimulatorError as refusal:
                answers.append(refusal.code)
            desk.wait(61)
        return [*answers, desk.state]

    assert run() == run()


def test_another_seed_is_another_account_on_the_same_market() -> None:
    one, two = Desk("one"), Desk("two")
    assert one.call("queryAPIKey")["userID"] != two.call("queryAPIKey")["userID"]
    assert one.last() == two.last()
