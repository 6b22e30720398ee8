"""Cuts an event stream into whole events and reads or replaces their data; every other byte stays as it came.

Source: WHATWG HTML, section 9.2 (server-sent events).
"""

import re
from typing import Final, NamedTuple

# Larger than a list of a thousand tools; a line or an event that never ends costs no more memory than this.
MAX_EVENT: Final = 8 * 1024 * 1024

# Two line ends in a row. Atomic groups: a CR LF must never count as two ends.
_END: Final = re.compile(rb"(?>\r\n|\r|\n)(?>\r\n|\r|\n)")
_BOM: Final = b"\xef\xbb\xbf"
_NAME: Final = re.compile(rb"[A-Za-z0-9_-]*")
# Where clients end a line that cut text with Python's str.splitlines: VT, FF, FS, GS, RS, NEL, U+2028 and U+2029. To
# them what follows is a line of its own, so text in a string could end an event and begin another.
_LOOSE_END: Final = re.compile(rb"[\x0b\x0c\x1c-\x1e]|\xc2\x85|\xe2\x80[\xa8\xa9]")


class EventTooLargeError(ValueError):
    """An event grew past MAX_EVENT without ending."""


class EventOddError(ValueError):
    """Something in an event that one client could read differently from another."""


class Event(NamedTuple):
    """What an event says: its data joined, its type, and whether it can be resumed after."""

    data: bytes
    kind: bytes
    has_id: bool


class EventFramer:
    """Collects the bytes of one stream; what is left of an unfinished event at the end must not be passed on."""

    __slots__ = ("_buffer", "_is_started", "_scanned")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._scanned = 0
        self._is_started = False

    def feed(self, chunk: bytes) -> None:
        """Add bytes as they came."""
        self._buffer += chunk
        # A second one would hide a field's name here, and not from a client that skips them all.
        while not self._is_started and len(self._buffer) >= len(_BOM):
            if self._buffer.startswith(_BOM):
                del self._buffer[: len(_BOM)]
            else:
                self._is_started = True

    def pop(self) -> bytes | None:
        """The next whole event with its closing blank line, or None; raises EventTooLargeError."""
        match = _END.search(self._buffer, self._scanned)
        if match is None:
            if len(self._buffer) > MAX_EVENT:
                raise EventTooLargeError
            self._scanned = max(0, len(self._buffer) - 3)
            return None
        event = bytes(self._buffer[: match.end()])
        del self._buffer[: match.end()]
        self._scanned = 0
        if len(event) > MAX_EVENT:
            raise EventTooLargeError
        return event


def read_event(event: bytes) -> Event:
    """The fields of an event; no data for comments and priming events.

    Raises EventOddError for a name with anything but ASCII letters, digits, `-` and `_`, or `data` in other letters,
    and for a line outside the data in which a client could see two.
    """
    data: list[bytes] = []
    kind, has_id = b"message", False
    is_loose = is_loosely_cut(event)
    for line in event.splitlines():
        if line.startswith(b"data:") or line == b"data":
            data.append(line[5:].removeprefix(b" "))
            continue
        if is_loose and is_loosely_cut(line):
            raise EventOddError
        name, _, value = line.partition(b":")
        if name == b"event":
            kind = value.removeprefix(b" ") or b"message"
        elif name == b"id":
            has_id = True
        elif _NAME.fullmatch(name) is None or name.lower() == b"data":
            raise EventOddError
    joined = data[0] if len(data) == 1 else b"\n".join(data)
    return Event(joined if joined.strip() else b"", kind, has_id)


def is_loosely_cut(text: bytes) -> bool:
    """Whether some clients see a line's end in it where the standard has none."""
    return _LOOSE_END.search(text) is not None


def replace_data(event: bytes, data: bytes) -> bytes:
    """The event with this JSON in one line that all clients read as one; its id, name, retry and comments are kept."""
    # A line feed can only be white space between JSON's tokens; here it would begin another line.
    data = _LOOSE_END.sub(_escape, data).replace(b"\n", b" ")
    end = b"\r\n" if b"\r\n" in event else b"\n" if b"\n" in event else b"\r"
    kept = [line for line in event.splitlines() if line and not line.startswith(b"data:") and line != b"data"]
    return end.join([*kept, b"data: " + data, b"", b""])


def _escape(match: re.Match[bytes]) -> bytes:
    # In JSON they can stand inside a string only, where an escape means the same; controls cannot stand there at all.
    return b"".join(b"\\u%04x" % ord(letter) for letter in match[0].decode())
