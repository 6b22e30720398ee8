"""Passes an answer on: JSON stays JSON, a stream stays a stream, event by event; lists of tools are filtered."""

import asyncio
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, Final

import msgspec

from gateway.errors import UPSTREAM_FAILED, ErrorAnswer
from gateway.exchange import JSON_TYPE, Exchange, Pair, error_body
from gateway.inbound import Inbound
from gateway.jsonrpc import META, Kind, RequestId, write_tree
from gateway.listing import Filtered
from gateway.replies import Outcome, Reply, ReplyUnreadableError, Standing, read_json, read_reply
from policies.engine.values import JSON
from policies.models import RecordStatus
from servers.upstream.http import Answer, UpstreamBrokenError, UpstreamError
from servers.upstream.sse import Event, EventOddError, is_loosely_cut, read_event, replace_data

__all__ = ["Lists", "Outcome", "Relay"]

KEEP_ALIVE_SECONDS: Final = 15.0
KEEP_ALIVE: Final = b": keep-alive\n\n"
_FOREIGN: Final = "The server answered another request."
_UNANSWERED: Final = "The server ended its stream without an answer."
_ACKNOWLEDGED: Final = "notifications/subscriptions/acknowledged"
_LIST_CHANGED: Final = "notifications/tools/list_changed"
_SUBSCRIPTION: Final = META + "subscriptionId"


class _Agreed(msgspec.Struct, frozen=True):
    toolsListChanged: Any = False


class _Acknowledged(msgspec.Struct, frozen=True):
    notifications: _Agreed = _Agreed()


class _Acknowledgement(msgspec.Struct, frozen=True):
    params: _Acknowledged = _Acknowledged()


_acknowledgement: Final = msgspec.json.Decoder(_Acknowledgement)


def _write_announcement(params: dict[str, JSON]) -> bytes:
    # Without an id of its own: a client that resumes must ask for what the upstream sent.
    message: dict[str, JSON] = {"jsonrpc": "2.0", "method": _LIST_CHANGED, **({"params": params} if params else {})}
    return b"event: message\ndata: " + write_tree(message) + b"\n\n"


def _write_event(raw: bytes, data: bytes, passed: bytes) -> bytes:
    # As it came wherever it can be.
    return raw if passed is data and not is_loosely_cut(data) else replace_data(raw, passed)


class Lists(Enum):
    """Where a list of tools is expected: nowhere, in the answer, or in any message. It is filtered wherever it is."""

    NONE = 0
    ANSWER = 1
    ANY = 2


