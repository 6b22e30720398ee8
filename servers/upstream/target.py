"""Where an upstream is and what it wants to be sent, with opened secrets inside: never logged, stored or shown."""

from dataclasses import dataclass, field
from uuid import UUID


class TargetUnavailableError(Exception):
    """A server cannot be reached at all as it is stored; the text is fit to show."""


@dataclass(frozen=True, slots=True)
class Target:
    """One upstream endpoint. `headers` hold opened secrets, so `repr` leaves their values out."""

    server_id: UUID
    url: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
