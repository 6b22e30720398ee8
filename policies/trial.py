"""One call on trial: what a policy's text would decide about it, and what the agent would read. Judges by the engine
that the gateway uses; it counts nothing, records nothing and sends nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from json import JSONDecoder
from textwrap import dedent
from typing import Final

from policies.engine.compile import compile_policy
from policies.engine.decimals import write_number
from policies.engine.decision import Call, Decision, Match
from policies.engine.evaluate import decide
from policies.engine.explain import explain_decision
from policies.engine.names import match_name
from policies.engine.phrases import write_value, write_window
from policies.engine.policy import Policy
from policies.engine.reader import read_document
from policies.engine.refusal import refuse_amounts, write_text, write_unknown
from policies.engine.serving import find_rule, settle_action
from policies.engine.tools import ToolFacts
from policies.engine.values import Missing, Outcome

RECORD: Final = "(the id of the call's record)"
# Numbers are only skipped over here, however long they are.
_DECODER: Final = JSONDecoder(parse_float=str, parse_int=str, strict=False)
_GAPS: Final = {Missing.MISSING: "left out", Missing.BROKEN: "unreadable", Missing.EMPTY: "an empty list"}


@dataclass(frozen=True, slots=True)
class Finding:
    """A condition that decided, in words; `found` is the value that the call has there."""

    path: str
    op: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class Charge:
    """A limit that the call would be charged to, in words; nothing is charged on trial."""

    counter: str
    amount: str
    most: str
    scope: str
    rule: str


@dataclass(frozen=True, slots=True)
class Trial:
    """What the policy decides. `pointer` and `rule_text` are the place in its text, empty where none decided.

    `agent_text` is exactly what the agent would read of the gateway, empty for a call that the server answers.
    `is_uncounted`: the policy allows the call, and the gateway cannot count an amount limit that covers it.
    """

    decision: Decision
    sentence: str
    pointer: str
    rule_text: str
    findings: tuple[Finding, ...]
    charges: tuple[Charge, ...]
    agent_text: str
    is_uncounted: bool


def judge_call(policy: Policy, tools: Mapping[str, ToolFacts], call: Call) -> Decision:
    """What the policy decides about the call. Limits count as empty: nobody else's calls are looked at."""
    known = {call.tool: tools[call.tool]} if call.tool in tools else {}
    return decide(compile_policy(policy, known), call)


def try_call(text: str, policy: Policy, tools: Mapping[str, ToolFacts], call: Call) -> Trial:
    """Judge a call by a policy and say why, with the policy's own words; `text` is what `policy` was parsed from."""
    decision = judge_call(policy, tools, call)
    pointer = find_pointer(policy, tools.get(call.tool), decision)
    met = refuse_amounts(decision)
    return Trial(
        decision=decision,
        sentence=explain_decision(decision),
        pointer=pointer,
        rule_text=quote_rule(text, pointer) if pointer else "",
        findings=tuple(_describe_match(match) for match in decision.matched),
        charges=_list_charges(decision),
        agent_text=_write_answer(met, call.tool),
        is_uncounted=met.outcome is not decision.outcome,
    )


def find_pointer(policy: Policy, facts: ToolFacts | None, decision: Decision) -> str:
    """The JSON pointer of what decided, also where the decision names its rule by a word; empty where nothing did."""
    if decision.rule.startswith("/"):
        return decision.rule
    if decision.rule == "(default)":
        return "/default"
    if decision.rule != "(hidden)" or facts is None:
        return ""
    for index, name in enumerate(policy.hide):
        if match_name(name, facts.name):
            return f"/hide/{index}"
    rule = find_rule(policy, facts)
    return settle_action(policy, rule, facts)[2] if rule is not None else ""


def quote_rule(text: str, pointer: str) -> str:
    """The part of a document's text that a JSON pointer names, letter for letter but for its indentation."""
    start = read_document(text).locate(pointer)
    _, end = _DECODER.raw_decode(text, start)
    indent = text[text.rfind("\n", 0, start) + 1 : start]
    return dedent(" " * (len(indent) - len(indent.lstrip())) + text[start:end])


def _write_answer(decision: Decision, tool: str) -> str:
    if decision.outcome is Outcome.ALLOW:
        return ""
    return write_unknown(tool) if decision.outcome is Outcome.HIDE else write_text(decision, RECORD)


def _describe_match(match: Match) -> Finding:
    found = _GAPS[match.found] if isinstance(match.found, Missing) else write_value(match.found)
    return Finding(match.path, match.op, write_value(match.expected), found)


def _list_charges(decision: Decision) -> tuple[Charge, ...]:
    if decision.outcome not in (Outcome.ALLOW, Outcome.APPROVE):
        return ()
    return tuple(
        Charge(
            counter=limit.counter,
            amount=write_number(limit.amount),
            most=f"{write_number(limit.max)} {write_window(limit.window)}",
            scope=limit.scope.value,
            rule=limit.rule,
        )
        for limit in decision.limits
    )
