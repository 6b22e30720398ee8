"""Makes a data file of what a server, or a registry's export, says of itself. Its tools are judged and left unreviewed.

Plain functions: what was read may lie and may be anything; where it came from is the caller's business.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from catalog.classify import classify
from catalog.datafile import TOOL_NAME, DataFile, DataFileError, ServerEntry, parse_data_file
from catalog.reasons import CATEGORY_WORDS, explain_level
from catalog.words import NAME_WORD

MAX_TEXT = 2000
MAX_TITLE = 200
MODULE = "general"
UNNAMED = "not named"
# Where the registry lets a publisher say more of a server than its form has fields for.
PROVIDED = "io.modelcontextprotocol.registry/publisher-provided"
SLUG_BREAK = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """A tool as its server defines it in MCP's words. Nothing of it was checked."""

    name: str
    definition: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RegistryEntry:
    """One server of a registry's export. `url` is where it can be asked for its tools, or empty; most name no tools."""

    registry_name: str
    server: ServerEntry
    url: str
    tools: tuple[OfferedTool, ...]


@dataclass(frozen=True, slots=True)
class Imported:
    """A data file, and how many tools are not in it because of a name or schema that no policy could speak of."""

    file: DataFile
    left_out: int


def make_data_file(server: ServerEntry, tools: Iterable[OfferedTool], *, needs_auth: bool) -> Imported:
    """The tools judged by the classifier and marked as not reviewed, as a data file that was checked like any other.

    Raises DataFileError where the server's own facts cannot stand in one, or no tool can.
    """
    offered = list(tools)
    entries: dict[str, dict[str, Any]] = {}
    for tool in offered:
        if _is_governable(tool):
            entries.setdefault(tool.name.lower(), _judge(tool, needs_auth))
    document = {"server": _facts_of(server), "tools": list(entries.values())}
    file = parse_data_file(json.dumps(document, ensure_ascii=False, indent=1).encode(), server.slug)
    return Imported(file, len(offered) - len(entries))


def read_registry(raw: bytes) -> list[RegistryEntry]:
    """The servers of an export of the MCP registry: one server.json, a list of them, or an answer of its list API.

    Raises DataFileError for anything else; fields that a page has no use for are passed over.
    """
    try:
        document = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise DataFileError(f"The export is not readable as JSON: {error}") from error
    listed = document.get("servers") if isinstance(document, dict) and "servers" in document else document
    entries = listed if isinstance(listed, list) else [listed]
    return [_read_entry(entry) for entry in entries]


def read_tools(raw: bytes) -> tuple[OfferedTool, ...]:
    """The tools of a tools/list result, or of a list of tool definitions; raises DataFileError for anything else."""
    try:
        document = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise DataFileError(f"The list of tools is not readable as JSON: {error}") from error
    while isinstance(document, dict) and ("result" in document or "tools" in document):
        document = document.get("result", document.get("tools"))
    if not isinstance(document, list):
        raise DataFileError("The list of tools should be a list of tool definitions, or a result of tools/list")
    return _tools_of(document)


def make_slug(name: str) -> str:
    """A name as it stands in an address: lower-case letters and digits with single dashes."""
    return SLUG_BREAK.sub("-", name.lower()).strip("-")[:100].strip("-")


def clean(text: object, limit: int) -> str:
    """One line of visible characters, at most `limit` of them; empty for what is no text."""
    if not isinstance(text, str):
        return ""
    visible = "".join(" " if unicodedata.category(each).startswith(("C", "Z")) else each for each in text)
    line = " ".join(visible.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def _read_entry(entry: Any) -> RegistryEntry:
    found = entry.get("server", entry) if isinstance(entry, dict) else None
    name = found.get("name") if isinstance(found, dict) else None
    if not isinstance(found, dict) or not isinstance(name, str) or "/" not in name:
        raise DataFileError(
            'The export should hold servers in the registry\'s form, with a name such as "owner/server"'
        )
    packages, remotes = _objects(found.get("packages")), _objects(found.get("remotes"))
    package = packages[0] if packages else {}
    transport = package.get("transport") or (remotes[0] if remotes else {})
    inputs = [*_objects(package.get("environmentVariables")), *(h for r in remotes for h in _objects(r.get("headers")))]
    repository = found.get("repository")
    server = ServerEntry(
        slug=make_slug(name),
        name=clean(found.get("title"), MAX_TITLE) or clean(name.rpartition("/")[2], MAX_TITLE),
        publisher=clean(name.rpartition("/")[0], MAX_TITLE),
        repository=clean(repository.get("url") if isinstance(repository, dict) else "", 300) or UNNAMED,
        package=clean(package.get("identifier"), 200) or UNNAMED,
        release=clean(found.get("version"), 60),
        transport=clean(transport.get("type") if isinstance(transport, dict) else "", 40) or UNNAMED,
        requires_env=tuple(clean(each.get("name"), 200) for each in inputs if each.get("isRequired") is True),
        summary=clean(found.get("description"), MAX_TEXT),
    )
    return RegistryEntry(name, server, _address_of(remotes), _provided_tools(found))


def _address_of(remotes: list[dict[str, Any]]) -> str:
    """The first address that needs nothing filled in."""
    for remote in remotes:
        url = remote.get("url")
        if remote.get("type") == "streamable-http" and isinstance(url, str) and "{" not in url:
            return url
    return ""


def _provided_tools(found: Mapping[str, Any]) -> tuple[OfferedTool, ...]:
    meta = found.get("_meta")
    provided = meta.get(PROVIDED) if isinstance(meta, dict) else None
    return _tools_of(provided.get("tools")) if isinstance(provided, dict) else ()


def _tools_of(value: Any) -> tuple[OfferedTool, ...]:
    return tuple(OfferedTool(str(each.get("name")), each) for each in _objects(value))


def _objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _is_governable(tool: OfferedTool) -> bool:
    schema = tool.definition.get("inputSchema")
    return bool(TOOL_NAME.match(tool.name)) and isinstance(schema, dict) and schema.get("type") == "object"


def _judge(tool: OfferedTool, needs_auth: bool) -> dict[str, Any]:
    definition = tool.definition
    annotations = definition.get("annotations")
    hints: dict[str, Any] = annotations if isinstance(annotations, dict) else {}
    description = clean(definition.get("description"), MAX_TEXT)
    judged = classify(tool.name, description, definition["inputSchema"], hints)
    spelled = " ".join(NAME_WORD.findall(tool.name)).capitalize()
    return {
        "name": tool.name,
        "title": clean(definition.get("title") or hints.get("title"), MAX_TITLE) or spelled or tool.name,
        "module": MODULE,
        "category": judged.category.value,
        "risk": judged.level.value,
        "summary": description or "Its server does not say what it does.",
        "rationale": "Nobody has reviewed it yet; this is what its name, description and parameters say. "
        f"{CATEGORY_WORDS[judged.category]} {explain_level(judged.category, judged.level, judged.signals)}",
        "signals": list(judged.signals),
        "attacks": [],
        "requires_auth": needs_auth,
        "method": "MCP",
        "endpoint": "tools/call",
        "input_schema": definition["inputSchema"],
        "is_reviewed": False,
    }


def _facts_of(server: ServerEntry) -> dict[str, Any]:
    facts = {**asdict(server), "requires_env": list(server.requires_env)}
    if not server.summary:
        del facts["summary"]
    return facts
