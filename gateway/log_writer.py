"""Moves decision records from the 64 Redis streams into PostgreSQL; several writers may run, and none loses an entry.

Must never stop at an entry that cannot be written: that one is logged and set aside in `pl:{sNN}:log:rejected`.
"""

import logging
import os
import secrets
import socket
from collections import defaultdict
from collections.abc import Iterable, Mapping
from threading import Event
from time import monotonic
from typing import Any, Final, NamedTuple
from uuid import UUID

import redis
from asgiref.sync import async_to_sync
from django.db import DatabaseError, InterfaceError, OperationalError, connection

from accounts.shards import SHARDS, log_key, shard_of
from accounts.tenancy import tenant
from gateway.hints import Happened, Hint, send_hints
from gateway.record import UPSERT, Record, RecordUnreadableError, decode_record, encode_record, row_of
from policies.models import RecordStatus
from policies.services import touch_grants

log = logging.getLogger(__name__)

GROUP: Final = "writers"
BATCH: Final = 200
BLOCK_MS: Final = 300
RETRY_SECONDS: Final = 0.5
# An entry that a writer has read and not acknowledged for this long is taken over by another one.
STALE_MS: Final = 15_000
UPKEEP_SECONDS: Final = 15.0
UNKNOWN_AFTER: Final = "10 minutes"
KEPT_REJECTED: Final = 1000


class Entry(NamedTuple):
    """One stream entry, as read."""

    stream: str
    id: bytes
    data: bytes


class LogWriter:
    """One writer; run() blocks until it is told to stop. Redis and PostgreSQL may go away and come back meanwhile."""

    def __init__(self, redis_url: str) -> None:
        self._redis = redis.Redis.from_url(redis_url, socket_timeout=5, socket_connect_timeout=2)
        self._name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self._streams = [log_key(shard) for shard in range(SHARDS)]
        self._kept_up_at = 0.0
        self._is_ready = False

    def run(self, stop: Event) -> None:
        """Read and write until `stop` is set; what has been read by then is still written, if PostgreSQL is there."""
        while not stop.is_set():
            try:
                self._step(stop)
            except redis.ResponseError as error:
                # The groups are gone with Redis's data, or it is still loading.
                self._is_ready = False
                log.warning("the log's streams are not ready: %s", str(error).partition(" ")[0])
                stop.wait(RETRY_SECONDS)
            except redis.RedisError as error:
                log.warning("Redis is away: %s", type(error).__name__)
                stop.wait(RETRY_SECONDS)
            except (OperationalError, InterfaceError) as error:
                log.warning("PostgreSQL is away: %s", type(error).__name__)
                connection.close()
                stop.wait(RETRY_SECONDS)
        self._leave()
        connection.close()

    def _step(self, stop: Event) -> None:
        if not self._is_ready:
            self._make_groups()
        if monotonic() - self._kept_up_at > UPKEEP_SECONDS:
            self._kept_up_at = monotonic()
            self._write(self._claim(), stop)
            mark_unknown()
        answer: Any = self._redis.xreadgroup(GROUP, self._name, dict.fromkeys(self._streams, ">"), BATCH, BLOCK_MS)
        self._write([entry for stream, found in answer for entry in _entries_of(stream, found)], stop)

    def _make_groups(self) -> None:
        for stream in self._streams:
            try:
                self._redis.xgroup_create(stream, GROUP, id="0", mkstream=True)
            except redis.ResponseError as error:
                if not str(error).startswith("BUSYGROUP"):
                    raise
        self._is_ready = True

    def _claim(self) -> list[Entry]:
        pipe = self._redis.pipeline(transaction=False)
        for stream in self._streams:
            pipe.xautoclaim(stream, GROUP, self._name, STALE_MS, count=BATCH)
        return [
            entry
            for stream, answer in zip(self._streams, pipe.execute(), strict=True)
            for entry in _entries_of(stream.encode(), answer[1])
        ]

    def _write(self, entries: list[Entry], stop: Event) -> None:
        """Write a batch and acknowledge it; waits for PostgreSQL, as another batch could not be written either."""
        organisations: dict[UUID, dict[UUID, Record]] = defaultdict(dict)
        for entry in entries:
            record = self._read(entry)
            if record is None:
                continue
            kept = organisations[record.organisation]
            # An outcome beats the intent that came with it.
            if record.id not in kept or record.status is not RecordStatus.INTENT:
                kept[record.id] = record
        for organisation, records in organisations.items():
            while not self._save(organisation, list(records.values())):
                if stop.wait(RETRY_SECONDS):
                    # Not acknowledged: the next writer takes them over.
                    return
        self._acknowledge(entries)
        tell_pages(organisations)

    def _read(self, entry: Entry) -> Record | None:
        try:
            record = decode_record(entry.data)
        except RecordUnreadableError:
            self._set_aside(entry.stream, entry.data, "it is no record")
            return None
        if log_key(shard_of(record.organisation)) != entry.stream:
            self._set_aside(entry.stream, entry.data, "it is in another shard's stream")
            return None
        return record

    def _save(self, organisation: UUID, records: list[Record]) -> bool:
        """Whether the records are dealt with; False when PostgreSQL is away."""
        try:
            write_records(organisation, records)
        except (OperationalError, InterfaceError) as error:
            log.warning("PostgreSQL is away: %s", type(error).__name__)
            connection.close()
            return False
        except DatabaseError:
            if len(records) > 1:
                return all(self._save(organisation, [record]) for record in records)
            self._set_aside(log_key(shard_of(organisation)), encode_record(records[0]), "PostgreSQL refuses it")
        return True

    def _set_aside(self, stream: str, data: bytes, why: str) -> None:
        log.error("an entry of %s is set aside: %s", stream, why)
        self._redis.xadd(f"{stream}:rejected", {"r": data, "why": why}, maxlen=KEPT_REJECTED, approximate=True)

    def _acknowledge(self, entries: list[Entry]) -> None:
        ids: dict[str, list[bytes]] = defaultdict(list)
        for entry in entries:
            ids[entry.stream].append(entry.id)
        pipe = self._redis.pipeline(transaction=False)
        for stream, written in ids.items():
            pipe.xack(stream, GROUP, *written)
            pipe.xdel(stream, *written)
        pipe.execute()

    def _leave(self) -> None:
        try:
            for stream in self._streams:
                # A consumer with entries that it could not write stays, so that they can be claimed.
                if not self._redis.xpending_range(stream, GROUP, "-", "+", 1, self._name):
                    self._redis.xgroup_delconsumer(stream, GROUP, self._name)
        except redis.RedisError as error:
            log.warning("not signed off: %s", type(error).__name__)
        self._redis.close()


