"""Discovery over real MCP, in the era that the upstream speaks; it only reads, and stores nothing.

Modern (2026-07-28) is tried first by server/discover; whatever is no positive evidence of it falls back to the legacy
handshake, as the official SDK's `mode="auto"` does.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from policies.engine.values import JSON
from servers.models import Era
from servers.upstream.exchange import Answer, Exchange, ExchangeError, RemoteError, StatusRefusedError
from servers.upstream.target import Target

MODERN_VERSION: Final = "2026-07-28"
# Newest first; 2024-11-05 had another transport, which the gateway does not serve.
LEGACY_VERSIONS: Final = ("2025-11-25", "2025-06-18", "2025-03-26")
UNSUPPORTED_VERSION: Final = -32022
MAX_SECONDS: Final = 90.0
MAX_PAGES: Final = 100
MAX_TOOLS: Final = 5_000
MAX_CURSOR: Final = 10_000
# Visible ASCII less what a policy's patterns and paths give a meaning: a name has one spelling, so a look-alike or a
# zero-width character cannot pass for another name.
TOOL_NAME: Final = re.compile(r"[!#-)+-\[\]-~]{1,128}")
_SESSION_ID: Final = re.compile(r"[\x21-\x7e]{1,1024}")
_CLIENT: Final[dict[str, JSON]] = {"name": "policylayer", "version": "1"}


@dataclass(frozen=True, slots=True)
class FoundTool:
    """One tool as the upstream offers it: its whole definition, with a name and an input schema that were checked."""

    name: str
    definition: Mapping[str, JSON]
    input_schema: Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class Discovered:
    """What an upstream said of itself. `left_out` counts tools whose name or schema cannot be governed."""

    era: Era
    protocol_version: str
    tools: tuple[FoundTool, ...]
    left_out: int
    announces_changes: bool


@dataclass(frozen=True, slots=True)
class Greeting:
    """How an upstream was reached: era, version, the headers of every further request, and its tools capability."""

    era: Era
    protocol_version: str
    headers: Mapping[str, str]
    tools: Mapping[str, JSON] | None

    @property
    def has_tools(self) -> bool:
        return self.tools is not None


def discover(target: Target, tell: Callable[[int], None] = lambda count: None) -> Discovered:
    """Every tool that the upstream offers; `tell` hears how many were read, from 0 when the upstream has answered.

    At most 16 MiB, 5,000 tools, 100 pages and 90 seconds. Raises ExchangeError, whose text may be shown, for everything
    that goes wrong; a tool that appears twice is refused, because nobody can say which one would be called.
    """
    with Exchange(target, time.monotonic() + MAX_SECONDS) as exchange:
        greeting = _greet(exchange)
        try:
            tools = _list_tools(exchange, greeting, tell) if greeting.has_tools else []
        finally:
            _leave(exchange, greeting)
    return _check_tools(greeting, tools)


def probe(target: Target) -> Greeting:
    """Reach the upstream, find its era and ask for the first page of tools; raises ExchangeError."""
    with Exchange(target, time.monotonic() + MAX_SECONDS / 2) as exchange:
        greeting = _greet(exchange)
        try:
            if greeting.has_tools:
                _ask_page(exchange, greeting, None)
        finally:
            _leave(exchange, greeting)
    return greeting


def _greet(exchange: Exchange) -> Greeting:
    try:
        answer = _send_modern(exchange, "server/discover", {})
    except RemoteError as error:
        _refuse_unknown_future(error)
    except StatusRefusedError as error:
        if error.status in (401, 403, 429):
            raise
    except ExchangeError:
        # Not yet a verdict: a legacy server may answer what it does not know with anything, or not at all.
        pass
    else:
        versions = answer.result.get("supportedVersions")
        if isinstance(versions, list) and MODERN_VERSION in versions:
            return Greeting(Era.MODERN, MODERN_VERSION, {}, _tools_of(answer))
    return _shake_hands(exchange)


def _refuse_unknown_future(error: RemoteError) -> None:
    supported = error.data.get("supported") if isinstance(error.data, dict) else None
    if error.code != UNSUPPORTED_VERSION or not isinstance(supported, list):
        return
    if not any(version in supported for version in LEGACY_VERSIONS):
        raise ExchangeError(
            f"The server speaks no version of MCP that is known here (newest: {MODERN_VERSION}). Update either side."
        ) from None


def _shake_hands(exchange: Exchange) -> Greeting:
    """The legacy handshake (MCP 2025-11-25, lifecycle)."""
    params: dict[str, JSON] = {"protocolVersion": LEGACY_VERSIONS[0], "capabilities": {}, "clientInfo": _CLIENT}
    answer = exchange.call("initialize", params, {})
    version = answer.result.get("protocolVersion")
    if not isinstance(version, str) or version not in LEGACY_VERSIONS:
        raise ExchangeError(
            f"The server speaks a version of MCP that is not served here (served: {', '.join(LEGACY_VERSIONS)})."
        )
    headers = {"mcp-protocol-version": version}
    session = answer.headers.get("mcp-session-id")
    if session is not None:
        if not _SESSION_ID.fullmatch(session):
            raise ExchangeError("The server gave a session id that no header may hold. Report it to who runs it.")
        headers["mcp-session-id"] = session
    exchange.notify("notifications/initialized", headers)
    return Greeting(Era.LEGACY, version, headers, _tools_of(answer))


def _leave(exchange: Exchange, greeting: Greeting) -> None:
    if "mcp-session-id" not in greeting.headers:
        return
    try:
        exchange.delete(greeting.headers)
    except ExchangeError:
        # A server may answer 405, and sessions expire; what was read stays good.
        return


def _tools_of(answer: Answer) -> Mapping[str, JSON] | None:
    capabilities = answer.result.get("capabilities")
    tools = capabilities.get("tools") if isinstance(capabilities, dict) else None
    return tools if isinstance(tools, dict) else None


def _send_modern(exchange: Exchange, method: str, params: dict[str, JSON]) -> Answer:
    meta: dict[str, JSON] = {
        "io.modelcontextprotocol/protocolVersion": MODERN_VERSION,
        "io.modelcontextprotocol/clientInfo": _CLIENT,
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    headers = {"mcp-protocol-version": MODERN_VERSION, "mcp-method": method}
    return exchange.call(method, {**params, "_meta": meta}, headers)


def _ask_page(exchange: Exchange, greeting: Greeting, cursor: str | None) -> dict[str, JSON]:
    params: dict[str, JSON] = {} if cursor is None else {"cursor": cursor}
    if greeting.era is Era.MODERN:
        return _send_modern(exchange, "tools/list", params).result
    return exchange.call("tools/list", params, greeting.headers).result


def _list_tools(exchange: Exchange, greeting: Greeting, tell: Callable[[int], None]) -> list[JSON]:
    tell(0)
    return walk_pages(lambda cursor: _ask_page(exchange, greeting, cursor), tell)


def walk_pages(
    ask: Callable[[str | None], dict[str, JSON]], tell: Callable[[int], None] = lambda count: None
) -> list[JSON]:
    """The tools of every page in order; raises ExchangeError for a list without end, a cursor twice, or no list."""
    tools: list[JSON] = []
    cursor: str | None = None
    seen: set[str] = set()
    for _ in range(MAX_PAGES):
        page = ask(cursor)
        part, following = page.get("tools"), page.get("nextCursor")
        if not isinstance(part, list):
            raise ExchangeError("The server answered tools/list without a list of tools. Report it to who runs it.")
        tools += part
        if len(tools) > MAX_TOOLS:
            raise ExchangeError(f"The server offers more than {MAX_TOOLS:,} tools, the most that is served here.")
        tell(len(tools))
        if following is None:
            return tools
        if not isinstance(following, str) or len(following) > MAX_CURSOR or following in seen:
            raise ExchangeError("The server's list of tools repeats itself without end. Report it to who runs it.")
        seen.add(following)
        cursor = following
    raise ExchangeError(f"The server's list of tools has more than {MAX_PAGES} pages. Report it to who runs it.")


def _check_tools(greeting: Greeting, tools: list[JSON]) -> Discovered:
    found: dict[str, FoundTool] = {}
    left_out = 0
    for entry in tools:
        name, schema = (entry.get("name"), entry.get("inputSchema")) if isinstance(entry, dict) else (None, None)
        if not isinstance(entry, dict) or not isinstance(schema, dict) or not _is_tool_name(name):
            left_out += 1
            continue
        if name in found:
            raise ExchangeError(f"The server offers two tools named {name}. Each name must be there once.")
        found[str(name)] = FoundTool(str(name), entry, schema)
    announces = greeting.tools is not None and greeting.tools.get("listChanged") is True
    return Discovered(greeting.era, greeting.protocol_version, tuple(found.values()), left_out, announces)


def _is_tool_name(name: object) -> bool:
    return isinstance(name, str) and TOOL_NAME.fullmatch(name) is not None
