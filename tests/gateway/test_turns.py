"""Each organisation's places in a process's event loop: few at a time, in order, and none that is lost."""

import asyncio
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from unittest.mock import AsyncMock
from uuid import UUID, uuid4

import pytest

import gateway.turns
from accounts.quotas import USUAL
from gateway.errors import QuotaError
from gateway.snapshot import Tenancy
from gateway.turns import USUAL_PLACES, Places, Turn, Turns
from tests.gateway.test_quotas import limit, rule_of
from tests.gateway.upstream import Received, RecordingUpstream, Reply, answer_normally
from tests.gateway.world import ALLOW, World, agent_of, records_of, wait_until

FLOOD, QUIET = uuid4(), uuid4()
MANY = 1000


class Line:
    """Messages of one organisation that wait for its places, and the order in which they got them."""

    def __init__(self, turns: Turns, organisation: UUID = FLOOD) -> None:
        self._turns = turns
        self._organisation = organisation
        self.lane = turns.open(organisation)
        self.served: list[int] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def join(self, count: int = 1) -> list[int]:
        """Let so many more come; the numbers of those that have a place so far."""
        for number in range(len(self.tasks), len(self.tasks) + count):
            self._turns.open(self._organisation)
            self.tasks.append(asyncio.create_task(self._wait(number)))
        return await self._settle()

    async def leave(self, count: int = 1) -> list[int]:
        """Let so many leave; who came in for them."""
        before = len(self.served)
        for _ in range(count):
            self._turns.leave(self.lane)
        return (await self._settle())[before:]

    async def _settle(self) -> list[int]:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return self.served

    async def _wait(self, number: int) -> None:
        await self._turns.enter(self.lane, MANY)
        self.served.append(number)


def one_place() -> Turns:
    return Turns(Places(apart=1, shared=1))


async def test_places_are_free_until_they_are_taken_and_taken_in_order() -> None:
    line = Line(Turns(Places(apart=3)))
    assert await line.join(5) == [0, 1, 2]
    assert await line.leave() == [3]
    assert await line.leave() == [4]
    # All were served, and what they give back is free.
    assert await line.leave(3) == []
    assert await line.join(4) == [*range(8)]


async def test_whatever_one_organisation_has_waiting_another_comes_in_at_once() -> None:
    turns = one_place()
    flood, quiet = Line(turns), Line(turns, QUIET)
    assert await flood.join(100) == [0]
    assert await quiet.join() == [0]


async def test_who_shares_the_process_has_fewer_places_the_more_he_has_open() -> None:
    turns = Turns(Places(apart=16, shared=4, open=32))
    Line(turns)
    for count, places in ((1, 1), (7, 4), (11, 2), (16, 1), (100, 1)):
        assert len(await Line(turns, uuid4()).join(count)) == places


async def test_who_has_the_process_to_himself_has_more_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.turns.SHARED_SECONDS", 0.05)
    turns = Turns(Places(apart=3, shared=1))
    flood = Line(turns)
    assert await flood.join(4) == [0, 1, 2]
    assert await flood.leave(3) == [3]
    quiet = Line(turns, QUIET)
    assert await quiet.join(3) == [0]
    await asyncio.sleep(0.1)
    assert await quiet.join() == [0, 1, 2]


async def test_a_message_that_does_not_wait_any_more_takes_no_place() -> None:
    line = Line(one_place())
    await line.join(3)
    line.tasks[1].cancel()
    await asyncio.sleep(0)
    assert await line.leave() == [2]
    assert await line.leave() == []
    assert await line.join() == [0, 2, 3]


async def test_a_place_given_to_who_leaves_at_that_moment_goes_on_to_the_next() -> None:
    turns = one_place()
    line = Line(turns)
    await line.join(3)
    turns.leave(line.lane)
    line.tasks[1].cancel()
    with suppress(asyncio.CancelledError):
        await line.tasks[1]
    await asyncio.sleep(0)
    assert line.served == [0, 2]


async def test_answers_come_before_messages_in_their_order_and_are_never_too_many() -> None:
    turns, seen = one_place(), []
    line = Line(turns)
    await line.join(4)

    async def answer(number: int) -> None:
        await turns.enter(line.lane)
        seen.append(number)

    with pytest.raises(QuotaError, match="has 3 messages waiting"):
        await turns.enter(line.lane, 3)
    answers = [asyncio.create_task(answer(number)) for number in range(3)]
    await asyncio.sleep(0)
    for _ in answers:
        assert await line.leave() == []
    assert seen == [0, 1, 2]
    assert await line.leave() == [1]


def tenancy() -> Tenancy:
    return Tenancy(uuid4(), 1, is_killed=False, confirmed_at=0.0)


async def test_an_answer_keeps_its_place_for_one_turn_of_the_loop() -> None:
    turns, mine = one_place(), tenancy()
    async with turns.of(mine) as turn:
        turn.end()
        await turn.go_on()
        # It waits for more of its answer, and is in nobody's way.
        async with asyncio.timeout(5), turns.of(mine):
            pass


async def test_a_turn_gives_its_place_back_however_it_ends_and_once() -> None:
    turns, mine = one_place(), tenancy()
    with pytest.raises(ValueError, match="broken"):
        async with turns.of(mine):
            raise ValueError("broken")
    async with turns.of(mine) as turn:
        turn.end()
        # Somebody else's by now.
        async with turns.of(mine):
            turn.end()
            waiting = asyncio.create_task(turns.of(mine).__aenter__())
            await asyncio.sleep(0)
            assert not waiting.done()
    await waiting


async def test_what_is_over_is_forgotten() -> None:
    turns, mine = one_place(), replace(tenancy(), quotas=USUAL._replace(calls=0))
    with suppress(ValueError):
        async with turns.of(mine):
            with pytest.raises(QuotaError):
                await turns.of(mine).__aenter__()
            raise ValueError("broken")
    assert turns.open(mine.organisation).open == 1


async def test_a_turn_that_lasts_lets_the_next_one_in() -> None:
    turns, mine = one_place(), tenancy()
    async with turns.of(mine), asyncio.timeout(5 * gateway.turns.TURN_SECONDS + 5), turns.of(mine):
        pass


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
    monkeypatch.setattr("gateway.turns.SHARED_SECONDS", 600)
    assert [rule_of(each.call("getTickers")) for each in (agent, other)] == ["", ""]
    upstream.reset()
    end = Turn.end
    monkeypatch.setattr(Turn, "end", lambda turn: end(turn) if held.is_set() else None)
    monkeypatch.setattr(Turn, "go_on", AsyncMock())

    upstream.answer = hold(held)
    with ThreadPoolExecutor(16) as pool:
        try:
            calls = [pool.submit(agent.call, "getTickers") for _ in range(USUAL_PLACES.shared)]
            wait_until(lambda: len(upstream.calls()) == len(calls))
            waiting = [pool.submit(agent.request, "ping") for _ in range(9)]
            wait_until(lambda: any(each.done() for each in waiting))
            refused = next(each.result() for each in waiting if each.done())
            assert len(upstream.received) == len(calls)
            assert rule_of(other.call("getWallet")) == ""
        finally:
            held.set()
        assert [rule_of(each.result()) for each in calls] == [""] * len(calls)
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


def test_a_thread_of_the_process_keeps_its_loop_waiting_for_half_a_millisecond(gateway: str) -> None:
    assert sys.getswitchinterval() == pytest.approx(0.0005)
