"""Compiles conditions and entries into functions from a call to true, false or error, and traces what they found."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias, cast

from policies.engine.amounts import AmountCompiler, Fault, Measure
from policies.engine.budget import Budget
from policies.engine.costs import count_steps, is_counted_entry
from policies.engine.decision import Match
from policies.engine.operators import (
    ERROR,
    FALSE,
    TRUE,
    Truth,
    any_of,
    compile_hours,
    compile_pair,
    compile_test,
)
from policies.engine.paths import Path, Root
from policies.engine.phrases import write_amount
from policies.engine.policy import Amount, Condition, Entry, Op
from policies.engine.resolve import Arguments, Defaults, compile_all, compile_one, trace_values
from policies.engine.values import BROKEN, EMPTY, JSON, MISSING, Found, Missing

Judge: TypeAlias = Callable[[Arguments, Found, datetime, Budget], Truth]
# A value's truth, once the path has led to it.
Weigh: TypeAlias = Callable[[Found, Arguments, Found, Budget], Truth]
FindDefaults: TypeAlias = Callable[[Path, Path | None], Defaults]
Start: TypeAlias = tuple[str, Found]

_HOLDS_WHEN_ABSENT: Final = (Op.NEQ, Op.NOT_IN)


@dataclass(frozen=True, slots=True)
class CompiledCondition:
    """A condition of one tool: `judge` is fast, `trace` tells afterwards what was found where."""

    condition: Condition
    judge: Judge
    trace: Callable[[Arguments, Start, datetime, Budget], list[tuple[str, Found, Truth]]]


@dataclass(frozen=True, slots=True)
class CompiledEntry:
    """An entry of one tool. `passing` is the truth with which a call goes on: TRUE for `require`, else FALSE.

    `is_counted` says that its work grows with the call; only then are steps spent. Both functions raise BudgetError.
    """

    entry: Entry
    passing: Truth
    judge: Callable[[Arguments, datetime, Budget], Truth]
    trace: Callable[[Arguments, datetime, Budget], tuple[Match, ...]]
    is_counted: bool


def compile_entry(entry: Entry, find_defaults: FindDefaults, *, is_require: bool) -> CompiledEntry:
    """Compile an entry for a tool. `require` wants every element to hold, the others are content with one."""

    def find(path: Path) -> Defaults:
        return find_defaults(path, entry.each)

    compiler = ConditionCompiler(find, is_require=is_require)
    conditions = tuple(compiler.compile(condition) for condition in entry.conditions)
    passing = TRUE if is_require else FALSE
    if entry.each is None:
        judge_plain = compile_conjunction(conditions)

        def judge_whole(arguments: Arguments, at: datetime, budget: Budget) -> Truth:
            return judge_plain(arguments, MISSING, at, budget)

        def trace_plain(arguments: Arguments, at: datetime, budget: Budget) -> tuple[Match, ...]:
            return _trace_conditions(conditions, arguments, ("item", MISSING), at, budget, passing=passing)

        return CompiledEntry(entry, passing, judge_whole, trace_plain, is_counted_entry(entry))
    return _compile_each(entry, entry.each, conditions, find(entry.each), is_require=is_require)


def compile_conjunction(conditions: tuple[CompiledCondition, ...]) -> Judge:
    """And: false when one is false, else an error when one is."""
    judges = tuple(condition.judge for condition in conditions)
    if len(judges) == 1:
        return judges[0]

    def judge(arguments: Arguments, item: Found, at: datetime, budget: Budget) -> Truth:
        result = TRUE
        for part in judges:
            truth = part(arguments, item, at, budget)
            if truth == FALSE:
                return FALSE
            if truth == ERROR:
                result = ERROR
        return result

    return judge


def join_all(truths: list[Truth]) -> Truth:
    """And over the elements of a list; an empty list fails."""
    if not truths or FALSE in truths:
        return FALSE
    return ERROR if ERROR in truths else TRUE


class ConditionCompiler:
    """Compiles the conditions of one entry for one tool."""

    def __init__(self, find_defaults: Callable[[Path], Defaults], *, is_require: bool) -> None:
        self._find_defaults = find_defaults
        self._is_require = is_require
        self._amounts = AmountCompiler(find_defaults, self._compile_when)

    def compile(self, condition: Condition) -> CompiledCondition:
        """Compile one condition."""
        if condition.hours is not None:
            return _compile_within(condition)
        absent = self._judge_absence(condition)
        weigh = self._compile_weigh(condition, absent)
        if isinstance(condition.subject, Path):
            return self._compile_path(condition, condition.subject, weigh)
        return _compile_measured(condition, self._amounts.compile(condition.subject), weigh)

    def compile_amount(self, amount: Amount) -> Measure:
        """Compile an amount outside a condition, as a limit has it."""
        return self._amounts.compile(amount)

    def _compile_when(self, conditions: tuple[Condition, ...]) -> Judge:
        # Cases are chosen by what is there, as in deny_if, also where the amount stands in a require entry.
        compiler = ConditionCompiler(self._find_defaults, is_require=False)
        return compile_conjunction(tuple(compiler.compile(condition) for condition in conditions))

    def _judge_absence(self, condition: Condition) -> Truth:
        if condition.op is Op.EXISTS:
            return int(condition.expected is not True)
        return int(condition.op in _HOLDS_WHEN_ABSENT and not self._is_require)

    def _compile_weigh(self, condition: Condition, absent: Truth) -> Weigh:
        if condition.other is not None:
            return self._compile_weigh_pair(condition.op, condition.other, absent)
        test = compile_test(condition)

        def weigh(value: Found, _arguments: Arguments, _item: Found, budget: Budget) -> Truth:
            if isinstance(value, Missing):
                return _weigh_gap(value, absent)
            return test(value, budget)

        return weigh

    def _compile_weigh_pair(self, op: Op, other: Path, absent: Truth) -> Weigh:
        get_other = compile_one(other, self._find_defaults(other))
        test = compile_pair(op)

        def weigh(value: Found, arguments: Arguments, item: Found, budget: Budget) -> Truth:
            against = get_other(arguments, item)
            if value is BROKEN or against is BROKEN:
                return ERROR
            if isinstance(value, Missing):
                return _weigh_gap(value, absent)
            return absent if isinstance(against, Missing) else test(value, against, budget)

        return weigh

    def _compile_path(self, condition: Condition, path: Path, weigh: Weigh) -> CompiledCondition:
        defaults = self._find_defaults(path)
        is_require = self._is_require

        def trace(arguments: Arguments, start: Start, at: datetime, budget: Budget) -> list[tuple[str, Found, Truth]]:
            label, item = start
            origin: Start = (label, item) if path.root is Root.ITEM else ("args", cast("JSON", arguments))
            values = trace_values(path, defaults, origin, budget, is_require=is_require)
            return [(where, value, weigh(value, arguments, item, budget)) for where, value in values]

        if path.has_wildcard:
            get_all = compile_all(path, defaults, is_require=is_require)

            def judge_all(arguments: Arguments, item: Found, at: datetime, budget: Budget) -> Truth:
                truths = [weigh(value, arguments, item, budget) for value in get_all(arguments, item, budget)]
                return join_all(truths) if is_require else any_of(truths)

            return CompiledCondition(condition, judge_all, trace)
        get = compile_one(path, defaults)
        return CompiledCondition(
            condition, lambda arguments, item, at, budget: weigh(get(arguments, item), arguments, item, budget), trace
        )


def _weigh_gap(gap: Missing, absent: Truth) -> Truth:
    if gap is MISSING:
        return absent
    return FALSE if gap is EMPTY else ERROR


def _compile_within(condition: Condition) -> CompiledCondition:
    judge_hours = compile_hours(condition.hours) if condition.hours is not None else lambda at: ERROR

    def trace(arguments: Arguments, start: Start, at: datetime, budget: Budget) -> list[tuple[str, Found, Truth]]:
        return [("call.time", at.isoformat(), judge_hours(at))]

    return CompiledCondition(condition, lambda arguments, item, at, budget: judge_hours(at), trace)


def _compile_measured(condition: Condition, measure: Measure, weigh: Weigh) -> CompiledCondition:
    def read(arguments: Arguments, item: Found, at: datetime, budget: Budget) -> Found:
        found = measure(arguments, item, at, budget)
        if isinstance(found, Fault):
            return MISSING if found is Fault.ABSENT else BROKEN
        return found

    def trace(arguments: Arguments, start: Start, at: datetime, budget: Budget) -> list[tuple[str, Found, Truth]]:
        _, item = start
        value = read(arguments, item, at, budget)
        label = "" if isinstance(condition.subject, Path) else write_amount(condition.subject)
        return [(label, value, weigh(value, arguments, item, budget))]

    return CompiledCondition(
        condition,
        lambda arguments, item, at, budget: weigh(read(arguments, item, at, budget), arguments, item, budget),
        trace,
    )


def _compile_each(
    entry: Entry, each: Path, conditions: tuple[CompiledCondition, ...], defaults: Defaults, *, is_require: bool
) -> CompiledEntry:
    get_elements = compile_all(each, defaults, is_require=is_require)
    judge_element = compile_conjunction(conditions)
    steps = count_steps(entry.conditions)
    passing = TRUE if is_require else FALSE

    def judge_one(arguments: Arguments, item: Found, at: datetime, budget: Budget) -> Truth:
        if item is EMPTY or item is BROKEN:
            return FALSE if item is EMPTY else ERROR
        return judge_element(arguments, item, at, budget)

    def judge(arguments: Arguments, at: datetime, budget: Budget) -> Truth:
        elements = get_elements(arguments, MISSING, budget)
        budget.spend(len(elements) * steps)
        truths = [judge_one(arguments, item, at, budget) for item in elements]
        return join_all(truths) if is_require else any_of(truths)

    def trace(arguments: Arguments, at: datetime, budget: Budget) -> tuple[Match, ...]:
        origin: Start = ("args", cast("JSON", arguments))
        for label, item in trace_values(each, defaults, origin, budget, is_require=is_require):
            budget.spend(steps)
            if judge_one(arguments, item, at, budget) != passing:
                if isinstance(item, Missing) and item is not MISSING:
                    return (Match(label, "exists", True, item),)
                return _trace_conditions(conditions, arguments, (label, item), at, budget, passing=passing)
        return ()

    return CompiledEntry(entry, passing, judge, trace, is_counted_entry(entry))


def _trace_conditions(
    conditions: tuple[CompiledCondition, ...],
    arguments: Arguments,
    start: Start,
    at: datetime,
    budget: Budget,
    *,
    passing: Truth,
) -> tuple[Match, ...]:
    """The conditions that decided: those that did not hold for `require`, those that held or failed for the others.

    Failures come first: where there is one among conditions that held, it is what refused the call.
    """
    found: dict[bool, list[Match]] = {True: [], False: []}
    for compiled in conditions:
        condition = compiled.condition
        for where, value, truth in compiled.trace(arguments, start, at, budget):
            if truth != passing:
                judged = None if truth == ERROR else condition
                found[truth == ERROR].append(Match(where, condition.op.value, condition.expected, value, judged))
    return (*found[True], *found[False])
