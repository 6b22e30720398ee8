"""How long the hot path's client waits, with limits worth waiting for; the fault table waits for those in use."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from servers.upstream.http import Answer, HttpUpstream, Patience, UpstreamCall, UpstreamTimeoutError
from servers.upstream.target import Target
from tests.gateway.faults.plays import NOTE, STREAM, chunk_of, event_of, hang, head_of, pour, trickle
from tests.gateway.faults.upstreams import Play, RawUpstream, serving


@pytest.fixture
async def upstream(settings: Any) -> AsyncIterator[HttpUpstream]:
    settings.ALLOW_PRIVATE_UPSTREAMS = True
    made = HttpUpstream(Patience(head=0.5, body=0.5, idle=0.5))
    await made.start()
    yield made
    await made.close()


async def ask(upstream: HttpUpstream, raw: RawUpstream) -> Answer:
    target = Target(uuid4(), raw.url, ())
    return await upstream.open(UpstreamCall("POST", target, (("Content-Type", "application/json"),), b"{}"))


@pytest.mark.parametrize("play", [hang(), trickle(head_of(length=2)), pour(b"", b"HTTP/1.1 102 P\r\n\r\n", every=0.1)])
async def test_a_head_that_does_not_come_is_given_up(upstream: HttpUpstream, play: Play) -> None:
    raw = RawUpstream({"": play})
    async with serving(raw):
        with pytest.raises(UpstreamTimeoutError):
            await asyncio.wait_for(ask(upstream, raw), 5)


@pytest.mark.parametrize("play", [hang(head_of(length=2)), trickle(b"[[[[[[[[", head_of(length=100))])
async def test_a_body_that_does_not_end_is_given_up(upstream: HttpUpstream, play: Play) -> None:
    raw = RawUpstream({"": play})
    async with serving(raw):
        answer = await ask(upstream, raw)
        with pytest.raises(UpstreamTimeoutError):
            await asyncio.wait_for(answer.read(), 5)
        answer.close()


async def test_a_silent_stream_is_given_up_and_one_that_speaks_is_not(upstream: HttpUpstream) -> None:
    raw = RawUpstream({"": hang(STREAM + event_of(NOTE) + chunk_of(b"data: half"))})
    async with serving(raw):
        answer = await ask(upstream, raw)
        assert await answer.next_event() == b"data: " + NOTE + b"\n\n"
        with pytest.raises(UpstreamTimeoutError):
            await asyncio.wait_for(answer.next_event(), 5)
        answer.close()
    raw = RawUpstream({"": pour(STREAM, event_of(NOTE), every=0.1)})
    async with serving(raw):
        answer = await ask(upstream, raw)
        for _ in range(12):
            assert await answer.next_event() == b"data: " + NOTE + b"\n\n"
        answer.close()
