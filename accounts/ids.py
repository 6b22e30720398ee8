"""UUIDv7 identifiers (RFC 9562, section 5.7), so that records sort by time; must never be used as a secret."""

import os
import time
import uuid


def new_uuid7(unix_us: int | None = None) -> uuid.UUID:
    """A UUIDv7 for the given Unix time in microseconds (now when None), with 62 random bits.

    The 12 bits after the milliseconds hold their fraction (RFC 9562, section 6.2, method 3): ids sort by microsecond.
    """
    milliseconds, rest = divmod(time.time_ns() // 1000 if unix_us is None else unix_us, 1000)
    random = int.from_bytes(os.urandom(8), "big") >> 2
    value = (milliseconds & 0xFFFFFFFFFFFF) << 80 | 0x7 << 76 | (rest * 4096 // 1000) << 64 | 0b10 << 62 | random
    return uuid.UUID(int=value)
