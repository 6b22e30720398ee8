"""What a policy comes to for each tool, told apart finely enough to compare two policies. Judges no call."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from policies.engine.compile import Plan, compile_policy
from policies.engine.policy import Entry, Limit, Policy
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


class Move(enum.StrEnum):
    """Which way a tool goes: `wider` lets calls pass that were stopped, `tighter` stops some; `changed` is neither
    alone."""

    WIDER = "wider"
    CHANGED = "changed"
    TIGHTER = "tighter"


@dataclass(frozen=True, slots=True)
class ToolEffect:
    """`detail` differs where two policies have the same effect on a tool under other conditions, limits or reasons; it
    is empty only where there is nothing to compare. `checks` are its conditions, `caps` its limits, each with its most.
    """

    effect: Effect
    detail: str = ""
    checks: frozenset[str] = frozenset()
    caps: tuple[tuple[str, Decimal], ...] = ()


_CLOSED: Final = (Effect.DENIED, Effect.HIDDEN, Effect.CHANGED)


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
    entries = [(check.entry, check.passing) for check in plan.checks] + [(ask.entry, -1) for ask in plan.asks]
    limits = list(list_counted(policy, rule, facts.name))
    caps = [(_write_limit(limit), limit.max) for limit in limits]
    if rule is not None and rule.rate_limit is not None:
        caps.append((f"rate {rule.rate_limit.window}", Decimal(rule.rate_limit.max)))
    said = [plan.passed.reason, *(entry.on_deny for entry, _ in entries), *(limit.on_deny for limit in limits)]
    checks = [_write_entry(entry, kind) for entry, kind in entries]
    effect = Effect.CONDITIONAL if checks or caps else Effect.ALLOWED
    if plan.passed.outcome is Outcome.APPROVE:
        effect = Effect.ASKS
    return ToolEffect(effect, "\n".join([*said, *checks, repr(caps)]), frozenset(checks), tuple(caps))


def find_move(before: ToolEffect, after: ToolEffect) -> Move:
    """Which way a tool goes, by its effect, conditions and limits alone; what cannot be told is `changed`."""
    is_wider, is_tighter = not _covers(before, after), not _covers(after, before)
    if is_wider == is_tighter:
        return Move.CHANGED
    return Move.WIDER if is_wider else Move.TIGHTER


def _covers(one: ToolEffect, other: ToolEffect) -> bool:
    """Tell whether each call that passes under the other surely passes under this one too."""
    if other.effect in _CLOSED:
        return True
    if one.effect in _CLOSED or (one.effect is Effect.ASKS) > (other.effect is Effect.ASKS):
        return False
    is_within = all(any(key == name and lower <= most for name, lower in other.caps) for key, most in one.caps)
    return is_within and one.checks <= other.checks


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
    return f"{kind} {replace(entry, pointer='', selector=None, on_deny='')!r}"


def _write_limit(limit: Limit) -> str:
    return repr(replace(limit, pointer="", selector=None, on_deny="", max=Decimal()))
