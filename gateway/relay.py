"""Passes an answer on: JSON stays JSON, a stream stays a stream, event by event; lists of tools are filtered."""

import asyncio
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, Final, NamedTuple

import msgspec

from gateway.errors import UPSTREAM_FAILED, ErrorAnswer
from gateway.exchange import JSON_TYPE, Exchange, Pair, error_body
from gateway.inbound import Inbound
from gateway.jsonrpc import Kind, write_tree
from gateway.listing import ListUnreadableError
from policies.models import RecordStatus
from servers.upstream.http import Answer, UpstreamBrokenError, UpstreamError
from servers.upstream.sse import data_of, replace_data

KEEP_ALIVE_SECONDS: Final = 15.0
KEEP_ALIVE: Final = b": keep-alive\n\n"
# Answered before anything was done (JSON-RPC 2.0, section 5.1).
UNDONE_CODES: Final = frozenset({-32700, -32600, -32601, -32602})
_UNREADABLE_LIST: Final = "The server's list of tools cannot be read."


class Lists(Enum):
    """Which messages of an answer may be lists of tools."""

    NONE = 0
    ANSWER = 1
    ANY = 2


class Outcome(NamedTuple):
    """How a forwarded request ended. `is_undone`: the upstream said in so many words that it did nothing."""

    status: RecordStatus
    is_undone: bool = False


class Relay:
    """The way back of one request; `headers` go with a successful head (a session id that has just been bound)."""

    def __init__(self, exchange: Exchange, inbound: Inbound | None, lists: Lists, filters: Callable[[], Any]) -> None:
        self._exchange = exchange
        self._inbound = inbound
        self._lists = lists
        # Asked for each list: on a long stream the policy may have been published anew.
        self._filters = filters
        self.headers: Sequence[Pair] = ()

    async def pass_on(self, answer: Answer) -> Outcome:
        """Relay the whole answer to a POST; raises UpstreamError while nothing has been sent to the client."""
        if answer.status >= 400:
            return await self._pass_failure(answer)
        if self._inbound is None or self._inbound.message.kind is not Kind.REQUEST:
            await self._exchange.answer(202)
            return Outcome(RecordStatus.OK)
        if answer.media_type == "text/event-stream":
            return await self.pass_events(answer)
        if answer.media_type != "application/json":
            raise UpstreamBrokenError("The server's answer is neither JSON nor an event stream.")
        body = await answer.read()
        outcome = judge_body(body)
        if self._lists is Lists.ANSWER:
            body = self._filter_answer(body)
        await self._exchange.answer(answer.status, body, (JSON_TYPE, *self.headers))
        return outcome

    async def pass_events(self, answer: Answer) -> Outcome:
        """Relay a stream to its end, with a comment in each long silence."""
        await self._exchange.start_stream(self.headers)
        outcome = Outcome(RecordStatus.UNKNOWN)
        is_resumable = False
        try:
            while True:
                try:
                    async with asyncio.timeout(KEEP_ALIVE_SECONDS):
                        event = await answer.next_event()
                except TimeoutError:
                    await self._exchange.send_part(KEEP_ALIVE)
                    continue
                if event is None:
                    break
                data = data_of(event)
                is_resumable = is_resumable or b"id:" in event
                await self._exchange.send_part(self._filter_event(event, data))
                outcome = judge_event(data, outcome)
        except UpstreamError as error:
            if outcome.status is RecordStatus.UNKNOWN and not is_resumable:
                await self._exchange.send_part(self._write_error(str(error)))
        await self._exchange.end_stream()
        return outcome

    async def _pass_failure(self, answer: Answer) -> Outcome:
        # A 4xx reaches the client unchanged: clients find the era that a server speaks by it.
        body = await answer.read()
        outcome = judge_body(body)._replace(status=RecordStatus.ERROR)
        if answer.status >= 500 and not _has_error(body):
            raise UpstreamBrokenError(f"The server failed (HTTP {answer.status}).")
        if self._lists is Lists.ANSWER and not _has_error(body):
            body = self._filter_failure(body)
        headers: list[Pair] = []
        for name in ("Content-Type", "Allow", "Retry-After"):
            value = answer.headers.get(name)
            if value is not None and value.isascii() and value.isprintable():
                headers.append((name.lower().encode(), value.encode()))
        await self._exchange.answer(answer.status, body, headers)
        return outcome

    def _filter_answer(self, body: bytes) -> bytes:
        inbound = self._inbound
        request_id = write_tree(inbound.message.id if inbound is not None else None)
        try:
            filtered: bytes = self._filters().filter_answer(
                body, request_id, is_modern=inbound is not None and inbound.is_modern
            )
        except ListUnreadableError:
            raise UpstreamBrokenError(_UNREADABLE_LIST) from None
        return filtered

    def _filter_failure(self, body: bytes) -> bytes:
        # A list does not belong into a refusal, and gets no further than one that is well placed.
        try:
            return self._filter_answer(body)
        except UpstreamBrokenError:
            return b"" if body.lstrip()[:1] in (b"{", b"[") else body

    def _filter_event(self, event: bytes, data: bytes) -> bytes:
        if not data or self._lists is Lists.NONE:
            return event
        try:
            if self._lists is Lists.ANSWER:
                filtered = self._filter_answer(data)
            else:
                filtered = self._filters().filter_unasked(data)
        except (UpstreamBrokenError, ListUnreadableError):
            return self._write_error(_UNREADABLE_LIST) if self._lists is Lists.ANSWER else KEEP_ALIVE
        return event if filtered == data else replace_data(event, filtered)

    def _write_error(self, text: str) -> bytes:
        if self._inbound is None or self._inbound.message.kind is not Kind.REQUEST:
            return b""
        error = ErrorAnswer(502, UPSTREAM_FAILED, text)
        return b"event: message\ndata: " + error_body(error, self._inbound.message.id) + b"\n\n"


def judge_body(body: bytes) -> Outcome:
    """What a JSON-RPC response says about its request; anything unreadable is an error."""
    try:
        reply = _reply.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Outcome(RecordStatus.ERROR)
    if reply.error is not None:
        return Outcome(RecordStatus.ERROR, is_undone=reply.error.code in UNDONE_CODES)
    # isError gives nothing back: Bybit's server says so on a timeout after the order went out.
    is_ok = reply.result is not None and reply.result.isError is not True
    return Outcome(RecordStatus.OK if is_ok else RecordStatus.ERROR)


def judge_event(data: bytes, before: Outcome) -> Outcome:
    """The same for one event of a stream, where requests and notifications travel too."""
    if not data or (b'"method"' in data and _has_method(data)):
        return before
    return judge_body(data)


class _Error(msgspec.Struct):
    code: Any = None


class _Result(msgspec.Struct):
    isError: Any = False


class _Reply(msgspec.Struct):
    error: _Error | None = None
    result: _Result | None = None


class _Call(msgspec.Struct):
    method: str | None = None


_reply: Final = msgspec.json.Decoder(_Reply)
_call: Final = msgspec.json.Decoder(_Call)


def _has_method(data: bytes) -> bool:
    try:
        return _call.decode(data).method is not None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False


def _has_error(body: bytes) -> bool:
    try:
        return _reply.decode(body).error is not None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False
