"""The operators, three-valued: a comparison holds, does not hold, or cannot be made (which denies)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from policies.engine.budget import Budget
from policies.engine.costs import are_few, count_pattern, count_search, list_others, list_values
from policies.engine.decimals import Number, read_number
from policies.engine.patterns import compile_pattern
from policies.engine.policy import Condition, Hours, Op
from policies.engine.values import JSON, is_same_json
from policies.engine.zones import load_zone

FALSE: Final = 0
TRUE: Final = 1
ERROR: Final = 2

# A search in a text of at most so many characters costs no more than the step that is counted for it anyway.
_SHORT_TEXT: Final = 255

Truth: TypeAlias = int
Test: TypeAlias = Callable[[JSON, Budget], Truth]
TestPair: TypeAlias = Callable[[JSON, JSON, Budget], Truth]


def negate(truth: Truth) -> Truth:
    """Not: an error stays one."""
    return truth if truth == ERROR else 1 - truth


def compile_test(condition: Condition) -> Test:
    """The test of a present value against what the policy wrote."""
    op, expected = condition.op, condition.expected
    match op:
        case Op.EQ | Op.IN:
            return compile_membership(list_values(op, expected))
        case Op.NEQ | Op.NOT_IN:
            is_member = compile_membership(list_values(op, expected))
            return lambda found, budget: negate(is_member(found, budget))
        case Op.LT | Op.LTE | Op.GT | Op.GTE:
            return _compile_order(op, read_number(expected))
        case Op.EXISTS:
            is_wanted = int(expected is True)
            return lambda found, budget: is_wanted
        case Op.CONTAINS:
            return lambda found, budget: contain(found, expected, budget)
        case Op.MATCHES | Op.REGEX:
            return _compile_pattern_test(str(expected), is_whole=op is Op.MATCHES)
        case Op.WITHIN:
            # Judged by compile_hours; no value of the arguments is a time.
            return lambda found, budget: ERROR


def compile_membership(values: list[JSON]) -> Test:
    """`in`: an error when the value is of a type that can be compared with none of the list."""
    texts = frozenset(value for value in values if isinstance(value, str))
    numbers = frozenset(_pick_numbers(values))
    others = list_others(values)
    if others or (texts and numbers) or not values:
        members = _Members(texts, numbers, others, is_empty=not values, steps=0 if are_few(others) else len(others))
        return lambda found, budget: _find_in(found, members, budget)
    if numbers:
        return lambda found, budget: ERROR if (number := read_number(found)) is None else int(number in numbers)
    return lambda found, budget: int(found in texts) if type(found) is str else ERROR


def equal(found: JSON, expected: JSON, budget: Budget) -> Truth:
    """Two arguments: as numbers where both are numbers, else as texts, else same JSON type and value."""
    left, right = read_number(found), read_number(expected)
    if left is not None and right is not None:
        return int(left == right)
    if type(found) is not type(expected):
        return ERROR
    is_same = is_same_json(found, expected, budget=budget)
    return ERROR if is_same is None else int(is_same)


def contain(found: JSON, expected: JSON, budget: Budget) -> Truth:
    """A substring, or an element of a list."""
    if isinstance(found, str):
        if not isinstance(expected, str):
            return ERROR
        if len(found) > _SHORT_TEXT:
            budget.spend(count_search(len(found), len(expected)))
        return int(expected in found)
    if not isinstance(found, list):
        return ERROR
    budget.spend(len(found))
    is_member = compile_membership([expected])
    return any_of(is_member(element, budget) for element in found)


def any_of(truths: Iterable[Truth]) -> Truth:
    """Or: true when one is, else an error when one is."""
    result = FALSE
    for truth in truths:
        if truth == TRUE:
            return TRUE
        result = truth or result
    return result


def compile_pair(op: Op) -> TestPair:
    """The test of one argument against another."""
    match op:
        case Op.EQ:
            return equal
        case Op.NEQ:
            return lambda found, other, budget: negate(equal(found, other, budget))
        case Op.IN:
            return _is_in
        case Op.NOT_IN:
            return lambda found, other, budget: negate(_is_in(found, other, budget))
        case Op.CONTAINS:
            return contain
        case _:
            return lambda found, other, budget: _order(op, read_number(found), read_number(other))


def compile_hours(hours: Hours) -> Callable[[datetime], Truth]:
    """`within`: wall-clock time in the zone; the end is outside; an overnight range belongs to the day it starts on."""
    zone = load_zone(hours.tz)
    days, start, end = frozenset(hours.days), hours.start, hours.end

    def judge(at: datetime) -> Truth:
        if at.tzinfo is None:
            return ERROR
        try:
            local = at.astimezone(zone)
        except OverflowError:
            return ERROR
        minute = local.hour * 60 + local.minute
        if start < end:
            return int(start <= minute < end and local.weekday() in days)
        if minute >= start:
            return int(local.weekday() in days)
        return int(minute < end and (local.weekday() - 1) % 7 in days)

    return judge


def _as_policy_number(value: JSON) -> Number | None:
    # In a policy only a JSON number compares as one; a text there is meant as text.
    return None if isinstance(value, str) else read_number(value)


def _pick_numbers(values: list[JSON]) -> list[Number]:
    return [number for number in map(_as_policy_number, values) if number is not None]


@dataclass(frozen=True, slots=True)
class _Members:
    """The values of an `in`; `others` are neither text nor number and compared one by one, in so many `steps`."""

    texts: frozenset[str]
    numbers: frozenset[Number]
    others: list[JSON]
    is_empty: bool
    steps: int


def _find_in(found: JSON, members: _Members, budget: Budget) -> Truth:
    is_comparable = members.is_empty or bool(members.others)
    if isinstance(found, str) and members.texts:
        if found in members.texts:
            return TRUE
        is_comparable = True
    number = read_number(found) if members.numbers else None
    if number is not None:
        if number in members.numbers:
            return TRUE
        is_comparable = True
    if members.steps:
        budget.spend(members.steps)
    sames = [is_same_json(found, other, budget=budget) for other in members.others]
    if True in sames:
        return TRUE
    return FALSE if is_comparable and None not in sames else ERROR


def _is_in(found: JSON, other: JSON, budget: Budget) -> Truth:
    if not isinstance(other, list):
        return ERROR
    budget.spend(len(other))
    return any_of(equal(found, element, budget) for element in other)


def _compile_order(op: Op, bound: Number | None) -> Test:
    if bound is None:
        return lambda found, budget: ERROR
    match op:
        case Op.LT:
            return lambda found, budget: ERROR if (number := read_number(found)) is None else int(number < bound)
        case Op.LTE:
            return lambda found, budget: ERROR if (number := read_number(found)) is None else int(number <= bound)
        case Op.GT:
            return lambda found, budget: ERROR if (number := read_number(found)) is None else int(number > bound)
        case _:
            return lambda found, budget: ERROR if (number := read_number(found)) is None else int(number >= bound)


def _order(op: Op, left: Number | None, right: Number | None) -> Truth:
    if left is None or right is None:
        return ERROR
    match op:
        case Op.LT:
            return int(left < right)
        case Op.LTE:
            return int(left <= right)
        case Op.GT:
            return int(left > right)
        case Op.GTE:
            return int(left >= right)
        case _:
            return ERROR


def _compile_pattern_test(pattern: str, *, is_whole: bool) -> Test:
    compiled = compile_pattern(pattern)
    search = compiled.fullmatch if is_whole else compiled.search
    instructions = compiled.programsize

    def test(found: JSON, budget: Budget) -> Truth:
        if not isinstance(found, str):
            return ERROR
        budget.spend(count_pattern(found, instructions))
        try:
            return int(search(found) is not None)
        except UnicodeEncodeError:
            # Half of a surrogate pair; the gateway refuses it before, and here it cannot be compared.
            return ERROR

    return test
