"""The log writer loses nothing, stops at nothing, and leaves when it is told to."""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
from django.conf import settings

from accounts.ids import new_uuid7
from accounts.shards import log_key, shard_of
from accounts.tenancy import tenant
from gateway.log_writer import GROUP, LogWriter, mark_unknown, write_records
from gateway.record import Record, encode_record
from policies.models import Grant, RecordStatus
from tests.gateway.stores import environment_of_subprocess
from tests.gateway.world import ALLOW, World, records_of, wait_until

Build = Callable[..., World]


@pytest.fixture
def store(redis_url: str) -> Iterator[Any]:
    with redis.Redis.from_url(redis_url) as client:
        yield client


def record_for(world: World, *, status: str = "ok", organisation: UUID | None = None, **fields: Any) -> Record:
    values: dict[str, Any] = {
        "id": new_uuid7(),
        "at": datetime.now(UTC),
        "organisation": organisation or world.organisation.id,
        "server": world.server.id,
        "grant": world.grant.id,
        "era": "legacy",
        "method": "tools/call",
        "outcome": "allow",
        "rule": "(default)",
        "status": RecordStatus(status),
    }
    return Record(**{**values, **fields})


def add(store: Any, data: bytes, organisation: UUID) -> None:
    store.xadd(log_key(shard_of(organisation)), {"r": data})


def test_a_poisoned_entry_is_set_aside_and_stops_nothing(build: Build, store: Any, log_writer: None) -> None:
    world, stranger = build(ALLOW), uuid4()
    stream = log_key(shard_of(world.organisation.id))
    other = log_key((shard_of(world.organisation.id) + 1) % 64)
    deleted = record_for(world, organisation=stranger)
    store.xadd(stream, {"r": b"no json"})
    store.xadd(stream, {"r": b"{}"})
    store.xadd(stream, {"other": b"field"})
    store.xadd(other, {"r": encode_record(record_for(world))})
    add(store, encode_record(deleted), stranger)
    bad = record_for(world, rule="x" * 501)
    add(store, encode_record(bad), world.organisation.id)
    good = record_for(world)
    add(store, encode_record(good), world.organisation.id)
    wait_until(lambda: [record.id for record in records_of(world)] == [good.id], 10)
    wait_until(lambda: store.xlen(stream) == 0 and store.xlen(other) == 0, 10)
    wait_until(lambda: store.xlen(f"{log_key(shard_of(stranger))}:rejected") >= 1, 10)
    assert store.xlen(f"{stream}:rejected") >= 4 and store.xlen(f"{other}:rejected") >= 1


def test_an_outcome_wins_over_its_intent_in_any_order(build: Build) -> None:
    world = build(ALLOW)
    intent = record_for(world, status="intent", upstream_us=0)
    outcome = record_for(world, id=intent.id, at=intent.at, upstream_us=7)
    for order in ([intent], [outcome], [intent], [outcome, intent]):
        write_records(world.organisation.id, order[:1])
    [record] = records_of(world)
    assert (record.status, record.upstream_us) == ("ok", 7)


def test_an_intent_without_an_outcome_becomes_unknown(build: Build) -> None:
    world = build(ALLOW)
    old, young = datetime.now(UTC) - timedelta(minutes=11), datetime.now(UTC)
    write_records(world.organisation.id, [record_for(world, status="intent", at=old)])
    write_records(world.organisation.id, [record_for(world, status="intent", at=young)])
    mark_unknown()
    assert [record.status for record in records_of(world)] == ["unknown", "intent"]


def test_an_outcome_that_comes_late_is_still_written(build: Build) -> None:
    world = build(ALLOW)
    late = record_for(world, status="intent", at=datetime.now(UTC) - timedelta(minutes=11))
    write_records(world.organisation.id, [late])
    mark_unknown()
    late.status = RecordStatus.OK
    write_records(world.organisation.id, [late])
    assert [record.status for record in records_of(world)] == ["ok"]


def test_a_grant_shows_when_it_was_last_used(build: Build) -> None:
    world = build(ALLOW)
    record = record_for(world)
    write_records(world.organisation.id, [record])
    with tenant(world.organisation.id):
        assert Grant.objects.get(id=world.grant.id).last_used_at == record.at.replace(second=0, microsecond=0)


def test_two_writers_share_the_work(build: Build, store: Any, log_writer: None) -> None:
    world, stop = build(ALLOW), threading.Event()
    second = threading.Thread(target=LogWriter(settings.REDIS_URL).run, args=(stop,), daemon=True)
    second.start()
    expected = {record.id: record for record in (record_for(world) for _ in range(500))}
    for record in expected.values():
        add(store, encode_record(record), world.organisation.id)
    wait_until(lambda: {record.id for record in records_of(world)} == set(expected), 30)
    stop.set()
    second.join(timeout=20)
    assert not second.is_alive()


def test_what_a_dead_writer_had_read_is_written_by_the_next(build: Build, store: Any) -> None:
    world = build(ALLOW)
    stream = log_key(shard_of(world.organisation.id))
    record = record_for(world)
    add(store, encode_record(record), world.organisation.id)
    try:
        store.xgroup_create(stream, GROUP, id="0", mkstream=True)
    except redis.ResponseError as error:
        assert str(error).startswith("BUSYGROUP")
    taken = store.xreadgroup(GROUP, "dead", {stream: ">"})[0][1]
    # As if it had been read a minute ago.
    store.xclaim(stream, GROUP, "dead", 0, [entry for entry, _ in taken], idle=60_000)
    with command_of_writer() as process:
        wait_until(lambda: [one.id for one in records_of(world)] == [record.id], 30)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    names = [consumer["name"] for consumer in store.xinfo_consumers(stream, GROUP)]
    assert names.count(b"dead") == 1 and not any(str(process.pid).encode() in name for name in names)


def command_of_writer() -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "manage.py", "write_log"], cwd=settings.BASE_DIR, env=environment_of_subprocess()
    )
