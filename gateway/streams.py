"""GET and DELETE of the legacy era: the server's own event stream, and the end of a session."""

import asyncio

from gateway.admit import check_passing, check_session
from gateway.errors import StreamlessError, UnavailableError
from gateway.forward import end_of, make_call
from gateway.headers import forwarded_of
from gateway.inbound import Caller
from gateway.limits import Session
from gateway.parts import Parts
from gateway.relay import Lists, Relay
from servers.upstream.http import Answer


async def open_stream(parts: Parts, caller: Caller, session: Session | None) -> None:
    """Relay the upstream's event stream until either side or the grant ends it; its 405 and other 4xx pass as they are.

    Raises SessionUnknownError, UnavailableError, QuotaError, UpstreamError, and StreamlessError for an upstream without
    a stream.
    """
    check_passing(parts, caller.snapshot)
    tenancy = caller.snapshot.tenancy
    with parts.held.streams.hold(tenancy.organisation, tenancy.quotas.streams):
        await check_session(parts, caller.snapshot, session)
        await _relay_stream(parts, caller)


async def _relay_stream(parts: Parts, caller: Caller) -> None:
    call = make_call(caller, "GET", forwarded_of(caller.headers))
    relay = _make_relay(parts, caller)
    try:
        async with asyncio.timeout(None) as scope:
            end = end_of(scope)
            watch = caller.exchange.watch(end, delay=0)
            try:
                async with parts.snapshots.hold_stream(caller.token_hash, caller.snapshot, end, relay.tell):
                    answer = await parts.upstream.open(call)
                    try:
                        await _pass(relay, answer)
                    finally:
                        answer.close()
            finally:
                watch.close()
    except TimeoutError:
        # The client left, or its grant ended; the upstream's connection is closed by now.
        if caller.exchange.is_started:
            await caller.exchange.end_stream()
        elif not watch.has_left:
            raise UnavailableError("The stream was ended.") from None


async def end_session(parts: Parts, caller: Caller, session: Session | None) -> None:
    """Forward a DELETE, and forget the session once the upstream has."""
    check_passing(parts, caller.snapshot)
    tenancy = caller.snapshot.tenancy
    with parts.held.messages.hold(tenancy.organisation, tenancy.quotas.calls):
        await check_session(parts, caller.snapshot, session)
        await _forward_end(parts, caller, session)


async def _forward_end(parts: Parts, caller: Caller, session: Session | None) -> None:
    answer = await parts.upstream.open(make_call(caller, "DELETE", forwarded_of(caller.headers)))
    try:
        if answer.status >= 400:
            await _make_relay(parts, caller).pass_on(answer)
            return
        if session is not None:
            await parts.sessions.unbind(caller.snapshot, session)
        # What it may say beside is of no use to a client.
        await caller.exchange.answer(answer.status)
    finally:
        answer.close()


def _make_relay(parts: Parts, caller: Caller) -> Relay:
    relay = Relay(
        caller.exchange,
        None,
        Lists.ANY,
        lambda: parts.snapshots.latest(caller.token_hash, caller.snapshot).lists,
        rediscover=lambda: parts.rediscovery.ask(caller.snapshot.tenancy.organisation, caller.snapshot.server),
    )
    if caller.snapshot.announces_changes:
        relay.announce_changes()
    return relay


async def _pass(relay: Relay, answer: Answer) -> None:
    if answer.status >= 400:
        await relay.pass_on(answer)
    elif answer.media_type == "text/event-stream" and answer.status == 200:
        await relay.pass_events(answer)
    else:
        raise StreamlessError("This server has no stream of its own.")
