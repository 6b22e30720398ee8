"""What the pipeline to Redis sends in one packet, and when."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from gateway.wire import Wire

PATIENCE = 5.0


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[Wire, list[bytes]]]:
    """A wire to a server that answers every command, and the packets that reached it after the greeting."""
    packets, ended = list[bytes](), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while packet := await reader.read(65536):
                packets.append(packet)
                writer.write(b"+OK\r\n" * packet.count(b"*"))
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        ended.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    wire = Wire(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0")
    async with server, asyncio.timeout(PATIENCE):
        await wire.start()
        packets.clear()
        try:
            yield wire, packets
        finally:
            await wire.close()
            await ended.wait()


async def test_commands_of_one_turn_of_the_loop_travel_together() -> None:
    async with listening() as (wire, packets):
        await asyncio.gather(*(wire.send("PING", str(number)) for number in range(3)))
        assert [packet.count(b"PING") for packet in packets] == [3]


async def test_what_lingers_travels_with_the_next_command_and_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.wire.LINGER_SECONDS", 600)
    async with listening() as (wire, packets):
        first = wire.send("PING", "first", lingers=True)
        await asyncio.sleep(0.05)
        assert packets == [] and not first.done()
        last = wire.send("PING", "last")
        wire.send("PING", "later", lingers=True)
        assert [await first, await last] == [b"OK", b"OK"]
        (packet,) = packets
        assert packet.index(b"first") < packet.index(b"last") < packet.index(b"later")


async def test_what_lingers_alone_leaves_after_a_moment() -> None:
    async with listening() as (wire, packets):
        for _ in range(3):
            assert await wire.send("PING", lingers=True) == b"OK"
        assert len(packets) == 3
