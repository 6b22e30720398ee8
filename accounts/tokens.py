"""Bearer tokens: prefix, 27 base62 characters of randomness, 6 of CRC32; only their SHA-256 may ever be stored."""

import hashlib
import re
import secrets
import string
from dataclasses import dataclass
from enum import StrEnum
from zlib import crc32

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
RANDOM_LENGTH = 27
CHECKSUM_LENGTH = 6
# Published for secret scanners.
TOKEN_PATTERN = re.compile(r"\bpl[gca]_[0-9A-Za-z]{33}\b")


class Prefix(StrEnum):
    """What a token is for."""

    GRANT = "plg_"
    CONNECTOR = "plc_"
    API_KEY = "pla_"


@dataclass(frozen=True, slots=True)
class Token:
    """A freshly minted token; `text` is shown once and then forgotten."""

    text: str
    hash: bytes
    last_four: str


def mint_token(prefix: Prefix) -> Token:
    """A new token with 160 bits of randomness."""
    body = "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_LENGTH))
    text = f"{prefix}{body}{_checksum(prefix + body)}"
    return Token(text=text, hash=hash_token(text), last_four=text[-4:])


def hash_token(text: str) -> bytes:
    """The SHA-256 by which a token is looked up; 160 random bits need no salt and no slow hash."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def is_well_formed(text: str, prefix: Prefix) -> bool:
    """Whether prefix, length, alphabet and checksum are right; says nothing about whether the token is valid."""
    if not text.startswith(prefix) or TOKEN_PATTERN.fullmatch(text) is None:
        return False
    return _checksum(text[:-CHECKSUM_LENGTH]) == text[-CHECKSUM_LENGTH:]


def _checksum(text: str) -> str:
    value = crc32(text.encode("ascii"))
    digits = []
    for _ in range(CHECKSUM_LENGTH):
        value, index = divmod(value, len(ALPHABET))
        digits.append(ALPHABET[index])
    return "".join(reversed(digits))
