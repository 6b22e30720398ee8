"""The digest that binds an approval and a record to one call's arguments. Pure; it keeps nothing of the arguments."""

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Final

from policies.engine.values import JSON

_WORDS: Final = {None: "null", True: "true", False: "false"}


def digest_arguments(arguments: Mapping[str, JSON]) -> str:
    """SHA-256, in hexadecimal, of the arguments in the canonical form of RFC 8785.

    One departure: numbers stay the exact decimal tokens that they came as (1 and 1.0 differ), because the RFC's doubles
    would make different amounts alike. Raises TypeError on a value that is not JSON, a float included, and
    RecursionError on nesting that the gateway's depth bound never lets in.
    """
    return hashlib.sha256(write_canonical(dict(arguments)).encode("utf-8", "surrogatepass")).hexdigest()


def write_canonical(value: JSON) -> str:
    """The canonical text itself: keys in order of their UTF-16 code units, no spaces, the shortest escapes."""
    if isinstance(value, str):
        return encode_basestring(value)
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    if isinstance(value, (int, Decimal)):
        # By way of Decimal, because str() of an int refuses more than 4,300 digits.
        return str(value) if isinstance(value, Decimal) or value.bit_length() < 1_000 else f"{Decimal(value):f}"
    if isinstance(value, list):
        return f"[{','.join(map(write_canonical, value))}]"
    if isinstance(value, dict):
        members = [f"{encode_basestring(key)}:{write_canonical(value[key])}" for key in _sort_keys(value)]
        return f"{{{','.join(members)}}}"
    raise TypeError(f"{type(value).__name__} is not a JSON value")


def _sort_keys(value: dict[str, JSON]) -> list[str]:
    if all(map(str.isascii, value)):
        return sorted(value)
    return sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))
