"""What conditions cost: which of them multiply with the size of a call, and the steps of those that do not."""

from typing import Final

from policies.engine.decimals import read_number
from policies.engine.paths import Path
from policies.engine.policy import Amount, Condition, Entry, Op, list_amount_conditions, list_amount_paths, list_paths
from policies.engine.values import JSON

_ORDERS: Final = (Op.LT, Op.LTE, Op.GT, Op.GTE)
_PLAIN: Final = (*_ORDERS, Op.EXISTS, Op.WITHIN)
_FEW: Final = 8
_STEPS_AT_ONCE: Final = 8
_TEXT_AT_ONCE: Final = 4_096
# RE2 gives up its fast automaton on some patterns and then tries each instruction at each byte, in 5 ns.
_INSTRUCTIONS_AT_ONCE: Final = 512
_PATTERN_CALL: Final = 4
_BYTES_PER_CHARACTER: Final = 4


def is_counted_entry(entry: Entry) -> bool:
    """Tell whether judging an entry can take more than a fixed number of steps."""
    return entry.each is not None or any(map(_is_counted, entry.conditions))


def is_counted_amount(amount: Amount) -> bool:
    """Tell whether measuring an amount can take more than a fixed number of steps."""
    return any(path.has_wildcard for path in list_amount_paths(amount)) or any(
        map(_is_counted, list_amount_conditions(amount))
    )


def are_few(values: list[JSON]) -> bool:
    """Tell whether comparing a value with these one by one costs nothing worth counting."""
    return len(values) <= _FEW and not any(isinstance(value, (list, dict)) for value in values)


def list_values(op: Op, expected: JSON) -> list[JSON]:
    """The values that the policy wrote to compare with, of which one is enough."""
    return expected if op in (Op.IN, Op.NOT_IN) and isinstance(expected, list) else [expected]


def list_others(values: list[JSON]) -> list[JSON]:
    """Those of the policy's values that are neither text nor number, so that they are compared one by one."""
    return [value for value in values if not isinstance(value, str) and read_number(value) is None]


def count_steps(conditions: tuple[Condition, ...]) -> int:
    """The steps of judging conditions once, without what the call's own lists and texts add."""
    walked = sum(1 + len(path.steps) // _STEPS_AT_ONCE for path in list_paths(conditions))
    texts = [
        len(value)
        for condition in conditions
        for value in list_values(condition.op, condition.expected)
        if isinstance(value, str)
    ]
    return len(conditions) + walked + sum(map(count_same_text, texts))


def count_same_text(length: int) -> int:
    """The steps, beyond the one that is counted anyway, of comparing two texts of this length."""
    return length // _TEXT_AT_ONCE


def count_search(length: int, wanted: int) -> int:
    """The steps of looking for a text in another at worst: CPython compares all pairs while the texts are short."""
    reach = wanted if length < 2_500 else min(wanted, 100 if length < 30_000 else 8)
    return length * reach // _TEXT_AT_ONCE


def count_pattern(text: str, instructions: int) -> int:
    """The steps of matching a text with an RE2 program of so many instructions at worst."""
    size = len(text) if text.isascii() else len(text) * _BYTES_PER_CHARACTER
    return _PATTERN_CALL + size * instructions // _INSTRUCTIONS_AT_ONCE


def _is_counted(condition: Condition) -> bool:
    subject, op = condition.subject, condition.op
    is_counted = subject.has_wildcard if isinstance(subject, Path) else is_counted_amount(subject)
    if is_counted or op in _PLAIN:
        return is_counted
    if condition.other is not None or op in (Op.CONTAINS, Op.MATCHES, Op.REGEX):
        return True
    return not are_few(list_others(list_values(op, condition.expected)))
