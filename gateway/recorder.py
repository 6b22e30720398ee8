"""Gets decision records written: through the organisation's Redis stream, or into PostgreSQL when Redis is away."""

import asyncio
import logging
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from accounts.shards import log_key, shard_of
from gateway.ledger import Ledger, LedgerAwayError
from gateway.record import Record, encode_record
from gateway.wire import StoreAwayError, StoreReplyError, Wire

log = logging.getLogger(__name__)

DRAIN_SECONDS: Final = 5.0


class RecordUnavailableError(Exception):
    """Neither store took the record."""


class Recorder:
    """Belongs to one event loop; drain() before the stores are closed."""

    def __init__(self, wire: Wire, ledger: Ledger) -> None:
        self._wire = wire
        self._ledger = ledger
        self._open: set[asyncio.Future[Any]] = set()

    async def commit(self, record: Record) -> None:
        """Write into PostgreSQL and wait for its commit; raises RecordUnavailableError."""
        try:
            await self._ledger.write(record)
        except LedgerAwayError:
            raise RecordUnavailableError from None

    async def write(self, record: Record) -> None:
        """Write to the stream, or to PostgreSQL when that fails; raises RecordUnavailableError."""
        try:
            await self._add(record)
        except (StoreAwayError, StoreReplyError):
            await self.commit(record)

    async def refuse(self, record: Record) -> None:
        """Write a refusal, which stands whether it can be recorded or not."""
        try:
            await self.write(record)
        except RecordUnavailableError:
            log.error("refusal %s is not recorded: both stores are away", record.id)

    def finish(self, record: Record) -> None:
        """Write an outcome without keeping the client waiting; a failure is made good in PostgreSQL."""
        future = self._add(record, lingers=True)
        self._open.add(future)
        future.add_done_callback(lambda done: self._settle(done, record))

    async def drain(self) -> None:
        """Wait for every outcome that is on its way."""
        if self._open:
            await asyncio.wait(self._open, timeout=DRAIN_SECONDS)
        # A failed one left a task behind.
        if self._open:
            await asyncio.wait(self._open, timeout=DRAIN_SECONDS)

    def _add(self, record: Record, *, lingers: bool = False) -> "asyncio.Future[Any]":
        stream = _stream_of(record.organisation)
        return self._wire.send("XADD", stream, "*", "r", encode_record(record), lingers=lingers)

    def _settle(self, done: "asyncio.Future[Any]", record: Record) -> None:
        self._open.discard(done)
        if done.cancelled() or done.exception() is not None:
            task = asyncio.get_running_loop().create_task(self._save(record))
            self._open.add(task)
            task.add_done_callback(self._open.discard)

    async def _save(self, record: Record) -> None:
        try:
            await self.commit(record)
        except RecordUnavailableError:
            # The intent stays, and shows as unknown after ten minutes.
            log.error("outcome of %s is not recorded: both stores are away", record.id)


@lru_cache(maxsize=10_000)
def _stream_of(organisation: UUID) -> str:
    return log_key(shard_of(organisation))
