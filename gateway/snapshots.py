"""This process's snapshots by token hash, and the watch that keeps them true: epochs every second, news over Redis."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from time import monotonic
from typing import Final
from uuid import UUID

import redis
import redis.asyncio
from django.db import Error

from accounts.epochs import CHANNEL
from gateway.errors import UnavailableError
from gateway.ledger import Epoch, Ledger, LedgerAwayError
from gateway.shared import SharedPolicies
from gateway.snapshot import Rules, Shown, Snapshot, Tenancy, load_snapshot
from gateway.threads import DatabaseThreads

log = logging.getLogger(__name__)

POLL_SECONDS: Final = 1.0
# A policy that PostgreSQL has not confirmed for this long is not trusted any more.
TRUST_SECONDS: Final = 5.0
UNKNOWN_SECONDS: Final = 1.0
MAX_SNAPSHOTS: Final = 10_000
MAX_UNKNOWN: Final = 10_000
# Look-ups at a time: somebody who makes tokens up must not fill memory, and waits behind them are no use.
MAX_LOADING: Final = 256
MAX_TRIES: Final = 5

Notice = Callable[[], None]


@dataclass(slots=True, eq=False)
class HeldStream:
    """An open stream: `shown` is the list of tools that its client may have read, `tell` says that there is another."""

    close: Notice
    tell: Notice | None
    shown: Shown


class Snapshots:
    """Belongs to one event loop. A snapshot is dropped when its organisation's epoch is no longer its own."""

    def __init__(self, ledger: Ledger, threads: DatabaseThreads, redis_url: str) -> None:
        self._ledger = ledger
        self._threads = threads
        self._redis_url = redis_url
        self._shared: SharedPolicies[Rules] = SharedPolicies()
        self._snapshots: OrderedDict[bytes, Snapshot] = OrderedDict()
        self._tenancies: dict[UUID, Tenancy] = {}
        self._unknown: OrderedDict[bytes, float] = OrderedDict()
        self._loading: dict[bytes, asyncio.Task[Snapshot | None]] = {}
        self._streams: dict[bytes, set[HeldStream]] = {}
        self._is_ending = False
        self._expiries: dict[bytes, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Begin to watch."""
        self._spawn(self._poll())
        self._spawn(self._listen())

    async def close(self) -> None:
        """Stop watching and loading."""
        tasks: list[asyncio.Task[Snapshot | None] | asyncio.Task[None]] = [*self._tasks, *self._loading.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def get(self, token_hash: bytes) -> Snapshot | None:
        """The snapshot for a token if it is here; None says nothing about the token."""
        return self._snapshots.get(token_hash)

    async def find(self, token_hash: bytes) -> Snapshot | None:
        """The snapshot for a token, None when no valid grant has it; raises UnavailableError when nobody can tell."""
        snapshot = self._snapshots.get(token_hash)
        if snapshot is not None:
            return snapshot
        refused_at = self._unknown.get(token_hash)
        if refused_at is not None and monotonic() - refused_at < UNKNOWN_SECONDS:
            return None
        # One look-up for all calls that wait for the same token.
        task = self._loading.get(token_hash)
        if task is None and len(self._loading) >= MAX_LOADING:
            raise UnavailableError("The gateway is busy. Try again.")
        if task is None:
            task = asyncio.get_running_loop().create_task(self._load(token_hash))
            self._loading[token_hash] = task
            task.add_done_callback(lambda done: self._end_load(token_hash, done))
        return await asyncio.shield(task)

    def latest(self, token_hash: bytes, known: Snapshot) -> Snapshot:
        """The snapshot that a long stream goes on with: the present one, or `known` while a new one is being read."""
        return self._snapshots.get(token_hash, known)

    def is_confirmed(self, snapshot: Snapshot) -> bool:
        """Whether PostgreSQL said within TRUST_SECONDS that nothing of this organisation changed."""
        return monotonic() - snapshot.tenancy.confirmed_at <= TRUST_SECONDS

    @asynccontextmanager
    async def hold_stream(
        self, token_hash: bytes, known: Snapshot, close: Notice, tell: Notice | None = None
    ) -> AsyncIterator[None]:
        """Have `close` called when the token's grant ends, expires or can no longer be confirmed, and `tell` when the
        grant may see other tools than before.

        Both are called before the block begins for what has happened since `known` was the token's snapshot.
        """
        held = self._streams.setdefault(token_hash, set())
        stream = HeldStream(close, tell, known.rules.shown)
        held.add(stream)
        try:
            if self._is_ending:
                close()
            elif self._snapshots.get(token_hash) is known:
                self._time_expiry(token_hash, known)
            else:
                await self._recheck(token_hash)
            # A scope that was just closed cancels its task here, with nothing passed on.
            await asyncio.sleep(0)
            yield
        finally:
            held.discard(stream)
            if not held:
                self._streams.pop(token_hash, None)
                self._stop_timer(token_hash)

    def end_streams(self) -> None:
        """Close every stream that is open, and those that are opened from now on: this process is about to stop."""
        self._is_ending = True
        for token_hash in list(self._streams):
            self._close_streams(token_hash)

    def drop(self, organisation: UUID) -> None:
        """Forget an organisation; its next call reads PostgreSQL."""
        tenancy = self._tenancies.pop(organisation, None)
        for token_hash in tenancy.hashes if tenancy is not None else ():
            self._snapshots.pop(token_hash, None)
            if token_hash in self._streams:
                self._spawn(self._recheck(token_hash))

    async def _load(self, token_hash: bytes) -> Snapshot | None:
        for _ in range(MAX_TRIES):
            try:
                snapshot = await self._threads.run(load_snapshot, token_hash, self._shared)
            except Error as error:
                log.error("no snapshot: %s", type(error).__name__)
                raise UnavailableError("The gateway cannot check this token now. Try again.") from None
            if snapshot is None:
                self._remember_unknown(token_hash)
                return None
            if self._keep(token_hash, snapshot):
                return self._snapshots[token_hash]
        raise UnavailableError("The policy is being changed. Try again.")

    def _end_load(self, token_hash: bytes, done: "asyncio.Task[Snapshot | None]") -> None:
        self._loading.pop(token_hash, None)
        if not done.cancelled():
            # Seen here, in case every caller has left.
            done.exception()

    def _keep(self, token_hash: bytes, snapshot: Snapshot) -> bool:
        fresh = snapshot.tenancy
        known = self._tenancies.get(fresh.organisation)
        if known is not None and known.epoch > fresh.epoch:
            # Read before a change that somebody else has seen already.
            return False
        if known is not None and (known.epoch, known.is_killed) != (fresh.epoch, fresh.is_killed):
            self.drop(known.organisation)
            known = None
        if known is None:
            self._tenancies[fresh.organisation] = known = fresh
        known.confirmed_at = max(known.confirmed_at, fresh.confirmed_at)
        known.hashes.add(token_hash)
        self._snapshots[token_hash] = replace(snapshot, tenancy=known)
        if len(self._snapshots) > MAX_SNAPSHOTS:
            self._evict()
        return True

    def _evict(self) -> None:
        token_hash, snapshot = self._snapshots.popitem(last=False)
        snapshot.tenancy.hashes.discard(token_hash)
        # Nobody would hear of its grant's end.
        self._close_streams(token_hash)
        if not snapshot.tenancy.hashes:
            self._tenancies.pop(snapshot.tenancy.organisation, None)

    def _remember_unknown(self, token_hash: bytes) -> None:
        self._unknown[token_hash] = monotonic()
        self._unknown.move_to_end(token_hash)
        if len(self._unknown) > MAX_UNKNOWN:
            self._unknown.popitem(last=False)

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            if not self._tenancies:
                continue
            asked_at = monotonic()
            try:
                epochs = await self._ledger.read_epochs(self._tenancies)
            except LedgerAwayError as error:
                log.warning("epochs are not confirmed: %s", error)
                self._close_unconfirmed()
                continue
            for tenancy in list(self._tenancies.values()):
                self._compare(tenancy, epochs.get(tenancy.organisation), asked_at)

    def _compare(self, tenancy: Tenancy, now: Epoch | None, asked_at: float) -> None:
        if now is not None and (now.epoch, now.is_killed) == (tenancy.epoch, tenancy.is_killed):
            tenancy.confirmed_at = max(tenancy.confirmed_at, asked_at)
        elif tenancy.confirmed_at < asked_at:
            # Loaded before the question; what was loaded after it is newer than the answer.
            self.drop(tenancy.organisation)

    async def _listen(self) -> None:
        while True:
            client = redis.asyncio.Redis.from_url(self._redis_url, socket_timeout=None, socket_connect_timeout=1)
            try:
                async with client.pubsub() as pubsub:
                    await pubsub.subscribe(CHANNEL)
                    async for message in pubsub.listen():
                        self._hear(message["data"])
            except (redis.RedisError, OSError) as error:
                # Polling sees every change a second later.
                log.debug("no news over Redis: %s", type(error).__name__)
            finally:
                await client.aclose()
            await asyncio.sleep(POLL_SECONDS)

    def _hear(self, data: object) -> None:
        if isinstance(data, bytes):
            try:
                self.drop(UUID(data.decode("ascii")))
            except ValueError:
                log.warning("a message that is no organisation on %s", CHANNEL)

    async def _recheck(self, token_hash: bytes) -> None:
        try:
            snapshot = await self.find(token_hash)
        except UnavailableError:
            snapshot = None
        except Exception:
            self._close_streams(token_hash)
            raise
        if snapshot is None or snapshot.stopped is not None:
            self._close_streams(token_hash)
        else:
            self._time_expiry(token_hash, snapshot)
            self._tell_streams(token_hash, snapshot.rules.shown)

    def _tell_streams(self, token_hash: bytes, shown: Shown) -> None:
        for stream in list(self._streams.get(token_hash, ())):
            if stream.shown != shown:
                stream.shown = shown
                if stream.tell is not None:
                    stream.tell()

    def _time_expiry(self, token_hash: bytes, snapshot: Snapshot) -> None:
        self._stop_timer(token_hash)
        if snapshot.expires_at is None or token_hash not in self._streams:
            return
        seconds = (snapshot.expires_at - datetime.now(UTC)).total_seconds()
        if seconds <= 0:
            self._close_streams(token_hash)
            return
        loop = asyncio.get_running_loop()
        self._expiries[token_hash] = loop.call_later(seconds, self._close_streams, token_hash)

    def _stop_timer(self, token_hash: bytes) -> None:
        timer = self._expiries.pop(token_hash, None)
        if timer is not None:
            timer.cancel()

    def _close_unconfirmed(self) -> None:
        for token_hash in list(self._streams):
            snapshot = self._snapshots.get(token_hash)
            if snapshot is None or not self.is_confirmed(snapshot):
                self._close_streams(token_hash)

    def _close_streams(self, token_hash: bytes) -> None:
        for stream in list(self._streams.get(token_hash, ())):
            stream.close()

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._end_task)

    def _end_task(self, done: "asyncio.Task[None]") -> None:
        self._tasks.discard(done)
        if not done.cancelled() and done.exception() is not None:
            # Without the watch nothing is confirmed any more, and everything is refused.
            log.critical("the watch over policies broke", exc_info=done.exception())
