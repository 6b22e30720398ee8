"""Checks a parsed policy against the tools of a server: names, ties, paths, enum values, counters. It only reports."""

from collections.abc import Mapping
from typing import Final

from policies.engine.check_conditions import ConditionCheck
from policies.engine.names import is_pattern, is_tie, match_name
from policies.engine.policy import Action, Op, Policy
from policies.engine.problems import Problems, quote
from policies.engine.reader import join_pointer
from policies.engine.serving import can_allow, find_clash, find_rule, selects
from policies.engine.tools import ToolFacts

_MAX_PATTERNS: Final = 500
_MAX_CONDITIONS: Final = 5_000
_MAX_SHARED: Final = 500
_MAX_REGEXES: Final = 500


def check_policy(policy: Policy, tools: Mapping[str, ToolFacts], problems: Problems) -> None:
    """Report what the schemas and the names of a server's tools have against a policy."""
    if not _is_bounded(policy, problems):
        return
    _check_names(policy, tools, problems)
    _check_ties(policy, problems)
    _check_counters(policy, tools, problems)
    _check_rules(policy, tools, problems)
    # Of a policy that has errors it cannot be said what it allows.
    if not problems.errors and not can_allow(policy, tools):
        problems.add_warning("", "This policy allows nothing.")


def _is_bounded(policy: Policy, problems: Problems) -> bool:
    clauses = [policy.all_tools, *(rule.clauses for rule in policy.rules)]
    counts = [sum(len(entry.conditions) + 1 for entry in part.entries) + len(part.limits) for part in clauses]
    shared = counts[0] + sum(
        count
        for rule, count in zip(policy.rules, counts[1:], strict=True)
        if rule.pointer.startswith("/risk/") or "*" in rule.pointer
    )
    regexes = sum(
        condition.op in (Op.MATCHES, Op.REGEX)
        for part in clauses
        for entry in part.entries
        for condition in entry.conditions
    )
    bounds = (
        (sum(counts), _MAX_CONDITIONS, "entries and conditions"),
        (shared, _MAX_SHARED, "entries and conditions in all_tools, risk and patterns"),
        (regexes, _MAX_REGEXES, "patterns for RE2"),
        (sum(map(is_pattern, policy.tools)) + sum(map(is_pattern, policy.hide)), _MAX_PATTERNS, "name patterns"),
    )
    for found, most, what in bounds:
        if found > most:
            problems.add_error("", f"The policy has {found:,} {what}; at most {most:,} are allowed.")
    return all(found <= most for found, most, _ in bounds)


def _check_names(policy: Policy, tools: Mapping[str, ToolFacts], problems: Problems) -> None:
    if not tools:
        return
    places = [(f"/hide/{index}", name, False) for index, name in enumerate(policy.hide)]
    places += [(join_pointer("/tools", name), name, True) for name in policy.tools]
    for kind in ("require", "deny_if", "approve_if", "limits"):
        for part in getattr(policy.all_tools, kind):
            if part.selector is not None:
                key = "except" if part.selector.is_except else "for"
                places += [(f"{part.pointer}/{key}/{i}", name, False) for i, name in enumerate(part.selector.names)]
    for pointer, name, is_key in places:
        if any(match_name(name, known) for known in tools):
            continue
        if is_pattern(name):
            problems.add_warning(pointer, f"No tool of this server matches {quote(name)}.", at_key=is_key)
        else:
            nearest = problems.find_nearest(name, tools)
            problems.add_warning(pointer, f"This server has no tool {quote(name)}.", nearest, at_key=is_key)


def _check_ties(policy: Policy, problems: Problems) -> None:
    patterns = [name for name in policy.tools if is_pattern(name)]
    for index, right in enumerate(patterns):
        for left in patterns[:index]:
            if is_tie(left, right):
                problems.add_error(
                    join_pointer("/tools", right),
                    f"{quote(right)} and {quote(left)} can match the same tool and neither is narrower, so it is not "
                    "clear which of them serves it. Narrow one of them or name the tool.",
                    at_key=True,
                )
    for name, rule in policy.tools.items():
        if any(match_name(hidden, name) for hidden in policy.hide) and rule.action is not Action.HIDE:
            problems.add_warning(
                rule.pointer, f"{quote(name)} is hidden, so this rule is never looked at.", at_key=True
            )


def _check_counters(policy: Policy, tools: Mapping[str, ToolFacts], problems: Problems) -> None:
    served = [(name, find_rule(policy, facts)) for name, facts in tools.items()]
    served += [(name, rule) for name, rule in policy.tools.items() if name not in tools]
    served += [("", None), *((f"a {level} tool", rule) for level, rule in policy.risk.items())]
    for name, rule in served:
        clash = find_clash(policy, rule, name)
        if clash is None:
            continue
        limit, first = clash
        other = first.pointer if first is not None else "the rate limit"
        problems.add_error(
            limit.pointer,
            f"The counter {quote(limit.counter)} is charged with different amounts here and in {other}; "
            "a call charges a counter once. Give one of them another name.",
        )


def _check_rules(policy: Policy, tools: Mapping[str, ToolFacts], problems: Problems) -> None:
    check = ConditionCheck(problems)
    served: dict[str, list[ToolFacts]] = {}
    for facts in tools.values():
        rule = find_rule(policy, facts)
        if rule is not None:
            served.setdefault(rule.pointer, []).append(facts)
    for name, rule in policy.tools.items():
        check.check_clauses(rule.clauses, served.get(rule.pointer, []), is_exact=not is_pattern(name))
    for rule in policy.risk.values():
        check.check_clauses(rule.clauses, served.get(rule.pointer, []), is_exact=False)
    check.check_all_tools(policy.all_tools, tools, selects)
