"""What the gateway tells the host: whether its dependencies answer, and how far the log writer is behind."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import redis
from django.conf import settings

from accounts.operator.registry import Finding
from accounts.shards import SHARDS, log_key
from gateway.readiness import find_reasons

LATE_SECONDS: Final = 60


def check_dependencies() -> Iterator[Finding]:
    """PostgreSQL, Redis, role, migrations and catalogue, as /readyz judges them."""
    reasons = find_reasons()
    yield Finding(
        "Dependencies", not reasons, " ".join(reasons) or "PostgreSQL, Redis, migrations and catalogue are in order."
    )


def check_log_writer() -> Iterator[Finding]:
    """Decision records that are not in PostgreSQL yet, and those that could not be written; raises RedisError."""
    streams = [log_key(shard) for shard in range(SHARDS)]
    with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2) as client:
        pipe = client.pipeline(transaction=False)
        for stream in streams:
            pipe.xlen(stream)
            pipe.xrange(stream, count=1)
            pipe.xlen(f"{stream}:rejected")
        answers: list[Any] = pipe.execute()
    waiting, rejected = sum(answers[0::3]), sum(answers[2::3])
    oldest = [int(entries[0][0].partition(b"-")[0]) / 1000 for entries in answers[1::3] if entries]
    seconds = max(0, int(datetime.now(UTC).timestamp() - min(oldest))) if oldest else 0
    text = (
        f"{waiting} decision records wait to be written, the oldest for {seconds} s." if waiting else "Nothing waits."
    )
    advice = " Look whether `manage.py write_log` runs." if seconds > LATE_SECONDS else ""
    yield Finding("Log writer", seconds <= LATE_SECONDS, text + advice)
    yield Finding(
        "Unwritten records", not rejected, f"{rejected} records were set aside because they could not be written."
    )
