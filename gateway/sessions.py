"""Whose a legacy session is: each session id that an upstream issued is bound in Redis to one grant and server."""

import hashlib
from collections import OrderedDict
from typing import Final
from uuid import UUID

from gateway.errors import UnavailableError
from gateway.limits import SESSION_SECONDS, Session
from gateway.snapshot import Snapshot
from gateway.wire import StoreAwayError, StoreReplyError, Wire
from servers.upstream.http import UpstreamBrokenError

MAX_REMEMBERED: Final = 10_000


class Sessions:
    """Bindings never change owner, so what this process saw itself may stand in while Redis is away."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
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

    async def bind(self, session: Session) -> None:
        """Bind a session that the upstream has just issued.

        Raises UpstreamBrokenError when it belongs to another grant: an upstream that hands out one id twice would join
        two agents' sessions.
        """
        try:
            before = await self._wire.send("SET", session.key, session.owner, "EX", SESSION_SECONDS, "NX", "GET")
            if before is not None and before != session.owner.encode():
                raise UpstreamBrokenError("The server issued a session that is somebody else's.")
            if before is not None:
                await self._wire.send("EXPIRE", session.key, SESSION_SECONDS)
        except (StoreAwayError, StoreReplyError):
            # Only this process knows it now; the others will ask for a new session.
            if self._seen.get(session.key, session.owner) != session.owner:
                raise UpstreamBrokenError("The server issued a session that is somebody else's.") from None
        self.remember(session)

    async def unbind(self, session: Session) -> None:
        """The upstream ended the session."""
        self._seen.pop(session.key, None)
        try:
            await self._wire.send("DEL", session.key)
        except (StoreAwayError, StoreReplyError):
            # It expires by itself, and the upstream no longer knows it.
            return


def hash_session(server: UUID, session_id: str) -> str:
    """The name that a session has in keys and records: two servers may issue the same id."""
    return hashlib.sha256(f"{server}:{session_id}".encode()).hexdigest()
