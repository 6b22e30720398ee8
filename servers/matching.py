"""Says what a discovered tool does and what it can cost: from the catalogue where it is known, else by judging it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from catalog.classify import classify
from catalog.models import KnownTool
from policies.engine.values import JSON, is_same_json
from servers.discovery import FoundTool
from servers.fingerprint import parse_json
from servers.models import Tool

_PROSE: Final = frozenset({"$comment", "$id", "$schema", "description", "examples", "title"})
_SCHEMA_MAPS: Final = frozenset({"$defs", "definitions", "dependentSchemas", "patternProperties", "properties"})
_PLAIN: Final = frozenset({"const", "default", "enum"})


@dataclass(frozen=True, slots=True)
class Judgement:
    """Category, level and module of a tool; `is_reviewed` says that the catalogue's people judged exactly this tool."""

    category: str
    level: str
    module: str
    is_reviewed: bool


def judge_tool(tool: FoundTool, known: Mapping[str, KnownTool]) -> Judgement:
    """The catalogue's word for a tool with the same name and shape of arguments; the classifier's for others."""
    entry = known.get(tool.name)
    if entry is not None and has_same_shape(tool.input_schema, parse_json(entry.input_schema)):
        return Judgement(entry.category, entry.risk, entry.module[:60], is_reviewed=entry.is_reviewed)
    description, annotations = tool.definition.get("description"), tool.definition.get("annotations")
    judged = classify(
        tool.name,
        description if isinstance(description, str) else "",
        tool.input_schema,
        annotations if isinstance(annotations, dict) else {},
    )
    return Judgement(judged.category.value, judged.level.value, "", is_reviewed=False)


def is_known_shape(tool: Tool, entry: KnownTool) -> bool:
    """Whether the catalogue's text is about a tool with these very arguments."""
    schema = parse_json(tool.input_schema)
    return isinstance(schema, dict) and has_same_shape(schema, parse_json(entry.input_schema))


def has_same_shape(one: Mapping[str, JSON], other: JSON) -> bool:
    """Whether two input schemas accept the same by the same words, prose and the order of `required` aside."""
    return is_same_json(_shape_of(dict(one)), _shape_of(other)) is True


def _shape_of(schema: JSON) -> JSON:
    if isinstance(schema, list):
        return [_shape_of(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: _shape_of_member(key, value) for key, value in schema.items() if key not in _PROSE}


def _shape_of_member(key: str, value: JSON) -> JSON:
    if key in _PLAIN:
        return value
    if key == "required" and isinstance(value, list):
        return sorted(value, key=str)
    if key in _SCHEMA_MAPS and isinstance(value, dict):
        return {name: _shape_of(item) for name, item in value.items()}
    return _shape_of(value)
