"""Who is served next by this process: of organisations that wait, those that have less waiting come more often.

What a call waits for is mostly the messages before it in the same event loop. So few are worked on at a time, and those
that wait are let in by weighted fair queueing: each time that an organisation is served, it is due again after the
binary logarithm of how much it has waiting. Whatever one organisation sends at once, another's waits for little more
than the places, and the one that has much to do still gets its share.
"""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from types import TracebackType
from typing import Final, NamedTuple
from uuid import UUID

from gateway.errors import QuotaError
from gateway.snapshot import Tenancy


class Places(NamedTuple):
    """How many messages are worked on at a time: with more, one trip to Redis serves more of them; with fewer, one
    that comes waits for fewer. `apart` is for an organisation that has the process to itself."""

    apart: int = 16
    shared: int = 2


USUAL_PLACES: Final = Places()
# For so long after another organisation's message the process is shared.
SHARED_SECONDS: Final = 1.0
# A message that keeps its place for longer waits itself, for Redis, and is in nobody's way.
TURN_SECONDS: Final = 0.005


class Turn:
    """One message's place while it is in the block; end() it where the message begins to wait for anything but Redis.
    Entering raises QuotaError."""

    __slots__ = ("_handle", "_organisation", "_quota", "_turns")

    def __init__(self, turns: "Turns", organisation: UUID, quota: int) -> None:
        self._turns = turns
        self._organisation = organisation
        self._quota = quota
        self._handle: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> "Turn":
        await self._turns.take_place(self._organisation, self._quota)
        self._handle = asyncio.get_running_loop().call_later(TURN_SECONDS, self.end)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def end(self) -> None:
        """Let the next one in; more than once does nothing."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
            self._turns.give_back()


@dataclass(slots=True)
class _Queue:
    organisation: UUID
    places: deque[asyncio.Future[None]] = field(default_factory=deque)


class Turns:
    """The places of one event loop."""

    def __init__(self, places: Places = USUAL_PLACES) -> None:
        self._places = places
        self._held = 0
        self._last: UUID | None = None
        self._shared_until = 0.0
        self._waiting: dict[UUID, _Queue] = {}
        # When each queue is due, in the order of this heap; `_now` is when the last one that was served was due.
        self._due: list[tuple[int, int, _Queue]] = []
        self._now = 0
        self._ties = count()

    def of(self, tenancy: Tenancy) -> Turn:
        """A turn to enter. As many messages may wait as the quotas of calls and of other messages have places."""
        return Turn(self, tenancy.organisation, 2 * tenancy.quotas.calls)

    async def take_place(self, organisation: UUID, quota: int) -> None:
        """Wait for a place; raises QuotaError when `quota` messages of the organisation wait already."""
        if organisation != self._last:
            if self._last is not None:
                self._shared_until = asyncio.get_running_loop().time() + SHARED_SECONDS
            self._last = organisation
        if not self._due and self._is_free():
            self._held += 1
            return
        queue = self._waiting.get(organisation)
        if queue is None:
            queue = self._waiting[organisation] = _Queue(organisation)
            heappush(self._due, (self._now + 1, next(self._ties), queue))
        elif len(queue.places) >= quota:
            raise QuotaError(f"This organisation has {quota} messages waiting, as many as it may have at a time.")
        place = asyncio.get_running_loop().create_future()
        queue.places.append(place)
        try:
            await place
        except asyncio.CancelledError:
            # The place was given, and is not wanted any more.
            if not place.cancelled():
                self.give_back()
            raise

    def give_back(self) -> None:
        """Hand a place on to the message that is due."""
        self._held -= 1
        while self._due and self._is_free():
            self._now, _, queue = heappop(self._due)
            weight = len(queue.places).bit_length()
            place = queue.places.popleft()
            if queue.places:
                heappush(self._due, (self._now + weight, next(self._ties), queue))
            else:
                del self._waiting[queue.organisation]
            if not place.done():
                self._held += 1
                place.set_result(None)

    def _is_free(self) -> bool:
        if self._held < self._places.shared:
            return True
        return self._held < self._places.apart and asyncio.get_running_loop().time() >= self._shared_until
