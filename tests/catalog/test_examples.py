"""Every policy on a public page is run against the calls beside it: what a page says of one is what the engine says."""

import json
import re
from typing import Any
from uuid import UUID

import pytest

from catalog.attacks import FOLDER, Attack, ExampleCall, list_attacks
from catalog.attacks_shown import attack_page
from catalog.documents import FOLDER as DOCS
from catalog.example import EXAMPLE, judge_example
from catalog.judged import ExampleError, judge, read_arguments, read_policy
from catalog.rubric import ATTACKS
from catalog.shipped import count_levels, example_tools, shipped_servers, tools_with
from policies.engine.parse import parse_policy
from policies.engine.values import Outcome
from policies.snippets import Snippet, gateway_url_of, write_snippets
from servers.models import Server
from servers.simulator.schema import check_arguments
from tests.catalog.conftest import TOOLS
from tests.catalog.worked import FENCE, Claim, read_claims, read_policies

SCHEMAS: dict[str, dict[str, Any]] = {tool["name"]: tool["input_schema"] for tool in TOOLS}
DOCUMENTS = sorted(DOCS.glob("*.md"))
CLAIMS = [claim for path in DOCUMENTS for claim in read_claims(path)]
ATTACK_CALLS = [(attack, call) for attack in list_attacks() for call in attack.calls]


def check_by_schema(tool: str, arguments: str) -> None:
    """As the simulator of the server checks them; raises what it would answer."""
    check_arguments(SCHEMAS[tool], json.loads(arguments))


def test_there_is_a_file_for_each_pattern_and_no_other() -> None:
    assert {path.stem for path in FOLDER.glob("*")} == ATTACKS == {attack.slug for attack in list_attacks()}


@pytest.mark.parametrize(("attack", "call"), ATTACK_CALLS, ids=[f"{a.slug} {c.tool}" for a, c in ATTACK_CALLS])
def test_the_policy_does_to_each_call_what_the_pattern_says(attack: Attack, call: ExampleCall) -> None:
    policy, arguments = read_policy(attack.policy), read_arguments(call.arguments)
    judged = judge(policy, call.tool, arguments, earlier=call.earlier)
    assert judged.outcome is call.outcome
    assert bool(judged.text) is (call.outcome is not Outcome.ALLOW)
    check_by_schema(call.tool, call.arguments)


@pytest.mark.parametrize("attack", list_attacks(), ids=lambda attack: attack.slug)
def test_each_policy_stops_something_and_lets_a_harmless_neighbour_pass(attack: Attack) -> None:
    outcomes = {call.outcome for call in attack.calls}
    assert Outcome.ALLOW in outcomes
    assert outcomes & {Outcome.DENY, Outcome.HIDE, Outcome.LIMIT, Outcome.APPROVE}
    # It is the policy that stops it: one that allows everything does not.
    open_policy = read_policy('{"version": "1", "default": "allow"}')
    for call in attack.calls:
        judged = judge(open_policy, call.tool, read_arguments(call.arguments), earlier=call.earlier)
        assert judged.outcome is Outcome.ALLOW


@pytest.mark.parametrize("attack", list_attacks(), ids=lambda attack: attack.slug)
def test_a_limit_refuses_the_call_after_the_last_and_not_the_last(attack: Attack) -> None:
    policy = read_policy(attack.policy)
    for call in attack.calls:
        if call.outcome is Outcome.LIMIT:
            before = judge(policy, call.tool, read_arguments(call.arguments), earlier=call.earlier - 1)
            assert before.outcome is Outcome.ALLOW


@pytest.mark.parametrize("attack", list_attacks(), ids=lambda attack: attack.slug)
def test_a_patterns_policy_has_neither_errors_nor_warnings(attack: Attack) -> None:
    parsed = parse_policy(attack.policy, example_tools())
    assert (parsed.errors, parsed.warnings) == ((), ())
    assert parsed.policy is not None
    assert parsed.policy.is_default_allow is False


