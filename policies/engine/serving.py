"""Which rule of a policy serves a tool, and what it does with it. Names and actions only; no arguments."""

from collections.abc import Iterator, Mapping

from policies.engine.names import is_pattern, match_name, select_narrowest
from policies.engine.policy import Action, Limit, Policy, Rule, Selector, is_same_amount
from policies.engine.tools import ToolFacts


def selects(selector: Selector | None, name: str) -> bool:
    """Tell whether an entry of `all_tools` holds for a tool."""
    if selector is None:
        return True
    return any(match_name(pattern, name) for pattern in selector.names) != selector.is_except


def find_rule(policy: Policy, facts: ToolFacts) -> Rule | None:
    """The rule that serves a tool: exact name, narrowest pattern, its level's; None leaves it to the default."""
    exact = policy.tools.get(facts.name)
    if exact is not None and not is_pattern(facts.name):
        return exact
    pattern = select_narrowest((name for name in policy.tools if is_pattern(name)), facts.name)
    return policy.tools[pattern] if pattern is not None else policy.risk.get(facts.level)


def settle_action(policy: Policy, rule: Rule, facts: ToolFacts) -> tuple[Action, str, str]:
    """What a rule does with a tool, with the reason and the pointer of the rule that says so.

    An action that was left out is taken from the level's `risk` rule, so an argument rule never loosens an approval.
    """
    if rule.action is not None:
        return rule.action, rule.reason, rule.pointer
    risk = policy.risk.get(facts.level)
    if risk is None or risk.action in (None, Action.ALLOW):
        return Action.ALLOW, rule.reason, rule.pointer
    return risk.action or Action.ALLOW, rule.reason or risk.reason, risk.pointer


def can_allow(policy: Policy, tools: Mapping[str, ToolFacts]) -> bool:
    """Tell whether any call could pass, by names and actions alone. Without tools, by the rules that are written."""
    if any(
        not entry.conditions and entry.each is None and entry.selector is None for entry in policy.all_tools.deny_if
    ):
        return False
    if tools:
        return any(_can_allow_tool(policy, facts) for facts in tools.values())
    passing = [rule for rule in policy.rules if rule.action not in (Action.DENY, Action.HIDE)]
    return "*" not in policy.hide and (policy.is_default_allow or bool(passing))


def _can_allow_tool(policy: Policy, facts: ToolFacts) -> bool:
    if facts.is_changed or any(match_name(name, facts.name) for name in policy.hide):
        return False
    rule = find_rule(policy, facts)
    if rule is None:
        return policy.is_default_allow
    is_closed = any(not entry.conditions and entry.each is None for entry in rule.clauses.deny_if)
    return not is_closed and settle_action(policy, rule, facts)[0] in (Action.ALLOW, Action.REQUIRE_APPROVAL)


def list_counted(policy: Policy, rule: Rule | None, name: str) -> Iterator[Limit]:
    """Every limit that a call of a tool charges, rate limits aside."""
    for limit in policy.all_tools.limits:
        if selects(limit.selector, name):
            yield limit
    if rule is not None:
        yield from rule.clauses.limits


def find_clash(policy: Policy, rule: Rule | None, name: str) -> tuple[Limit, Limit | None] | None:
    """Two limits of one call that charge one counter with different amounts; None beside a limit is the rate limit."""
    seen: dict[tuple[str, str], Limit] = {}
    for limit in list_counted(policy, rule, name):
        first = seen.setdefault((limit.counter, limit.scope), limit)
        if not is_same_amount(first.amount, limit.amount):
            return limit, first
    if rule is not None and rule.rate_limit is not None:
        rated = seen.get((f"{name}_rate", "grant"))
        if rated is not None and rated.amount is not None:
            return rated, None
    return None
