"""Reads a body as exactly one JSON-RPC message, once and strictly, and writes it again; must never pass bytes through.

Whatever two JSON parsers could read differently is refused here (RFC 8259; RFC 7493, I-JSON).
"""

import json
import re
import unicodedata
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any, Final, NoReturn, cast

import msgspec

from gateway.errors import InvalidRequestError, ParseError
from policies.engine.values import JSON

MAX_BYTES: Final = 1024 * 1024
MAX_DEPTH: Final = 32
MAX_NODES: Final = 50_000
# Longer than any number that survives a double unchanged and is written sensibly.
MAX_NUMBER: Final = 64
# Every integer of this many digits is exact in a double (2^53 has 16).
_SAFE_DIGITS: Final = 15
_INEXACT: Final = "A number changes when it is read as a double: send it as a string."

META: Final = "io.modelcontextprotocol/"
_ENVELOPE: Final = frozenset({"jsonrpc", "id", "method", "params", "result", "error"})
_PARAMS: Final = frozenset(
    (
        *("_meta", "name", "arguments", "uri", "cursor", "level", "ref", "argument", "context", "protocolVersion"),
        *("capabilities", "clientInfo", "requestId", "reason", "progressToken", "progress", "total", "message"),
        *("task", "taskId", "requestState", "inputResponses", "notifications"),
    )
)
_META: Final = frozenset(
    (
        "progressToken",
        *(META + "protocolVersion", META + "clientInfo", META + "clientCapabilities", META + "logLevel"),
        *(META + "subscriptionId", META + "related-task", META + "model-immediate-response", META + "serverInfo"),
    )
)

RequestId = str | int


class Kind(Enum):
    """What a message is, by the members it has."""

    REQUEST = 1
    NOTIFICATION = 2
    RESPONSE = 3


class Message(msgspec.Struct, frozen=True, gc=False):
    """One JSON-RPC message; `tree` is all of it, with every unknown member. `id` is None for notifications only."""

    kind: Kind
    tree: dict[str, Any]
    id: RequestId | None
    method: str
    params: dict[str, Any]


def read_message(body: bytes) -> Message:
    """The one JSON-RPC message in `body`.

    Raises ParseError (-32700) for what is no strict JSON, InvalidRequestError (-32600) for what is no single message.
    Sizes are the endpoint's matter, content encodings too.
    """
    tree = _parse(body)
    if type(tree) is not dict:
        raise InvalidRequestError("The body must be one JSON-RPC object; batches are not served.")
    _check_names(tree, _ENVELOPE)
    if tree.get("jsonrpc") != "2.0":
        raise InvalidRequestError('"jsonrpc" must be "2.0".')
    params = tree.get("params", _NONE)
    if params is _NONE:
        params = {}
    elif type(params) is not dict:
        raise InvalidRequestError('"params" must be an object.')
    else:
        _check_params(params)
    return _classify(tree, params)


def write_tree(tree: JSON) -> bytes:
    """The UTF-8 JSON of a tree that read_message accepted: numbers keep their exact value, members their order."""
    return _encoder.encode(tree)


_NONE: Final = object()
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_encoder = msgspec.json.Encoder(decimal_format="number")


def _classify(tree: dict[str, Any], params: dict[str, Any]) -> Message:
    message_id: Any = tree.get("id", _NONE)
    if message_id is not _NONE and type(message_id) is not str and type(message_id) is not int:
        raise InvalidRequestError('"id" must be a string or an integer.')
    method: Any = tree.get("method", _NONE)
    if method is _NONE:
        if message_id is _NONE or ("result" in tree) == ("error" in tree):
            raise InvalidRequestError("The message is no request, no notification and no response.")
        return Message(Kind.RESPONSE, tree, cast("RequestId", message_id), "", params)
    if type(method) is not str or "result" in tree or "error" in tree:
        raise InvalidRequestError("The message is no request, no notification and no response.")
    if message_id is not _NONE:
        return Message(Kind.REQUEST, tree, cast("RequestId", message_id), method, params)
    if not method.startswith("notifications/"):
        raise InvalidRequestError("A request must have an id; only notifications/* go without.")
    return Message(Kind.NOTIFICATION, tree, None, method, params)


