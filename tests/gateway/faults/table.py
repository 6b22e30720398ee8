"""Every fault of an upstream with the answer that is declared for it; docs/security.md quotes this table."""

from dataclasses import dataclass, replace

from tests.gateway.faults.plays import (
    CHANGED,
    GZIPPED,
    HIDDEN,
    JSON_TYPE,
    MEGABYTE,
    NOTE,
    RESULT,
    SECOND,
    SECRET,
    STREAM,
    answer_of,
    chunk_of,
    event_of,
    hang,
    hang_up,
    head_of,
    make_bomb,
    pour,
    reset,
    say,
    stream_of,
    trickle,
)
from tests.gateway.faults.upstreams import Play

BROKE = "The connection to the server broke."
UNREADABLE = "The server's answer cannot be read."
FOREIGN = "The server answered another request."
SLOW = "The server did not answer in time."
LARGE = "The server's answer is too large."
LARGE_EVENT = "The server sent an event that is too large."
REDIRECT = "The server answered with a redirect, which is not followed."
PACKED = "The server compressed its answer though it was asked not to."
NEITHER = "The server's answer is neither JSON nor an event stream."
UNANSWERED = "The server ended its stream without an answer."
PROTOCOL = "The server asked for another protocol."


@dataclass(frozen=True)
class Fault:
    """What is done, and what is declared for it: the HTTP status, the text of the JSON-RPC error (none for the server's
    own answer), the status of the record, and the seconds within which all that has happened."""

    name: str
    play: Play
    text: str = ""
    status: int = 502
    record: str = "error"
    seconds: float = 5
    in_stream: bool = False

    @property
    def code(self) -> int:
        return -31504 if self.status == 504 else -31502


def passes(name: str, play: Play, *, record: str = "ok", status: int = 200, in_stream: bool = False) -> Fault:
    """The answer, or what of it can be used, reaches the agent."""
    return Fault(name, play, status=status, record=record, in_stream=in_stream)


def stops(name: str, play: Play, text: str, *, record: str = "unknown") -> Fault:
    """A stream that had begun ends with an event that says what happened."""
    return Fault(name, play, text, status=200, record=record, in_stream=True)


def odd_answer(status: bytes, body: bytes = RESULT, extra: bytes = JSON_TYPE) -> bytes:
    return answer_of(body, extra, status=status)


