"""The parameters of an input schema as flat rows, each with the path that a policy would name it by."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

MAX_DEPTH = 6
BOUNDS = {
    "minimum": "at least",
    "maximum": "at most",
    "minLength": "characters, at least",
    "maxLength": "characters, at most",
    "minItems": "items, at least",
    "maxItems": "items, at most",
}


@dataclass(frozen=True, slots=True)
class Parameter:
    path: str
    type: str
    is_required: bool
    values: tuple[str, ...]
    bounds: str


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
        yield Parameter(path, _type_of(part), name in required, _values_of(part), _bounds_of(part))
        yield from _walk(part, path, depth - 1)
        items = part.get("items")
        if isinstance(items, Mapping):
            yield from _walk(items, f"{path}[*]", depth - 1)


def _type_of(part: Mapping[str, Any]) -> str:
    kind = part.get("type")
    if isinstance(kind, list):
        return " or ".join(str(word) for word in kind)
    if kind == "array" and isinstance(part.get("items"), Mapping):
        return f"list of {_type_of(part['items'])}"
    if isinstance(kind, str):
        return {"array": "list"}.get(kind, kind)
    options = part.get("anyOf") or part.get("oneOf") or ()
    return " or ".join(dict.fromkeys(_type_of(option) for option in options if isinstance(option, Mapping))) or "any"


def _values_of(part: Mapping[str, Any]) -> tuple[str, ...]:
    values = part.get("enum")
    if values is None and isinstance(part.get("items"), Mapping):
        values = part["items"].get("enum")
    return tuple(str(value) for value in values) if isinstance(values, list) else ()


def _bounds_of(part: Mapping[str, Any]) -> str:
    found = [f"{words} {part[key]}" for key, words in BOUNDS.items() if key in part]
    if "default" in part:
        found.append(f"default {part['default']}")
    return ", ".join(found)
