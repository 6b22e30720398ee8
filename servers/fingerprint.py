"""Reads and writes what upstreams send as exact JSON, and fingerprints tool definitions; no float gets in or out."""

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Final

from policies.engine.digest import write_canonical
from policies.engine.values import JSON

MAX_DEPTH: Final = 64
MAX_NUMBER: Final = 400
# Beyond this, writing a Decimal's digits out would be a gift of megabytes for six characters.
_MAX_EXPONENT: Final = 400


class JsonRefusedError(ValueError):
    """A text that is not one strict JSON value; says what is wrong without quoting it."""


def parse_json(text: str | bytes) -> JSON:
    """One JSON value with int and Decimal numbers.

    Raises JsonRefusedError for anything but UTF-8 without BOM, duplicate keys (compared after unescaping), NaN and
    Infinity, numbers of more than 400 digits, lone surrogates, and more than 64 levels.
    """
    try:
        decoded = text.decode("utf-8") if isinstance(text, bytes) else text
        value: JSON = json.loads(
            decoded,
            parse_int=_read_int,
            parse_float=_read_decimal,
            parse_constant=_refuse_constant,
            object_pairs_hook=_read_object,
        )
    except JsonRefusedError:
        raise
    except UnicodeDecodeError:
        raise JsonRefusedError("it is not UTF-8") from None
    except RecursionError:
        raise JsonRefusedError("it nests too deeply") from None
    except ValueError:
        raise JsonRefusedError("it is no JSON") from None
    _check_tree(value, MAX_DEPTH)
    return value


def write_json(value: JSON, indent: str = "", level: int = 0) -> str:
    """The value as JSON text with exact numbers and its own key order; on several lines when `indent` is given."""
    if isinstance(value, dict):
        members = [f"{_quote(key)}: {write_json(item, indent, level + 1)}" for key, item in value.items()]
        return _join("{}", members, indent, level)
    if isinstance(value, list):
        return _join("[]", [write_json(item, indent, level + 1) for item in value], indent, level)
    if isinstance(value, str):
        return _quote(value)
    if isinstance(value, Decimal):
        return str(value)
    return json.dumps(value)


def fingerprint_of(definition: Mapping[str, JSON]) -> str:
    """SHA-256, in hex, of the canonical form (RFC 8785 with exact decimal numbers) of a whole tool definition."""
    return hashlib.sha256(write_canonical(dict(definition)).encode()).hexdigest()


def _read_int(token: str) -> int:
    if len(token) > MAX_NUMBER:
        raise JsonRefusedError("it holds a number with too many digits")
    return int(token)


def _read_decimal(token: str) -> Decimal:
    try:
        number = Decimal(token)
    except InvalidOperation:
        raise JsonRefusedError("it holds a number with too many digits") from None
    if len(token) > MAX_NUMBER or abs(number.adjusted()) > _MAX_EXPONENT:
        raise JsonRefusedError("it holds a number with too many digits")
    return number


def _refuse_constant(token: str) -> JSON:
    raise JsonRefusedError(f"it holds {token}, which is no JSON number")


def _read_object(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise JsonRefusedError("it holds an object with the same key twice")
    return members


def _check_tree(value: JSON, depth: int) -> None:
    if depth < 0:
        raise JsonRefusedError("it nests too deeply")
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, list):
        for item in value:
            _check_tree(item, depth - 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_text(key)
            _check_tree(item, depth - 1)


def _check_text(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise JsonRefusedError("it holds half of a surrogate pair") from None


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _join(brackets: str, parts: list[str], indent: str, level: int) -> str:
    if not parts or not indent:
        return brackets[0] + ", ".join(parts) + brackets[1]
    inner = "\n" + indent * (level + 1)
    return brackets[0] + inner + ("," + inner).join(parts) + "\n" + indent * level + brackets[1]
