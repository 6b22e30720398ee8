"""Checks arguments against a tool's input schema and fills in its defaults; refusals are Bybit's 10001."""

from __future__ import annotations

import math

from servers.simulator.errors import param_error
from servers.simulator.values import Row

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "integer": (int,),
    "number": (int, float),
}


def check_arguments(schema: Row, arguments: Row) -> Row:
    """The arguments with defaults filled in; raises SimulatorError 10001 naming the first one that does not fit."""
    return dict(_check_object(schema, arguments, ""))


def _check_object(schema: Row, value: Row, path: str) -> Row:
    known = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            raise param_error(f"{path}{name} is required")
    if schema.get("additionalProperties") is False:
        extra = next((name for name in value if name not in known), None)
        if extra is not None:
            raise param_error(f"unknown parameter {path}{extra[:60]}")
    checked = {name: rule["default"] for name, rule in known.items() if "default" in rule}
    for name, member in value.items():
        checked[name] = _check(known[name], member, f"{path}{name}") if name in known else member
    return checked


def _check(schema: Row, value: object, path: str) -> object:
    if "anyOf" in schema:
        return _check_any(schema["anyOf"], value, path)
    kind = schema.get("type", "")
    if isinstance(value, float) and value.is_integer() and kind in ("integer", "number"):
        value = int(value)
    if kind and (not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean")):
        raise param_error(f"{path} must be of type {kind}")
    if "enum" in schema and value not in schema["enum"]:
        raise param_error(f"{path} must be one of {', '.join(map(str, schema['enum']))}")
    if isinstance(value, dict):
        return _check_object(schema, value, path + ".")
    if isinstance(value, list):
        return _check_list(schema, value, path)
    _check_bounds(schema, value, path)
    return value


def _check_any(choices: list[Row], value: object, path: str) -> object:
    values = [str(entry) for choice in choices for entry in choice.get("enum", ())]
    for choice in choices:
        if value in choice.get("enum", ()) and not isinstance(value, bool):
            return value
    raise param_error(f"{path} must be one of {', '.join(values)}")


def _check_list(schema: Row, value: list[object], path: str) -> list[object]:
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", 500):
        raise param_error(f"{path} has too few or too many elements")
    return [_check(schema.get("items", {}), member, f"{path}[{place}]") for place, member in enumerate(value)]


def _check_bounds(schema: Row, value: object, path: str) -> None:
    if isinstance(value, str):
        if len(value) > schema.get("maxLength", 4096):
            raise param_error(f"{path} is too long")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if not schema.get("minimum", -math.inf) <= value <= schema.get("maximum", math.inf):
            raise param_error(f"{path} is out of range")
        if abs(value) >= 1 << 62:
            raise param_error(f"{path} is out of range")
