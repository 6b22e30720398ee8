"""Ids of records: version and variant as RFC 9562 has them, and an order in time."""

from datetime import UTC, datetime

from accounts.ids import new_uuid7


def test_an_id_is_a_uuid_of_version_7_with_its_time() -> None:
    moment = datetime(2026, 11, 22, 12, 30, 15, 678_901, tzinfo=UTC)
    made = new_uuid7(int(moment.timestamp() * 1_000_000))
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert made.int >> 80 == int(moment.timestamp() * 1000)


def test_ids_sort_by_microsecond() -> None:
    ids = [new_uuid7(1_800_000_000_000_000 + number) for number in range(3000)]
    assert ids == sorted(ids)


def test_ids_of_one_moment_differ() -> None:
    assert len({new_uuid7(1_800_000_000_000_000) for _ in range(1000)}) == 1000
