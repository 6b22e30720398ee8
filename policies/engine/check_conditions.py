"""Checks the conditions of a policy against input schemas: unknown paths and enum values, what absence slips past."""

import json
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final, TypeAlias

from policies.engine.decimals import read_number
from policies.engine.paths import EACH, Path, Root, Step, write_steps
from policies.engine.policy import (
    AbsoluteAmount,
    Amount,
    ChoiceAmount,
    Clauses,
    Condition,
    Entry,
    Limit,
    Op,
    Selector,
    list_amount_conditions,
    list_amount_paths,
    list_paths,
)
from policies.engine.problems import Problems, list_words, quote
from policies.engine.schema import Look, list_enum, list_types, look_up
from policies.engine.tools import ToolFacts
from policies.engine.values import JSON, is_same_json, name_type

_VALUE_OPS: Final = (Op.EQ, Op.NEQ, Op.IN, Op.NOT_IN)
_SURVIVES_ABSENCE: Final = (Op.NEQ, Op.NOT_IN, Op.EXISTS, Op.WITHIN)
_MAX_LOOKUPS: Final = 100_000

# Paths that another rule demands, each with the names of the tools that it demands them of.
Guarded: TypeAlias = Mapping[str, Set[str]]
_UNGUARDED: Final[Guarded] = {}


@dataclass(frozen=True, slots=True)
class _Reach:
    """The tools that a clause holds for; `is_exact` when it names them rather than matching them."""

    tools: Sequence[ToolFacts]
    is_exact: bool


