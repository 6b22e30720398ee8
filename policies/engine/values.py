"""The values that policies and calls are made of. Numbers are int or Decimal; a float never gets in."""

import enum
from collections.abc import Iterable
from decimal import Decimal
from typing import Final, TypeAlias

from policies.engine.budget import Budget

JSON: TypeAlias = "bool | int | Decimal | str | list[JSON] | dict[str, JSON] | None"

# Deeper than any message the gateway lets in; comparisons of hostile values stop here instead of recursing on.
MAX_DEPTH: Final = 64
# So many characters are compared in one step.
_LONG_TEXT: Final = 4_096


class Level(enum.StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Outcome(enum.StrEnum):
    ALLOW = "allow"
    DENY = "deny"
    HIDE = "hide"
    LIMIT = "limit"
    APPROVE = "approve"


class Scope(enum.StrEnum):
    GRANT = "grant"
    SERVER = "server"
    ORGANISATION = "organisation"


class Missing(enum.Enum):
    """What a path leads to when it leads to no value.

    MISSING: the argument is absent. BROKEN: something on the way has the wrong type, so that nothing can be said.
    EMPTY: a list without elements where a rule needs one.
    """

    MISSING = "missing"
    BROKEN = "unreadable"
    EMPTY = "empty list"


MISSING: Final = Missing.MISSING
BROKEN: Final = Missing.BROKEN
EMPTY: Final = Missing.EMPTY

Found: TypeAlias = "JSON | Missing"


def name_type(value: object) -> str:
    """Name a value's JSON type for a sentence ("text", "a number", ...); never the value itself."""
    if value is None:
        return "null"
    kinds: tuple[tuple[type, str], ...] = (
        (bool, "true or false"),
        (int, "a number"),
        (Decimal, "a number"),
        (str, "text"),
        (list, "a list"),
        (dict, "an object"),
        (Missing, "missing"),
    )
    return next((name for kind, name in kinds if isinstance(value, kind)), "an unknown type")


def is_same_json(left: object, right: object, depth: int = 0, *, budget: Budget | None = None) -> bool | None:
    """Tell whether two values have the same JSON type and value; None when they nest too deeply to say.

    `true` is not 1, "1" is not 1, and 1 is 1.0. What lists, objects and long texts cost is taken from the budget;
    raises BudgetError when it does not last.
    """
    if depth > MAX_DEPTH:
        return None
    if isinstance(left, list) and isinstance(right, list):
        if len(left) != len(right):
            return False
        if budget is not None:
            budget.spend(len(left))
        return _join(is_same_json(a, b, depth + 1, budget=budget) for a, b in zip(left, right, strict=True))
    if isinstance(left, dict) and isinstance(right, dict):
        if budget is not None:
            budget.spend(len(left))
        if left.keys() != right.keys():
            return False
        return _join(is_same_json(value, right[key], depth + 1, budget=budget) for key, value in left.items())
    if type(left) is type(right):
        if budget is not None and isinstance(left, str) and len(left) > _LONG_TEXT:
            budget.spend(len(left) // _LONG_TEXT)
        return _is_plain(left) and left == right
    return _is_plain_number(left) and _is_plain_number(right) and left == right


def _join(parts: Iterable[bool | None]) -> bool | None:
    found: bool | None = True
    for part in parts:
        if part is False:
            return False
        if part is None:
            found = None
    return found


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, (bool, int, str)) or (isinstance(value, Decimal) and value.is_finite())


def _is_plain_number(value: object) -> bool:
    if isinstance(value, Decimal):
        return value.is_finite()
    return type(value) is int