def write_records(organisation: UUID, records: Iterable[Record]) -> None:
    """Write records of one organisation in one transaction and note when their grants were used; raises DatabaseError.

    Writing a record twice, or an intent after its outcome, changes nothing.
    """
    # In the order of their ids, so that two writers never wait for each other's rows.
    rows = sorted(records, key=lambda record: record.id)
    with tenant(organisation):
        with connection.cursor() as cursor:
            cursor.executemany(UPSERT, [row_of(record) for record in rows])
        touch_grants({record.grant for record in rows}, max(record.at for record in rows))


def tell_pages(organisations: Mapping[UUID, Mapping[UUID, Record]]) -> None:
    """Hint to the open pages of these organisations that there are new records on some servers."""
    servers = {(place, record.server) for place, records in organisations.items() for record in records.values()}
    if servers:
        async_to_sync(send_hints)([Hint(place, server, Happened.DECISION) for place, server in servers])


def mark_unknown() -> None:
    """Mark intents whose outcome did not come within UNKNOWN_AFTER as unknown: forwarded, and nobody will ever know."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM policylayer_open_organisations(now() - %s::interval)", [UNKNOWN_AFTER])
        organisations = [row[0] for row in cursor.fetchall()]
    for organisation in organisations:
        with tenant(organisation), connection.cursor() as cursor:
            cursor.execute(_MARK, [RecordStatus.UNKNOWN.value, RecordStatus.INTENT.value, UNKNOWN_AFTER])


_MARK: Final = "UPDATE policies_decisionrecord SET status = %s WHERE status = %s AND at < now() - %s::interval"


def _entries_of(stream: bytes, found: Iterable[Any]) -> list[Entry]:
    # A claimed entry that was deleted meanwhile has no fields.
    return [Entry(stream.decode(), key, fields.get(b"r", b"")) for key, fields in found if fields]
