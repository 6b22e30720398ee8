"""Asks the databases that URLs name whether they answer and are new enough: one sentence and exit code 1 if not."""

import sys
from collections.abc import Callable

import psycopg
import redis

from config.env import Env

SECONDS = 3


def check_postgres(name: str, url: str) -> str:
    try:
        with psycopg.connect(url, connect_timeout=SECONDS) as connection:
            if connection.info.server_version < 150000:
                return f"{name} leads to PostgreSQL {connection.info.server_version // 10000}: use 15 or newer."
    except psycopg.Error as error:
        return f"{name} does not answer ({str(error).strip().splitlines()[0]}): start that database or mend the URL."
    return ""


def check_redis(name: str, url: str) -> str:
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=SECONDS, socket_timeout=SECONDS) as client:
            version = str(client.info("server")["redis_version"])
    except (redis.RedisError, ValueError) as error:
        return f"{name} does not answer ({error}): start that Redis or mend the URL."
    return "" if int(version.split(".")[0]) >= 7 else f"{name} leads to Redis {version}: use 7 or newer."


CHECKS: dict[str, Callable[[str, str], str]] = {
    "DATABASE_URL": check_postgres,
    "DATABASE_OWNER_URL": check_postgres,
    "REDIS_URL": check_redis,
}


def main() -> int:
    for name in sys.argv[1:]:
        problem = CHECKS[name](name, Env().raw(name) or "")
        if problem:
            print(problem)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
