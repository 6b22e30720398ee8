"""Request headers that matter: read once, compared with the body, and the few that travel on; no other gets through."""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from gateway.errors import HeaderMismatchError, InvalidRequestError, MetaMissingError
from gateway.jsonrpc import META, Kind, Message
from policies.engine.values import JSON

VERSION_META: Final = META + "protocolVersion"
MODERN_VERSION: Final = b"2026-07-28"
ACCEPT_DEFAULT: Final = "application/json, text/event-stream"

# What is read, and by what spelling it travels on ("" stays here).
_KNOWN: Final[Mapping[bytes, str]] = {
    b"host": "",
    b"origin": "",
    b"authorization": "",
    b"content-type": "",
    b"content-length": "",
    b"content-encoding": "",
    b"user-agent": "",
    b"accept": "Accept",
    b"mcp-protocol-version": "MCP-Protocol-Version",
    b"mcp-session-id": "Mcp-Session-Id",
    b"mcp-method": "Mcp-Method",
    b"mcp-name": "Mcp-Name",
    b"last-event-id": "Last-Event-ID",
}
_PARAM: Final = b"mcp-param-"
# They repeat what a request or notification says; with anything else they repeat nothing.
_MIRRORS: Final = (b"mcp-method", b"mcp-name", _PARAM)
_SAFE: Final = re.compile(rb"[\x20-\x7e\t]*")
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_SENTINEL: Final = re.compile(r"=\?base64\?(.*)\?=")
_DECIMAL: Final = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")
# Which member of params the Mcp-Name header repeats.
_NAMED_BY: Final[Mapping[str, str]] = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_NAMES: Final = ("name", "uri", "taskId")

Headers = dict[bytes, bytes]


@dataclass(frozen=True, slots=True)
class ParamHeader:
    """A property of a tool's arguments that its schema wants repeated in a header (2026-07-28, `x-mcp-header`)."""

    path: tuple[str, ...]
    header: bytes
    is_integer: bool


def read_headers(raw: Iterable[tuple[bytes, bytes]]) -> Headers:
    """The headers that matter, by lower-case name; raises InvalidRequestError when one of them is there twice.

    ASGI servers give names in lower case. A name spelt with underscores is another name and is ignored.
    """
    found: Headers = {}
    for name, value in raw:
        if name in _KNOWN or name.startswith(_PARAM):
            if name in found:
                raise InvalidRequestError(f"The header {name.decode('ascii', 'replace')} is there twice.")
            found[name] = value
    return found


def text_of(headers: Headers, name: bytes) -> str:
    """A header's value as text, empty when it is absent."""
    return headers.get(name, b"").decode("latin-1")


def forwarded_of(
    headers: Headers, message: Message | None = None, *, is_modern: bool = False
) -> tuple[tuple[str, str], ...]:
    """What the upstream is sent besides its own target headers, with a message that was checked against them or none.

    A modern request has no session, so its session header stays here; so do mirrors that nothing was compared with.
    Raises InvalidRequestError for control or other bytes.
    """
    sent = [("Content-Type", "application/json")] if message is not None else []
    has_mirrors = message is not None and message.kind is not Kind.RESPONSE
    if b"accept" not in headers:
        sent.append(("Accept", ACCEPT_DEFAULT))
    for name, value in headers.items():
        spelling = _KNOWN.get(name) if not name.startswith(_PARAM) else name.decode("ascii").title()
        if not spelling or (is_modern and name == b"mcp-session-id"):
            continue
        if not has_mirrors and name.startswith(_MIRRORS):
            continue
        if _SAFE.fullmatch(value) is None:
            raise InvalidRequestError(f"The header {spelling} holds bytes that are not printable ASCII.")
        sent.append((spelling, value.decode("ascii")))
    return tuple(sent)


def is_modern_message(message: Message) -> bool:
    """Whether the body says that it is of the modern era (2026-07-28)."""
    meta = message.params.get("_meta")
    return meta is not None and VERSION_META in meta


