"""Starts and stops the gateway with its process, and keeps its pauses short; must not hold state of its own."""

import asyncio
import gc
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Final, Protocol

# Objects made at start live as long as the process: looking at them again and again shows as pauses in p99.
THRESHOLDS: Final = (50_000, 50, 50)
# For so long at most a thread that reads from PostgreSQL keeps the event loop waiting; Python's own 5 ms show in p99.
SWITCH_SECONDS: Final = 0.0005


class Gateway(Protocol):
    async def start(self) -> None: ...
    def drain(self) -> None: ...
    async def close(self) -> None: ...


class Lifespan:
    """The ASGI lifespan application (ASGI specification, lifespan protocol)."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        while True:
            event = await receive()
            if event["type"] == "lifespan.startup":
                await self._gateway.start()
                call_at_stop(self._gateway.drain)
                gc.collect()
                gc.freeze()
                gc.set_threshold(*THRESHOLDS)
                sys.setswitchinterval(SWITCH_SECONDS)
                await send({"type": "lifespan.startup.complete"})
            elif event["type"] == "lifespan.shutdown":
                await self._gateway.close()
                await send({"type": "lifespan.shutdown.complete"})
                return


def call_at_stop(drain: Callable[[], None]) -> None:
    """Have `drain` called in this loop as soon as the process is asked to stop.

    The ASGI server tells its applications only after the last request is over, and streams have no end of their own.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(number)
        if callable(before):
            signal.signal(number, _draining_before(before, loop, drain))


def _draining_before(
    handler: Callable[[int, FrameType | None], Any], loop: asyncio.AbstractEventLoop, drain: Callable[[], None]
) -> Callable[[int, FrameType | None], None]:
    def handle(number: int, frame: FrameType | None) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(drain)
        handler(number, frame)

    return handle