def _check_params(params: dict[str, Any]) -> None:
    _check_names(params, _PARAMS)
    meta = params.get("_meta", _NONE)
    if meta is _NONE:
        return
    if type(meta) is not dict:
        raise InvalidRequestError('"_meta" must be an object.')
    _check_names(meta, _META)


def _check_names(members: dict[str, Any], known: frozenset[str]) -> None:
    for name in members:
        if name not in known and _fold(name) in _folded[known]:
            raise InvalidRequestError("A member's name differs from a protocol field only by case or Unicode folding.")


def _fold(name: str) -> str:
    # NFKC, case folding and NFKC again: long s, fullwidth letters and the Kelvin sign end as plain ASCII. Characters
    # that nobody sees (zero width, soft hyphen) are left out first: parsers that ignore them exist.
    visible = "".join(letter for letter in name if unicodedata.category(letter) != "Cf") if not name.isascii() else name
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", visible).casefold())


_folded: Final = {known: frozenset(map(_fold, known)) for known in (_ENVELOPE, _PARAMS, _META)}


def _parse(body: bytes) -> Any:
    try:
        tree = _decoder.decode(body.decode("utf-8"))
    except UnicodeDecodeError:
        raise ParseError("The body is not UTF-8.") from None
    except json.JSONDecodeError:
        # Its text quotes the body, which may hold secrets; the position is enough.
        raise ParseError("The body is not JSON.") from None
    except RecursionError:
        raise ParseError(f"The body nests deeper than {MAX_DEPTH} levels.") from None
    # Cheap upper bounds first: the walk is for the rare bodies that could break a bound.
    openings = body.count(b"{") + body.count(b"[")
    nodes = openings + body.count(b",")
    if openings > MAX_DEPTH or nodes > MAX_NODES or b"\\u" in body:
        _check_tree(tree)
    return tree


def _check_tree(tree: Any) -> None:
    nodes = depth = 0
    level: list[Any] = [tree]
    while level:
        inner: list[Any] = []
        has_containers = False
        for value in level:
            kind = type(value)
            if kind is dict:
                has_containers = True
                inner.extend(value)
                inner.extend(value.values())
            elif kind is list:
                has_containers = True
                inner.extend(value)
            elif kind is str and not value.isascii() and _SURROGATE.search(value):
                raise ParseError("A string holds half of a surrogate pair.")
        depth += has_containers
        nodes += len(inner)
        if depth > MAX_DEPTH:
            raise ParseError(f"The body nests deeper than {MAX_DEPTH} levels.")
        if nodes > MAX_NODES:
            raise ParseError(f"The body holds more than {MAX_NODES} values.")
        level = inner


def _read_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ParseError("An object has two members of the same name.")
    return members


def _read_integer(token: str) -> int:
    if token == "-0":
        # An integer 0 to some, and -0.0 to others, whose sign would be lost on the way.
        raise ParseError("A number is -0, which parsers read differently: send 0.")
    if len(token) <= _SAFE_DIGITS:
        return int(token)
    if len(token) > MAX_NUMBER:
        raise ParseError(f"A number is longer than {MAX_NUMBER} characters.")
    value = int(token)
    if int(float(token)) != value:
        raise ParseError(_INEXACT)
    return value


def _read_decimal(token: str) -> Decimal:
    if len(token) > MAX_NUMBER:
        raise ParseError(f"A number is longer than {MAX_NUMBER} characters.")
    try:
        value = Decimal(token)
    except InvalidOperation:
        # An exponent of twenty digits is a number in JSON's grammar, and none that Decimal can hold.
        raise ParseError(_INEXACT) from None
    # The double nearest to it, written in the shortest form that reads back, must be the same number; so 0.1 stays and
    # 1e400, 1e-400 and 0.1000000000000000055 do not.
    double = float(token)
    if double in (float("inf"), float("-inf")) or Decimal(repr(double)) != value:
        raise ParseError(_INEXACT)
    return value


def _refuse_constant(_: str) -> NoReturn:
    raise ParseError("NaN and Infinity are no JSON.")


_decoder = json.JSONDecoder(
    object_pairs_hook=_read_object,
    parse_float=_read_decimal,
    parse_int=_read_integer,
    parse_constant=_refuse_constant,
)
