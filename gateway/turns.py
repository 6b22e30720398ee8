"""How many messages of one organisation this process works on at a time, so that what one sends keeps no other waiting.

What a call waits for is mostly the messages before it in the same event loop, which serves what is ready in order: an
organisation's share of it is how many of its messages are worked on. Each has a few places, the fewer the more it has
open, and one in any case. Its own messages wait for them in order; answers that come back take them too, and first.
"""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, NamedTuple
from uuid import UUID

from gateway.errors import QuotaError
from gateway.snapshot import Tenancy


class Places(NamedTuple):
    """How many messages of an organisation are worked on at a time: with more, one trip to Redis serves more of them;
    with fewer, another organisation's waits for fewer. `apart` is for who has the process to himself; in a shared one
    there are `shared` for who has up to `open` / `shared` messages open, fewer for who has more."""

    apart: int = 16
    shared: int = 4
    open: int = 128


USUAL_PLACES: Final = Places()
# For so long after another organisation's message the process is shared.
SHARED_SECONDS: Final = 1.0
# A message that keeps its place for longer waits itself, for Redis, and is in nobody's way.
TURN_SECONDS: Final = 0.005


@dataclass(slots=True)
class _Lane:
    """One organisation's messages: `open` from first to last, `working` while they have a place."""

    open: int = 0
    working: int = 0
    answers: deque[asyncio.Future[None]] = field(default_factory=deque)
    messages: deque[asyncio.Future[None]] = field(default_factory=deque)


class Turns:
    """The places of one event loop."""

    def __init__(self, places: Places = USUAL_PLACES) -> None:
        self._places = places
        self._lanes: dict[UUID, _Lane] = {}
        self._last: UUID | None = None
        self._shared_until = 0.0

    def of(self, tenancy: Tenancy) -> "Turn":
        """A turn to enter. As many messages may wait as the quotas of calls and of other messages have places."""
        return Turn(self, tenancy.organisation, 2 * tenancy.quotas.calls)

    def open(self, organisation: UUID) -> _Lane:
        """The organisation's lane, with one message more; close() it."""
        if organisation != self._last:
            if self._last is not None:
                self._shared_until = asyncio.get_running_loop().time() + SHARED_SECONDS
            self._last = organisation
        lane = self._lanes.get(organisation)
        if lane is None:
            lane = self._lanes[organisation] = _Lane()
        lane.open += 1
        return lane

    def close(self, organisation: UUID) -> None:
        """One message of it is over."""
        lane = self._lanes[organisation]
        lane.open -= 1
        if not lane.open:
            del self._lanes[organisation]

    async def enter(self, lane: _Lane, quota: int | None = None) -> None:
        """Wait for a place and take it; leave() it. Raises QuotaError when `quota` messages wait already; None is for
        answers."""
        if not lane.answers and not lane.messages and lane.working < self._count(lane):
            lane.working += 1
            return
        if quota is not None and len(lane.messages) >= quota:
            raise QuotaError(f"This organisation has {quota} messages waiting, as many as it may have at a time.")
        place = asyncio.get_running_loop().create_future()
        (lane.answers if quota is None else lane.messages).append(place)
        # There may be more places since the last one left.
        self._serve(lane)
        try:
            await place
        except asyncio.CancelledError:
            # The place was given, and is not wanted any more.
            if not place.cancelled():
                self.leave(lane)
            raise

    def leave(self, lane: _Lane) -> None:
        """Give the place to the lane's next one."""
        lane.working -= 1
        self._serve(lane)

    def _serve(self, lane: _Lane) -> None:
        places = self._count(lane)
        while lane.working < places and (lane.answers or lane.messages):
            place = (lane.answers or lane.messages).popleft()
            if not place.done():
                lane.working += 1
                place.set_result(None)

    def _count(self, lane: _Lane) -> int:
        if asyncio.get_running_loop().time() >= self._shared_until:
            return self._places.apart
        return max(1, min(self._places.shared, self._places.open // lane.open))


class Turn:
    """One message while it is in the block, at first with a place: end() it where the message begins to wait for
    anything but Redis, and go on() when its answer is there. Entering raises QuotaError."""

    __slots__ = ("_handle", "_lane", "_organisation", "_quota", "_turns")

    def __init__(self, turns: Turns, organisation: UUID, quota: int) -> None:
        self._turns = turns
        self._organisation = organisation
        self._quota = quota
        self._handle: asyncio.Handle | None = None

    async def __aenter__(self) -> "Turn":
        self._lane = self._turns.open(self._organisation)
        try:
            await self._turns.enter(self._lane, self._quota)
        except BaseException:
            self._turns.close(self._organisation)
            raise
        self._handle = asyncio.get_running_loop().call_later(TURN_SECONDS, self.end)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
        self._turns.close(self._organisation)

    async def go_on(self) -> None:
        """Take a place for what can be done with the answer at once: what has to wait for more of it keeps none."""
        await self._turns.enter(self._lane)
        self._handle = asyncio.get_running_loop().call_soon(self.end)

    def end(self) -> None:
        """Let the next one in; more than once does nothing."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
            self._turns.leave(self._lane)
