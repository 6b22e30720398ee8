"""What accounts tells the host: work that waits in the queue, whether scheduled work runs, mail that did not go out."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import redis
from django.conf import settings
from django.utils import timezone

from accounts.contact.access import count_unmailed
from accounts.contact.mail import host_address
from accounts.operator.registry import Finding

WORK_NOTED: Final = "pl:scheduled-work-at"
# Beat asks every 15 seconds.
LATE_SECONDS: Final = 90
LONG_QUEUE: Final = 500
QUEUE: Final = "celery"


def note_scheduled_work(redis_url: str, at: datetime) -> None:
    """Note that a worker has just done what beat asked for; raises RedisError."""
    with _connect(redis_url) as client:
        client.set(WORK_NOTED, at.timestamp())


def check_queue() -> Iterator[Finding]:
    """How many tasks wait for a worker; raises RedisError."""
    prefix = settings.CELERY_BROKER_TRANSPORT_OPTIONS["global_keyprefix"]
    with _connect(settings.CELERY_BROKER_URL) as client:
        waiting: Any = client.llen(f"{prefix}{QUEUE}")
    yield Finding(
        "Queue", waiting < LONG_QUEUE, f"{waiting} {'task waits' if waiting == 1 else 'tasks wait'} for a worker."
    )


def check_scheduled_work() -> Iterator[Finding]:
    """When beat and a worker last did something together; raises RedisError."""
    with _connect(settings.REDIS_URL) as client:
        noted: Any = client.get(WORK_NOTED)
    if noted is None:
        yield Finding("Scheduled work", False, "None has run yet. Start `celery beat` and `celery worker`.")
        return
    seconds = max(0, int(timezone.now().timestamp() - float(noted)))
    is_late = seconds > LATE_SECONDS
    advice = " Look whether `celery beat` and `celery worker` run." if is_late else ""
    yield Finding("Scheduled work", not is_late, f"Last run {seconds} s ago.{advice}")


def check_contact_mail() -> Iterator[Finding]:
    """New contact messages that no mail has told of; inside the host's block."""
    if not host_address():
        yield Finding(
            "Contact mail", False, "OPERATOR_EMAIL is not set: messages wait under Messages, and nobody is told."
        )
        return
    unmailed = count_unmailed()
    why = f" The last attempt failed: {unmailed.error}" if unmailed.error else ""
    yield Finding(
        "Contact mail", not unmailed.error, f"{unmailed.count} waiting to be mailed to {host_address()}.{why}"
    )


def _connect(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1)
