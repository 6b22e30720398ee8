"""A knock: a request that came to no grant, kept for an hour so that its server's pages can say what went wrong.

Holds no token, no address and no argument; the list is short, and the latest pushes the oldest out.
"""

from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, Final
from uuid import UUID

import msgspec
import redis
from django.conf import settings

from accounts.shards import key_of
from accounts.tokens import TOKEN_PATTERN

KEPT: Final = 20
KEPT_SECONDS: Final = 3600
MAX_CLIENT: Final = 80


class Wrong(StrEnum):
    """What was wrong with a request before it was anybody's."""

    NO_TOKEN = "no token"
    NOT_A_GRANT = "not a grant"
    MALFORMED = "malformed token"
    UNKNOWN = "unknown token"
    REVOKED = "revoked"
    EXPIRED = "expired"
    OTHER_SERVER = "other server"
    OTHER_ADDRESS = "other address"
    HOST = "host"
    ORIGIN = "origin"
    VERB = "verb"
    # A stream without a session: the transport of 2024 (HTTP+SSE) begins so, and some clients open one after a call.
    STREAM = "stream"
    HEADERS = "headers"


class Knock(msgspec.Struct, kw_only=True, frozen=True):
    """One request. `grant` is whose token it carried, where that is a grant of this organisation."""

    at: datetime
    why: Wrong
    era: str = ""
    client: str = ""
    grant: UUID | None = None


def knock_key(organisation: UUID, server: UUID) -> str:
    """The list of a server's latest knocks."""
    return key_of(organisation, "knock", str(server))


def encode_knock(knock: Knock) -> bytes:
    """The knock as it is kept."""
    return _encoder.encode(knock)


def clean_client(text: str) -> str:
    """What a client calls itself, without NUL and without anything that looks like a token."""
    return TOKEN_PATTERN.sub("(token)", text.replace("\x00", ""))[:MAX_CLIENT]


def read_knocks(organisation: UUID, server: UUID) -> list[Knock]:
    """The latest knocks, newest first; none when Redis is away, for they are hints and no record. Blocks."""
    try:
        found: Any = _client().lrange(knock_key(organisation, server), 0, KEPT - 1)
    except redis.RedisError:
        return []
    knocks = []
    for data in found:
        try:
            knocks.append(_decoder.decode(data))
        except msgspec.MsgspecError:
            # Written by another version.
            continue
    return knocks


@cache
def _client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Knock)
