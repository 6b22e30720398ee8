"""What apps tell the host about themselves, registered in AppConfig.ready; knows none of them by name."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import redis
from django.db import DatabaseError, transaction


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the health page: what was looked at, whether it is as it should be, in part or not, and details."""

    name: str
    is_ok: bool
    text: str
    is_partial: bool = False


Check = Callable[[], Iterable[Finding]]
_checks: dict[str, Check] = {}
_counts: dict[str, Callable[[], int]] = {}


def register_check(name: str, check: Check) -> None:
    """Add a check to the health page; it opens what it needs itself, must be quick and must change nothing."""
    _checks[name] = check


def register_count(title: str, count: Callable[[], int]) -> None:
    """Add a column to the list of organisations; `count` is called inside each organisation's tenant block."""
    _counts[title] = count


def count_titles() -> list[str]:
    """The titles of what is counted, in the order in which the apps came."""
    return list(_counts)


def count_here() -> list[int]:
    """What is counted, for the organisation whose tenant block is open."""
    return [count() for count in _counts.values()]


def find_health() -> list[Finding]:
    """Every check's findings; a store that does not answer is a finding itself, and hides no other check's."""
    found: list[Finding] = []
    for name, check in _checks.items():
        try:
            with transaction.atomic():
                found += check()
        except (DatabaseError, redis.RedisError) as error:
            found.append(Finding(name, False, f"Cannot be told: {type(error).__name__}."))
    return found
