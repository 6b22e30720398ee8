"""Says in plain sentences what a policy does and what a decision means. For reading; nothing decides by them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from policies.engine.decimals import write_number
from policies.engine.decision import Decision, Match
from policies.engine.names import is_pattern, match_name
from policies.engine.paths import EACH, Path
from policies.engine.phrases import (
    write_amount,
    write_bound,
    write_conditions,
    write_demand,
    write_path,
    write_relation,
    write_subject,
    write_value,
    write_window,
)
from policies.engine.policy import Action, Clauses, Entry, Limit, Methods, Op, Policy, Rule, Selector
from policies.engine.problems import list_words
from policies.engine.serving import can_allow, find_rule, settle_action
from policies.engine.tools import ToolFacts
from policies.engine.values import BROKEN, EMPTY, MISSING, Missing, Outcome, Scope

_ACTIONS: Final = {
    Action.ALLOW: "allowed",
    Action.DENY: "denied",
    Action.HIDE: "hidden",
    Action.REQUIRE_APPROVAL: "asks a person",
}
_SCOPES: Final = {
    Scope.GRANT: "",
    Scope.SERVER: " for the whole server",
    Scope.ORGANISATION: " for the whole organisation",
}
# The bound that an order comparison leaves open, when it must hold and when it must not.
_MUST: Final = {Op.LTE: "at most", Op.LT: "below", Op.GTE: "at least", Op.GT: "above"}
_MUST_NOT: Final = {Op.GT: "at most", Op.GTE: "below", Op.LT: "at least", Op.LTE: "above"}
_OUTCOMES: Final = {
    Outcome.ALLOW: "Allowed",
    Outcome.DENY: "Denied",
    Outcome.HIDE: "Answered as an unknown tool",
    Outcome.LIMIT: "Over a limit",
    Outcome.APPROVE: "Waits for a person",
}
_GAPS: Final = {MISSING: "is left out", BROKEN: "cannot be read", EMPTY: "is an empty list"}


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence about the part of the policy at `pointer`; the empty pointer is the policy as a whole."""

    pointer: str
    text: str


def explain_policy(policy: Policy, tools: Mapping[str, ToolFacts]) -> list[Sentence]:
    """A sentence for each rule of a policy, and notes such as "This policy allows nothing."."""
    return [
        *_explain_whole(policy, tools),
        *_explain_methods(policy.methods),
        *(_explain_hide(index, name, tools) for index, name in enumerate(policy.hide)),
        *_explain_risk(policy),
        *_explain_all_tools(policy.all_tools),
        *_explain_tools(policy, tools),
    ]


def explain_parts(policy: Policy) -> list[Sentence]:
    """A sentence for each argument rule and limit of the rules in `tools` and `risk`, each at its own pointer."""
    found: list[Sentence] = []
    for rule in policy.rules:
        clauses = rule.clauses
        written = [
            *((entry.pointer, _write_require(entry)) for entry in clauses.require),
            *((entry.pointer, _write_deny(entry)) for entry in clauses.deny_if),
            *((entry.pointer, _write_ask(entry)) for entry in clauses.approve_if),
            *((limit.pointer, _write_limit(limit)) for limit in clauses.limits),
        ]
        if rule.rate_limit is not None:
            rate = f"{rule.rate_limit.max:,} {write_window(rule.rate_limit.window)}"
            written.append((rule.rate_limit.pointer, rate))
        found += [Sentence(pointer, f"{text[:1].upper()}{text[1:]}.") for pointer, text in written]
    return found


def explain_decision(decision: Decision) -> str:
    """What happened to a call and why, with the values that decided. Not for records: arguments appear in it."""
    parts = [f"{_OUTCOMES[decision.outcome]}."]
    if decision.reason:
        parts.append(decision.reason)
    is_require = "/require/" in decision.rule
    parts += [f"{_explain_match(match, is_require=is_require)}." for match in decision.matched]
    if decision.limits and decision.outcome in (Outcome.ALLOW, Outcome.APPROVE):
        charges = [f"{write_number(entry.amount)} to {entry.counter}" for entry in decision.limits]
        parts.append(f"Charges {list_words(dict.fromkeys(charges))}.")
    if decision.retry_after is not None:
        parts.append(f"Try again in {decision.retry_after} seconds.")
    return " ".join(parts)


def _explain_whole(policy: Policy, tools: Mapping[str, ToolFacts]) -> Iterator[Sentence]:
    if not can_allow(policy, tools):
        yield Sentence("", "This policy allows nothing.")
    default = "allowed" if policy.is_default_allow else "denied"
    yield Sentence("/default", f"All other tools: {default}.")


def _explain_methods(methods: Methods) -> Iterator[Sentence]:
    for family in ("resources", "prompts", "completion", "tasks"):
        if not getattr(methods, family):
            yield Sentence(f"/methods/{family}", f"The {family} methods: denied.")
    if methods.extra:
        yield Sentence("/methods/extra", f"Let through as well: {list_words(sorted(methods.extra))}.")


