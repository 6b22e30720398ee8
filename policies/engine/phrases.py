"""Plain English for the parts of a policy: paths, amounts, conditions, windows. Words only; it decides nothing."""

import json
from decimal import Decimal
from typing import Final

from policies.engine.decimals import read_number, write_number
from policies.engine.paths import Path, Root, write_steps
from policies.engine.policy import (
    AbsoluteAmount,
    Amount,
    Case,
    ChoiceAmount,
    Condition,
    Fold,
    FoldAmount,
    Hours,
    Op,
    PathAmount,
    ProductAmount,
)
from policies.engine.problems import list_words
from policies.engine.values import JSON

_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_WINDOWS: Final = {1: "second", 60: "minute", 3_600: "hour", 86_400: "day"}
_FOLDS: Final = {
    Fold.SUM: "the sum of {}",
    Fold.COUNT: "the number of {}",
    Fold.MIN: "the least {}",
    Fold.MAX: "the greatest {}",
}
_RELATIONS: Final = {
    Op.EQ: "is",
    Op.NEQ: "is not",
    Op.IN: "is",
    Op.NOT_IN: "is none of",
    Op.LT: "is below",
    Op.LTE: "is at most",
    Op.GT: "is above",
    Op.GTE: "is at least",
    Op.CONTAINS: "contains",
    Op.MATCHES: "fits the pattern",
    Op.REGEX: "contains a match of",
}
_INFINITIVES: Final = {"is": "be", "contains": "contain", "fits": "fit"}
_ORDERS: Final = (Op.LT, Op.LTE, Op.GT, Op.GTE)
_MAX_SHOWN: Final = 6


def write_value(value: JSON) -> str:
    """A value as a sentence shows it; long ones are cut."""
    if isinstance(value, str):
        return value if value and value.isprintable() and len(value) <= 60 else json.dumps(value[:60])
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return write_number(value) if read_number(value) is not None else "a very long number"
    if isinstance(value, list):
        shown = [write_value(part) for part in value[:_MAX_SHOWN]]
        more = [f"{len(value) - _MAX_SHOWN} more"] if len(value) > _MAX_SHOWN else []
        return list_words(shown + more, "or") if shown else "nothing"
    if isinstance(value, dict):
        return f"an object with {list_words(list(value)[:_MAX_SHOWN])}" if value else "an empty object"
    return json.dumps(value)


def write_path(path: Path) -> str:
    """A path without its root: `symbol`, `request[*].symbol`."""
    if path.root is Root.CALL:
        return "the time"
    text = write_steps(path.steps)
    return text.removeprefix(".") or "the element"


def write_amount(amount: Amount) -> str:
    """An amount: `qty * price`, `the sum of request[*].qty`."""
    match amount:
        case PathAmount(path):
            return write_path(path)
        case FoldAmount(fold, path):
            return _FOLDS[fold].format(write_path(path).removesuffix("[*]"))
        case ProductAmount(left, right):
            return f"{write_path(left)} * {write_path(right)}"
        case AbsoluteAmount(inner):
            return f"the size of {write_amount(inner)}"
        case ChoiceAmount(cases):
            return ", else ".join(_write_case(case) for case in cases)


def write_conditions(conditions: tuple[Condition, ...]) -> str:
    """Conditions that hold together."""
    return " and ".join(write_condition(condition) for condition in conditions) or "always"


def write_condition(condition: Condition) -> str:
    """One condition: `symbol is BTCUSDT or ETHUSDT`."""
    return f"{write_subject(condition)} {write_relation(condition)}"


def write_relation(condition: Condition) -> str:
    """What a condition says of its subject: `is BTCUSDT or ETHUSDT`, `contains USDT`."""
    if condition.hours is not None:
        return f"is {write_hours(condition.hours)}"
    if condition.op is Op.EXISTS:
        return "is given" if condition.expected is True else "is left out"
    return f"{_RELATIONS.get(condition.op, condition.op.value)} {write_bound(condition)}"


def write_demand(condition: Condition) -> str:
    """The same behind "must": `be BTCUSDT or ETHUSDT`, `contain USDT`."""
    verb, _, rest = write_relation(condition).partition(" ")
    return f"{_INFINITIVES.get(verb, verb)} {rest}"


def write_subject(condition: Condition) -> str:
    """What a condition looks at."""
    return write_path(condition.subject) if isinstance(condition.subject, Path) else write_amount(condition.subject)


def write_bound(condition: Condition) -> str:
    """What a condition compares with. A bound that is written as a decimal string is shown as the number that it is."""
    if condition.other is not None:
        return write_path(condition.other)
    number = read_number(condition.expected) if condition.op in _ORDERS else None
    return write_value(condition.expected if number is None else number)


def write_hours(hours: Hours) -> str:
    """Days and hours: `Monday to Friday, 08:00 to 18:00 Europe/London`."""
    days = list_words(_DAYS[day] for day in hours.days)
    first, last = hours.days[0], hours.days[-1]
    if len(hours.days) > 2 and hours.days == tuple(range(first, last + 1)):
        days = "any day" if len(hours.days) == len(_DAYS) else f"{_DAYS[first]} to {_DAYS[last]}"
    if (hours.start, hours.end) == (0, 24 * 60):
        return f"{days}, {hours.tz}"
    return f"{days}, {_write_clock(hours.start)} to {_write_clock(hours.end)} {hours.tz}"


def write_window(seconds: int) -> str:
    """A window behind "a": `minute`, `90 seconds`."""
    if seconds in _WINDOWS:
        return f"a {_WINDOWS[seconds]}".replace("a hour", "an hour")
    for size in (86_400, 3_600, 60):
        if seconds % size == 0:
            return f"in {seconds // size} {_WINDOWS[size]}s"
    return f"in {seconds:,} seconds"


def _write_case(case: Case) -> str:
    amount = write_amount(case.amount)
    return f"{amount} when {write_conditions(case.when)}" if case.when else amount


def _write_clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