DEEP = b'{"jsonrpc":"2.0","id":1,"result":%s1%s}' % (b"[" * 100_000, b"]" * 100_000)
TOLD = f"connect to 10.1.2.3 with {SECRET} failed at /srv/app.py"
QUIET = [
    Fault("resets before the head", reset(), BROKE),
    Fault("closes before the head", hang_up(), BROKE),
    Fault("resets within the head", reset(b"HTTP/1.1 200 OK\r\nContent-"), BROKE),
    Fault("resets within the body", reset(head_of(length=len(RESULT)), RESULT[:20]), BROKE),
    Fault("announces more than it sends", hang_up(head_of(length=500), RESULT), BROKE),
    Fault("sends more than it announced", say(answer_of(RESULT) + b"more"), BROKE),
    Fault("announces two lengths", say(head_of(JSON_TYPE + b"Content-Length: 3\r\n", length=9) + RESULT), BROKE),
    Fault("announces a length below nothing", say(head_of(JSON_TYPE + b"Content-Length: -1\r\n") + RESULT), BROKE),
    Fault("sends two objects", say(answer_of(RESULT + SECOND)), UNREADABLE),
    Fault(
        "sends chunks without a size", say(STREAM.replace(b"text/event-stream", b"application/json") + b"zz\r\n"), BROKE
    ),
    Fault(
        "ends before its last chunk",
        hang_up(STREAM.replace(b"text/event-stream", b"application/json"), chunk_of(RESULT)),
        BROKE,
    ),
    passes("speaks HTTP/1.0 and closes", hang_up(b"HTTP/1.0 200 OK\r\n" + JSON_TYPE + b"\r\n" + RESULT)),
    Fault("speaks no HTTP", hang_up(b"hello\r\n\r\n"), BROKE),
    Fault("compresses its answer", say(answer_of(GZIPPED, JSON_TYPE + b"Content-Encoding: gzip\r\n")), PACKED),
    Fault(
        "sends a compressed bomb",
        say(answer_of(make_bomb(64 * MEGABYTE), JSON_TYPE + b"Content-Encoding: gzip\r\n")),
        PACKED,
    ),
    Fault("compresses and does not say so", say(answer_of(GZIPPED)), UNREADABLE),
    Fault("answers another id", say(answer_of(RESULT.replace(b'"id":1', b'"id":2'))), FOREIGN),
    Fault("answers an id of another type", say(answer_of(RESULT.replace(b'"id":1', b'"id":"1"'))), FOREIGN),
    Fault("answers without an id", say(answer_of(RESULT.replace(b'"id":1,', b""))), FOREIGN),
    Fault("answers invalid UTF-8", say(answer_of(RESULT.replace(b"[]", b'["\xff"]'))), UNREADABLE),
    Fault("nests a hundred thousand deep", say(answer_of(DEEP)), UNREADABLE),
    Fault("answers a page", say(answer_of(b"<html>", b"Content-Type: text/html\r\n")), NEITHER),
    Fault("answers 204 with a body", say(odd_answer(b"204 No Content")), BROKE),
    Fault("answers 204", say(head_of(status=b"204 No Content", length=0)), UNREADABLE),
    Fault("answers 205 with a body", say(odd_answer(b"205 Reset Content", extra=b"")), NEITHER),
    Fault(
        "asks for another protocol",
        say(head_of(b"Upgrade: x\r\nConnection: upgrade\r\n", status=b"101 Switching")),
        PROTOCOL,
    ),
    passes("sends a thousand interim answers", say(*[b"HTTP/1.1 102 Processing\r\n\r\n"] * 1000, answer_of(RESULT))),
    Fault(
        "sends a header of 100 KiB", say(answer_of(RESULT, JSON_TYPE + b"X-Long: " + b"x" * 102_400 + b"\r\n")), BROKE
    ),
    Fault("sends a thousand headers", say(answer_of(RESULT, JSON_TYPE + b"X-Many: x\r\n" * 1000)), BROKE),
    Fault("puts a line's end into a header", say(answer_of(RESULT, JSON_TYPE + b"X-Odd: a\rSet-Cookie: b\r\n")), BROKE),
    Fault("puts NUL into a header", say(answer_of(RESULT, JSON_TYPE + b"X-Odd: a\0b\r\n")), BROKE),
    Fault(
        "fails with secrets",
        say(answer_of(TOLD.encode(), b"Content-Type: text/plain\r\n", status=b"500 Error")),
        "The server failed (HTTP 500).",
    ),
    Fault(
        "never ends its body",
        pour(STREAM.replace(b"text/event-stream", b"application/json"), chunk_of(b"[" + b"1," * 32_768)),
        LARGE,
        seconds=20,
    ),
    stops("resets within a stream", reset(STREAM, event_of(NOTE)), BROKE),
    stops("resets within an event", reset(STREAM, event_of(NOTE), chunk_of(b"data: " + RESULT[:-5])), BROKE),
    stops(
        "ends its stream within an event", say(STREAM + chunk_of(b"data: " + RESULT + b"\n") + b"0\r\n\r\n"), UNANSWERED
    ),
    stops("ends its stream unanswered", say(stream_of(NOTE)), UNANSWERED),
    stops("sends chunks without a size in a stream", say(STREAM + event_of(NOTE), b"zz\r\n", every=0.3), BROKE),
    stops("sends an event that cannot be read", say(stream_of(NOTE, b"{")), UNREADABLE, record="error"),
    stops(
        "answers only another id in a stream",
        say(stream_of(NOTE, RESULT.replace(b'"id":1', b'"id":2'))),
        FOREIGN,
        record="error",
    ),
    replace(
        stops(
            "sends a line without an end",
            pour(STREAM, chunk_of(b"data: " + b"x" * 65_536)),
            LARGE_EVENT,
        ),
        seconds=20,
    ),
    replace(
        stops(
            "sends an event of 9 MiB", say(STREAM, *[chunk_of(b"data: " + b"x" * MEGABYTE + b"\n")] * 9), LARGE_EVENT
        ),
        seconds=20,
    ),
    passes("answers twice", say(stream_of(RESULT, SECOND)), in_stream=True),
    passes(
        "answers again, later",
        say(STREAM + event_of(RESULT), event_of(SECOND), b"0\r\n\r\n", every=0.3),
        in_stream=True,
    ),
    passes("tells of changed tools in a stream", say(stream_of(CHANGED, RESULT)), in_stream=True),
    *[
        Fault(
            f"redirects with {status}",
            say(head_of(b"Location: /elsewhere\r\n", status=b"%d Moved" % status, length=0)),
            REDIRECT,
        )
        for status in (301, 302, 303, 307, 308)
    ],
]
# Each of them takes a minute by the limits of production.
SLOW_FAULTS = [
    Fault("never answers", hang(), SLOW, status=504, seconds=65),
    Fault("never ends its head", hang(b"HTTP/1.1 200 OK\r\n"), SLOW, status=504, seconds=65),
    Fault("trickles its head", trickle(answer_of(RESULT)), SLOW, status=504, seconds=65),
    Fault(
        "sends interim answers for ever",
        pour(b"", b"HTTP/1.1 102 Processing\r\n\r\n", every=0.5),
        SLOW,
        status=504,
        seconds=65,
    ),
    Fault("sends a head only", hang(head_of(length=9)), SLOW, status=504, seconds=65),
    Fault("trickles its body", trickle(RESULT * 2, head_of(length=900)), SLOW, status=504, seconds=65),
]
__all__ = ["HIDDEN", "QUIET", "SECRET", "SLOW_FAULTS", "Fault"]
