"""PostgreSQL for the event loop: intents that must be durable before a call is forwarded, and organisations' epochs."""

import asyncio
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from time import monotonic
from typing import Any, Final, NamedTuple
from uuid import UUID

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from gateway.record import UPSERT, Record, row_of

ANSWER_SECONDS: Final = 3.0
# One call in this time finds out whether PostgreSQL is back; the others do not wait for it.
RETRY_SECONDS: Final = 1.0
MAX_CONNECTIONS: Final = 6


class LedgerAwayError(Exception):
    """PostgreSQL did not confirm in time: the row may be there or not."""


class Epoch(NamedTuple):
    """Where an organisation stands now."""

    epoch: int
    is_killed: bool


class Ledger:
    """Two small pools, so that a burst of intents never keeps the epochs waiting; start() and close() on one loop."""

    def __init__(self, database: dict[str, Any]) -> None:
        options = {
            "host": database["HOST"],
            "port": database["PORT"],
            "user": database["USER"],
            "password": database["PASSWORD"],
            "dbname": database["NAME"],
            **database.get("OPTIONS", {}),
        }
        self._options = {key: value for key, value in options.items() if value != ""}
        self._failed_at = -RETRY_SECONDS
        self._working: set[asyncio.Task[None]] = set()
        self._writers: AsyncConnectionPool[psycopg.AsyncConnection[Any]] | None = None
        self._readers: AsyncConnectionPool[psycopg.AsyncConnection[Any]] | None = None

    async def start(self) -> None:
        """Open the pools; a PostgreSQL that is away is tried again in the background."""
        self._writers, self._readers = self._make_pool(MAX_CONNECTIONS), self._make_pool(1)
        for pool in (self._writers, self._readers):
            await pool.open()
            # Not an error here: readiness is told elsewhere, and calls are refused until it is there.
            with suppress(PoolTimeout):
                await pool.wait(ANSWER_SECONDS)

    async def close(self) -> None:
        """Close every connection."""
        for pool in (self._writers, self._readers):
            if pool is not None:
                await pool.close()

    async def write(self, record: Record) -> None:
        """Commit one record in its organisation's transaction; raises LedgerAwayError, at once if known away."""
        if monotonic() - self._failed_at < RETRY_SECONDS:
            raise LedgerAwayError("away a moment ago")
        try:
            await self._finish_in_time(self._commit_twice(record))
        except (psycopg.OperationalError, OSError) as error:
            # PoolTimeout is an OperationalError, TimeoutError an OSError.
            self._failed_at = monotonic()
            raise LedgerAwayError(type(error).__name__) from None
        except psycopg.Error as error:
            raise LedgerAwayError(type(error).__name__) from None

    async def _finish_in_time(self, work: Coroutine[Any, Any, None]) -> None:
        """Do the work, or raise TimeoutError without waiting for what breaking it off takes.

        psycopg ends a pipeline that is broken off with a round trip, which a lock can keep waiting for ever.
        """
        task = asyncio.get_running_loop().create_task(work)
        self._working.add(task)
        task.add_done_callback(self._end_work)
        try:
            await asyncio.wait({task}, timeout=ANSWER_SECONDS)
        finally:
            is_late = not task.done()
            task.cancel()
        if is_late:
            raise TimeoutError
        await task

    def _end_work(self, task: "asyncio.Task[None]") -> None:
        self._working.discard(task)
        if not task.cancelled():
            # Seen here, in case nobody waits any more.
            task.exception()

    async def _commit_twice(self, record: Record) -> None:
        try:
            await self._commit(record)
        except psycopg.OperationalError:
            # A pooled connection may have died unnoticed; the same row again changes nothing.
            await self._commit(record)

    async def _commit(self, record: Record) -> None:
        async with (
            self._pool(self._writers).connection() as connection,
            connection.pipeline(),
            connection.transaction(),
        ):
            await connection.execute(_TENANT, [str(record.organisation)])
            await connection.execute(UPSERT, row_of(record))

    async def read_epochs(self, organisations: Iterable[UUID]) -> dict[UUID, Epoch]:
        """The present epochs of those organisations that exist; raises LedgerAwayError."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS), self._pool(self._readers).connection() as connection:
                cursor = await connection.execute(_EPOCHS, [list(organisations)])
                return {row[0]: Epoch(row[1], row[2]) for row in await cursor.fetchall()}
        except (psycopg.Error, PoolTimeout, OSError) as error:
            raise LedgerAwayError(type(error).__name__) from None

    def _make_pool(self, size: int) -> "AsyncConnectionPool[psycopg.AsyncConnection[Any]]":
        return AsyncConnectionPool(
            kwargs={**self._options, "autocommit": True},
            min_size=1,
            max_size=size,
            open=False,
            timeout=ANSWER_SECONDS,
            reconnect_timeout=0.5,
            check=AsyncConnectionPool.check_connection if size == 1 else None,
            name="gateway",
        )

    @staticmethod
    def _pool(
        pool: "AsyncConnectionPool[psycopg.AsyncConnection[Any]] | None",
    ) -> "AsyncConnectionPool[psycopg.AsyncConnection[Any]]":
        if pool is None:
            raise LedgerAwayError("not started")
        return pool


_TENANT: Final = "SELECT set_config('policylayer.organisation', %s, true)"
_EPOCHS: Final = "SELECT id, epoch, is_killed FROM policylayer_epochs(%s)"
