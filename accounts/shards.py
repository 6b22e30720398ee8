"""Names of Redis keys: each of an organisation's carries its shard's hash tag, so that a script stays in one slot."""

from uuid import UUID
from zlib import crc32

SHARDS = 64


def shard_of(organisation_id: UUID) -> int:
    """The shard, 0 to 63, of an organisation: crc32 of its textual id modulo 64."""
    return crc32(str(organisation_id).encode()) % SHARDS


def tag_of(shard: int) -> str:
    """The hash tag `{sNN}` of a shard (Redis Cluster specification, hash tags)."""
    return f"{{s{shard:02d}}}"


def key_of(organisation_id: UUID, *parts: str) -> str:
    """The key `pl:{sNN}:<organisation>:<parts...>`."""
    return ":".join(("pl", tag_of(shard_of(organisation_id)), str(organisation_id), *parts))


def log_key(shard: int) -> str:
    """The stream `pl:{sNN}:log` that decision records of a shard travel through."""
    return f"pl:{tag_of(shard)}:log"
