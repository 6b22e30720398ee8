"""Compiles amounts into functions from a call to an exact number, or to the reason why there is none."""

import enum
from collections.abc import Callable
from datetime import datetime
from typing import Final, TypeAlias

from policies.engine.budget import Budget
from policies.engine.decimals import EXACT, Number, read_number
from policies.engine.operators import ERROR, TRUE, Truth
from policies.engine.paths import Path
from policies.engine.policy import (
    AbsoluteAmount,
    Amount,
    ChoiceAmount,
    Condition,
    Fold,
    FoldAmount,
    PathAmount,
    ProductAmount,
)
from policies.engine.resolve import Arguments, Defaults, GetAll, compile_all, compile_one
from policies.engine.values import EMPTY, MISSING, Found, Missing


class Fault(enum.Enum):
    """Why an amount is no number. All but ABSENT are errors wherever the amount stands."""

    ABSENT = "is missing"
    PARTLY = "is missing in some elements"
    NO_NUMBER = "is not a number"
    NEGATIVE = "is negative"
    NO_CASE = "has no case that holds"
    UNCLEAR = "depends on a condition that cannot be judged"


Measured: TypeAlias = Number | Fault
Measure: TypeAlias = Callable[[Arguments, Found, datetime, Budget], Measured]
JudgeAll: TypeAlias = Callable[[Arguments, Found, datetime, Budget], Truth]
FindDefaults: TypeAlias = Callable[[Path], Defaults]
# Compiles the `when` conditions of a case; handed over because conditions hold amounts in turn.
CompileWhen: TypeAlias = Callable[[tuple[Condition, ...]], JudgeAll]

_Numbers: TypeAlias = list[Number] | Fault


class AmountCompiler:
    """Compiles amounts for one tool. Negative numbers are refused except inside `abs`, wherever they stand: a sum that
    a negative element brings under a cap is the attack."""

    def __init__(self, find_defaults: FindDefaults, compile_when: CompileWhen) -> None:
        self._find_defaults = find_defaults
        self._compile_when = compile_when

    def compile(self, amount: Amount, *, is_signed: bool = False) -> Measure:
        """The function that measures a call."""
        match amount:
            case PathAmount(path):
                return self._compile_path(path, is_signed=is_signed)
            case FoldAmount(Fold.COUNT, path):
                return self._compile_count(path)
            case FoldAmount(fold, path):
                return self._compile_fold(fold, path, is_signed=is_signed)
            case ProductAmount(left, right):
                return self._compile_product(left, right, is_signed=is_signed)
            case AbsoluteAmount(inner):
                return _compile_absolute(self.compile(inner, is_signed=True))
            case ChoiceAmount():
                return self._compile_choice(amount, is_signed=is_signed)

    def _compile_path(self, path: Path, *, is_signed: bool) -> Measure:
        get = compile_one(path, self._find_defaults(path))
        return lambda arguments, item, _at, _budget: _read(get(arguments, item), is_signed=is_signed)

    def _get_all(self, path: Path) -> GetAll:
        defaults = self._find_defaults(path)
        if path.has_wildcard:
            return compile_all(path, defaults)
        get = compile_one(path, defaults)
        return lambda arguments, item, _budget: [get(arguments, item)]

    def _compile_count(self, path: Path) -> Measure:
        listed = Path(path.root, path.shared_prefix)
        get, get_leaves = self._get_all(listed), self._get_all(path)

        def measure(arguments: Arguments, item: Found, _at: datetime, budget: Budget) -> Measured:
            elements = get(arguments, item, budget)
            fault = _find_gap(elements)
            return len(get_leaves(arguments, item, budget)) if fault is None else fault

        return measure

    def _compile_fold(self, fold: Fold, path: Path, *, is_signed: bool) -> Measure:
        get = self._get_all(path)
        reduce = {Fold.SUM: _add, Fold.MIN: _smallest, Fold.MAX: _largest}[fold]

        def measure(arguments: Arguments, item: Found, _at: datetime, budget: Budget) -> Measured:
            numbers = _read_all(get(arguments, item, budget), is_signed=is_signed)
            return numbers if isinstance(numbers, Fault) else reduce(numbers)

        return measure

    def _compile_product(self, left: Path, right: Path, *, is_signed: bool) -> Measure:
        if not left.has_wildcard:
            return self._compile_single_product(left, right, is_signed=is_signed)
        get_left, get_right = self._get_all(left), self._get_all(right)

        def measure(arguments: Arguments, item: Found, _at: datetime, budget: Budget) -> Measured:
            lefts = _read_all(get_left(arguments, item, budget), is_signed=is_signed)
            rights = _read_all(get_right(arguments, item, budget), is_signed=is_signed)
            fault = _worse(lefts, rights)
            if fault is not None or isinstance(lefts, Fault) or isinstance(rights, Fault):
                return fault or Fault.NO_NUMBER
            if len(lefts) != len(rights):
                return Fault.PARTLY
            return _add([EXACT.multiply(a, b) for a, b in zip(lefts, rights, strict=True)])

        return measure

    def _compile_single_product(self, left: Path, right: Path, *, is_signed: bool) -> Measure:
        get_left = compile_one(left, self._find_defaults(left))
        get_right = compile_one(right, self._find_defaults(right))

        def measure(arguments: Arguments, item: Found, _at: datetime, budget: Budget) -> Measured:
            a = _read(get_left(arguments, item), is_signed=is_signed)
            b = _read(get_right(arguments, item), is_signed=is_signed)
            if isinstance(a, Fault):
                return b if a is Fault.ABSENT and isinstance(b, Fault) else a
            return b if isinstance(b, Fault) else EXACT.multiply(a, b)

        return measure

    def _compile_choice(self, choice: ChoiceAmount, *, is_signed: bool) -> Measure:
        cases = [
            (self._compile_when(case.when), self.compile(case.amount, is_signed=is_signed)) for case in choice.cases
        ]

        def measure(arguments: Arguments, item: Found, at: datetime, budget: Budget) -> Measured:
            for holds, inner in cases:
                truth = holds(arguments, item, at, budget)
                if truth == TRUE:
                    return inner(arguments, item, at, budget)
                if truth == ERROR:
                    return Fault.UNCLEAR
            return Fault.NO_CASE

        return measure


