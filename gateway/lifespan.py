"""Starts and stops the gateway with its process, and quietens the collector; must not hold state of its own."""

import gc
from typing import Any, Final, Protocol

# Objects made at start live as long as the process: looking at them again and again shows as pauses in p99.
THRESHOLDS: Final = (50_000, 50, 50)


class Gateway(Protocol):
    async def start(self) -> None: ...
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
                gc.collect()
                gc.freeze()
                gc.set_threshold(*THRESHOLDS)
                await send({"type": "lifespan.startup.complete"})
            elif event["type"] == "lifespan.shutdown":
                await self._gateway.close()
                await send({"type": "lifespan.shutdown.complete"})
                return
