"""A call that a page shows, judged by the engine that the gateway uses; pages never state a decision by themselves."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

from catalog.shipped import example_tools
from policies.engine.compile import compile_policy
from policies.engine.decision import Call, Decision
from policies.engine.evaluate import decide
from policies.engine.parse import parse_policy
from policies.engine.policy import Policy
from policies.engine.refusal import write_text, write_unknown
from policies.engine.values import JSON, Outcome

# A Wednesday, 10:00 in London: rules about hours are shown within working time.
SHOWN_AT = datetime(2026, 11, 18, 10, tzinfo=UTC)
# Stands where a real refusal has the id of its record.
RECORD = "019ac0de-..."


class ExampleError(Exception):
    """A policy on one of our own pages that the engine refuses: the page is not shown."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A decision in words. `text` is what the agent reads of the gateway, empty for a call that passes."""

    outcome: Outcome
    rule: str
    text: str


def read_policy(text: str) -> Policy:
    """The policy of an example; raises ExampleError with the engine's first objection."""
    parsed = parse_policy(text, example_tools())
    if parsed.policy is None:
        problem = parsed.errors[0]
        raise ExampleError(f"{problem.pointer}: {problem.message}")
    return parsed.policy


def read_arguments(text: str) -> dict[str, JSON]:
    """Arguments as the gateway reads them: numbers exact."""
    found: dict[str, JSON] = json.loads(text, parse_float=Decimal)
    return found


def judge(policy: Policy, tool: str, arguments: Mapping[str, JSON], *, earlier: int = 0) -> Judged:
    """What the policy decides about the call when `earlier` calls like it went through within the same window.

    A limit on calls that those fill refuses as the gateway's script would; limits on amounts are not judged.
    """
    known = example_tools()
    compiled = compile_policy(policy, {tool: known[tool]} if tool in known else {})
    decision = _meet_limits(decide(compiled, Call(tool, arguments, SHOWN_AT)), earlier)
    return Judged(decision.outcome, decision.rule, _write(decision, tool))


def _write(decision: Decision, tool: str) -> str:
    if decision.outcome is Outcome.ALLOW:
        return ""
    return write_unknown(tool) if decision.outcome is Outcome.HIDE else write_text(decision, RECORD)


def _meet_limits(decision: Decision, earlier: int) -> Decision:
    if decision.outcome is not Outcome.ALLOW:
        return decision
    full = next((limit for limit in decision.limits if limit.is_count and earlier >= limit.max), None)
    if full is None:
        return decision
    refused = replace(decision, outcome=Outcome.LIMIT, rule=full.rule, reason=full.on_deny, limits=())
    # As long as it can be: the earlier calls have only just gone out.
    return replace(refused, retry_after=full.window)