def _explain_hide(index: int, name: str, tools: Mapping[str, ToolFacts]) -> Sentence:
    count = sum(match_name(name, known) for known in tools)
    covered = f" ({count} tool{'' if count == 1 else 's'})" if is_pattern(name) else ""
    return Sentence(f"/hide/{index}", f"{name}: hidden{covered}.")


def _explain_risk(policy: Policy) -> Iterator[Sentence]:
    for level, rule in policy.risk.items():
        name = f"{level.value.capitalize()} risk tools not named"
        yield Sentence(rule.pointer, _join(name, rule, _ACTIONS[rule.action or Action.ALLOW]))


def _explain_tools(policy: Policy, tools: Mapping[str, ToolFacts]) -> Iterator[Sentence]:
    for name, rule in policy.tools.items():
        yield Sentence(rule.pointer, _join(name, rule, _find_action(policy, name, rule, tools)))


def _explain_all_tools(clauses: Clauses) -> Iterator[Sentence]:
    parts: tuple[tuple[Entry | Limit, str], ...] = (
        *((entry, _write_require(entry)) for entry in clauses.require),
        *((entry, _write_deny(entry)) for entry in clauses.deny_if),
        *((entry, _write_ask(entry)) for entry in clauses.approve_if),
        *((limit, _write_limit(limit)) for limit in clauses.limits),
    )
    for part, text in parts:
        yield Sentence(part.pointer, f"{_write_selector(part.selector)}: {text}.")


def _write_selector(selector: Selector | None) -> str:
    if selector is None:
        return "All tools"
    names = list_words(selector.names)
    return f"All tools but {names}" if selector.is_except else f"All of {names}"


def _find_action(policy: Policy, name: str, rule: Rule, tools: Mapping[str, ToolFacts]) -> str:
    if rule.action is not None:
        return _ACTIONS[rule.action]
    served = [facts for known, facts in tools.items() if match_name(name, known) and find_rule(policy, facts) is rule]
    actions = {settle_action(policy, rule, facts)[0] for facts in served}
    if len(actions) == 1:
        return _ACTIONS[actions.pop()]
    return "as the risk level of the tool says" if actions or policy.risk else _ACTIONS[Action.ALLOW]


def _join(name: str, rule: Rule, action: str) -> str:
    parts = [action]
    parts += map(_write_require, rule.clauses.require)
    parts += map(_write_deny, rule.clauses.deny_if)
    parts += map(_write_ask, rule.clauses.approve_if)
    if rule.rate_limit is not None:
        parts.append(f"{rule.rate_limit.max:,} {write_window(rule.rate_limit.window)}")
    parts += map(_write_limit, rule.clauses.limits)
    return f"{name}: {'; '.join(parts)}."


def _write_require(entry: Entry) -> str:
    bound = _write_bound(entry, _MUST)
    return bound or f"only when {write_conditions(entry.conditions)}{_write_each(entry.each, 'each')}"


def _write_deny(entry: Entry) -> str:
    bound = _write_bound(entry, _MUST_NOT)
    return bound or f"denied when {write_conditions(entry.conditions)}{_write_each(entry.each, 'any')}"


def _write_ask(entry: Entry) -> str:
    return f"asks a person when {write_conditions(entry.conditions)}{_write_each(entry.each, 'any')}"


def _write_bound(entry: Entry, words: Mapping[Op, str]) -> str:
    if len(entry.conditions) != 1 or entry.each is not None or entry.conditions[0].op not in words:
        return ""
    condition = entry.conditions[0]
    return f"{write_subject(condition)} {words[condition.op]} {write_bound(condition)}"


def _write_each(each: Path | None, word: str) -> str:
    if each is None:
        return ""
    listed = Path(each.root, each.steps[:-1] if each.steps[-1:] == (EACH,) else each.steps)
    return f" (for {word} element of {write_path(listed)})"


def _write_limit(limit: Limit) -> str:
    most = f"{write_number(limit.max)}" if limit.amount is not None else f"{write_number(limit.max)} calls"
    by = f" by {write_amount(limit.amount)}" if limit.amount is not None else ""
    return f"at most {most} {write_window(limit.window)}{by}{_SCOPES[limit.scope]}"


def _explain_match(match: Match, *, is_require: bool) -> str:
    """What the call has there, and what it must have or what that is: `qty is 5; it must be at most 3`."""
    name = "The time" if match.path == "call.time" else match.path.removeprefix("args.")
    said = _GAPS[match.found] if isinstance(match.found, Missing) else f"is {write_value(match.found)}"
    found = f"{name} {said}"
    if match.condition is None:
        return found
    if is_require:
        return f"{found}; it must {write_demand(match.condition)}"
    # A value that the policy names is said already, and so is a gap.
    is_said = isinstance(match.found, Missing) or match.condition.op in (Op.EQ, Op.IN, Op.EXISTS)
    return found if is_said else f"{found}, which {write_relation(match.condition)}"