def check_version(headers: Headers, message: Message, *, is_modern: bool) -> None:
    """Refuse a message whose header and body are of two eras or versions.

    Raises HeaderMismatchError (-32020), MetaMissingError (-32602) for a body that lacks what its header's era needs.
    """
    version = headers.get(b"mcp-protocol-version")
    if is_modern:
        named = message.params["_meta"][VERSION_META]
        if not isinstance(named, str) or version != named.encode():
            raise HeaderMismatchError("The MCP-Protocol-Version header does not match the body's protocol version.")
    elif version == MODERN_VERSION:
        raise MetaMissingError("The MCP-Protocol-Version header names a version that the body's _meta does not.")


def check_mirrors(headers: Headers, message: Message, *, is_modern: bool) -> None:
    """Refuse headers that say something else than the body: some upstreams and proxies route by them.

    Modern requests must carry them; legacy ones may, and then they must be right. Raises HeaderMismatchError (-32020).
    """
    method = headers.get(b"mcp-method")
    if (is_modern or method is not None) and method != message.method.encode():
        raise HeaderMismatchError("The Mcp-Method header does not match the body's method.")
    _check_name(headers, message, is_modern=is_modern)


def check_params(
    headers: Headers, wanted: Iterable[ParamHeader], arguments: Mapping[str, JSON], *, is_modern: bool
) -> None:
    """Compare the Mcp-Param-* headers that a tool's schema declares with the arguments; others pass as they are.

    Raises HeaderMismatchError (-32020).
    """
    for param in wanted:
        raw = headers.get(param.header)
        value = _value_at(arguments, param.path)
        rendered = _render(value)
        if raw is None:
            if is_modern and rendered is not None:
                raise HeaderMismatchError(f"The header {param.header.decode()} is missing.")
        elif rendered is None or not _is_match(decode_value(raw), rendered, value, param):
            raise HeaderMismatchError(f"The header {param.header.decode()} does not match the arguments.")


def decode_value(raw: bytes) -> str | None:
    """A mirrored header's value, `=?base64?...?=` opened; None for a broken one, which matches nothing."""
    text = raw.decode("latin-1")
    match = _SENTINEL.fullmatch(text)
    if match is None:
        return text
    try:
        opened = base64.b64decode(match[1], validate=True)
        # One spelling for one value: base64 with stray trailing bits is refused.
        return opened.decode("utf-8") if base64.b64encode(opened).decode() == match[1] else None
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None


def param_headers_of(schema: Mapping[str, JSON]) -> tuple[ParamHeader, ...]:
    """The headers that a tool's input schema declares on plain properties; none when the declarations are unusable."""
    found: list[ParamHeader] = []
    waiting: list[tuple[tuple[str, ...], Any]] = [((), schema)]
    while waiting:
        path, node = waiting.pop()
        properties = node.get("properties") if isinstance(node, dict) else None
        if not isinstance(properties, dict):
            continue
        for name, inner in properties.items():
            waiting.append(((*path, name), inner))
            token = inner.get("x-mcp-header") if isinstance(inner, dict) else None
            if token is None:
                continue
            if not isinstance(token, str) or not _TOKEN.fullmatch(token) or inner.get("type") not in _TYPES:
                return ()
            header = _PARAM + token.lower().encode()
            found.append(ParamHeader((*path, name), header, inner.get("type") == "integer"))
    return tuple(found) if len({param.header for param in found}) == len(found) else ()


_TYPES: Final = ("string", "integer", "boolean")


def _check_name(headers: Headers, message: Message, *, is_modern: bool) -> None:
    raw = headers.get(b"mcp-name")
    member = _NAMED_BY.get(message.method)
    if raw is None:
        if is_modern and member is not None and message.params.get(member) is not None:
            raise HeaderMismatchError("The Mcp-Name header is missing.")
        return
    candidates = [message.params.get(member)] if member is not None else [message.params.get(name) for name in _NAMES]
    decoded = decode_value(raw)
    if decoded is None or decoded not in candidates:
        raise HeaderMismatchError("The Mcp-Name header does not match the body.")


def _value_at(arguments: Mapping[str, JSON], path: tuple[str, ...]) -> JSON:
    value: Any = arguments
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    found: JSON = value
    return found


def _render(value: JSON) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | Decimal) else None


def _is_match(decoded: str | None, rendered: str, value: JSON, param: ParamHeader) -> bool:
    if decoded is None:
        return False
    is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    if param.is_integer and is_number and _DECIMAL.fullmatch(decoded):
        return Decimal(decoded) == value
    return decoded == rendered
