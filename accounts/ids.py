"""UUIDv7 identifiers (RFC 9562, section 5.7), so that records sort by time; must never be used as a secret."""

import os
import time
import uuid


def new_uuid7(unix_ms: int | None = None) -> uuid.UUID:
    """A UUIDv7 for the given Unix time in milliseconds (now when None), with 74 random bits."""
    ms = time.time_ns() // 1_000_000 if unix_ms is None else unix_ms
    bits = int.from_bytes(os.urandom(10), "big")
    value = (ms & 0xFFFFFFFFFFFF) << 80 | 0x7 << 76 | (bits >> 68 & 0xFFF) << 64 | 0b10 << 62 | (bits & (1 << 62) - 1)
    return uuid.UUID(int=value)