@pytest.mark.parametrize("attack", list_attacks(), ids=lambda attack: attack.slug)
def test_a_pattern_names_only_tools_that_exist_and_calls_one_that_it_concerns(attack: Attack) -> None:
    texts = [attack.how, attack.story, attack.effect, *attack.needs, *attack.gaps]
    known = {argument for schema in SCHEMAS.values() for argument in schema["properties"]} | set(SCHEMAS)
    for text in texts:
        for word in text.split("`")[1::2]:
            # A word in capitals inside is spelt like a tool or an argument.
            if word.isalnum() and word[0].islower() and any(letter.isupper() for letter in word):
                assert word in known | {"quoteCoin", "orders"}, word
    concerned = {served.tool.name for served in tools_with(attack.slug)}
    assert concerned & {call.tool for call in attack.calls if call.outcome is not Outcome.ALLOW}


@pytest.mark.parametrize("claim", CLAIMS, ids=str)
def test_the_documents_say_of_a_call_what_the_engine_says(claim: Claim) -> None:
    judged = judge(read_policy(claim.policy), claim.tool, claim.arguments, earlier=claim.earlier)
    assert judged.outcome == claim.outcome
    if claim.outcome == "limit":
        before = judge(read_policy(claim.policy), claim.tool, claim.arguments, earlier=claim.earlier - 1)
        assert before.outcome == "allow"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_each_policy_in_a_document_has_a_call_that_passes_and_one_that_does_not(path: Any) -> None:
    for policy in read_policies(path):
        outcomes = {claim.outcome for claim in read_claims(path) if claim.policy == policy}
        assert "allow" in outcomes
        assert outcomes - {"allow"}


def test_the_language_shows_every_outcome() -> None:
    assert {claim.outcome for claim in CLAIMS} == {outcome.value for outcome in Outcome}


def test_the_home_page_shows_a_call_that_the_engine_refuses() -> None:
    judged = judge_example()
    assert (judged.outcome, judged.rule) == (Outcome.DENY, "/tools/createOrder/require/0")
    assert judged.text.startswith("[POLICY DENIED] BTC and ETH only.\nRule: /tools/createOrder/require/0\nDecision: ")
    check_by_schema(EXAMPLE.tool, EXAMPLE.arguments)
    neighbour = EXAMPLE.arguments.replace("DOGEUSDT", "BTCUSDT")
    assert judge(read_policy(EXAMPLE.policy), EXAMPLE.tool, read_arguments(neighbour)).outcome is Outcome.ALLOW


def test_an_example_that_the_engine_refuses_is_not_shown() -> None:
    with pytest.raises(ExampleError, match="/tools/createOrder/acton"):
        read_policy('{"version": "1", "default": "deny", "tools": {"createOrder": {"acton": "allow"}}}')


def test_what_is_shipped_is_what_the_data_file_holds() -> None:
    (server,) = [file for file in shipped_servers() if file.server.slug == "bybit-exchange-trading-mcp"]
    assert [tool.name for tool in server.tools] == [tool["name"] for tool in TOOLS]
    assert sum(count_levels().values()) == sum(len(file.tools) for file in shipped_servers())
    page = attack_page("runaway-loop")
    assert page is not None
    named = {served.tool.name for served in page.tools if served.server == server.server.slug}
    assert named == {tool["name"] for tool in TOOLS if "runaway-loop" in tool["attacks"]}


@pytest.mark.parametrize("snippet", write_snippets(Server(id=UUID(int=1), name="NAME"), "T"), ids=lambda s: s.client)
def test_the_document_on_clients_says_what_the_page_of_a_new_grant_says(snippet: Snippet) -> None:
    text = (DOCS / "clients.md").read_text(encoding="utf-8")
    section = text.partition(f"\n## {snippet.client}\n")[2].partition("\n## ")[0]
    wanted = (
        snippet.text.replace(gateway_url_of(UUID(int=1)), "GW").replace('name"', 'NAME"').replace(" name ", " NAME ")
    )
    blocks = [re.sub(r",(?=[}\])])", "", "".join(body.split())) for _, body in FENCE.findall(section)]
    assert "".join(wanted.split()).replace("mcp_servers.name", "mcp_servers.NAME") in blocks
