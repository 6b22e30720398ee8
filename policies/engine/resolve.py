"""Compiles paths into functions that fetch values from a call's arguments, with the schema's defaults filled in."""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias, cast

from policies.engine.budget import Budget
from policies.engine.paths import Path, Root, Step, Wild, write_steps
from policies.engine.values import BROKEN, EMPTY, JSON, MISSING, Found, Missing

Arguments: TypeAlias = Mapping[str, JSON]
Defaults: TypeAlias = tuple[Found, ...]
# Fetches one value, or all values of a path with [*], from the arguments and the element that `each` is at.
GetOne: TypeAlias = Callable[[Arguments, Found], Found]
GetAll: TypeAlias = Callable[[Arguments, Found, Budget], list[Found]]

_NO_DEFAULTS: Final[Defaults] = ()


def compile_one(path: Path, defaults: Defaults = _NO_DEFAULTS) -> GetOne:
    """A getter for a path without `[*]`: the value, MISSING, or BROKEN where something on the way has a wrong type."""
    steps = _pair(path, defaults)
    if path.root is Root.ITEM:
        return lambda _arguments, item: _walk(item, steps)
    key, default = steps[0]
    if not isinstance(key, str):
        return lambda arguments, _item: _walk(cast("JSON", arguments), steps)
    if len(steps) == 1:
        return lambda arguments, _item: arguments.get(key, default)
    rest = steps[1:]
    return lambda arguments, _item: _walk(arguments.get(key, default), rest)


def compile_all(path: Path, defaults: Defaults = _NO_DEFAULTS, *, is_require: bool = False) -> GetAll:
    """A getter for a path with `[*]`: one value an element, missing ones included.

    With `is_require` a list that is absent or empty gives EMPTY, so that the rule fails; else an absent list gives
    MISSING and an empty one nothing. The budget pays for each element: a step for each step that the path still goes,
    and one for what is done with the value. Raises BudgetError when it does not last.
    """
    steps = _pair(path, defaults)

    def get(arguments: Arguments, item: Found, budget: Budget) -> list[Found]:
        start = item if path.root is Root.ITEM else cast("JSON", arguments)
        return [value for _, value in _spread(start, steps, budget, is_require=is_require)]

    return get


def trace_values(
    path: Path, defaults: Defaults, start: tuple[str, Found], budget: Budget, *, is_require: bool
) -> list[tuple[str, Found]]:
    """The values of any path with the concrete path of each; `start` is the label and value of the root. Not fast."""
    label, value = start
    spread = _spread(value, _pair(path, defaults), budget, is_require=is_require)
    if path.has_wildcard:
        budget.spend(len(spread) * len(path.steps))
    return [(label + write_steps(steps), found) for steps, found in spread]


def _pair(path: Path, defaults: Defaults) -> tuple[tuple[Step, Found], ...]:
    filled = (*defaults, *[MISSING] * (len(path.steps) - len(defaults)))
    return tuple(zip(path.steps, filled, strict=True))


def _walk(value: Found, steps: tuple[tuple[Step, Found], ...]) -> Found:
    for step, default in steps:
        if isinstance(value, Missing):
            return value
        value = _take(value, step, default)
    return value


def _take(value: Found, step: Step, default: Found) -> Found:
    if isinstance(step, str):
        # The arguments themselves may be any mapping, what is inside them is a dict.
        return value.get(step, default) if isinstance(value, (dict, Mapping)) else BROKEN
    if isinstance(step, int) and isinstance(value, list):
        return value[step] if step < len(value) else MISSING
    return BROKEN


def _spread(
    start: Found, steps: tuple[tuple[Step, Found], ...], budget: Budget, *, is_require: bool
) -> list[tuple[tuple[Step, ...], Found]]:
    current: list[tuple[tuple[Step, ...], Found]] = [((), start)]
    for at, (step, default) in enumerate(steps):
        after: list[tuple[tuple[Step, ...], Found]] = []
        for place, value in current:
            if isinstance(step, Wild):
                if isinstance(value, list):
                    budget.spend(len(value) * (len(steps) - at + 1))
                after.extend(_open(place, value, is_require=is_require))
            else:
                found = value if isinstance(value, Missing) else _take(value, step, default)
                after.append(((*place, step), found))
        current = after
    return current


def _open(place: tuple[Step, ...], value: Found, *, is_require: bool) -> list[tuple[tuple[Step, ...], Found]]:
    if isinstance(value, list):
        found: list[tuple[tuple[Step, ...], Found]] = [((*place, index), part) for index, part in enumerate(value)]
        return found or ([(place, EMPTY)] if is_require else [])
    if value is MISSING:
        return [((*place, Wild.EACH), EMPTY if is_require else MISSING)]
    return [((*place, Wild.EACH), value if isinstance(value, Missing) else BROKEN)]
