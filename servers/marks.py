"""Short-lived marks in Redis: a rediscovery at most once a minute, and the outcome of the last connection test.

Nothing depends on them: without Redis there is no mark, and nothing is raised.
"""

import json
import logging
from dataclasses import asdict, dataclass
from functools import cache
from typing import Final
from uuid import UUID

import redis
from django.conf import settings

from accounts.shards import key_of

REDISCOVERY_SECONDS: Final = 60
CHECK_SECONDS: Final = 600
RUNNING: Final = "running"
RUNNING_SECONDS: Final = 60
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ConnectionCheck:
    """A connection test: `status` is running, ok or failed, and `text` says what was found in words fit to show."""

    status: str
    text: str


def claim_rediscovery(organisation_id: UUID, server_id: UUID) -> bool:
    """True for the first caller in any minute; False for the others, and when Redis is away."""
    try:
        key = key_of(organisation_id, "rediscovery", str(server_id))
        return bool(_client().set(key, 1, nx=True, ex=REDISCOVERY_SECONDS))
    except redis.RedisError as error:
        log.warning("rediscovery not claimed: %s", type(error).__name__)
        return False


def save_check(organisation_id: UUID, server_id: UUID, check: ConnectionCheck) -> None:
    """Keep the outcome of a connection test for ten minutes; one under way for a minute, should its worker die."""
    seconds = RUNNING_SECONDS if check.status == RUNNING else CHECK_SECONDS
    try:
        _client().set(_check_key(organisation_id, server_id), json.dumps(asdict(check)), ex=seconds)
    except redis.RedisError as error:
        log.warning("connection test not kept: %s", type(error).__name__)


def load_check(organisation_id: UUID, server_id: UUID) -> ConnectionCheck | None:
    """The last connection test of a server, or None."""
    try:
        text = _client().get(_check_key(organisation_id, server_id))
    except redis.RedisError as error:
        log.warning("connection test not read: %s", type(error).__name__)
        return None
    return ConnectionCheck(**json.loads(text)) if isinstance(text, (str, bytes)) else None


def _check_key(organisation_id: UUID, server_id: UUID) -> str:
    return key_of(organisation_id, "connection-check", str(server_id))


@cache
def _client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)
