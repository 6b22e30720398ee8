"""Amounts of a policy document, from place to value: paths, folds, products, absolute values, choices."""

from typing import Protocol

from policies.engine.grammar import AMOUNT, CASE
from policies.engine.paths import Path
from policies.engine.policy import (
    AbsoluteAmount,
    Amount,
    Case,
    ChoiceAmount,
    Condition,
    Fold,
    FoldAmount,
    PathAmount,
    ProductAmount,
)
from policies.engine.problems import Place


class AmountReaders(Protocol):
    """How the paths and conditions inside an amount are read."""

    def path(self, place: Place) -> Path | None: ...

    def conditions(self, place: Place) -> tuple[Condition, ...]: ...


def read_amount(place: Place, readers: AmountReaders) -> Amount | None:
    """An amount in any of its forms; None when it was reported as unreadable."""
    value = place.node.value
    if isinstance(value, str):
        return _read_path_amount(place, readers)
    if isinstance(value, list):
        return _read_choice(place, readers)
    if not isinstance(value, dict):
        place.error('Expected an amount here: a path, an object such as {"sum": path}, or a list of cases.')
        return None
    fields = place.read_fields(AMOUNT)
    if not fields or len(value) != 1:
        place.error("An amount has exactly one of sum, count, min, max, product and abs.")
        return None
    form, inner = next(iter(fields.items()))
    if form == "product":
        return _read_product(inner, readers)
    if form == "abs":
        amount = read_amount(inner, readers)
        return None if amount is None else AbsoluteAmount(amount)
    return _read_fold(inner, Fold(form), readers)


def _read_number_path(place: Place, readers: AmountReaders) -> Path | None:
    path = readers.path(place)
    if path is not None and path.is_time:
        place.error("call.time is no number.")
        return None
    return path


def _read_path_amount(place: Place, readers: AmountReaders) -> PathAmount | None:
    path = _read_number_path(place, readers)
    if path is not None and path.has_wildcard:
        place.error("A path with [*] gives many values; say sum, count, min or max.", f'{{"sum": "{path.text}"}}')
        return None
    return None if path is None else PathAmount(path)


def _read_fold(place: Place, fold: Fold, readers: AmountReaders) -> FoldAmount | None:
    path = _read_number_path(place, readers)
    if path is not None and fold is Fold.COUNT and not path.has_wildcard:
        place.error("count counts the elements of a list: end the path with [*].", f"{path.text}[*]")
        return None
    return None if path is None else FoldAmount(fold, path)


def _read_product(place: Place, readers: AmountReaders) -> ProductAmount | None:
    places = place.read_list()
    if len(places) != 2:
        place.error("A product has exactly two paths.")
        return None
    left, right = (_read_number_path(child, readers) for child in places)
    if left is None or right is None:
        return None
    is_shared = left.root is right.root and left.shared_prefix == right.shared_prefix
    if (left.has_wildcard or right.has_wildcard) and not is_shared:
        place.error("The two paths pair by element, so they must be the same up to their last [*].")
        return None
    return ProductAmount(left, right)


def _read_choice(place: Place, readers: AmountReaders) -> ChoiceAmount | None:
    cases = [_read_case(child, readers) for child in place.read_list()]
    if not cases:
        place.error("A list of cases needs at least one.")
        return None
    known = tuple(case for case in cases if case is not None)
    for child, case in zip(place.read_list()[:-1], cases, strict=False):
        if case is not None and not case.when:
            child.warn("This case always holds, so the ones behind it never count.")
    return ChoiceAmount(known) if len(known) == len(cases) else None


def _read_case(place: Place, readers: AmountReaders) -> Case | None:
    fields = place.read_fields(CASE, required=("amount",))
    if not fields or "amount" not in fields:
        return None
    when = readers.conditions(fields["when"]) if "when" in fields else ()
    amount = read_amount(fields["amount"], readers)
    return None if amount is None else Case(when, amount)
