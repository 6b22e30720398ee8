"""Conditions of a policy document, from place to value. The grammar only; tools' schemas are check.py's matter."""

import re
from collections.abc import Callable, Sequence
from typing import Final

from policies.engine.decimals import read_number
from policies.engine.grammar import AMOUNT_OPS, CONDITION, DAYS, HOURS, OPS, OTHER
from policies.engine.parse_amounts import read_amount
from policies.engine.paths import Path, PathError, Root, parse_path
from policies.engine.patterns import PatternError, compile_pattern
from policies.engine.policy import Condition, Hours, Op
from policies.engine.problems import Place, list_words
from policies.engine.values import JSON
from policies.engine.zones import list_zones

_ALIASES: Final = {
    "==": "eq", "=": "eq", "equals": "eq", "is": "eq", "!=": "neq", "ne": "neq", "<": "lt", "<=": "lte", "le": "lte",
    ">": "gt", ">=": "gte", "ge": "gte", "nin": "not_in", "notin": "not_in", "match": "matches", "between": "within",
}  # fmt: skip
_ORDER_OPS: Final = (Op.LT, Op.LTE, Op.GT, Op.GTE)
_LIST_OPS: Final = (Op.IN, Op.NOT_IN)
_PATTERN_OPS: Final = (Op.MATCHES, Op.REGEX)
_CLOCK: Final = re.compile(r"(?:([01][0-9]|2[0-3]):([0-5][0-9])|(24):(00))")


def read_conditions(place: Place | None, *, in_each: bool = False) -> tuple[Condition, ...]:
    """A list of conditions; what cannot be read is reported and left out."""
    if place is None:
        return ()
    found = (read_condition(child, in_each=in_each) for child in place.read_list())
    return tuple(condition for condition in found if condition is not None)


def read_condition(place: Place, *, in_each: bool) -> Condition | None:
    """One condition: a path or an amount, an operator, a value."""
    fields = place.read_fields(CONDITION, required=("op", "value"))
    if fields is None or "op" not in fields or "value" not in fields:
        return None
    if ("path" in fields) == ("amount" in fields):
        place.error('A condition has either "path" or "amount".', "path" if "path" not in fields else "")
        return None
    subject = (
        read_path(fields["path"], in_each=in_each)
        if "path" in fields
        else read_amount(fields["amount"], _AmountReaders(in_each))
    )
    word = fields["op"].read_word(OPS, _ALIASES)
    if subject is None or word is None:
        return None
    op = Op(word)
    if not _is_fitting(fields["op"], subject if isinstance(subject, Path) else None, op):
        return None
    bare = Condition(subject, op, pointer=place.pointer)
    return _read_value(fields["value"], bare, in_each=in_each)


def read_path(place: Place, *, in_each: bool) -> Path | None:
    """A path; `item` is only known where an entry has `each`."""
    text = place.read_text()
    if text is None:
        return None
    try:
        path = parse_path(text)
    except PathError as error:
        place.error(error.message, error.suggestion)
        return None
    if path.root is Root.ITEM and not in_each:
        place.error('Paths start with item only in an entry that has "each".', "args" + text[4:])
        return None
    return path


class _AmountReaders:
    """How amounts read the paths and conditions inside them; the two grammars contain each other."""

    def __init__(self, in_each: bool) -> None:
        self._in_each = in_each

    def path(self, place: Place) -> Path | None:
        return read_path(place, in_each=self._in_each)

    def conditions(self, place: Place) -> tuple[Condition, ...]:
        return read_conditions(place, in_each=self._in_each)


def make_amount_readers() -> _AmountReaders:
    """The readers for an amount outside `each`, as a limit has it."""
    return _AmountReaders(in_each=False)


def _is_fitting(place: Place, path: Path | None, op: Op) -> bool:
    if path is None:
        if op not in AMOUNT_OPS:
            place.error(f"An amount can be compared with {list_words([o.value for o in AMOUNT_OPS], 'or')} only.")
        return op in AMOUNT_OPS
    if path.is_time != (op is Op.WITHIN):
        place.error(
            "call.time can only be judged with within." if path.is_time else "within judges call.time, nothing else.",
            "within" if path.is_time else "",
        )
        return False
    return True


def _read_value(place: Place, bare: Condition, *, in_each: bool) -> Condition | None:
    value = place.node.value
    if isinstance(value, dict) and "path" in value and bare.op not in (Op.WITHIN, Op.EXISTS):
        other = _read_other(place, bare.op, in_each=in_each)
        return None if other is None else Condition(bare.subject, bare.op, value, other, pointer=bare.pointer)
    if bare.op is Op.WITHIN:
        hours = _read_hours(place)
        return None if hours is None else Condition(bare.subject, bare.op, value, hours=hours, pointer=bare.pointer)
    if not _VALUE_CHECKS.get(bare.op, _accept)(place):
        return None
    expected = value if isinstance(bare.subject, Path) else _read_numbers(place)
    return (
        None
        if expected is None and value is not None
        else Condition(bare.subject, bare.op, expected, pointer=bare.pointer)
    )


