"""Rules of a policy document: actions, entries, limits. The grammar only; tools' schemas are check.py's matter."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final, TypeVar

from policies.engine.decimals import read_number, round_amount
from policies.engine.grammar import (
    ACTIONS,
    ALL_TOOLS,
    ASKING,
    CHOSEN_ASKING,
    CHOSEN_ENTRY,
    CHOSEN_LIMIT,
    CLAUSES,
    ENTRY,
    LIMIT,
    RATE_LIMIT,
    RULE,
    SCOPES,
    SELECTOR,
    WINDOWS,
    Key,
)
from policies.engine.parse_amounts import read_amount
from policies.engine.parse_conditions import make_amount_readers, read_conditions, read_path
from policies.engine.paths import EACH, Path
from policies.engine.policy import Action, Amount, Clauses, Entry, Limit, RateLimit, Rule, Selector
from policies.engine.problems import Place
from policies.engine.values import Scope, name_type

_ACTION_ALIASES: Final = {
    "require approval": "require_approval", "approval": "require_approval", "approve": "require_approval",
    "ask": "require_approval", "block": "deny", "reject": "deny", "refuse": "deny", "permit": "allow",
}  # fmt: skip
_MAX_WINDOW: Final = 366 * 86_400
_MAX_COUNTER: Final = 128
_Part = TypeVar("_Part")


def read_rule(place: Place) -> Rule | None:
    """One rule of `tools` or `risk`."""
    fields = place.read_fields(RULE)
    if fields is None:
        return None
    action = fields["action"].read_word(ACTIONS, _ACTION_ALIASES) if "action" in fields else None
    reason = fields["reason"].read_text() if "reason" in fields else ""
    rate_limit = _read_rate_limit(fields["rate_limit"]) if "rate_limit" in fields else None
    rule = Rule(place.pointer, Action(action) if action else None, reason or "", rate_limit, _read_clauses(fields))
    _warn_of_unreachable(place, rule, fields)
    return rule


def read_all_tools(place: Place) -> Clauses:
    """The clauses that hold for every call; their entries may carry `for` or `except`."""
    fields = place.read_fields(ALL_TOOLS)
    return Clauses() if fields is None else _read_clauses(fields, is_chosen=True)


def _warn_of_unreachable(place: Place, rule: Rule, fields: dict[str, Place]) -> None:
    idle = [key for key in ("rate_limit", *CLAUSES) if key in fields]
    if rule.action in (Action.DENY, Action.HIDE) and idle:
        fields[idle[0]].warn(f"The action is {rule.action}, so this is never looked at.")


def _read_clauses(fields: dict[str, Place], *, is_chosen: bool = False) -> Clauses:
    entry, asking, limit = (CHOSEN_ENTRY, CHOSEN_ASKING, CHOSEN_LIMIT) if is_chosen else (ENTRY, ASKING, LIMIT)

    def read_entry(place: Place) -> Entry | None:
        return _read_entry(place, entry)

    def read_asking(place: Place) -> Entry | None:
        return _read_entry(place, asking)

    return Clauses(
        require=_read_all(fields.get("require"), read_entry),
        deny_if=_read_all(fields.get("deny_if"), read_entry),
        approve_if=_read_all(fields.get("approve_if"), read_asking),
        limits=_read_all(fields.get("limits"), lambda place: _read_limit(place, limit)),
    )


def _read_all(place: Place | None, read: Callable[[Place], _Part | None]) -> tuple[_Part, ...]:
    found = [read(child) for child in place.read_list()] if place is not None else []
    return tuple(part for part in found if part is not None)


def _read_entry(place: Place, known: Mapping[str, Key]) -> Entry | None:
    fields = place.read_fields(known, required=("conditions",))
    if fields is None:
        return None
    if "reason" in fields and "on_deny" in fields:
        fields["reason"].error('"reason" and "on_deny" mean the same here; keep one.')
    each = _read_each(fields["each"]) if "each" in fields else None
    on_deny = _read_optional_text(fields.get("on_deny") or fields.get("reason"))
    conditions = read_conditions(fields.get("conditions"), in_each="each" in fields)
    selector = _read_selector(place, fields)
    return Entry(place.pointer, conditions, each, on_deny, selector)


def _read_each(place: Place) -> Path | None:
    path = read_path(place, in_each=False)
    if path is None:
        return None
    if path.is_time:
        place.error("each names a list of the arguments.", "args.NAME[*]")
        return None
    return path if path.steps[-1:] == (EACH,) else Path(path.root, (*path.steps, EACH))


def _read_optional_text(place: Place | None) -> str:
    return (place.read_text() if place is not None else None) or ""


def _read_selector(place: Place, fields: dict[str, Place]) -> Selector | None:
    if "for" in fields and "except" in fields:
        fields["except"].error('An entry has "for" or "except", not both.')
        return None
    key = next((key for key in SELECTOR if key in fields), None)
    if key is None:
        return None
    names = _read_all(fields[key], Place.read_text)
    if key == "for" and not names:
        fields[key].error("This names no tool, so the entry would hold for none.")
    return Selector(names, key == "except")


def _read_limit(place: Place, known: Mapping[str, Key]) -> Limit | None:
    fields = place.read_fields(known, required=("counter", "window", "max"))
    if fields is None:
        return None
    counter = _read_counter(fields["counter"]) if "counter" in fields else None
    window = _read_window(fields["window"]) if "window" in fields else None
    amount: Amount | None = None
    if "amount" in fields:
        amount = read_amount(fields["amount"], make_amount_readers())
    most = _read_max(fields["max"], is_count="amount" not in fields) if "max" in fields else None
    chosen = _read_selector(place, fields)
    scope = _read_scope(fields["scope"]) if "scope" in fields else Scope.GRANT
    on_deny = _read_optional_text(fields.get("on_deny"))
    if counter is None or window is None or most is None or scope is None or ("amount" in fields and amount is None):
        return None
    return Limit(place.pointer, counter, window, most, amount, scope, on_deny, chosen)


def _read_counter(place: Place) -> str | None:
    name = place.read_text()
    if name is None:
        return None
    if not 0 < len(name) <= _MAX_COUNTER or any(character < " " for character in name):
        place.error(f"A counter's name has 1 to {_MAX_COUNTER} characters, without control characters.")
        return None
    return name


def _read_window(place: Place) -> int | None:
    value = place.node.value
    if isinstance(value, str):
        word = place.read_word(WINDOWS, {"second": "minute", "day": "day"})
        return WINDOWS[word] if word else None
    if not isinstance(value, int) or isinstance(value, bool):
        place.error(f'Expected whole seconds, "minute", "hour" or "day" here, found {name_type(value)}.')
        return None
    if not 1 <= value <= _MAX_WINDOW:
        place.error(f"A window has 1 to {_MAX_WINDOW:,} seconds.")
        return None
    return value


def _read_max(place: Place, *, is_count: bool) -> Decimal | None:
    number = read_number(place.node.value)
    if number is None:
        place.error(f"Expected a number here, found {name_type(place.node.value)}.")
        return None
    rounded = round_amount(number)
    if number < 0 or rounded is None or rounded != number:
        place.error("A maximum is not negative and has at most 15 digits before the point and 9 behind it.")
        return None
    if is_count and rounded != rounded.to_integral_value():
        place.error("Calls are counted whole, so their maximum is a whole number.")
        return None
    if not number:
        place.warn("A maximum of 0 lets nothing through.")
    return rounded


def _read_scope(place: Place) -> Scope | None:
    word = place.read_word(SCOPES, {"agent": "grant", "org": "organisation", "organization": "organisation"})
    if word == "session":
        place.warn("session is enforced as grant: a new session must not bring a new allowance.", "grant")
        return Scope.GRANT
    return Scope(word) if word else None


def _read_rate_limit(place: Place) -> RateLimit | None:
    fields = place.read_fields(RATE_LIMIT, required=("max", "window"))
    if fields is None or "max" not in fields or "window" not in fields:
        return None
    most, window = _read_max(fields["max"], is_count=True), _read_window(fields["window"])
    return None if most is None or window is None else RateLimit(place.pointer, int(most), window)
