"""Reads what an upstream sends back as JSON-RPC, and judges the answer to a request; raises no error but its own.

An upstream is nobody's friend: deep nesting, odd types and foreign ids are refused here, not where they would hurt.
"""

from enum import Enum
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from gateway.jsonrpc import RequestId
from policies.models import RecordStatus
from servers.upstream.http import UpstreamBrokenError

T = TypeVar("T")

# Answered before anything was done (JSON-RPC 2.0, section 5.1).
UNDONE_CODES: Final = frozenset({-32700, -32600, -32601, -32602})


class ReplyUnreadableError(UpstreamBrokenError):
    """What the upstream sent is no message that may be passed on."""

    def __init__(self, text: str = "The server's answer cannot be read.") -> None:
        super().__init__(text)


class Outcome(NamedTuple):
    """How a forwarded request ended. `is_undone`: the upstream said in so many words that it did nothing."""

    status: RecordStatus
    is_undone: bool = False


class Standing(Enum):
    """What a message is to the request that waits."""

    ANSWER = 1
    # A request or notification of the server's own.
    CALL = 2
    # A response to something else, or to nothing.
    FOREIGN = 3


class _Error(msgspec.Struct):
    code: int | float | str | None = None


class _Result(msgspec.Struct):
    isError: Any = False
    tools: msgspec.Raw = msgspec.Raw(b"")


class Reply(msgspec.Struct):
    """The members of one message that matter here; a null `error` or `method` counts as none."""

    id: Any = msgspec.UNSET
    method: str | None = None
    error: _Error | None = None
    result: _Result | msgspec.UnsetType | None = msgspec.UNSET

    @property
    def has_tools(self) -> bool:
        """Whether its result has a member `tools`, however that is spelled."""
        return type(self.result) is _Result and bool(bytes(self.result.tools))

    @property
    def is_failure(self) -> bool:
        """Whether it says that something went wrong, in either of the two ways."""
        return self.error is not None or (type(self.result) is _Result and self.result.isError is True)

    def standing_to(self, request_id: RequestId | None) -> Standing:
        """What it is to the request with this id; `1`, `"1"` and `true` are three ids."""
        if self.method is not None:
            return Standing.CALL
        has_answer = self.error is not None or self.result is not msgspec.UNSET
        if has_answer and type(self.id) is type(request_id) and self.id == request_id:
            return Standing.ANSWER
        return Standing.FOREIGN

    def judge(self) -> Outcome:
        """What it says about the request that it answers."""
        if self.error is not None:
            code = self.error.code
            is_undone = self.result is msgspec.UNSET and type(code) is int and code in UNDONE_CODES
            return Outcome(RecordStatus.ERROR, is_undone)
        # isError gives nothing back: Bybit's server says so on a timeout after the order went out.
        is_ok = type(self.result) is _Result and self.result.isError is not True
        return Outcome(RecordStatus.OK if is_ok else RecordStatus.ERROR)


def read_reply(data: bytes) -> Reply:
    """The message in `data`; raises ReplyUnreadableError, also for one that is two kinds of message at once."""
    try:
        # The decoder itself looks into no string that it leaves out.
        _ = data.isascii() or data.decode()
    except UnicodeDecodeError:
        raise ReplyUnreadableError from None
    reply = read_json(_reply, data)
    is_result = type(reply.result) is _Result
    if (is_result and reply.error is not None) or (reply.method is not None and (is_result or reply.error is not None)):
        # One client would read the one, another the other.
        raise ReplyUnreadableError
    return reply


def read_json(decoder: msgspec.json.Decoder[T], data: bytes) -> T:
    """The one place where an upstream's bytes are decoded; raises ReplyUnreadableError."""
    try:
        return decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ReplyUnreadableError from None


_reply: Final = msgspec.json.Decoder(Reply)
