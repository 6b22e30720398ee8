"""Counts what each organisation holds of this process: calls, messages, streams. Must not outlive what it counts.

What is counted here is this process's memory and sockets, so nothing is shared between processes, a crash gives back
everything, and Redis need not be there. Sessions are what Redis holds, and counted there (gateway.sessions).
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import uniform
from typing import Final
from uuid import UUID

from gateway.errors import QuotaError

# A client that asks again at once must not take the process's time: its refusal is kept back for so long, and not for
# the same time as the next one's, or they would all ask again at the same moment.
PAUSE_SECONDS: Final = (0.5, 1.5)
RETRY_AFTER: Final = b"5"


async def pause() -> None:
    """What comes before each answer that a quota refuses."""
    await asyncio.sleep(uniform(*PAUSE_SECONDS))


class Slots:
    """How many of one kind each organisation holds; belongs to one event loop."""

    __slots__ = ("_held", "_name")

    def __init__(self, name: str) -> None:
        self._name = name
        self._held: dict[UUID, int] = {}

    def take(self, organisation: UUID, quota: int) -> bool:
        """Take one if the quota leaves one; each that was taken is given back."""
        held = self._held.get(organisation, 0)
        if held >= quota:
            return False
        self._held[organisation] = held + 1
        return True

    def give_back(self, organisation: UUID) -> None:
        """Give one back."""
        held = self._held[organisation] - 1
        if held:
            self._held[organisation] = held
        else:
            del self._held[organisation]

    @contextmanager
    def hold(self, organisation: UUID, quota: int) -> Iterator[None]:
        """Hold one for the block; raises QuotaError when there is none left."""
        if not self.take(organisation, quota):
            raise QuotaError(f"This organisation has {quota} {self._name} open, as many as it may have at a time.")
        try:
            yield
        finally:
            self.give_back(organisation)


@dataclass(frozen=True, slots=True)
class Held:
    """`messages` are those that are no requests of their own: they must get through while the calls that they cancel
    or answer fill their quota, and have as many places."""

    calls: Slots = field(default_factory=lambda: Slots("calls"))
    messages: Slots = field(default_factory=lambda: Slots("messages"))
    streams: Slots = field(default_factory=lambda: Slots("streams"))
