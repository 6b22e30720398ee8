"""Compiles a policy for the tools of one server: everything that does not depend on the call is settled here, once."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from policies.engine.amounts import Measure
from policies.engine.conditions import CompiledEntry, ConditionCompiler, compile_entry
from policies.engine.costs import is_counted_amount
from policies.engine.decision import Decision, Reservation
from policies.engine.names import match_name
from policies.engine.paths import Path, Root
from policies.engine.phrases import write_amount, write_window
from policies.engine.policy import (
    Action,
    Amount,
    Entry,
    Limit,
    Methods,
    Policy,
    Rule,
    list_amount_paths,
    list_paths,
)
from policies.engine.resolve import Defaults
from policies.engine.schema import list_default_keys, look_up
from policies.engine.serving import find_clash, find_rule, list_counted, selects, settle_action
from policies.engine.tools import ToolFacts
from policies.engine.values import MISSING, Outcome, Scope

_ONE: Final = Decimal(1)


@dataclass(frozen=True, slots=True)
class CompiledLimit:
    """A limit with an amount. `reservation` is complete but for the amount; `label` names the amount in a reason."""

    reservation: Reservation
    measure: Measure
    label: str
    is_counted: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """How the calls of one tool are decided.

    `verdict` settles them without a look at the arguments. Else `checks` (require and deny_if in their order), then
    `asks` (approve_if), then `limits`; `passed` is the answer when all of them have nothing to say, and `held` the one
    when the action wants an approval. Both hold every reservation whose amount is known already. `is_counted` says that
    the work grows with the call, so that its steps are to be counted.
    """

    verdict: Decision | None
    checks: tuple[CompiledEntry, ...] = ()
    asks: tuple[CompiledEntry, ...] = ()
    limits: tuple[CompiledLimit, ...] = ()
    passed: Decision | None = None
    is_held: bool = False
    is_counted: bool = False


_HIDDEN: Final = Plan(Decision(Outcome.HIDE, "(hidden)", "The policy hides this tool."))


@dataclass(frozen=True, slots=True)
class CompiledPolicy:
    """A policy ready to decide calls. `visible` are the tools that tools/list may show: not hidden, not changed."""

    plans: Mapping[str, Plan]
    visible: frozenset[str]
    methods: Methods


def compile_policy(policy: Policy, tools: Mapping[str, ToolFacts]) -> CompiledPolicy:
    """Compile a parsed policy for the tools that discovery pinned. Never raises on a policy that parse_policy gave.

    The tools may be others than the ones it was parsed against: one that meets two amounts for one counter is denied.
    """
    compiler = _Compiler(policy)
    plans = {name: compiler.compile_tool(facts) for name, facts in tools.items()}
    visible = frozenset(
        name for name, plan in plans.items() if plan.verdict is None or plan.verdict.outcome is not Outcome.HIDE
    )
    return CompiledPolicy(plans, visible, policy.methods)


class _Compiler:
    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._entries: dict[tuple[str, str], CompiledEntry] = {}
        self._measures: dict[tuple[str, str], Measure] = {}

    def compile_tool(self, facts: ToolFacts) -> Plan:
        if any(match_name(name, facts.name) for name in self._policy.hide):
            return _HIDDEN
        rule = find_rule(self._policy, facts)
        action, reason, pointer = self._settle(rule, facts)
        if action is Action.HIDE:
            return _HIDDEN
        if facts.is_changed:
            changed = "The definition of this tool changed and nobody has accepted the change yet."
            return Plan(Decision(Outcome.HIDE, "(tool changed)", changed, is_explicit=False))
        if action is Action.DENY:
            is_explicit = rule is not None
            denied = "The policy denies this tool." if is_explicit else "No rule of the policy allows this tool."
            return Plan(Decision(Outcome.DENY, pointer, reason or denied, is_explicit=is_explicit))
        clash = find_clash(self._policy, rule, facts.name)
        if clash is not None:
            limit, _ = clash
            unclear = (
                f'The counter "{limit.counter}" is charged with different amounts, so this call cannot be counted.'
            )
            return Plan(Decision(Outcome.DENY, limit.pointer, unclear))
        return self._compile_open(facts, rule, (action, reason, pointer))

    def _settle(self, rule: Rule | None, facts: ToolFacts) -> tuple[Action, str, str]:
        if rule is not None:
            return settle_action(self._policy, rule, facts)
        return (Action.ALLOW if self._policy.is_default_allow else Action.DENY), "", "(default)"

    def _compile_open(self, facts: ToolFacts, rule: Rule | None, settled: tuple[Action, str, str]) -> Plan:
        action, reason, pointer = settled
        defaults = _ToolDefaults(facts)
        shared = self._policy.all_tools
        own = rule.clauses if rule is not None else None
        checks = [
            *self._compile_entries(shared.require, defaults, is_require=True),
            *self._compile_entries(shared.deny_if, defaults, is_require=False),
            *self._compile_entries(own.require if own else (), defaults, is_require=True),
            *self._compile_entries(own.deny_if if own else (), defaults, is_require=False),
        ]
        asks = [
            *self._compile_entries(shared.approve_if, defaults, is_require=False),
            *self._compile_entries(own.approve_if if own else (), defaults, is_require=False),
        ]
        counted, measured = self._compile_limits(rule, facts, defaults)
        is_held = action is Action.REQUIRE_APPROVAL
        passed = Decision(
            Outcome.APPROVE if is_held else Outcome.ALLOW,
            pointer,
            (reason or "A person decides about calls of this tool.") if is_held else "",
            limits=counted,
            is_explicit=rule is not None,
        )
        is_counted = any(entry.is_counted for entry in (*checks, *asks)) or any(limit.is_counted for limit in measured)
        return Plan(None, tuple(checks), tuple(asks), measured, passed, is_held, is_counted)

    def _compile_entries(
        self, entries: tuple[Entry, ...], defaults: "_ToolDefaults", *, is_require: bool
    ) -> list[CompiledEntry]:
        return [
            self._compile_entry(entry, defaults, is_require=is_require)
            for entry in entries
            if selects(entry.selector, defaults.tool)
        ]

    def _compile_entry(self, entry: Entry, defaults: "_ToolDefaults", *, is_require: bool) -> CompiledEntry:
        # Entries that many tools share are compiled once for each set of defaults that they meet, not once a tool.
        paths = [*list_paths(entry.conditions), *([entry.each] if entry.each is not None else [])]
        key = (entry.pointer, defaults.write_key(paths, entry.each))
        if key not in self._entries:
            self._entries[key] = compile_entry(entry, defaults.find, is_require=is_require)
        return self._entries[key]

    def _compile_limits(
        self, rule: Rule | None, facts: ToolFacts, defaults: "_ToolDefaults"
    ) -> tuple[tuple[Reservation, ...], tuple[CompiledLimit, ...]]:
        counted: list[Reservation] = []
        measured: list[CompiledLimit] = []
        if rule is not None and rule.rate_limit is not None:
            rate = rule.rate_limit
            on_deny = f"At most {rate.max} calls of {facts.name} {write_window(rate.window)}."
            counted.append(
                Reservation(
                    f"{facts.name}_rate", rate.window, Decimal(rate.max), _ONE, True, Scope.GRANT, rate.pointer, on_deny
                )
            )
        for limit in list_counted(self._policy, rule, facts.name):
            reservation = _reserve(limit)
            if limit.amount is None:
                counted.append(reservation)
            else:
                measure = self._compile_measure(limit.pointer, limit.amount, defaults)
                label = write_amount(limit.amount)
                measured.append(CompiledLimit(reservation, measure, label, is_counted_amount(limit.amount)))
        return tuple(counted), tuple(measured)

    def _compile_measure(self, pointer: str, amount: Amount, defaults: "_ToolDefaults") -> Measure:
        key = (pointer, defaults.write_key(list(list_amount_paths(amount)), None))
        if key not in self._measures:
            compiler = ConditionCompiler(lambda path: defaults.find(path, None), is_require=False)
            self._measures[key] = compiler.compile_amount(amount)
        return self._measures[key]


class _ToolDefaults:
    """The defaults that one tool's schema declares, found by path."""

    def __init__(self, facts: ToolFacts) -> None:
        self.tool = facts.name
        self._schema = facts.input_schema
        self._keys = list_default_keys(facts.input_schema)

    def find(self, path: Path, each: Path | None) -> Defaults:
        """The default of each step of a path, MISSING where there is none."""
        first = each.steps[0] if path.root is Root.ITEM and each is not None else path.steps[:1] and path.steps[0]
        if path.is_time or first not in self._keys:
            return ()
        look = look_up(self._schema, path, each)
        return look.defaults if look.is_known and any(part is not MISSING for part in look.defaults) else ()

    def write_key(self, paths: list[Path], each: Path | None) -> str:
        found = [self.find(path, each) for path in paths]
        return repr(found) if any(found) else ""


def _reserve(limit: Limit) -> Reservation:
    if limit.amount is None:
        text = f"At most {limit.max.normalize():f} calls {write_window(limit.window)}."
    else:
        text = f"At most {limit.max.normalize():f} {write_window(limit.window)}, by {write_amount(limit.amount)}."
    return Reservation(
        limit.counter,
        limit.window,
        limit.max,
        _ONE,
        limit.amount is None,
        limit.scope,
        limit.pointer,
        limit.on_deny or text,
    )
