"""Decides one call by a compiled policy. No clock, no state, no I/O; it never raises, and every error path denies."""

from decimal import Decimal
from typing import Final

from policies.engine.amounts import Fault
from policies.engine.budget import MAX_STEPS, NO_BUDGET, Budget, BudgetError
from policies.engine.compile import CompiledLimit, CompiledPolicy, Plan
from policies.engine.conditions import CompiledEntry
from policies.engine.decimals import round_amount
from policies.engine.decision import Call, Decision, Match, Reservation
from policies.engine.operators import ERROR, TRUE
from policies.engine.values import Missing, Outcome, name_type

__all__ = ["Call", "Decision", "Match", "Reservation", "decide"]

_KILLED: Final = Decision(Outcome.DENY, "(killed)", "All calls of this organisation are stopped.", is_explicit=False)
_NO_POLICY: Final = Decision(
    Outcome.DENY, "(no policy)", "This grant has no policy, so it may call nothing.", is_explicit=False
)
_UNKNOWN: Final = Decision(Outcome.HIDE, "(unknown tool)", "This server has no such tool.", is_explicit=False)
_REQUIRED: Final = "A condition that this call must meet does not hold."
_FORBIDDEN: Final = "The policy denies this call."
_ASKED: Final = "A person decides about this call."
_TOO_LARGE: Final = f"This call is too large to judge: its values take more than {MAX_STEPS:,} steps to compare."


def decide(
    policy: CompiledPolicy | None, call: Call, *, is_killed: bool = False, budget: Budget | None = None
) -> Decision:
    """Decide a call: allow, deny, hide or approve, with the rule that says so and the limits to reserve.

    The order is the policy language's: killed, no policy, unknown or hidden, changed, default and action, then require
    and deny_if of `all_tools`, require and deny_if of the rule, approval, limits; the first refusal wins. None as
    policy denies. A comparison that cannot be made, and an amount that is missing, negative or no number, deny. Limits
    are computed here and reserved by the caller; a full one is the caller's to find. Never raises.

    The steps of the work that grows with the call are counted: over MAX_STEPS the call is denied, by the entry at which
    they ran out. `budget` is for those who want to see the count; one budget serves one call.
    """
    if is_killed:
        return _KILLED
    if policy is None:
        return _NO_POLICY
    plan = policy.plans.get(call.tool)
    if plan is None:
        return _UNKNOWN
    if plan.verdict is not None or plan.passed is None:
        return plan.verdict or _UNKNOWN
    if budget is None:
        budget = Budget() if plan.is_counted else NO_BUDGET
    for check in plan.checks:
        try:
            truth = check.judge(call.arguments, call.at, budget)
        except BudgetError:
            return Decision(Outcome.DENY, check.entry.pointer, _TOO_LARGE)
        if truth != check.passing:
            return _refuse(check, call, _REQUIRED if check.passing == TRUE else _FORBIDDEN, is_error=truth == ERROR)
    passed = _ask(plan, plan.passed, call, budget) if plan.asks else plan.passed
    if not plan.limits or passed.outcome is Outcome.DENY:
        return passed
    return _measure(plan.limits, passed, call, budget)


def _refuse(entry: CompiledEntry, call: Call, default: str, *, is_error: bool) -> Decision:
    matched = _trace(entry, call)
    reason = entry.entry.on_deny or default
    if is_error:
        reason = f"{reason} {_explain_error(matched)}"
    return Decision(Outcome.DENY, entry.entry.pointer, reason, matched)


def _trace(entry: CompiledEntry, call: Call) -> tuple[Match, ...]:
    """What an entry found, in a budget of its own; nothing when that takes too long, for it is decided already."""
    try:
        return entry.trace(call.arguments, call.at, Budget())
    except BudgetError:
        return ()


def _explain_error(matched: tuple[Match, ...]) -> str:
    """Which argument could not be compared. Says its type and never its value: reasons are recorded."""
    for match in matched:
        if match.found is Missing.BROKEN:
            return f"({match.path} cannot be read from these arguments.)"
        if not isinstance(match.found, Missing):
            return f"({match.path} is {name_type(match.found)}, which {match.op} cannot compare here.)"
    return "(A condition of this rule cannot be judged.)"


def _ask(plan: Plan, passed: Decision, call: Call, budget: Budget) -> Decision:
    """Approval: the action's own comes first, then the first entry that holds; an error in any of them denies."""
    asked: Decision | None = passed if plan.is_held else None
    for entry in plan.asks:
        try:
            truth = entry.judge(call.arguments, call.at, budget)
        except BudgetError:
            return Decision(Outcome.DENY, entry.entry.pointer, _TOO_LARGE)
        if truth == ERROR:
            return _refuse(entry, call, _ASKED, is_error=True)
        if truth == TRUE and asked is None:
            matched = _trace(entry, call)
            reason = entry.entry.on_deny or _ASKED
            asked = Decision(Outcome.APPROVE, entry.entry.pointer, reason, matched, passed.limits)
    return asked or passed


def _measure(limits: tuple[CompiledLimit, ...], passed: Decision, call: Call, budget: Budget) -> Decision:
    reserved = list(passed.limits)
    for limit in limits:
        base = limit.reservation
        try:
            found = limit.measure(call.arguments, Missing.MISSING, call.at, budget)
        except BudgetError:
            return Decision(Outcome.DENY, base.rule, _TOO_LARGE)
        amount = found if isinstance(found, Fault) else round_amount(found)
        if not isinstance(amount, Decimal):
            what = amount.value if amount is not None else "has more than 15 digits before the point"
            return Decision(Outcome.DENY, base.rule, f"{base.on_deny} (The amount, {limit.label}, {what}.)")
        reserved.append(
            Reservation(base.counter, base.window, base.max, amount, False, base.scope, base.rule, base.on_deny)
        )
    return Decision(
        passed.outcome, passed.rule, passed.reason, passed.matched, tuple(reserved), None, passed.is_explicit
    )
