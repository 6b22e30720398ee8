"""What a row of the hostile table is: an input, the policy that it meets, and the answer that it must get."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from tests.gateway.world import CAPABILITIES_META, VERSION, VERSION_META

Pair = tuple[bytes, bytes]

RESULT: Final = "result"
REFUSED: Final = "isError"
NOTHING: Final = "nothing"


class Answer(NamedTuple):
    """`code` is a JSON-RPC error's, or says what else the body holds; `rule` is recorded, None when nothing is."""

    status: int
    code: int | str
    rule: str | None

    @property
    def is_forwarded(self) -> bool:
        return self.code in (RESULT, NOTHING)


BAD_JSON: Final = Answer(400, -32700, "(malformed)")
NO_MESSAGE: Final = Answer(400, -32600, "(malformed)")
TOO_LARGE: Final = Answer(413, -32600, "(malformed)")
BAD_MEDIA: Final = Answer(415, -32600, "(malformed)")
MISMATCH: Final = Answer(400, -32020, "(malformed)")
NO_VERSION: Final = Answer(400, -32602, "(malformed)")
UNKNOWN_TOOL: Final = Answer(200, -32602, "(unknown tool)")
HIDDEN_TOOL: Final = Answer(200, -32602, "(hidden)")
UNKNOWN_METHOD: Final = Answer(200, -32601, "(unknown method)")
UNKNOWN_SESSION: Final = Answer(404, -31404, "(unknown session)")
NO_POLICY: Final = Answer(200, REFUSED, "(no policy)")
STRANGER: Final = Answer(401, -31401, None)
ACCEPTED: Final = Answer(202, NOTHING, None)


def passes(rule: str = "(default)") -> Answer:
    return Answer(200, RESULT, rule)


def denied(rule: str) -> Answer:
    return Answer(200, REFUSED, rule)


@dataclass(frozen=True, eq=False)
class Row:
    """One input. A header of `headers` replaces the usual one of that name, None leaves it out; `extra` come on top,
    byte for byte. `seconds` is how long an answer may take where that is the point."""

    item: int
    what: str
    answer: Answer
    body: bytes
    policy: str = "open"
    headers: Mapping[str, bytes | None] = field(default_factory=dict)
    extra: tuple[Pair, ...] = ()
    verb: str = "POST"
    seconds: float = 60

    def __str__(self) -> str:
        return f"{self.item} {self.what}"


def call(arguments: str = "{}", *, tool: str = "order", envelope: str = "", params: str = "", id: str = "1") -> bytes:
    """A legacy tools/call, every piece of it exactly as it is given."""
    return (
        f'{{"jsonrpc":"2.0","id":{id},"method":"tools/call"{envelope},'
        f'"params":{{"name":"{tool}","arguments":{arguments}{params}}}}}'
    ).encode()


def say(method: str, params: dict[str, Any] | None = None, **envelope: Any) -> bytes:
    """A legacy request."""
    message: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": method, **envelope}
    return json.dumps({**message, **({"params": params} if params is not None else {})}).encode()


def say_modern(method: str, params: dict[str, Any] | None = None) -> bytes:
    """A modern request, which needs the headers of mirrors_of."""
    return say(method, {**(params or {}), "_meta": {VERSION_META: VERSION, CAPABILITIES_META: {}}})


def mirrors_of(method: str, name: str | None = None, **others: str | None) -> dict[str, bytes | None]:
    """The headers that a modern request must carry; `others` name what is different, with underscores for hyphens."""
    found: dict[str, str | None] = {"MCP-Protocol-Version": VERSION, "Mcp-Method": method}
    if name is not None:
        found["Mcp-Name"] = name
    found |= {key.replace("_", "-"): value for key, value in others.items()}
    return {key: None if value is None else value.encode("latin-1") for key, value in found.items()}


def sentinel(text: str) -> str:
    return f"=?base64?{base64.b64encode(text.encode()).decode()}?="
