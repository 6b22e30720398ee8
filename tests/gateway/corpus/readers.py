"""Four parsers that upstreams use, and what each makes of a document, said in one form that can be compared.

Numbers are compared as the doubles that they are to JSON.parse, an integer that is no double as what it is.
`read_exactly` is what the policy engine saw.
"""

import base64
import json
import struct
import subprocess
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import orjson
import pydantic_core

from config.launcher.front_end import find_node
from gateway.errors import MessageError
from gateway.jsonrpc import read_message

SCRIPT: Final = Path(__file__).with_name("parsers.mjs")
# Said of a document that a parser does not read.
UNREADABLE: Final = "unreadable"


def say(value: Any) -> Any:
    """A parsed value in the form of parsers.mjs."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and not _is_double(value):
        return ["number", str(value)]
    if isinstance(value, int | float | Decimal):
        return ["number", struct.pack(">d", float(value)).hex()]
    if isinstance(value, str):
        return ["text", _code_units(value)]
    if isinstance(value, list):
        return ["list", [say(one) for one in value]]
    return ["object", sorted([_code_units(key), say(inner)] for key, inner in value.items())]


def _is_double(value: int) -> bool:
    try:
        return float(value) == value
    except OverflowError:
        return False


def _code_units(text: str) -> str:
    return text.encode("utf-16-le", "surrogatepass").hex()


def _read(parse: Callable[[bytes], Any], document: bytes) -> Any:
    try:
        return say(parse(document))
    except (ValueError, OverflowError, RecursionError):
        return UNREADABLE


def _take_first(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Nobody's parser of the four, but somebody's: Go's and C's often take the first of two.
    return dict(reversed(pairs))


READERS: Final[dict[str, Callable[[bytes], Any]]] = {
    "json": json.loads,
    "orjson": orjson.loads,
    "pydantic": lambda document: pydantic_core.from_json(document, allow_inf_nan=True),
    "json, the first of two": lambda document: json.loads(document, object_pairs_hook=_take_first),
}


def read_with_python(documents: Sequence[bytes]) -> dict[str, list[Any]]:
    """What every Python parser sees in each document."""
    return {name: [_read(parse, document) for document in documents] for name, parse in READERS.items()}


def read_with_node(documents: Sequence[bytes]) -> list[Any]:
    """What JSON.parse sees in each document, in one process for all."""
    lines = b"".join(base64.b64encode(document) + b"\n" for document in documents)
    answer = subprocess.run([str(find_node()), str(SCRIPT)], input=lines, capture_output=True, timeout=120, check=True)
    seen = [json.loads(line) for line in answer.stdout.splitlines()]
    return [UNREADABLE if "error" in one else one["value"] for one in seen]


def read_exactly(document: bytes) -> dict[str, Any] | None:
    """The tree that the policy engine judges, numbers as int and Decimal; None for a document that is refused."""
    try:
        return read_message(document).tree
    except MessageError:
        return None
