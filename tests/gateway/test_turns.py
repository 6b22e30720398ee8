"""Places in a process's event loop: few at a time, those who wait by weight, and none that is lost."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from unittest.mock import AsyncMock
from uuid import UUID, uuid4

import pytest

import gateway.turns
from gateway.errors import QuotaError
from gateway.snapshot import Tenancy
from gateway.turns import USUAL_PLACES, Places, Turn, Turns
from tests.gateway.test_quotas import limit, rule_of
from tests.gateway.upstream import Received, RecordingUpstream, Reply, answer_normally
from tests.gateway.world import ALLOW, World, agent_of, records_of, wait_until

FLOOD, QUIET = uuid4(), uuid4()
MANY = 1000


class Line:
    """Messages that wait for the places of `turns`, and the order in which they got them. Of each organisation one more
    is worked on all the time, so that the others need places."""

    def __init__(self, places: int = 1) -> None:
        self.turns = Turns(Places(apart=places, shared=places))
        self.served: list[UUID] = []
        self.tasks: list[asyncio.Task[None]] = []
        self._left = 0
        self._known: set[UUID] = set()

    async def join(self, organisation: UUID, count: int = 1) -> None:
        if organisation not in self._known:
            self._known.add(organisation)
            assert not await self.turns.enter(organisation, MANY)
        for _ in range(count):
            self.tasks.append(asyncio.create_task(self._wait(organisation)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def serve(self, count: int) -> list[UUID]:
        before = len(self.served)
        for _ in range(count):
            self.leave()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        return self.served[before:]

    def leave(self) -> None:
        self.turns.leave(self.served[self._left], has_place=True)
        self._left += 1

    async def _wait(self, organisation: UUID) -> None:
        assert await self.turns.enter(organisation, MANY)
        self.served.append(organisation)


async def test_places_are_free_until_they_are_taken() -> None:
    line = Line(places=3)
    await line.join(FLOOD, 5)
    assert line.served == [FLOOD] * 3
    assert await line.serve(1) == [FLOOD]
    assert await line.serve(1) == [FLOOD]
    # All were served, and what they give back is free.
    assert await line.serve(3) == []
    await line.join(FLOOD, 4)
    assert len(line.served) == 8


async def test_one_message_comes_next_whatever_another_organisation_has_waiting() -> None:
    line = Line()
    await line.join(FLOOD, 100)
    await line.serve(10)
    await line.join(QUIET)
    # The flood's next one may have been due at the same time.
    assert QUIET in await line.serve(2)


async def test_who_has_less_waiting_is_served_more_often() -> None:
    line = Line()
    await line.join(FLOOD, 91)
    await line.join(QUIET, 9)
    served = []
    for _ in range(100):
        (one,) = await line.serve(1)
        served.append(one)
        await line.join(one)
    # 91 and 9 are numbers of seven and of four bits: of 100 places 64 and 36.
    assert 60 <= served.count(QUIET) <= 67


async def test_many_small_organisations_do_not_keep_one_from_being_served() -> None:
    line = Line()
    small = [uuid4() for _ in range(20)]
    await line.join(FLOOD, 50)
    for organisation in small:
        await line.join(organisation)
    served: list[UUID] = []
    while served.count(FLOOD) < 2:
        (one,) = await line.serve(1)
        served.append(one)
        await line.join(one)
        assert len(served) < 10 * len(small)


async def test_a_message_that_does_not_wait_any_more_takes_no_place() -> None:
    line = Line()
    await line.join(FLOOD)
    await line.join(QUIET, 2)
    line.tasks[1].cancel()
    await asyncio.sleep(0)
    assert await line.serve(1) == [QUIET]
    assert await line.serve(1) == []
    await line.join(FLOOD)
    assert line.served == [FLOOD, QUIET, FLOOD]


async def test_a_place_given_to_who_leaves_at_that_moment_goes_on_to_the_next() -> None:
    line = Line()
    await line.join(FLOOD)
    await line.join(QUIET)
    await line.join(FLOOD)
    line.leave()
    line.tasks[1].cancel()
    with suppress(asyncio.CancelledError):
        await line.tasks[1]
    await asyncio.sleep(0)
    assert line.served == [FLOOD, FLOOD]


async def test_who_has_nothing_else_at_work_comes_in_at_once() -> None:
    line = Line()
    await line.join(FLOOD, 100)
    assert not await line.turns.enter(uuid4(), MANY)
    # Of two, the second waits its turn, also when the first has left without a place.
    await line.join(QUIET)
    assert QUIET not in line.served
    line.turns.leave(QUIET, has_place=False)
    assert QUIET not in line.served
    assert QUIET in await line.serve(2)


async def test_answers_come_before_messages_in_their_order_and_are_never_too_many() -> None:
    line, seen = Line(), []
    await line.join(FLOOD, 4)

    async def answer(number: int) -> None:
        assert await line.turns.enter(FLOOD)
        seen.append(number)

    with pytest.raises(QuotaError):
        await line.turns.enter(FLOOD, 3)
    answers = [asyncio.create_task(answer(number)) for number in range(3)]
    await asyncio.sleep(0)
    for _ in answers:
        assert await line.serve(0) == []
        line.turns.leave(FLOOD, has_place=True)
        await asyncio.sleep(0)
    assert seen == [0, 1, 2]
    assert await line.serve(3) == [FLOOD] * 3


async def test_an_answer_keeps_its_place_for_one_turn_of_the_loop() -> None:
    turns, mine = Turns(Places(apart=1, shared=1)), tenancy()
    await turns.enter(mine.organisation, MANY)
    async with turns.of(mine) as turn:
        waiting = asyncio.create_task(turns.enter(mine.organisation))
        await asyncio.sleep(0)
        turn.end()
        await waiting
        turns.leave(mine.organisation, has_place=True)
        await turn.go_on()
        waiting = asyncio.create_task(turns.enter(mine.organisation))
        # It waits for more of its answer, and is in nobody's way.
        async with asyncio.timeout(5):
            await waiting


async def test_who_has_the_process_to_himself_has_more_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.turns.SHARED_SECONDS", 0.05)
    line = Line()
    line.turns = Turns(Places(apart=3, shared=1))
    await line.join(FLOOD, 4)
    assert line.served == [FLOOD] * 3
    await line.serve(4)
    await line.join(QUIET, 2)
    assert line.served[4:] == [QUIET]
    assert await line.serve(1) == [QUIET]
    await asyncio.sleep(0.1)
    await line.join(QUIET, 2)
    assert line.served[4:] == [QUIET] * 4


async def test_each_that_waits_has_a_place_up_to_so_many() -> None:
    line = Line()
    line.turns = Turns(Places(apart=2, shared=2))
    third = uuid4()
    await line.join(FLOOD)
    await line.join(QUIET, 2)
    await line.serve(3)
    await line.join(FLOOD, 5)
    # From here on the process is shared.
    seen = []
    for organisation in (QUIET, third):
        seen.append(len(line.served) - 3)
        await line.join(organisation, 5)
    assert [*seen, len(line.served) - 3] == [1, 2, 2]


def tenancy() -> Tenancy:
    return Tenancy(uuid4(), 1, is_killed=False, confirmed_at=0.0)


async def test_a_turn_gives_its_place_back_however_it_ends_and_once() -> None:
    turns, mine = Turns(Places(apart=1, shared=1)), tenancy()
    await turns.enter(mine.organisation, MANY)
    with pytest.raises(ValueError, match="broken"):
        async with turns.of(mine):
            raise ValueError("broken")
    async with turns.of(mine) as turn:
        turn.end()
        # Somebody else's by now.
        async with turns.of(mine):
            turn.end()
            waiting = asyncio.create_task(turns.enter(mine.organisation, MANY))
            await asyncio.sleep(0)
            assert not waiting.done()
    await waiting


async def test_a_turn_that_lasts_lets_the_next_one_in() -> None:
    turns, mine = Turns(Places(apart=1, shared=1)), tenancy()
    await turns.enter(mine.organisation, MANY)
    async with turns.of(mine), asyncio.timeout(5 * gateway.turns.TURN_SECONDS + 5), turns.of(mine):
        pass


async def test_no_more_wait_than_the_quota_says() -> None:
    line = Line()
    await line.join(FLOOD, 4)
    with pytest.raises(QuotaError, match="has 3 messages waiting"):
        await line.turns.enter(FLOOD, 3)
    await line.join(QUIET)
    assert sorted(await line.serve(4), key=str) == sorted([FLOOD] * 3 + [QUIET], key=str)


def hold(held: threading.Event) -> Callable[[Received], Reply]:
    """Let calls of getTickers wait for an event."""

    def answer(received: Received) -> Reply:
        usual = answer_normally(received)
        is_held = received.message["params"]["name"] == "getTickers"
        return Reply(usual.status, usual.headers, (held, *usual.parts)) if is_held else usual

    return answer


def test_what_finds_the_line_full_is_refused_and_recorded(
    build: Callable[..., World],
    gateway: str,
    upstream: RecordingUpstream,
    log_writer: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, held = build(ALLOW), threading.Event()
    limit(world, calls=4)
    agent, other = agent_of(gateway, world), agent_of(gateway, build(ALLOW))
    # From here on the process is shared, and turns do not end before they may; answers need none.
    assert [rule_of(each.call("getTickers")) for each in (agent, other)] == ["", ""]
    upstream.reset()
    end = Turn.end
    monkeypatch.setattr(Turn, "end", lambda turn: end(turn) if held.is_set() else None)
    monkeypatch.setattr(Turn, "go_on", AsyncMock())

    upstream.answer = hold(held)
    with ThreadPoolExecutor(16) as pool:
        try:
            # One because nothing else is at work, one in the only place.
            calls = [pool.submit(agent.call, "getTickers") for _ in range(2)]
            wait_until(lambda: len(upstream.calls()) == 2)
            waiting = [pool.submit(agent.request, "ping") for _ in range(9)]
            wait_until(lambda: any(each.done() for each in waiting))
            refused = next(each.result() for each in waiting if each.done())
            assert len(upstream.received) == 2
            assert rule_of(other.call("getWallet")) == ""
        finally:
            held.set()
        assert [rule_of(each.result()) for each in calls] == [""] * 2
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
    assert "has 8 messages waiting" in refused.json()["error"]["message"]
    wait_until(lambda: "(quota)" in {one.rule for one in records_of(world)})
    (row, *_) = (one for one in records_of(world) if "messages waiting" in one.reason)
    assert (row.method, row.rule, row.outcome, row.status) == ("POST", "(quota)", "limit", "refused")


def test_what_waits_for_its_server_is_in_nobody_s_way(
    build: Callable[..., World], gateway: str, upstream: RecordingUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No turn ends by itself.
    monkeypatch.setattr("gateway.turns.TURN_SECONDS", 600)
    world, held = build(ALLOW), threading.Event()
    agent, other = agent_of(gateway, world), agent_of(gateway, build(ALLOW))
    count = 2 * USUAL_PLACES.apart

    upstream.answer = hold(held)
    with ThreadPoolExecutor(count) as pool:
        try:
            calls = [pool.submit(agent.call, "getTickers") for _ in range(count)]
            wait_until(lambda: len(upstream.calls()) == count)
            assert [rule_of(each.call("getWallet")) for each in (agent, other)] == ["", ""]
        finally:
            held.set()
        assert {rule_of(each.result()) for each in calls} == {""}