class Relay:
    """The way back of one request; `headers` go with a successful head (a session id that has just been bound).

    `rediscover` is called for a list that shows what discovery does not know.
    """

    def __init__(
        self,
        exchange: Exchange,
        inbound: Inbound | None,
        lists: Lists,
        filters: Callable[[], Any],
        *,
        rediscover: Callable[[], object] | None = None,
    ) -> None:
        self._exchange = exchange
        self._inbound = inbound if inbound is not None and inbound.message.kind is Kind.REQUEST else None
        self._lists = lists
        # Asked for each list: on a long stream the policy may have been published anew.
        self._filters = filters
        self._rediscover = rediscover
        self._outcome: Outcome | None = None
        self._is_resumable = False
        # The notification of a changed list, once this stream may carry it.
        self._announcement = b""
        self._has_news = False
        self._silence: asyncio.Timeout | None = None
        # Why what might have been the answer was dropped.
        self._problem: ReplyUnreadableError | None = None
        # Leaves out of a failure what the upstream was sent in confidence; set with the answer.
        self._hide: Callable[[bytes], bytes] = bytes
        self.headers: Sequence[Pair] = ()

    async def pass_on(self, answer: Answer) -> Outcome:
        """Relay the whole answer to a POST; raises UpstreamError while nothing has been sent to the client."""
        self._hide = answer.hide_secrets
        if answer.status >= 400:
            return await self._pass_failure(answer)
        if self._inbound is None:
            await self._exchange.answer(202)
            return Outcome(RecordStatus.OK)
        if answer.media_type == "text/event-stream":
            return await self.pass_events(answer)
        if answer.media_type != "application/json":
            raise UpstreamBrokenError("The server's answer is neither JSON nor an event stream.")
        body = await answer.read()
        reply = read_reply(body)
        if reply.standing_to(self._inbound.message.id) is not Standing.ANSWER:
            raise ReplyUnreadableError(_FOREIGN)
        body = self._filter(body, reply)
        await self._exchange.answer(answer.status, body, (JSON_TYPE, *self.headers))
        return reply.judge()

    async def pass_events(self, answer: Answer) -> Outcome:
        """Relay a stream to its end, with a comment in each long silence."""
        self._hide = answer.hide_secrets
        await self._exchange.start_stream(self.headers)
        try:
            while (event := await self._next_event(answer)) is not None:
                await self._exchange.send_part(self._take_event(event))
            if self._outcome is None and not self._is_resumable and (self._problem or not self._is_subscription):
                # The client would wait for ever: there is nothing to come back for.
                raise self._problem or UpstreamBrokenError(_UNANSWERED)
        except ReplyUnreadableError as error:
            # Nothing that follows is worth waiting for, nor coming back for.
            if self._outcome is None:
                await self._exchange.send_part(self._write_error(str(error)))
                self._outcome = Outcome(RecordStatus.ERROR)
        except UpstreamError as error:
            if self._outcome is None and not self._is_resumable:
                await self._exchange.send_part(self._write_error(str(error)))
        await self._exchange.end_stream()
        return self._outcome or Outcome(RecordStatus.UNKNOWN)

    def announce_changes(self) -> None:
        """This stream may tell of a changed list (MCP 2025-11-25, tools, list changed notification)."""
        self._announcement = _write_announcement({})

    def tell(self) -> None:
        """The list of tools is another one now; the client hears of it once the stream may carry it."""
        self._has_news = True
        if self._announcement and self._silence is not None and not self._silence.expired():
            self._silence.reschedule(0)

    async def _next_event(self, answer: Answer) -> bytes | None:
        while True:
            if self._has_news and self._announcement:
                self._has_news = False
                await self._exchange.send_part(self._announcement)
            try:
                async with asyncio.timeout(KEEP_ALIVE_SECONDS) as self._silence:
                    return await answer.next_event()
            except TimeoutError:
                # News that this stream may not carry are no reason to fall silent.
                if not (self._has_news and self._announcement):
                    await self._exchange.send_part(KEEP_ALIVE)
            finally:
                self._silence = None

    def _take_event(self, raw: bytes) -> bytes:
        """What the client gets of an event; a comment for what it must not see. Raises ReplyUnreadableError."""
        try:
            event = read_event(raw)
        except EventOddError:
            self._problem = ReplyUnreadableError()
            return KEEP_ALIVE
        if not event.data:
            part = raw
        elif event.kind != b"message":
            # No client reads a message there (MCP, transports), and none shall.
            part = KEEP_ALIVE
        elif self._inbound is not None:
            part = self._take_own(raw, event)
        else:
            part = self._take_any(raw, event)
        self._is_resumable = self._is_resumable or (event.has_id and part is not KEEP_ALIVE)
        return part

    def _take_own(self, raw: bytes, event: Event) -> bytes:
        reply = read_reply(event.data)
        standing = reply.standing_to(self._request_id)
        if standing is Standing.CALL:
            if reply.method == _ACKNOWLEDGED and self._is_subscription:
                self._read_acknowledgement(event.data)
            return _write_event(raw, event.data, event.data)
        if standing is Standing.FOREIGN or self._outcome is not None:
            # The first answer stands.
            self._problem = ReplyUnreadableError(_FOREIGN)
            return KEEP_ALIVE
        filtered = self._filter(event.data, reply)
        self._outcome = reply.judge()
        return _write_event(raw, event.data, filtered)

    def _read_acknowledgement(self, data: bytes) -> None:
        # What the upstream agreed to send is what the client waits for (MCP 2026-07-28, subscriptions).
        try:
            agreed = read_json(_acknowledgement, data).params.notifications
        except ReplyUnreadableError:
            return
        if agreed.toolsListChanged is True:
            self._announcement = _write_announcement({"_meta": {_SUBSCRIPTION: self._request_id}})

    def _take_any(self, raw: bytes, event: Event) -> bytes:
        # A stream of the server's own, which may answer requests of other connections when it is resumed.
        try:
            filtered = self._filter(event.data, read_reply(event.data))
        except ReplyUnreadableError:
            return KEEP_ALIVE
        return _write_event(raw, event.data, filtered)

    async def _pass_failure(self, answer: Answer) -> Outcome:
        # A 4xx reaches the client unchanged: clients find the era that a server speaks by it.
        body = answer.hide_secrets(await answer.read())
        outcome = Outcome(RecordStatus.ERROR)
        try:
            reply = read_reply(body)
        except ReplyUnreadableError:
            reply = None
        if answer.status >= 500 and (reply is None or reply.error is None):
            raise UpstreamBrokenError(f"The server failed (HTTP {answer.status}).")
        if reply is not None and self._inbound is not None and reply.standing_to(self._request_id) is Standing.ANSWER:
            outcome = reply.judge()._replace(status=RecordStatus.ERROR)
        headers: list[Pair] = []
        for name in ("Content-Type", "Allow", "Retry-After"):
            value = answer.headers.get(name)
            if value is not None and value.isascii() and value.isprintable():
                headers.append((name.lower().encode(), value.encode()))
        await self._exchange.answer(answer.status, self.filter_stray(body), headers)
        return outcome

    @property
    def _is_subscription(self) -> bool:
        return self._inbound is not None and self._inbound.message.method == "subscriptions/listen"

    @property
    def _request_id(self) -> RequestId | None:
        return self._inbound.message.id if self._inbound is not None else None

    def _filter(self, data: bytes, reply: Reply) -> bytes:
        """The message, the very object when nothing had to go; raises ReplyUnreadableError."""
        filtered = self._filter_list(data) if self._lists is Lists.ANSWER or reply.has_tools else data
        hidden = self._hide(filtered) if reply.is_failure else filtered
        return filtered if hidden == filtered else hidden

    def _filter_list(self, data: bytes) -> bytes:
        if self._lists is Lists.ANSWER and self._inbound is not None:
            request_id, is_modern = write_tree(self._inbound.message.id), self._inbound.is_modern
            filtered: Filtered = self._filters().filter_answer(data, request_id, is_modern=is_modern)
        else:
            filtered = self._filters().filter_unasked(data)
        if filtered.is_odd and self._rediscover is not None:
            self._rediscover()
        return data if filtered.body == data else filtered.body

    def filter_stray(self, body: bytes) -> bytes:
        """A body where no list belongs, as in a refusal: one that is there gets no further than a well placed one."""
        try:
            return self._filter_list(body)
        except ReplyUnreadableError:
            is_list = self._lists is Lists.ANSWER and body.lstrip()[:1] in (b"{", b"[")
            return b"" if is_list else body

    def _write_error(self, text: str) -> bytes:
        if self._inbound is None:
            return b""
        error = ErrorAnswer(502, UPSTREAM_FAILED, text)
        return b"event: message\ndata: " + error_body(error, self._request_id) + b"\n\n"
