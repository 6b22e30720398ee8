"""The catalogue as this release ships it, for pages that must answer without a database: counts, tools, the engine's
facts. What was loaded since is catalog.access; nothing here writes or asks anybody."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from catalog.datafile import DataFile, ToolEntry, read_data_file
from catalog.releases import order_release
from catalog.rubric import LEVELS, Level
from catalog.services import DATA_FOLDER
from policies.engine.tools import ToolFacts

# The server whose tools the examples of our pages call.
EXAMPLE_SERVER = "bybit-exchange-trading-mcp"


@dataclass(frozen=True, slots=True)
class ServedTool:
    server: str
    tool: ToolEntry


@cache
def shipped_servers() -> tuple[DataFile, ...]:
    """Every shipped server by name, in its newest release."""
    return pick_newest(read_data_file(path) for path in DATA_FOLDER.glob("*.json"))


def pick_newest(files: Iterable[DataFile]) -> tuple[DataFile, ...]:
    """Of each server the file of its newest release, as the catalogue orders releases; servers by name."""
    newest = {file.server.slug: file for file in sorted(files, key=lambda file: order_release(file.server.release))}
    return tuple(sorted(newest.values(), key=lambda file: file.server.name))


@cache
def example_tools() -> Mapping[str, ToolFacts]:
    """The example server's tools as the engine wants them."""
    file = next(file for file in shipped_servers() if file.server.slug == EXAMPLE_SERVER)
    return {tool.name: ToolFacts(tool.name, Level(tool.risk), tool.input_schema) for tool in file.tools}


def tools_with(attack: str) -> list[ServedTool]:
    """The tools that an attack pattern concerns, gravest first."""
    found = [
        ServedTool(file.server.slug, tool)
        for file in shipped_servers()
        for tool in file.tools
        if attack in tool.attacks
    ]
    return sorted(found, key=lambda served: -LEVELS.index(Level(served.tool.risk)))


@cache
def count_levels() -> Mapping[str, int]:
    """How many shipped tools each level has."""
    counts = Counter(tool.risk for file in shipped_servers() for tool in file.tools)
    return {level.value: counts[level] for level in LEVELS}
