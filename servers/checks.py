"""Checks what people type about a server: its name, its address, its request headers. Reads no database."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from servers.upstream.exchange import clean_text
from servers.upstream.guard import AddressRefusedError, check_url, is_simulator_url

MAX_NAME: Final = 80
MAX_HEADERS: Final = 20
MAX_VALUE: Final = 4096
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,98}[A-Za-z0-9])?")
_HEADER_VALUE: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?")
# Host and framing belong to the connection, Mcp-* and content to the message; the rest would lie about who is asking.
_FORBIDDEN_HEADERS: Final = frozenset(
    {
        "accept",
        "accept-encoding",
        "connection",
        "cookie",
        "expect",
        "forwarded",
        "host",
        "keep-alive",
        "last-event-id",
        "origin",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
    }
)
_FORBIDDEN_PREFIXES: Final = ("content-", "mcp-", "sec-", "x-forwarded-")

Header = tuple[str, str]


class ServerInvalidError(ValueError):
    """Input about a server that was refused: `problems` has a sentence for each field (name, url, headers, ...)."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(problems.values()))
        self.problems = dict(problems)


def check_name(name: str) -> str:
    """The name without surrounding space; raises ServerInvalidError for none, a long one, or invisible characters."""
    name = name.strip()
    if not name or len(name) > MAX_NAME:
        raise ServerInvalidError({"name": f"Give the server a name of 1 to {MAX_NAME} characters."})
    if clean_text(name, MAX_NAME) != name:
        raise ServerInvalidError({"name": "Use visible characters and single spaces only."})
    return name


def check_address(url: str) -> str:
    """The address to keep and use; raises ServerInvalidError where the guard refuses it."""
    try:
        parts = check_url(url.strip())
    except AddressRefusedError as error:
        raise ServerInvalidError({"url": str(error)}) from None
    if is_simulator_url(parts):
        raise ServerInvalidError(
            {"url": "This is the simulator's own address. Add the simulator from its card instead."}
        )
    return parts.geturl()


def check_headers(headers: Iterable[Sequence[str]]) -> list[Header]:
    """Request headers with trimmed names and values; raises ServerInvalidError naming the header, never its value."""
    checked = [_check_header(name.strip(), value.strip(" \t")) for name, value in headers]
    names = [name.lower() for name, _ in checked]
    if len(set(names)) != len(names):
        raise ServerInvalidError({"headers": "The same header is there twice. Give each name once."})
    return checked


def check_typed(*, name: str, url: str | None, headers: Iterable[Sequence[str]]) -> list[Header]:
    """Check all of it at once (no address for None), and give the headers as check_headers does.

    Raises one ServerInvalidError with a sentence for each field that is refused.
    """
    problems: dict[str, str] = {}
    checked: list[Header] = []
    try:
        check_name(name)
    except ServerInvalidError as error:
        problems |= error.problems
    try:
        if url is not None:
            check_address(url)
    except ServerInvalidError as error:
        problems |= error.problems
    try:
        checked = check_headers(headers)
    except ServerInvalidError as error:
        problems |= error.problems
    if problems:
        raise ServerInvalidError(problems)
    return checked


def check_header_count(names: Collection[str]) -> None:
    """Raise ServerInvalidError for more than 20 headers on one server."""
    if len(names) > MAX_HEADERS:
        raise ServerInvalidError({"headers": f"A server takes at most {MAX_HEADERS} request headers."})


def _check_header(name: str, value: str) -> Header:
    if not _HEADER_NAME.fullmatch(name):
        raise ServerInvalidError({"headers": "A header's name has 1 to 100 letters, digits and hyphens."})
    if name.lower() in _FORBIDDEN_HEADERS or name.lower().startswith(_FORBIDDEN_PREFIXES):
        raise ServerInvalidError({"headers": f"{name} is set by the gateway itself. Leave it out."})
    if len(value) > MAX_VALUE or not _HEADER_VALUE.fullmatch(value):
        raise ServerInvalidError(
            {"headers": f"The value of {name} has 1 to {MAX_VALUE} visible ASCII characters, without line breaks."}
        )
    return name, value
