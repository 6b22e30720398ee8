"""The bytes of each fault, in the order in which an upstream writes them."""

import asyncio
import gzip
import socket
import struct
import zlib

from tests.gateway.faults.upstreams import Play

SECRET = "sk-very-secret-0123456789"
HIDDEN = "getWallet"
RESULT = b'{"jsonrpc":"2.0","id":1,"result":{"content":[]}}'
SECOND = b'{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"second"}]}}'
NOTE = b'{"jsonrpc":"2.0","method":"notifications/message","params":{}}'
CHANGED = b'{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}'
JSON_TYPE = b"Content-Type: application/json\r\n"
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
MEGABYTE = 1024 * 1024


def head_of(extra: bytes = JSON_TYPE, *, status: bytes = b"200 OK", length: int = -1) -> bytes:
    size = b"Content-Length: %d\r\n" % length if length >= 0 else b""
    return b"HTTP/1.1 " + status + b"\r\n" + extra + size + b"\r\n"


def answer_of(body: bytes, extra: bytes = JSON_TYPE, *, status: bytes = b"200 OK") -> bytes:
    return head_of(extra, status=status, length=len(body)) + body


def event_of(data: bytes) -> bytes:
    return chunk_of(b"data: " + data + b"\n\n")


def chunk_of(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def stream_of(*messages: bytes) -> bytes:
    return STREAM + b"".join(event_of(message) for message in messages) + b"0\r\n\r\n"


def say(*parts: bytes, every: float = 0) -> Play:
    """Write the parts, and keep the connection for the next request."""

    async def play(writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(every)

    return play


def hang_up(*parts: bytes) -> Play:
    """Write the parts, and end the connection in good order."""

    async def play(writer: asyncio.StreamWriter) -> None:
        await say(*parts)(writer)
        writer.close()

    return play


def reset(*parts: bytes) -> Play:
    """Write the parts, and break the connection with them."""

    async def play(writer: asyncio.StreamWriter) -> None:
        await say(*parts, every=0.1)(writer)
        # No time to linger: the kernel sends a reset instead of an end.
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    return play


def hang(*parts: bytes) -> Play:
    """Write the parts, and then nothing."""

    async def play(writer: asyncio.StreamWriter) -> None:
        await say(*parts)(writer)
        await asyncio.sleep(600)

    return play


def trickle(text: bytes, head: bytes = b"") -> Play:
    """A byte a second."""

    async def play(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        for at in range(len(text)):
            writer.write(text[at : at + 1])
            await writer.drain()
            await asyncio.sleep(1)

    return play


def pour(head: bytes, part: bytes, *, every: float = 0) -> Play:
    """The same part again and again, until the other side has had enough."""

    async def play(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(every)

    return play


def make_bomb(size: int) -> bytes:
    """So many zero bytes, compressed."""
    packer = zlib.compressobj(wbits=31)
    return b"".join([packer.compress(bytes(MEGABYTE)) for _ in range(size // MEGABYTE)]) + packer.flush()


GZIPPED = gzip.compress(RESULT)
