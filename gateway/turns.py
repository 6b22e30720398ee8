"""Who is served next by this process: of organisations that wait, those that have less waiting come more often.

What a call waits for is mostly the messages before it in the same event loop. An organisation of which nothing is
worked on comes in at once. Of what else it sends, few messages are worked on at a time, and those that wait are let
in by weighted fair queueing: each time that an organisation is served, it is due again after the binary logarithm of
how much it has waiting. Whatever one organisation sends at once, another's waits for little more than the places, and
the one that has much to do still gets its share. Answers that come back at once take turns in the same way, before
what is sent.
"""

import asyncio
from collections import Counter, deque
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from types import TracebackType
from typing import Final, NamedTuple
from uuid import UUID

from gateway.errors import QuotaError
from gateway.snapshot import Tenancy


class Places(NamedTuple):
    """How many messages are worked on at a time, besides each organisation's first one: with more, one trip to Redis
    serves more of them; with fewer, one that comes waits for fewer. `apart` is for an organisation that has the process
    to itself; in a shared one there is a place for each organisation that waits, up to `shared`."""

    apart: int = 16
    shared: int = 2


USUAL_PLACES: Final = Places()
# For so long after another organisation's message the process is shared.
SHARED_SECONDS: Final = 1.0
# A message that keeps its place for longer waits itself, for Redis, and is in nobody's way.
TURN_SECONDS: Final = 0.005


class Turn:
    """One message's place while it is in the block; end() it where the message begins to wait for anything but Redis,
    and go on() when its answer is there. Entering raises QuotaError."""

    __slots__ = ("_handle", "_has_place", "_organisation", "_quota", "_turns")

    def __init__(self, turns: "Turns", organisation: UUID, quota: int) -> None:
        self._turns = turns
        self._organisation = organisation
        self._quota = quota
        self._has_place = False
        self._handle: asyncio.Handle | None = None

    async def __aenter__(self) -> "Turn":
        self._has_place = await self._turns.enter(self._organisation, self._quota)
        self._handle = asyncio.get_running_loop().call_later(TURN_SECONDS, self.end)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    async def go_on(self) -> None:
        """Take a place for what can be done with the answer at once: what has to wait for more of it keeps none."""
        self._has_place = await self._turns.enter(self._organisation)
        self._handle = asyncio.get_running_loop().call_soon(self.end)

    def end(self) -> None:
        """Let the next one in; more than once does nothing."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
            self._turns.leave(self._organisation, has_place=self._has_place)


@dataclass(slots=True)
class _Queue:
    organisation: UUID
    answers: deque[asyncio.Future[None]] = field(default_factory=deque)
    messages: deque[asyncio.Future[None]] = field(default_factory=deque)

    def __len__(self) -> int:
        return len(self.answers) + len(self.messages)


class Turns:
    """The places of one event loop."""

    def __init__(self, places: Places = USUAL_PLACES) -> None:
        self._places = places
        self._held = 0
        # How many messages of each organisation are worked on, with and without a place.
        self._working: Counter[UUID] = Counter()
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

    async def enter(self, organisation: UUID, quota: int | None = None) -> bool:
        """Come in, and tell leave() whether on one of the places: not so for who has nothing else at work. Others wait
        for one; raises QuotaError when `quota` messages of the organisation wait already. None is for answers."""
        if organisation != self._last:
            if self._last is not None:
                self._shared_until = asyncio.get_running_loop().time() + SHARED_SECONDS
            self._last = organisation
        if organisation not in self._working:
            self._working[organisation] = 1
            return False
        if not self._due and self._is_free():
            self._take(organisation)
            return True
        place = asyncio.get_running_loop().create_future()
        self._queue_up(organisation, quota, place)
        self._serve()
        try:
            await place
        except asyncio.CancelledError:
            # The place was given, and is not wanted any more.
            if not place.cancelled():
                self.leave(organisation, has_place=True)
            raise
        return True

    def leave(self, organisation: UUID, *, has_place: bool) -> None:
        """Be worked on no more; a place is handed on to the message that is due."""
        self._working[organisation] -= 1
        if not self._working[organisation]:
            del self._working[organisation]
        self._held -= has_place
        self._serve()

    def _serve(self) -> None:
        while self._due and self._is_free():
            self._now, _, queue = heappop(self._due)
            weight = len(queue).bit_length()
            place = (queue.answers or queue.messages).popleft()
            if queue:
                heappush(self._due, (self._now + weight, next(self._ties), queue))
            else:
                del self._waiting[queue.organisation]
            if not place.done():
                self._take(queue.organisation)
                place.set_result(None)

    def _queue_up(self, organisation: UUID, quota: int | None, place: "asyncio.Future[None]") -> None:
        queue = self._waiting.get(organisation)
        if queue is None:
            queue = self._waiting[organisation] = _Queue(organisation)
            heappush(self._due, (self._now + 1, next(self._ties), queue))
        elif quota is not None and len(queue.messages) >= quota:
            raise QuotaError(f"This organisation has {quota} messages waiting, as many as it may have at a time.")
        (queue.answers if quota is None else queue.messages).append(place)

    def _take(self, organisation: UUID) -> None:
        self._held += 1
        self._working[organisation] += 1

    def _is_free(self) -> bool:
        if self._held < min(max(len(self._waiting), 1), self._places.shared):
            return True
        return self._held < self._places.apart and asyncio.get_running_loop().time() >= self._shared_until
