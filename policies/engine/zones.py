"""Time zones of the IANA list, read once. It knows zones, not the time."""

from functools import cache
from zoneinfo import ZoneInfo, available_timezones


@cache
def list_zones() -> frozenset[str]:
    """The names of the zones that this installation knows."""
    return frozenset(available_timezones())


@cache
def load_zone(name: str) -> ZoneInfo:
    """A zone of that list. Raises ZoneInfoNotFoundError or ValueError on a name outside it."""
    return ZoneInfo(name)