def _compile_absolute(inner: Measure) -> Measure:
    def measure(arguments: Arguments, item: Found, at: datetime, budget: Budget) -> Measured:
        found = inner(arguments, item, at, budget)
        return found if isinstance(found, Fault) else EXACT.abs(found)

    return measure


def _read(value: Found, *, is_signed: bool) -> Measured:
    if value is MISSING:
        return Fault.ABSENT
    number = read_number(value)
    if number is None:
        return Fault.NO_NUMBER
    return Fault.NEGATIVE if number < 0 and not is_signed else number


def _read_all(values: list[Found], *, is_signed: bool) -> _Numbers:
    """All values as numbers. One that is missing among others is an error: it must not carry the others past a rule."""
    numbers: list[Number] = []
    fault: Fault | None = None
    for value in values:
        found = _read(value, is_signed=is_signed)
        if not isinstance(found, Fault):
            numbers.append(found)
        elif found is not Fault.ABSENT:
            return found
        else:
            fault = found
    if fault is None:
        return numbers
    return Fault.PARTLY if numbers else fault


def _find_gap(elements: list[Found]) -> Fault | None:
    gaps: Final = [element for element in elements if isinstance(element, Missing) and element is not EMPTY]
    if not gaps:
        return None
    return Fault.ABSENT if all(gap is MISSING for gap in gaps) and len(gaps) == len(elements) else Fault.NO_NUMBER


def _worse(left: _Numbers, right: _Numbers) -> Fault | None:
    faults = [found for found in (left, right) if isinstance(found, Fault)]
    return next((fault for fault in faults if fault is not Fault.ABSENT), faults[0] if faults else None)


def _add(numbers: list[Number]) -> Measured:
    total: Number = 0
    for number in numbers:
        total = EXACT.add(total, number)
    return total


def _smallest(numbers: list[Number]) -> Measured:
    return min(numbers) if numbers else Fault.ABSENT


def _largest(numbers: list[Number]) -> Measured:
    return max(numbers) if numbers else Fault.ABSENT
