"""What the rungs of the ladder use, made once a process; holds no state of a call."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Coroutine
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final
from uuid import UUID

from django.conf import settings

from gateway.ledger import Ledger
from gateway.limits import Limiter
from gateway.metrics import Metrics
from gateway.porter import Porter
from gateway.quotas import Held
from gateway.recorder import Recorder
from gateway.sessions import Sessions
from gateway.snapshots import Snapshots
from gateway.threads import DatabaseThreads
from gateway.turns import Turns
from gateway.wire import Wire
from servers.services import request_rediscovery
from servers.upstream.http import HttpUpstream

log = logging.getLogger(__name__)

REDISCOVERY_SECONDS: Final = 60.0
MAX_ASKED: Final = 10_000


class Rediscovery:
    """Asks for a look at a server's tools when an unknown one is called or listed, or a changed one is listed; at most
    once a minute a server."""

    def __init__(self, threads: DatabaseThreads) -> None:
        self._threads = threads
        self._asked: OrderedDict[UUID, float] = OrderedDict()
        self._tasks: set[asyncio.Task[Any]] = set()

    def ask(self, organisation: UUID, server: UUID) -> None:
        """Ask without waiting."""
        now = monotonic()
        if now - self._asked.get(server, -REDISCOVERY_SECONDS) < REDISCOVERY_SECONDS:
            return
        self._asked[server] = now
        self._asked.move_to_end(server)
        if len(self._asked) > MAX_ASKED:
            self._asked.popitem(last=False)
        self._spawn(self._threads.run(request_rediscovery, organisation, server))

    async def close(self) -> None:
        """Wait for what was asked."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


@dataclass(frozen=True, slots=True)
class Parts:
    """Belongs to one event loop."""

    wire: Wire
    ledger: Ledger
    threads: DatabaseThreads
    upstream: HttpUpstream
    limiter: Limiter
    recorder: Recorder
    sessions: Sessions
    snapshots: Snapshots
    rediscovery: Rediscovery
    porter: Porter
    metrics: Metrics = field(default_factory=Metrics)
    held: Held = field(default_factory=Held)
    turns: Turns = field(default_factory=Turns)

    async def start(self) -> None:
        """Open the pools and begin to watch; stores that are away are tried again in the background."""
        await asyncio.gather(self.wire.start(), self.ledger.start(), self.upstream.start())
        await self.snapshots.start()

    async def close(self) -> None:
        """Let outcomes be written, then close everything."""
        await self.recorder.drain()
        await self.snapshots.close()
        await self.rediscovery.close()
        await self.porter.close()
        await self.upstream.close()
        await self.ledger.close()
        await self.wire.close()
        await self.threads.close()


def make_parts() -> Parts:
    """The parts as the settings want them."""
    wire = Wire(settings.REDIS_URL)
    ledger = Ledger(settings.DATABASES["default"])
    threads = DatabaseThreads()
    return Parts(
        wire=wire,
        ledger=ledger,
        threads=threads,
        upstream=HttpUpstream(),
        limiter=Limiter(wire),
        recorder=Recorder(wire, ledger),
        sessions=Sessions(wire),
        snapshots=Snapshots(ledger, threads, settings.REDIS_URL),
        rediscovery=Rediscovery(threads),
        porter=Porter(wire, threads),
    )