def _read_other(place: Place, op: Op, *, in_each: bool) -> Path | None:
    if op in _PATTERN_OPS:
        place.error("A pattern is written in the policy; it cannot come from an argument.")
        return None
    fields = place.read_fields(OTHER)
    path = read_path(fields["path"], in_each=in_each) if fields and "path" in fields else None
    if path is not None and (path.has_wildcard or path.is_time):
        place.error('A value path names one argument; for lists, use "each" and item paths.')
        return None
    return path


def _read_numbers(place: Place) -> JSON:
    """The value beside an amount: every number in it read as one, decimal strings too."""
    places = place.read_list() if isinstance(place.node.value, list) else [place]
    numbers: list[JSON] = []
    for child in places:
        number = read_number(child.node.value)
        if number is None:
            child.error("An amount is compared with a number.")
            return None
        numbers.append(number)
    return numbers if isinstance(place.node.value, list) else numbers[0]


def _accept(place: Place) -> bool:
    return True


def _check_list(place: Place) -> bool:
    if not isinstance(place.node.value, list):
        place.error('Expected a list of values here, or {"path": ...}.')
        return False
    if not place.node.value:
        place.warn("This list is empty, so nothing is in it.")
    return True


def _check_number(place: Place) -> bool:
    is_number = read_number(place.node.value) is not None
    if not is_number:
        place.error('Expected a number here (or a text like "0.5"), or {"path": ...}.')
    return is_number


def _check_flag(place: Place) -> bool:
    is_flag = isinstance(place.node.value, bool)
    if not is_flag:
        place.error("exists takes true (present) or false (absent).", "true")
    return is_flag


def _check_scalar(place: Place) -> bool:
    is_scalar = not isinstance(place.node.value, (list, dict))
    if not is_scalar:
        place.error("contains looks for one value: a text, a number, true, false or null.")
    return is_scalar


def _check_pattern(place: Place) -> bool:
    pattern = place.read_text()
    if pattern is None:
        return False
    try:
        compile_pattern(pattern)
    except PatternError as error:
        place.error(str(error))
        return False
    return True


_VALUE_CHECKS: Final[dict[Op, Callable[[Place], bool]]] = {
    **dict.fromkeys(_LIST_OPS, _check_list),
    **dict.fromkeys(_ORDER_OPS, _check_number),
    **dict.fromkeys(_PATTERN_OPS, _check_pattern),
    Op.EXISTS: _check_flag,
    Op.CONTAINS: _check_scalar,
}


def _read_hours(place: Place) -> Hours | None:
    fields = place.read_fields(HOURS, required=("tz",))
    if fields is None or "tz" not in fields:
        return None
    if ("from" in fields) != ("to" in fields):
        place.error('"from" and "to" come together.', "to" if "from" in fields else "from")
        return None
    days = _read_days(fields["days"]) if "days" in fields else tuple(range(7))
    start = _read_clock(fields["from"]) if "from" in fields else 0
    end = _read_clock(fields["to"]) if "to" in fields else 24 * 60
    zone = _read_zone(fields["tz"])
    if days is None or start is None or end is None or zone is None:
        return None
    if start in (end, 24 * 60):
        place.error("These hours are empty; for whole days leave from and to out.")
        return None
    return Hours(days, start, end, zone)


def _read_days(place: Place) -> tuple[int, ...] | None:
    words = [child.read_word(DAYS, _DAY_ALIASES) for child in place.read_list()]
    if not words:
        place.error(f"Name at least one day: {list_words(DAYS)}.")
    known = [word for word in words if word is not None]
    return tuple(sorted({DAYS.index(word) for word in known})) if known and len(known) == len(words) else None


_DAY_ALIASES: Final = {
    name: name[:3] for name in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
}


def _read_clock(place: Place) -> int | None:
    text = place.read_text()
    match = _CLOCK.fullmatch(text) if text is not None else None
    if text is not None and match is None:
        place.error('A time of day is written HH:MM, from "00:00" to "24:00".')
    parts: Sequence[str] = [part for part in match.groups() if part] if match else ()
    return int(parts[0]) * 60 + int(parts[1]) if parts else None


def _read_zone(place: Place) -> str | None:
    name = place.read_text()
    if name is None:
        return None
    if name not in list_zones():
        place.error(
            "This is no time zone of the IANA list, such as Europe/London or UTC.",
            place.problems.find_nearest(name, list_zones()),
        )
        return None
    return name
