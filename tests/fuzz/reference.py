"""Two readers of event streams, written from the standard alone, to compare the gateway's with; they judge nothing."""

import re
from typing import NamedTuple


class Read(NamedTuple):
    """One dispatched event."""

    kind: bytes
    data: bytes


def read_stream(stream: bytes) -> list[Read]:
    """As WHATWG HTML, section 9.2.6, says, after the mark at the very beginning."""
    lines = re.split(rb"\r\n|\n|\r", stream)
    return _dispatch(lines)


def read_stream_loosely(stream: bytes) -> list[Read]:
    """As clients do that cut lines with Python's str.splitlines: at vertical tabs, NEL and U+2028 too."""
    text = stream.decode("utf-8", "replace")
    return _dispatch([line.encode() for line in [*text.splitlines(), ""]])


def _dispatch(lines: list[bytes]) -> list[Read]:
    events: list[Read] = []
    kind, data = b"", list[bytes]()
    for line in lines:
        if not line:
            if data:
                events.append(Read(kind, b"\n".join(data)))
            kind, data = b"", []
            continue
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            data.append(value)
        elif name == b"event":
            kind = value
    return events
