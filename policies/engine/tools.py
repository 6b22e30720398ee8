"""What the engine is told about a server's tools. The facts come from pinned discovery; nothing here looks them up."""

from collections.abc import Mapping
from dataclasses import dataclass

from policies.engine.values import JSON, Level


@dataclass(frozen=True, slots=True)
class ToolFacts:
    """One pinned tool. `is_changed` says that its definition differs from the pinned one and was not accepted yet."""

    name: str
    level: Level
    input_schema: Mapping[str, JSON]
    is_changed: bool = False
