"""Whether this process could serve a call now: stores answer, as the right role, at the right version. No secrets."""

from functools import cache

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from catalog.access import list_servers

TIMEOUT_SECONDS = 2
ROLE_QUERY = """
SELECT rolsuper, rolbypassrls,
       EXISTS (SELECT 1 FROM pg_class WHERE relowner = role.oid AND relnamespace = 'public'::regnamespace)
FROM pg_roles role WHERE rolname = current_user
"""


def find_reasons() -> list[str]:
    """Why this installation is not ready, in sentences; empty when it is."""
    try:
        reasons = [*_judge_role(), *_judge_migrations()] or _judge_catalogue()
    except DatabaseError as error:
        reasons = [f"PostgreSQL does not answer ({type(error).__name__})."]
    return [*reasons, *_judge_redis()]


def _judge_role() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(ROLE_QUERY)
        row = cursor.fetchone()
    if row is None or row[0] or row[1]:
        return ["The serving role bypasses row-level security: give DATABASE_URL a role that is no superuser."]
    if row[2]:
        return ["The serving role owns tables: give DATABASE_URL a role that owns nothing."]
    return []


def _judge_migrations() -> list[str]:
    missing = _known_migrations() - set(MigrationRecorder(connection).applied_migrations())
    return [f"{len(missing)} migrations are not applied: run migrate as the owner."] if missing else []


@cache
def _known_migrations() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None, ignore_no_migrations=True).disk_migrations)


def _judge_catalogue() -> list[str]:
    return [] if any(overview.total for overview in list_servers()) else ["The catalogue is empty: run load_catalog."]


def _judge_redis() -> list[str]:
    client = redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS
    )
    try:
        client.ping()
    except redis.RedisError as error:
        return [f"Redis does not answer ({type(error).__name__})."]
    finally:
        client.close()
    return []
