"""Filtering and paging of record lists the way Bybit's list calls do it; it never changes a record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from servers.simulator.errors import param_error
from servers.simulator.registry import Call
from servers.simulator.values import Row

Item = TypeVar("Item")


def select(call: Call, rows: Iterable[Row], **fields: str) -> list[Row]:
    """Rows whose field equals the argument of that name; an argument that was not sent filters nothing.

    Keywords name the argument and give the field: `select(call, rows, coin="currency")`.
    """
    wanted = {field: call.word(argument) for argument, field in fields.items() if call.word(argument)}
    return [row for row in rows if all(str(row.get(field, "")) == value for field, value in wanted.items())]


def between(
    call: Call, rows: Iterable[Row], field: str, names: tuple[str, str] = ("startTime", "endTime")
) -> list[Row]:
    """Rows whose time in milliseconds lies between the two arguments, where they were sent."""
    start, end = call.whole(names[0], 0), call.whole(names[1], 1 << 62)
    if start > end:
        raise param_error(f"{names[0]} is later than {names[1]}")
    return [row for row in rows if start <= int(row[field]) <= end]


def page(
    call: Call, rows: Sequence[Item], default: int = 20, *, size: str = "limit", cursor: str = "cursor"
) -> tuple[list[Item], str]:
    """One page of `rows` and the cursor of the next one, empty on the last page."""
    count = call.whole(size, default)
    if count < 1:
        raise param_error(f"{size} must be greater than 0")
    given = call.word(cursor, "0")
    if not given.isascii() or not given.isdigit() or len(given) > 9:
        raise param_error(f"{cursor} is invalid")
    start = int(given)
    following = str(start + count) if start + count < len(rows) else ""
    return list(rows[start : start + count]), following


def listed(call: Call, rows: Sequence[Row], default: int = 20, *, key: str = "list", newest: bool = True) -> Row:
    """The usual answer of a list call: newest rows first, and a cursor."""
    chosen, following = page(call, list(reversed(rows)) if newest else rows, default)
    return {key: chosen, "nextPageCursor": following}
