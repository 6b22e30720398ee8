"""What a policy comes to for each tool, told apart finely enough to compare two policies. Judges no call."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace

from policies.engine.compile import Plan, compile_policy
from policies.engine.policy import Entry, Policy
from policies.engine.serving import find_rule, list_counted
from policies.engine.tools import ToolFacts
from policies.engine.values import Outcome


class Effect(enum.StrEnum):
    """What happens to the calls of a tool, as far as that does not depend on their arguments."""

    ALLOWED = "allowed"
    CONDITIONAL = "allowed within conditions or limits"
    ASKS = "waiting for a person"
    DENIED = "denied"
    HIDDEN = "hidden"
    CHANGED = "refused until its changed definition is accepted"


@dataclass(frozen=True, slots=True)
class ToolEffect:
    """`detail` differs where two policies have the same effect on a tool under other conditions, limits or reasons; it
    is empty only where there is nothing to compare."""

    effect: Effect
    detail: str = ""


def list_effects(policy: Policy, tools: Mapping[str, ToolFacts]) -> dict[str, ToolEffect]:
    """The effect of a policy on each tool, by name."""
    plans = compile_policy(policy, tools).plans
    return {name: _settle(policy, facts, plans[name]) for name, facts in tools.items()}


def _settle(policy: Policy, facts: ToolFacts, plan: Plan) -> ToolEffect:
    if plan.verdict is not None or plan.passed is None:
        return _settle_verdict(plan)
    closed = next((check.entry for check in plan.checks if _is_always(check.entry) and not check.passing), None)
    if closed is not None:
        return ToolEffect(Effect.DENIED, f"always {closed.on_deny}")
    rule = find_rule(policy, facts)
    parts = [_write_entry(check.entry, check.passing) for check in plan.checks]
    parts += [_write_entry(ask.entry, -1) for ask in plan.asks]
    if rule is not None and rule.rate_limit is not None:
        parts.append(repr((rule.rate_limit.max, rule.rate_limit.window)))
    parts += [repr(replace(limit, pointer="", selector=None)) for limit in list_counted(policy, rule, facts.name)]
    detail = "\n".join([plan.passed.reason, *parts])
    if plan.passed.outcome is Outcome.APPROVE:
        return ToolEffect(Effect.ASKS, detail)
    return ToolEffect(Effect.CONDITIONAL if parts else Effect.ALLOWED, detail)


def _settle_verdict(plan: Plan) -> ToolEffect:
    verdict = plan.verdict
    if verdict is None or verdict.rule == "(tool changed)":
        return ToolEffect(Effect.CHANGED)
    if verdict.outcome is Outcome.HIDE:
        return ToolEffect(Effect.HIDDEN)
    return ToolEffect(Effect.DENIED, verdict.reason)


def _is_always(entry: Entry) -> bool:
    return not entry.conditions and entry.each is None


def _write_entry(entry: Entry, kind: int) -> str:
    # Conditions leave their pointers out of repr by themselves; where an entry stands does not change what it does.
    return f"{kind} {replace(entry, pointer='', selector=None)!r}"
