"""A form's fields for the arguments of one tool, from its input schema, and the arguments back from what was typed.
Schemas come from upstream servers, so any shape of them is survived; what no field can hold is pasted as JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Final

from django.http import QueryDict

from policies.engine.digest import write_canonical
from policies.engine.paths import Path, Root
from policies.engine.schema import Look, list_enum, list_types, look_up
from policies.engine.tools import ToolFacts
from policies.engine.values import JSON, MISSING, Missing
from policies.written_calls import CallUnreadableError, read_value

MAX_FIELDS: Final = 100
MAX_CHOICES: Final = 200
PREFIX: Final = "argument:"


class FieldKind(StrEnum):
    CHOICE = "choice"
    TEXT = "text"
    NUMBER = "number"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Choice:
    """`value` is JSON, so that 1 and "1" stay apart."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class ArgumentField:
    """One argument as the form asks for it. An empty `value` leaves the argument out."""

    name: str
    kind: FieldKind
    is_required: bool
    hint: str
    choices: tuple[Choice, ...] = ()
    value: str = ""
    error: str = ""

    @property
    def key(self) -> str:
        return f"{PREFIX}{self.name}"


def list_fields(facts: ToolFacts | None) -> list[ArgumentField]:
    """The fields of a tool, those that must be given first; none for an unknown tool and an open schema."""
    properties = facts.input_schema.get("properties") if facts is not None else None
    if facts is None or not isinstance(properties, dict):
        return []
    fields = [_make_field(name, facts.input_schema) for name in list(properties)[:MAX_FIELDS]]
    return sorted(fields, key=lambda field: not field.is_required)


def fill_fields(fields: list[ArgumentField], typed: QueryDict) -> list[ArgumentField]:
    """The fields with what was typed, and what is wrong with it."""
    return [_fill(field, typed.get(field.key) or "") for field in fields]


def read_fields(fields: list[ArgumentField]) -> dict[str, JSON]:
    """The arguments that filled fields without errors stand for."""
    return {field.name: _read(field) for field in fields if field.value}


def _make_field(name: str, schema: Mapping[str, JSON]) -> ArgumentField:
    look = look_up(schema, Path(Root.ARGS, (name,)))
    types = list_types(look, schema) or frozenset()
    choices = _list_choices(look, schema, types)
    kind = FieldKind.CHOICE if choices else _kind_of(types)
    required = schema.get("required")
    default = look.defaults[-1] if look.defaults else MISSING
    hints = ["JSON"] if kind is FieldKind.JSON else []
    hints += ["a number"] if kind is FieldKind.NUMBER else []
    if not isinstance(default, Missing):
        hints.append(f"left out, it counts as {_label(default)}")
    return ArgumentField(name, kind, isinstance(required, list) and name in required, "; ".join(hints), choices)


def _list_choices(look: Look, schema: Mapping[str, JSON], types: frozenset[str]) -> tuple[Choice, ...]:
    if types == {"boolean"}:
        return (Choice("true", "true"), Choice("false", "false"))
    values = list_enum(look, schema) or ()
    plain = [value for value in values if isinstance(value, str | bool | int | Decimal)]
    if len(plain) < len(values) or len(values) > MAX_CHOICES:
        return ()
    return tuple(Choice(write_canonical(value), _label(value)) for value in plain)


def _kind_of(types: frozenset[str]) -> FieldKind:
    if types == {"string"}:
        return FieldKind.TEXT
    return FieldKind.NUMBER if types and types <= {"integer", "number"} else FieldKind.JSON


def _fill(field: ArgumentField, text: str) -> ArgumentField:
    value = text if field.kind is FieldKind.TEXT else text.strip()
    filled = replace(field, value=value)
    if not value:
        return filled
    try:
        read = _read(filled)
    except CallUnreadableError as error:
        return replace(filled, error=str(error))
    is_number = isinstance(read, int | Decimal) and not isinstance(read, bool)
    if field.kind is FieldKind.NUMBER and not is_number:
        return replace(filled, error="This argument is a number. To try another type, paste the call.")
    return filled


def _read(field: ArgumentField) -> JSON:
    return field.value if field.kind is FieldKind.TEXT else read_value(field.value)


def _label(value: JSON) -> str:
    return value if isinstance(value, str) else write_canonical(value)
