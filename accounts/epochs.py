"""Announces over Redis that an organisation's epoch rose; only the quick way, gateways poll PostgreSQL as well."""

import logging
from functools import cache
from uuid import UUID

import redis
from django.conf import settings

CHANNEL = "pl:epochs"
log = logging.getLogger(__name__)


def announce_epoch(organisation_id: UUID) -> None:
    """Tell every gateway process to look at this organisation again; a Redis that is away only costs a second."""
    try:
        _client().publish(CHANNEL, str(organisation_id))
    except redis.RedisError as error:
        log.warning("epoch not announced, gateways see it by polling: %s", type(error).__name__)


@cache
def _client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)
