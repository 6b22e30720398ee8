"""Sends a judged and recorded message to the upstream, passes its answer on, and records how it ended."""

import asyncio
from collections.abc import Callable, Sequence
from time import perf_counter_ns
from typing import Final

from gateway.errors import UnavailableError
from gateway.headers import forwarded_of
from gateway.inbound import Caller, Inbound, elapsed_us
from gateway.jsonrpc import write_tree
from gateway.parts import Parts
from gateway.record import Record
from gateway.relay import Lists, Outcome, Relay
from gateway.sessions import Sessions
from policies.engine.decision import Reservation
from policies.models import RecordStatus
from servers.upstream.http import Answer, UpstreamBrokenError, UpstreamCall, UpstreamError, UpstreamUnreachableError

# Most calls are over by then, and need no watch on their client.
WATCH_AFTER: Final = 0.05
# How long an answer is read on for the record once its client has left.
LEFT_SECONDS: Final = 60.0
MAX_SESSION_ID: Final = 512

Headers = tuple[tuple[str, str], ...]


def headers_of(inbound: Inbound) -> Headers:
    """What travels with a message, known before anything is reserved; raises InvalidRequestError if it cannot."""
    return forwarded_of(inbound.caller.headers, inbound.message, is_modern=inbound.is_modern)


def make_call(caller: Caller, verb: str, headers: Headers, body: bytes | None = None) -> UpstreamCall:
    """The request for the upstream; raises UpstreamUnreachableError for a server without an address."""
    target = caller.snapshot.target
    if target is None:
        raise UpstreamUnreachableError
    return UpstreamCall(verb, target, headers, body)


def end_of(scope: asyncio.Timeout, *, after: float = 0) -> Callable[[], None]:
    """Breaks a stream off, `after` so many seconds, however many ask for it."""

    def end() -> None:
        if not scope.expired():
            scope.reschedule(asyncio.get_running_loop().time() + after if after else 0)

    return end


async def forward(
    parts: Parts,
    inbound: Inbound,
    headers: Headers,
    *,
    record: Record | None = None,
    lists: Lists = Lists.NONE,
    limits: Sequence[Reservation] = (),
) -> None:
    """Send the judged tree, relay, settle: the outcome is recorded however this ends, and a reservation is given back
    only when the upstream surely did nothing.

    Raises UpstreamError while nothing was sent to the client, UnavailableError for a stream whose grant ended by then.
    """
    snapshot = inbound.caller.snapshot
    relay = Relay(
        inbound.caller.exchange,
        inbound,
        lists,
        lambda: parts.snapshots.latest(inbound.caller.token_hash, snapshot).lists,
        rediscover=lambda: parts.rediscovery.ask(snapshot.tenancy.organisation, snapshot.server),
    )
    if record is not None:
        record.gateway_us = elapsed_us(inbound.caller.started_ns)
    sent_ns = perf_counter_ns()
    # What stands when this is broken off: sent, and its end not known.
    outcome = Outcome(RecordStatus.UNKNOWN)
    try:
        call = make_call(inbound.caller, "POST", headers, write_tree(inbound.message.tree))
        outcome = await _send(parts, inbound, call, record, relay)
    except UpstreamError as error:
        outcome = Outcome(RecordStatus.ERROR, is_undone=not error.is_sent)
        if record is not None:
            record.reason = str(error)
        raise
    finally:
        if record is not None:
            if outcome.is_undone and limits:
                parts.limiter.give_back(snapshot.subject, limits, charge=str(record.id))
            record.status = outcome.status
            record.upstream_us = elapsed_us(sent_ns)
            parts.recorder.finish(record)


async def _send(parts: Parts, inbound: Inbound, call: UpstreamCall, record: Record | None, relay: Relay) -> Outcome:
    exchange = inbound.caller.exchange
    # A dropped connection is a cancellation in the modern era only: else the answer is read on, though not for ever.
    patience = 0 if inbound.is_modern else LEFT_SECONDS
    try:
        async with asyncio.timeout(None) as scope:
            watch = exchange.watch(end_of(scope, after=patience), delay=WATCH_AFTER)
            try:
                return await _exchange(parts, inbound, call, record, relay)
            finally:
                watch.close()
    except TimeoutError:
        # The client left: the upstream's connection is closed, and nobody knows what it did.
        if exchange.is_started:
            await exchange.end_stream()
        return Outcome(RecordStatus.UNKNOWN)


async def _exchange(parts: Parts, inbound: Inbound, call: UpstreamCall, record: Record | None, relay: Relay) -> Outcome:
    inbound.turn.end()
    answer = await parts.upstream.open(call)
    try:
        if record is not None:
            record.upstream_status = answer.status
        await inbound.turn.go_on()
        if inbound.message.method == "initialize" and not inbound.is_modern and answer.status < 300:
            await _bind_session(parts.sessions, inbound, answer, relay, str(record.id) if record is not None else "")
        if answer.media_type == "text/event-stream" and inbound.message.method != "tools/call":
            return await _pass_held(parts, inbound.caller, answer, relay)
        # A call that was forwarded is not recalled.
        return await relay.pass_on(answer)
    finally:
        answer.close()


async def _pass_held(parts: Parts, caller: Caller, answer: Answer, relay: Relay) -> Outcome:
    """Relay a stream that ends with its caller's grant at the latest."""
    try:
        async with (
            asyncio.timeout(None) as scope,
            parts.snapshots.hold_stream(caller.token_hash, caller.snapshot, end_of(scope), relay.tell),
        ):
            return await relay.pass_on(answer)
    except TimeoutError:
        # First of all: a client that reads slowly can keep the last bytes waiting.
        answer.close()
        if not caller.exchange.is_started:
            raise UnavailableError("The stream was ended.") from None
        await caller.exchange.end_stream()
        return Outcome(RecordStatus.UNKNOWN)


async def _bind_session(sessions: Sessions, inbound: Inbound, answer: Answer, relay: Relay, place: str) -> None:
    session_id = answer.headers.get("Mcp-Session-Id")
    if session_id is None:
        return
    # Visible ASCII (MCP, session management); anything else could end the header or hide in it.
    if not 0 < len(session_id) <= MAX_SESSION_ID or not all("!" <= letter <= "~" for letter in session_id):
        raise UpstreamBrokenError("The server issued a session id that is not visible ASCII.")
    snapshot = inbound.caller.snapshot
    await sessions.bind(snapshot, sessions.session_of(snapshot, session_id), place)
    relay.headers = ((b"mcp-session-id", session_id.encode("ascii")),)
