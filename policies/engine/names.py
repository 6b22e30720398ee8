"""Tool names and patterns. `*` stands for any run of characters, all else for itself; names compare byte for byte."""

from collections.abc import Iterable


def is_pattern(name: str) -> bool:
    """Tell a pattern from an exact name."""
    return "*" in name


def match_name(pattern: str, name: str) -> bool:
    """Tell whether a name or pattern covers a name. Linear in the name: no backtracking.

    Given a pattern as `name` it tells containment: a `*` there can only be eaten by a `*` of `pattern`.
    """
    if "*" not in pattern:
        return pattern == name
    first, *middle, last = pattern.split("*")
    at, end = len(first), len(name) - len(last)
    if at > end or not name.startswith(first) or not name.endswith(last):
        return False
    for part in middle:
        found = name.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def is_tie(left: str, right: str) -> bool:
    """Tell whether two patterns can match one name without exactly one of them containing the other."""
    is_left_wider, is_right_wider = match_name(left, right), match_name(right, left)
    if is_left_wider or is_right_wider:
        return is_left_wider and is_right_wider
    return _have_common_name(left, right)


def select_narrowest(patterns: Iterable[str], name: str) -> str | None:
    """Choose the pattern that serves a name: the one that every other matching pattern contains; None if none match."""
    narrowest: str | None = None
    for pattern in patterns:
        if match_name(pattern, name) and (narrowest is None or match_name(narrowest, pattern)):
            narrowest = pattern
    return narrowest


def _have_common_name(left: str, right: str) -> bool:
    # Both hold a `*`, so the middle parts of the two can be laid one after the other: only the ends can disagree.
    left_first, right_first = left.split("*")[0], right.split("*")[0]
    left_last, right_last = left.split("*")[-1], right.split("*")[-1]
    is_start_shared = left_first.startswith(right_first) or right_first.startswith(left_first)
    return is_start_shared and (left_last.endswith(right_last) or right_last.endswith(left_last))
