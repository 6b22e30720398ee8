"""What the catalogue in the database is, as one short text: pages kept under it are known to be current.

It is asked of Redis, so that a page that is kept costs no query; without Redis the database answers. No load is missed:
the loader writes the new stamp, and what a reader writes expires.
"""

import hashlib
from contextlib import suppress

from django.core.cache import cache
from django.db import connection
from redis.exceptions import RedisError

from catalog.access import loaded_digests

SECONDS = 300


def current_stamp() -> str:
    """The stamp of the loaded catalogue; costs a query only when Redis does not know it, or is away."""
    try:
        found: str | None = cache.get(stamp_key())
    except RedisError:
        return _read_stamp()
    if found is None:
        found = _read_stamp()
        with suppress(RedisError):
            # Not over the word of a load that ended in between.
            cache.add(stamp_key(), found, SECONDS)
    return found


def renew_stamp() -> None:
    """Tell every process that the catalogue is another one; where Redis is away, they notice within five minutes."""
    with suppress(RedisError):
        cache.set(stamp_key(), _read_stamp(), SECONDS)


def _read_stamp() -> str:
    return hashlib.sha256(repr(loaded_digests()).encode()).hexdigest()[:32]


def stamp_key() -> str:
    """Where Redis keeps the stamp of this database's catalogue."""
    # Two databases may share one Redis.
    return f"catalogue:{connection.settings_dict['NAME']}"
