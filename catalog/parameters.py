"""The parameters of an input schema as flat rows, each with the path that a policy would name it by."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

MAX_DEPTH = 6
# The two keys of a range in a schema, and what it counts.
RANGES = (("minimum", "maximum", ""), ("minLength", "maxLength", "character"), ("minItems", "maxItems", "item"))


@dataclass(frozen=True, slots=True)
class Parameter:
    """`default` is spelled as JSON where it is no text; empty where the schema has none."""

    path: str
    type: str
    is_required: bool
    values: tuple[str, ...]
    bounds: str
    default: str


def list_parameters(schema: Mapping[str, Any]) -> list[Parameter]:
    """The schema's parameters in its order, nested ones after their parents; deeper than six levels is left out."""
    return list(_walk(schema, "args", MAX_DEPTH))


def _walk(schema: Mapping[str, Any], prefix: str, depth: int) -> Iterator[Parameter]:
    properties = schema.get("properties")
    if not isinstance(properties, Mapping) or depth == 0:
        return
    required = schema.get("required") or ()
    for name, part in properties.items():
        if not isinstance(part, Mapping):
            continue
        path = f"{prefix}.{name}"
        yield Parameter(path, _type_of(part), name in required, _values_of(part), _bounds_of(part), _default_of(part))
        yield from _walk(part, path, depth - 1)
        items = part.get("items")
        if isinstance(items, Mapping):
            yield from _walk(items, f"{path}[*]", depth - 1)


def _type_of(part: Mapping[str, Any], ending: str = "") -> str:
    kind = part.get("type")
    if isinstance(kind, list):
        return " or ".join(f"{word}{ending}" for word in kind)
    if kind == "array" and isinstance(part.get("items"), Mapping):
        return f"list{ending} of {_type_of(part['items'], 's')}"
    if isinstance(kind, str):
        return f"{'list' if kind == 'array' else kind}{ending}"
    options = [option for option in part.get("anyOf") or part.get("oneOf") or () if isinstance(option, Mapping)]
    return " or ".join(dict.fromkeys(_type_of(option, ending) for option in options)) or "any"


def _values_of(part: Mapping[str, Any]) -> tuple[str, ...]:
    values = part.get("enum")
    if values is None and isinstance(part.get("items"), Mapping):
        values = part["items"].get("enum")
    return tuple(str(value) for value in values) if isinstance(values, list) else ()


def _bounds_of(part: Mapping[str, Any]) -> str:
    found = (_range_of(part.get(low), part.get(high), unit) for low, high, unit in RANGES)
    return ", ".join(words for words in found if words)


def _range_of(low: object, high: object, unit: str) -> str:
    """For example "1 to 20 items", "at least 100", "at most 36 characters"; empty without either end."""
    if low is None and high is None:
        return ""
    words = f"at most {high}" if low is None else f"at least {low}" if high is None else f"{low} to {high}"
    last = low if high is None else high
    return f"{words} {unit}{'' if last == 1 else 's'}" if unit else words


def _default_of(part: Mapping[str, Any]) -> str:
    if "default" not in part:
        return ""
    default = part["default"]
    return default if isinstance(default, str) and default else json.dumps(default, ensure_ascii=False)
