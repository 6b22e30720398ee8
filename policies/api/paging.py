"""Cursor paging of the API's lists: stable while rows are added, never a count. A cursor is opaque to its reader."""

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError as FieldError
from django.db.models import Model, Q, QuerySet
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

M = TypeVar("M", bound=Model)
LIMIT_MAX = 200
WRONG_CURSOR = {"cursor": ["Not a cursor of this list: send `next` of the page before."]}


class PageQuery(serializers.Serializer[Any]):
    cursor = serializers.CharField(required=False, default="", help_text="`next` of the page before.")
    limit = serializers.IntegerField(required=False, default=50, min_value=1, max_value=LIMIT_MAX)


@dataclass(frozen=True, slots=True)
class Page(Generic[M]):
    """Some rows, and the cursor of what follows, None at the end."""

    items: list[M]
    next: str | None


def page_of(request: Request, rows: QuerySet[M], *keys: str) -> Page[M]:
    """The page that the request's `cursor` and `limit` ask for, ordered by `keys`, which together are unique.

    A leading minus on the keys (on all of them or none) means descending. Raises ValidationError for a wrong cursor.
    """
    query = PageQuery(data=request.query_params)
    query.is_valid(raise_exception=True)
    asked, names = query.validated_data, [key.lstrip("-") for key in keys]
    if asked["cursor"]:
        rows = rows.filter(_after(keys, _read_cursor(rows, names, asked["cursor"])))
    found = list(rows.order_by(*keys)[: asked["limit"] + 1])
    items = found[: asked["limit"]]
    is_more = len(found) > len(items)
    return Page(items, _write_cursor(items[-1], names) if is_more else None)


def page_of_list(request: Request, rows: Iterable[M], key: str) -> Page[M]:
    """As page_of, for rows that are all at hand; `key` is an attribute with a text that is unique among them."""
    query = PageQuery(data=request.query_params)
    query.is_valid(raise_exception=True)
    asked = query.validated_data
    after = _read_text(asked["cursor"]) if asked["cursor"] else ""
    found = sorted((row for row in rows if getattr(row, key) > after), key=attrgetter(key))
    items = found[: asked["limit"]]
    return Page(items, _write_cursor(items[-1], [key]) if len(found) > len(items) else None)


def _after(keys: tuple[str, ...], values: list[Any]) -> Q:
    name, direction = keys[0].lstrip("-"), "lt" if keys[0].startswith("-") else "gt"
    beyond = Q(**{f"{name}__{direction}": values[0]})
    if len(keys) == 1:
        return beyond
    return beyond | (Q(**{name: values[0]}) & _after(keys[1:], values[1:]))


def _write_cursor(row: Model, names: list[str]) -> str:
    values = [str(row.serializable_value(name)) for name in names]
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def _read_cursor(rows: QuerySet[M], names: list[str], cursor: str) -> list[Any]:
    columns = {field.name: field for field in rows.model._meta.concrete_fields}
    try:
        return [columns[name].to_python(value) for name, value in zip(names, _open_cursor(cursor), strict=True)]
    except (ValueError, FieldError):
        raise ValidationError(WRONG_CURSOR) from None


def _read_text(cursor: str) -> str:
    try:
        (text,) = _open_cursor(cursor)
    except ValueError:
        raise ValidationError(WRONG_CURSOR) from None
    return text


def _open_cursor(cursor: str) -> list[str]:
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except RecursionError:
        raise ValueError("cursors are flat") from None
    if not isinstance(values, list) or not all(isinstance(value, str) and "\x00" not in value for value in values):
        raise ValueError("cursors hold texts")
    return values