class ConditionCheck:
    """One pass over a policy's conditions. Stops looking things up when a hostile document asks for too much."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._lookups = 0

    def check_clauses(
        self,
        clauses: Clauses,
        tools: Sequence[ToolFacts],
        *,
        is_exact: bool,
        guarded: Guarded = _UNGUARDED,
    ) -> None:
        """Check the clauses of a rule against the tools that it serves, with what is `guarded` elsewhere."""
        reach = _Reach(tools, is_exact)
        demanded = _list_demanded(clauses.require)
        for entry in clauses.entries:
            self._check_entry(entry, reach)
        for entry in clauses.require:
            self._check_require(entry)
        for entry in (*clauses.deny_if, *clauses.approve_if):
            self._check_slips(entry, reach, demanded, guarded)
        for limit in clauses.limits:
            self._check_limit(limit, reach)

    def check_all_tools(
        self,
        clauses: Clauses,
        tools: Mapping[str, ToolFacts],
        selects: Callable[[Selector | None, str], bool],
    ) -> None:
        """Check the clauses of `all_tools`, each against the tools that its `for` or `except` leaves."""
        guarded: dict[str, set[str]] = {}
        parts: tuple[Entry | Limit, ...] = (*clauses.entries, *clauses.limits)
        for part in parts:
            chosen = [facts for name, facts in tools.items() if selects(part.selector, name)]
            is_exact = _is_exact(part.selector)
            if isinstance(part, Limit):
                self.check_clauses(Clauses(limits=(part,)), chosen, is_exact=is_exact)
            elif any(part is required for required in clauses.require):
                self.check_clauses(Clauses(require=(part,)), chosen, is_exact=is_exact)
                # The entries of `require` come before the others.
                for path in _list_demanded((part,)):
                    guarded.setdefault(path, set()).update(facts.name for facts in chosen)
            else:
                self.check_clauses(Clauses(deny_if=(part,)), chosen, is_exact=is_exact, guarded=guarded)

    def _check_entry(self, entry: Entry, reach: _Reach) -> None:
        if entry.each is not None:
            self._check_path(f"{entry.pointer}/each", entry.each, None, reach)
        for condition in entry.conditions:
            self._check_condition(condition, entry.each, reach)

    def _check_limit(self, limit: Limit, reach: _Reach) -> None:
        if limit.amount is None:
            return
        for path in dict.fromkeys(list_amount_paths(limit.amount)):
            self._check_path(f"{limit.pointer}/amount", path, None, reach)
        for condition in list_amount_conditions(limit.amount):
            self._check_values(condition, None, reach)

    def _check_condition(self, condition: Condition, each: Path | None, reach: _Reach) -> None:
        subject = condition.subject
        self._check_rewalk(condition, each)
        if isinstance(subject, Path):
            self._check_path(f"{condition.pointer}/path", subject, each, reach)
        else:
            for path in dict.fromkeys(list_amount_paths(subject)):
                self._check_path(f"{condition.pointer}/amount", path, each, reach)
            for inner in list_amount_conditions(subject):
                self._check_values(inner, each, reach)
        if condition.other is not None:
            self._check_path(f"{condition.pointer}/value/path", condition.other, each, reach)
        self._check_values(condition, each, reach)

    def _check_rewalk(self, condition: Condition, each: Path | None) -> None:
        """Warn of a list that each of its own elements walks again: the work grows with its square."""
        if each is None:
            return
        is_path = isinstance(condition.subject, Path)
        for path in dict.fromkeys(list_paths((condition,))):
            if path.root is not each.root or not _list_walks(path) & _list_walks(each):
                continue
            count = len(each.steps)
            item = Path(Root.ITEM, path.steps[count:]).text if path.steps[:count] == each.steps else ""
            self._problems.add_warning(
                f"{condition.pointer}/{'path' if is_path else 'amount'}",
                f"each goes through {each.text} already, and {path.text} goes through that list again for each of its "
                "elements. A call with a long list is refused as too large to judge.",
                item,
            )

    def _look_up(self, facts: ToolFacts, path: Path, each: Path | None) -> Look | None:
        self._lookups += 1
        return look_up(facts.input_schema, path, each) if self._lookups <= _MAX_LOOKUPS else None

    def _check_path(self, pointer: str, path: Path, each: Path | None, reach: _Reach) -> None:
        if path.is_time:
            return
        unknown: list[tuple[ToolFacts, Look]] = []
        for facts in reach.tools:
            look = self._look_up(facts, path, each)
            if look is not None and not look.is_known:
                unknown.append((facts, look))
        if not unknown:
            return
        facts, look = unknown[0]
        suggestion = self._suggest(facts, path, each, look)
        if reach.is_exact:
            self._problems.add_error(pointer, f"{facts.name} has no argument {quote(path.text)}.", suggestion)
            return
        names = [facts.name for facts, _ in unknown]
        shown = list_words(names[:3] if len(names) <= 3 else [*names[:3], "others"])
        self._problems.add_warning(
            pointer,
            f"{len(names)} of the {len(reach.tools)} tools covered here have no argument {quote(path.text)}: {shown}.",
            suggestion if len(names) == len(reach.tools) else "",
        )

    def _suggest(self, facts: ToolFacts, path: Path, each: Path | None, look: Look) -> str:
        """The path with its unknown step mended: the nearest name there, or the `[*]` that was forgotten."""
        at = look.failed_at
        before = Path(path.root, path.steps[:at])
        if isinstance(path.steps[at], str):
            listed = Path(path.root, (*before.steps, EACH, *path.steps[at:]))
            found = self._look_up(facts, listed, each)
            if at and found is not None and found.is_known:
                return listed.text
        nearest = self._problems.find_nearest(str(path.steps[at]), look.near)
        return Path(path.root, (*before.steps, nearest, *path.steps[at + 1 :])).text if nearest else ""

    def _check_values(self, condition: Condition, each: Path | None, reach: _Reach) -> None:
        if not isinstance(condition.subject, Path) or condition.other is not None or condition.subject.is_time:
            return
        is_list = condition.op in (Op.IN, Op.NOT_IN) and isinstance(condition.expected, list)
        values = condition.expected if isinstance(condition.expected, list) and is_list else [condition.expected]
        if condition.op not in _VALUE_OPS:
            values = []
        for index, value in enumerate(values):
            pointer = f"{condition.pointer}/value/{index}" if is_list else f"{condition.pointer}/value"
            self._check_value(pointer, value, condition.subject, each, reach)
        if condition.op in (Op.LT, Op.LTE, Op.GT, Op.GTE):
            self._check_order(condition, each, reach)

    def _check_value(self, pointer: str, value: JSON, path: Path, each: Path | None, reach: _Reach) -> None:
        for facts in reach.tools:
            look = self._look_up(facts, path, each)
            if look is None or not look.is_known:
                continue
            enum = list_enum(look, facts.input_schema)
            if enum is not None and not any(_is_enum_value(value, known) for known in enum):
                self._report_enum(pointer, value, (facts.name, path.text, enum), is_exact=reach.is_exact)
                return
            types = list_types(look, facts.input_schema)
            if enum is None and types is not None and not _is_type_possible(value, types):
                self._problems.add_warning(
                    pointer,
                    f"{path.text} of {facts.name} is of type {list_words(sorted(types), 'or')}, so it is never "
                    f"compared with {name_type(value)}.",
                )
                return

    def _report_enum(
        self, pointer: str, value: JSON, found: tuple[str, str, tuple[object, ...]], *, is_exact: bool
    ) -> None:
        tool, path, enum = found
        known = [str(entry) for entry in enum if isinstance(entry, (str, int))]
        shown = quote(value) if isinstance(value, str) else json.dumps(value, default=str)[:80]
        message = f"{path} of {tool} is never {shown}; it is one of {list_words(known[:20], 'or')}."
        nearest = self._problems.find_nearest(value, known) if isinstance(value, str) else ""
        report = self._problems.add_error if is_exact else self._problems.add_warning
        report(pointer, message, nearest)

    def _check_order(self, condition: Condition, each: Path | None, reach: _Reach) -> None:
        if not isinstance(condition.subject, Path):
            return
        for facts in reach.tools:
            look = self._look_up(facts, condition.subject, each)
            types = list_types(look, facts.input_schema) if look is not None and look.is_known else None
            if types is not None and types.isdisjoint({"string", "number", "integer"}):
                self._problems.add_warning(
                    f"{condition.pointer}/op",
                    f"{condition.subject.text} of {facts.name} is {list_words(sorted(types), 'or')}, no number.",
                )
                return

    def _check_require(self, entry: Entry) -> None:
        if not entry.conditions and entry.each is None:
            self._problems.add_warning(entry.pointer, "This entry has no conditions, so it requires nothing.")
        for condition in entry.conditions:
            if condition.op is Op.REGEX:
                self._problems.add_warning(
                    f"{condition.pointer}/op",
                    "regex is content with a match anywhere in the text; matches wants the whole text to fit.",
                    "matches",
                )

    def _check_slips(self, entry: Entry, reach: _Reach, demanded: frozenset[str], guarded: Guarded) -> None:
        for condition in entry.conditions:
            if condition.op in _SURVIVES_ABSENCE:
                continue
            subject = condition.subject
            paths = [subject] if isinstance(subject, Path) else list(list_amount_paths(subject))
            paths += [condition.other] if condition.other is not None else []
            for path in dict.fromkeys(paths):
                full = _write_full(path, entry.each)
                known = guarded.get(full, frozenset())
                tools = [facts for facts in reach.tools if facts.name not in known]
                if full not in demanded and self._can_be_absent(path, entry.each, tools):
                    exists = json.dumps({"path": full, "op": "exists", "value": True}, ensure_ascii=False)
                    self._problems.add_warning(
                        condition.pointer,
                        f"A call without {full} slips past this rule. If it is to be refused, require that it exists.",
                        exists,
                    )

    def _can_be_absent(self, path: Path, each: Path | None, tools: Sequence[ToolFacts]) -> bool:
        looks = (self._look_up(facts, path, each) for facts in tools)
        return any(look is not None and look.is_known and look.is_optional for look in looks)


def _is_exact(selector: Selector | None) -> bool:
    return selector is not None and not selector.is_except and not any("*" in name for name in selector.names)


def _list_walks(path: Path) -> frozenset[tuple[Step, ...]]:
    """The lists that a path walks, each as the steps that lead to its elements."""
    return frozenset(path.steps[: index + 1] for index, step in enumerate(path.steps) if step is EACH)


def _write_full(path: Path, each: Path | None) -> str:
    """A path from the arguments on, so that `item.x` of an `each` and `args.list[*].x` are known for the same."""
    return each.text + write_steps(path.steps) if path.root is Root.ITEM and each is not None else path.text


def _list_demanded(require: Sequence[Entry]) -> frozenset[str]:
    """The paths that calls cannot leave out, because a condition of `require` fails without them."""
    demanded: set[str] = set()
    for entry in require:
        for condition in entry.conditions:
            is_absence = condition.op is Op.EXISTS and condition.expected is False
            if isinstance(condition.subject, Path) and not is_absence:
                demanded.add(_write_full(condition.subject, entry.each))
            elif not isinstance(condition.subject, Path):
                demanded.update(_write_full(path, entry.each) for path in _list_certain(condition.subject))
    return frozenset(demanded)


def _list_certain(amount: Amount) -> frozenset[Path]:
    """The paths without which an amount has no value, whichever of its cases holds."""
    match amount:
        case ChoiceAmount(cases):
            return frozenset.intersection(*(_list_certain(case.amount) for case in cases))
        case AbsoluteAmount(inner):
            return _list_certain(inner)
        case _:
            return frozenset(list_amount_paths(amount))


def _is_enum_value(value: JSON, known: object) -> bool:
    if isinstance(value, str):
        return value == known
    number = read_number(value)
    if number is not None:
        return read_number(known) == number
    return is_same_json(value, known) is True


def _is_type_possible(value: JSON, types: frozenset[str]) -> bool:
    if isinstance(value, str):
        return "string" in types
    if isinstance(value, bool):
        return "boolean" in types
    if read_number(value) is not None:
        # Decimal strings are numbers.
        return not types.isdisjoint({"number", "integer", "string"})
    return {type(None): "null", list: "array", dict: "object"}.get(type(value), "") in types
