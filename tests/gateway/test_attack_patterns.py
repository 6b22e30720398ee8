"""The attack patterns' calls through the gateway itself: what their pages show is what an agent gets of it."""

import json
from typing import Any

import pytest

from catalog.attacks import Attack, list_attacks
from catalog.attacks_shown import ShownCall, attack_page
from catalog.judged import RECORD
from catalog.shipped import example_tools
from policies.engine.values import Outcome
from tests.gateway.upstream import RecordingUpstream
from tests.gateway.world import agent_of, make_world

# What an answer tells besides is a number of seconds or an id, which differ from call to call.
TOLD = "[POLICY DENIED]", "Rule: "


def definitions_of(attack: Attack) -> list[dict[str, Any]]:
    schemas = {name: facts.input_schema for name, facts in example_tools().items()}
    return [{"name": name, "inputSchema": schemas[name]} for name in sorted({call.tool for call in attack.calls})]


def told_lines(text: str) -> list[str]:
    return [line for line in text.replace(RECORD, "").splitlines() if line.startswith(TOLD)]


def check_answer(shown: ShownCall, answer: dict[str, Any], forwarded: int) -> None:
    if shown.judged.outcome is Outcome.ALLOW:
        assert "isError" not in answer["result"]
        assert forwarded == 1
        return
    assert forwarded == 0
    if shown.judged.outcome is Outcome.HIDE:
        assert (answer["error"]["code"], answer["error"]["message"]) == (-32602, shown.judged.text)
        return
    assert answer["result"]["isError"] is True
    assert told_lines(answer["result"]["content"][0]["text"]) == told_lines(shown.judged.text) != []
    assert answer["result"]["_meta"]["policylayer/decision"]["outcome"] == shown.judged.outcome


@pytest.mark.parametrize("attack", list_attacks(), ids=lambda attack: attack.slug)
def test_an_agent_gets_what_the_page_shows(
    attack: Attack, rows: None, gateway: str, upstream: RecordingUpstream
) -> None:
    page = attack_page(attack.slug)
    assert page is not None
    for shown in page.calls:
        # A grant of its own for each call: the counters of one must not fill another's.
        agent = agent_of(gateway, make_world(upstream.url, attack.policy, tools=definitions_of(attack)))
        arguments = json.loads(shown.call.arguments)
        for _ in range(shown.call.earlier):
            assert "isError" not in agent.call(shown.call.tool, arguments).json()["result"]
        before = len(upstream.received)
        answer = agent.call(shown.call.tool, arguments).json()
        check_answer(shown, answer, len(upstream.received) - before)
