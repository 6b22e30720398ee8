"""Whose a legacy session is: each session id that an upstream issued is bound in Redis to one grant and server."""

import hashlib
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import time
from typing import Final
from uuid import UUID

from gateway.errors import QuotaError, UnavailableError
from gateway.limits import SESSION_SECONDS, Session, forget
from gateway.script import Script
from gateway.snapshot import Snapshot
from gateway.wire import Argument, StoreAwayError, StoreReplyError, Wire
from servers.upstream.http import UpstreamBrokenError

MAX_REMEMBERED: Final = 10_000
# Longer than an upstream may take to begin its answer (servers.upstream.http).
PLACE_SECONDS: Final = 120
# Of an organisation that opens no session for so long, the index is forgotten, and the sessions that still live.
INDEX_SECONDS: Final = 7 * SESSION_SECONDS


class Sessions:
    """Bindings never change owner, so what this process saw itself may stand in while Redis is away."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._places = Script(wire, "sessions.lua")
        self._seen: OrderedDict[str, str] = OrderedDict()

    def session_of(self, snapshot: Snapshot, session_id: str) -> Session:
        """The binding that a request with this session id must have."""
        return Session(snapshot.subject.sessions + hash_session(snapshot.server, session_id), snapshot.owner)

    def remember(self, session: Session) -> None:
        """Redis has just said that this session is its owner's."""
        if session.key not in self._seen:
            self._seen[session.key] = session.owner
            if len(self._seen) > MAX_REMEMBERED:
                self._seen.popitem(last=False)

    def check_alone(self, session: Session | None) -> None:
        """Judge without Redis; raises UnavailableError for a session that this process has not seen with this owner."""
        if session is not None and self._seen.get(session.key) != session.owner:
            raise UnavailableError("The session cannot be checked now. Try again.")

    @asynccontextmanager
    async def hold_place(self, snapshot: Snapshot, name: str) -> AsyncIterator[None]:
        """Keep a place in the quota for a session that the upstream may issue in the block; `bind` takes it up.

        Exact across processes; a place whose process crashed is given back after PLACE_SECONDS. Raises QuotaError.
        """
        subject, quota = snapshot.subject, snapshot.tenancy.quotas.sessions
        place = _place_of(name)
        command = (1, subject.session_index, subject.sessions, quota, place, PLACE_SECONDS, INDEX_SECONDS)
        try:
            is_free = await self._places.run(command)
        except StoreAwayError:
            # What Redis does not keep takes none of its room.
            is_free = 1
        if not is_free:
            raise QuotaError(f"This organisation has {quota} sessions open, as many as it may have at a time.")
        try:
            yield
        finally:
            self._tell(("ZREM", subject.session_index, place))

    async def bind(self, snapshot: Snapshot, session: Session, name: str) -> None:
        """Bind a session that the upstream has just issued, in the place that is held under this name.

        Raises UpstreamBrokenError when it belongs to another grant: an upstream that hands out one id twice would join
        two agents' sessions.
        """
        try:
            before = await self._wire.send("SET", session.key, session.owner, "EX", SESSION_SECONDS, "NX", "GET")
            if before is not None and before != session.owner.encode():
                raise UpstreamBrokenError("The server issued a session that is somebody else's.")
            if before is not None:
                await self._wire.send("EXPIRE", session.key, SESSION_SECONDS)
            self._take_up(snapshot, session, name)
        except (StoreAwayError, StoreReplyError):
            # Only this process knows it now; the others will ask for a new session.
            if self._seen.get(session.key, session.owner) != session.owner:
                raise UpstreamBrokenError("The server issued a session that is somebody else's.") from None
        self.remember(session)

    async def unbind(self, snapshot: Snapshot, session: Session) -> None:
        """The upstream ended the session."""
        self._seen.pop(session.key, None)
        self._tell(("ZREM", snapshot.subject.session_index, _name_of(snapshot, session)))
        try:
            await self._wire.send("DEL", session.key)
        except (StoreAwayError, StoreReplyError):
            # It expires by itself, and the upstream no longer knows it.
            return

    def _take_up(self, snapshot: Snapshot, session: Session, name: str) -> None:
        # Commands of one turn of the loop stay together on the wire, so the two count as one at every moment.
        index, until = snapshot.subject.session_index, int(time()) + SESSION_SECONDS
        self._tell(("MULTI",), ("ZREM", index, _place_of(name)), ("ZADD", index, until, _name_of(snapshot, session)))
        self._tell(("EXEC",))

    def _tell(self, *commands: tuple[Argument, ...]) -> None:
        for command in commands:
            self._wire.send(*command).add_done_callback(forget)


def _name_of(snapshot: Snapshot, session: Session) -> str:
    return session.key.removeprefix(snapshot.subject.sessions)


def _place_of(name: str) -> str:
    # No session is called so: their names are digests.
    return f"place:{name}"


def hash_session(server: UUID, session_id: str) -> str:
    """The name that a session has in keys and records: two servers may issue the same id."""
    return hashlib.sha256(f"{server}:{session_id}".encode()).hexdigest()
