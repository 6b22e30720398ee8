"""Short-lived marks in Redis: a rediscovery at most once a minute, how far one is, the last connection test.

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
STAGES: Final = ("queued", "connecting", "reading", "matching")
PROGRESS_SECONDS: Final = 300
RUNNING: Final = "running"
RUNNING_SECONDS: Final = 60
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ConnectionCheck:
    """A connection test: `status` is running, ok or failed, and `text` says what was found in words fit to show."""

    status: str
    text: str


@dataclass(frozen=True, slots=True)
class Step:
    """One stage of a discovery as a page shows it."""

    text: str
    is_done: bool
    is_now: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a discovery is: `stage` is one of STAGES, `tools` how many were read so far."""

    stage: str
    tools: int = 0

    @property
    def mark(self) -> str:
        """Another one with every step."""
        return f"{self.stage}-{self.tools}"

    @property
    def steps(self) -> list[Step]:
        """Every stage in words, those behind it done."""
        tools = f"{self.tools} tool{'' if self.tools == 1 else 's'}"
        words = (
            "Queued",
            "Connecting",
            f"Reading tools: {tools} so far" if self.stage == STAGES[2] else "Reading tools",
            f"Comparing {tools} with what is pinned" if self.stage == STAGES[3] else "Comparing with what is pinned",
        )
        now = STAGES.index(self.stage)
        return [Step(text, at < now, at == now) for at, text in enumerate(words)]


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


def save_progress(organisation_id: UUID, server_id: UUID, progress: Progress) -> None:
    """Keep how far a discovery is, for those who watch it; the next step takes its place."""
    try:
        _client().set(_progress_key(organisation_id, server_id), json.dumps(asdict(progress)), ex=PROGRESS_SECONDS)
    except redis.RedisError as error:
        log.warning("progress not kept: %s", type(error).__name__)


def load_progress(organisation_id: UUID, server_id: UUID) -> Progress:
    """How far a discovery that is under way is; queued where nothing is known of it."""
    try:
        text = _client().get(_progress_key(organisation_id, server_id))
    except redis.RedisError as error:
        log.warning("progress not read: %s", type(error).__name__)
        return Progress("queued")
    return Progress(**json.loads(text)) if isinstance(text, (str, bytes)) else Progress("queued")


def _progress_key(organisation_id: UUID, server_id: UUID) -> str:
    return key_of(organisation_id, "discovery-progress", str(server_id))


def _check_key(organisation_id: UUID, server_id: UUID) -> str:
    return key_of(organisation_id, "connection-check", str(server_id))


@cache
def _client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)
