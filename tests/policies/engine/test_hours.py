from datetime import UTC, datetime
from typing import Any

import pytest

from policies.engine.compile import CompiledPolicy
from policies.engine.values import Outcome
from tests.policies.engine.builders import call_at, cond, rule, when

WEEK = ["mon", "tue", "wed", "thu", "fri"]
OFFICE = {"days": WEEK, "from": "08:00", "to": "18:00", "tz": "Europe/London"}
NIGHT = {"days": ["fri"], "from": "22:00", "to": "06:00", "tz": "UTC"}


def within(hours: dict[str, Any]) -> CompiledPolicy:
    return rule(require=when(cond("call.time", "within", hours)))


CASES: list[tuple[dict[str, Any], str, bool]] = [
    (OFFICE, "2026-11-23T08:00", True),
    (OFFICE, "2026-11-23T07:59", False),
    (OFFICE, "2026-11-23T17:59", True),
    (OFFICE, "2026-11-23T18:00", False),
    (OFFICE, "2026-11-22T12:00", False),
    # Summer time: 07:00 UTC is 08:00 in London.
    (OFFICE, "2026-07-20T07:00", True),
    (OFFICE, "2026-07-20T17:00", False),
    # The days that the clocks change.
    ({"from": "00:00", "to": "02:00", "tz": "Europe/London"}, "2026-03-29T00:30", True),
    ({"from": "01:00", "to": "02:00", "tz": "Europe/London"}, "2026-03-29T01:30", False),
    ({"from": "01:00", "to": "02:00", "tz": "Europe/London"}, "2026-10-25T00:30", True),
    ({"from": "01:00", "to": "02:00", "tz": "Europe/London"}, "2026-10-25T01:30", True),
    # The day is the one of the zone.
    ({"days": ["mon"], "tz": "Asia/Tokyo"}, "2026-11-22T15:00", True),
    ({"days": ["mon"], "tz": "Asia/Tokyo"}, "2026-11-22T14:59", False),
    ({"days": ["sun"], "tz": "America/New_York"}, "2026-11-23T04:59", True),
    # Overnight belongs to the day on which it starts.
    (NIGHT, "2026-11-27T22:00", True),
    (NIGHT, "2026-11-28T05:59", True),
    (NIGHT, "2026-11-28T06:00", False),
    (NIGHT, "2026-11-28T22:00", False),
    (NIGHT, "2026-11-27T05:00", False),
    ({**NIGHT, "days": ["sun"]}, "2026-11-23T03:00", True),
    ({"from": "18:00", "to": "24:00", "tz": "UTC"}, "2026-11-23T23:59", True),
    ({"from": "18:00", "to": "00:00", "tz": "UTC"}, "2026-11-23T23:59", True),
    ({"from": "18:00", "to": "00:00", "tz": "UTC"}, "2026-11-23T00:00", False),
    ({"tz": "UTC"}, "2026-11-23T23:59", True),
    ({"days": ["mon"], "tz": "UTC"}, "2026-11-24T00:00", False),
]


@pytest.mark.parametrize(("hours", "at", "is_inside"), CASES)
def test_a_time_lies_within_days_and_hours_of_a_zone(hours: dict[str, Any], at: str, is_inside: bool) -> None:
    decision = call_at(within(hours), datetime.fromisoformat(at).replace(tzinfo=UTC))
    assert (decision.outcome == Outcome.ALLOW) == is_inside


def test_deny_if_reads_the_same_hours() -> None:
    policy = rule(deny_if=when(cond("call.time", "within", OFFICE)))
    assert call_at(policy, datetime(2026, 11, 23, 9, tzinfo=UTC)).outcome == Outcome.DENY
    assert call_at(policy, datetime(2026, 11, 23, 19, tzinfo=UTC)).outcome == Outcome.ALLOW


@pytest.mark.parametrize("at", [datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)])
def test_a_time_off_the_calendar_denies(at: datetime) -> None:
    zones = ("Pacific/Kiritimati", "America/New_York")
    outcomes = {call_at(rule(deny_if=when(cond("call.time", "within", {"tz": zone}))), at).outcome for zone in zones}
    assert outcomes == {Outcome.DENY}


def test_a_time_without_a_zone_denies() -> None:
    naive = datetime(2026, 11, 23, 9, tzinfo=UTC).replace(tzinfo=None)
    assert call_at(within({"tz": "UTC"}), naive).outcome == Outcome.DENY
    assert call_at(rule(deny_if=when(cond("call.time", "within", OFFICE))), naive).outcome == Outcome.DENY
