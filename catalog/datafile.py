"""Reads and checks one catalogue data file, strictly; knows nothing of the database."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from catalog.rubric import ATTACKS, CATEGORIES, LEVELS, SIGNALS

SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z")
TOOL_NAME = re.compile(r"[A-Za-z0-9_.-]{1,128}\Z")
# A release is part of an address.
RELEASE = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z_+-]|\.(?!\.)){0,59}(?<!\.)\Z")
MAX_BYTES = 20 * 1024 * 1024


class DataFileError(ValueError):
    """A data file that cannot be loaded; the message names the file and, where there is one, the tool and the field."""


@dataclass(frozen=True, slots=True)
class ToolEntry:
    name: str
    title: str
    module: str
    category: str
    risk: str
    summary: str
    rationale: str
    signals: tuple[str, ...]
    attacks: tuple[str, ...]
    requires_auth: bool
    method: str
    endpoint: str
    input_schema: Mapping[str, Any]
    is_reviewed: bool = True


@dataclass(frozen=True, slots=True)
class ServerEntry:
    slug: str
    name: str
    publisher: str
    repository: str
    package: str
    release: str
    transport: str
    requires_env: tuple[str, ...]
    summary: str = ""


@dataclass(frozen=True, slots=True)
class DataFile:
    """One release of one server. `document` is the file's JSON on one line, in the file's order."""

    server: ServerEntry
    tools: tuple[ToolEntry, ...]
    digest: str
    document: str


Check = Callable[[Any], str]


def read_data_file(path: Path) -> DataFile:
    """The checked content of the file at `path`; raises DataFileError on anything that is not as it should be."""
    return parse_data_file(path.read_bytes(), path.name)


def parse_data_file(raw: bytes, where: str) -> DataFile:
    """The checked content of these bytes; `where` names them in the DataFileError that they may raise."""
    if len(raw) > MAX_BYTES:
        raise DataFileError(f"{where}: larger than {MAX_BYTES} bytes")
    try:
        document = json.loads(raw.decode("utf-8"), object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise DataFileError(f"{where}: not readable as JSON: {error}") from error
    _check_fields(document, {"server": _is_object, "tools": _is_list}, where)
    _check_fields(document["server"], SERVER_FIELDS, f"{where}: server", optional={"summary": _text(2000)})
    server = document["server"]
    tools = tuple(_read_tool(item, number, where) for number, item in enumerate(document["tools"], start=1))
    _check_names(tools, where)
    return DataFile(
        server=ServerEntry(**{**server, "requires_env": tuple(server["requires_env"])}),
        tools=tools,
        digest=hashlib.sha256(raw).hexdigest(),
        document=json.dumps(document, ensure_ascii=False, separators=(",", ":")),
    )


def _read_tool(item: Any, number: int, where: str) -> ToolEntry:
    name = item.get("name") if isinstance(item, dict) else None
    label = name if isinstance(name, str) and name else f"number {number}"
    _check_fields(item, TOOL_FIELDS, f"{where}: tool {label}", optional={"is_reviewed": _is_flag})
    return ToolEntry(**{**item, "signals": tuple(item["signals"]), "attacks": tuple(item["attacks"])})


def _check_names(tools: tuple[ToolEntry, ...], where: str) -> None:
    seen: dict[str, str] = {}
    for tool in tools:
        other = seen.setdefault(tool.name.lower(), tool.name)
        if other is not tool.name:
            raise DataFileError(f"{where}: tool {tool.name}: field name: the same as {other}, letter case aside")


def _check_fields(
    value: Any, checks: Mapping[str, Check], where: str, optional: Mapping[str, Check] = MappingProxyType({})
) -> None:
    if not isinstance(value, dict):
        raise DataFileError(f"{where}: should be an object")
    for field in checks:
        if field not in value:
            raise DataFileError(f"{where}: field {field}: missing")
    for field, found in value.items():
        check = checks.get(field) or optional.get(field)
        if check is None:
            raise DataFileError(f"{where}: field {field}: not a known field")
        if problem := check(found):
            raise DataFileError(f"{where}: field {field}: {problem}")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"duplicate key {next(key for key in keys if keys.count(key) > 1)!r}")
    return result


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _text(limit: int) -> Check:
    def check(value: Any) -> str:
        if not isinstance(value, str) or not value.strip():
            return "should be a text that is not empty"
        if "\x00" in value:
            return "holds a NUL character"
        return f"longer than {limit} characters" if len(value) > limit else ""

    return check


def _matching(pattern: re.Pattern[str]) -> Check:
    def check(value: Any) -> str:
        return "" if isinstance(value, str) and pattern.match(value) else f"should match {pattern.pattern}"

    return check


def _one_of(words: tuple[str, ...]) -> Check:
    def check(value: Any) -> str:
        return "" if isinstance(value, str) and value in words else f"should be one of {', '.join(words)}"

    return check


def _some_of(words: frozenset[str]) -> Check:
    def check(value: Any) -> str:
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            return "should be a list of texts"
        unknown = [word for word in value if word not in words]
        return f"does not know {unknown[0]!r}" if unknown else ""

    return check


def _is_texts(value: Any) -> str:
    is_good = isinstance(value, list) and all(isinstance(word, str) and word for word in value)
    return "" if is_good else "should be a list of texts"


def _is_flag(value: Any) -> str:
    return "" if isinstance(value, bool) else "should be true or false"


def _is_object(value: Any) -> str:
    return "" if isinstance(value, dict) else "should be an object"


def _is_list(value: Any) -> str:
    return "" if isinstance(value, list) and value else "should be a list that is not empty"


def _is_schema(value: Any) -> str:
    is_good = isinstance(value, dict) and value.get("type") == "object"
    return "" if is_good else 'should be a JSON schema of type "object"'


SERVER_FIELDS: Mapping[str, Check] = {
    "slug": _matching(SLUG),
    "name": _text(200),
    "publisher": _text(200),
    "repository": _text(300),
    "package": _text(200),
    "release": _matching(RELEASE),
    "transport": _text(40),
    "requires_env": _is_texts,
}
TOOL_FIELDS: Mapping[str, Check] = {
    "name": _matching(TOOL_NAME),
    "title": _text(200),
    "module": _text(100),
    "category": _one_of(tuple(CATEGORIES)),
    "risk": _one_of(tuple(LEVELS)),
    "summary": _text(2000),
    "rationale": _text(2000),
    "signals": _some_of(SIGNALS),
    "attacks": _some_of(ATTACKS),
    "requires_auth": _is_flag,
    "method": _text(40),
    "endpoint": _text(300),
    "input_schema": _is_schema,
}
