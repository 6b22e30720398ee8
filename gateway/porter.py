"""Notes who knocked in vain, off the path of every call: a few look-ups a second a process, and the rest are dropped.

Must never tell one organisation about another's tokens or servers.
"""

import asyncio
import logging
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Final
from uuid import UUID

from django.db import DatabaseError
from django.http import Http404

from accounts.tenancy import tenant
from accounts.tokens import Prefix, is_well_formed
from gateway.errors import GatewayError, HostError, OriginError, UnauthorisedError, VerbError
from gateway.headers import Headers, text_of
from gateway.hints import Happened, Hint, send_hints
from gateway.knock import KEPT, KEPT_SECONDS, Knock, Wrong, clean_client, encode_knock, knock_key
from gateway.snapshot import Snapshot
from gateway.threads import DatabaseThreads
from gateway.wire import StoreAwayError, StoreReplyError, Wire
from policies.access import find_grant, grant_for
from servers.access import find_organisation

log = logging.getLogger(__name__)

NOTES_A_SECOND: Final = 10.0
LOOKUPS_A_SECOND: Final = 3.0
CACHE_SECONDS: Final = 60.0
MAX_CACHED: Final = 2000
MAX_TASKS: Final = 16
MODERN: Final = "2026-07-28"


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a token is, or was; `wrong` is what is the matter with it wherever it is shown."""

    organisation: UUID
    server: UUID
    grant: UUID
    wrong: Wrong | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of the token of a refused request; `token_hash` is None unless it must be looked up."""

    wrong: Wrong
    owner: Owner | None = None
    token_hash: bytes | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """One refused request. `address` is the last part of its path, which anybody can make up."""

    address: str
    headers: Headers
    evidence: Evidence


class Bucket:
    """At most `rate` a second, and as many at once."""

    def __init__(self, rate: float) -> None:
        self._rate = self._left = rate
        self._at = monotonic()

    def take(self) -> bool:
        """Whether there was one left."""
        now = monotonic()
        self._left = min(self._rate, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Porter:
    """Belongs to one event loop."""

    def __init__(self, wire: Wire, threads: DatabaseThreads) -> None:
        self._wire = wire
        self._threads = threads
        self._notes, self._lookups = Bucket(NOTES_A_SECOND), Bucket(LOOKUPS_A_SECOND)
        # None for an address that no server has.
        self._homes: OrderedDict[str, tuple[float, UUID | None]] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    def note(self, arrival: Arrival) -> None:
        """Note a refused request without waiting; dropped when there are too many."""
        if len(self._tasks) >= MAX_TASKS:
            return
        is_known, home = self._recall(arrival.address)
        is_asking = not is_known or arrival.evidence.token_hash is not None
        if is_known and home is None and arrival.evidence.owner is None and arrival.evidence.token_hash is None:
            return
        if not (self._lookups if is_asking else self._notes).take():
            return
        task = asyncio.get_running_loop().create_task(self._save(arrival))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Wait for what is being noted."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _save(self, arrival: Arrival) -> None:
        try:
            home = await self._find_home(arrival.address)
            evidence = arrival.evidence
            owner = evidence.owner
            if owner is None and evidence.token_hash is not None:
                owner = await self._threads.run(find_owner, evidence.token_hash)
        except DatabaseError as error:
            log.debug("a knock is not noted: %s", type(error).__name__)
            return
        for organisation, server, knock in judge_knock(arrival, home, owner):
            await self._write(organisation, server, knock)

    async def _find_home(self, address: str) -> UUID | None:
        is_known, home = self._recall(address)
        if is_known:
            return home
        server = server_id_of(address)
        home = await self._threads.run(find_organisation, server) if server is not None else None
        self._homes[address] = (monotonic(), home)
        self._homes.move_to_end(address)
        if len(self._homes) > MAX_CACHED:
            self._homes.popitem(last=False)
        return home

    def _recall(self, address: str) -> tuple[bool, UUID | None]:
        """Whether it is known which organisation has this address, and which; an address that is no id has none."""
        if server_id_of(address) is None:
            return True, None
        found = self._homes.get(address)
        if found is None or monotonic() - found[0] > CACHE_SECONDS:
            return False, None
        return True, found[1]

    async def _write(self, organisation: UUID, server: UUID, knock: Knock) -> None:
        key = knock_key(organisation, server)
        try:
            await asyncio.gather(
                self._wire.send("LPUSH", key, encode_knock(knock)),
                self._wire.send("LTRIM", key, 0, KEPT - 1),
                self._wire.send("EXPIRE", key, KEPT_SECONDS),
            )
        except (StoreAwayError, StoreReplyError) as error:
            log.debug("a knock is not noted: %s", type(error).__name__)
            return
        await send_hints([Hint(organisation, server, Happened.KNOCK)])


def judge_token(token: str, token_hash: bytes, snapshot: Snapshot | None) -> Evidence:
    """What is wrong with a token that did not let its bearer in, as far as memory tells."""
    if snapshot is not None:
        wrong = None if snapshot.is_live(datetime.now(UTC)) else Wrong.EXPIRED
        owner = Owner(snapshot.tenancy.organisation, snapshot.server, snapshot.grant, wrong)
        return Evidence(wrong or Wrong.OTHER_SERVER, owner)
    if is_well_formed(token, Prefix.GRANT):
        return Evidence(Wrong.UNKNOWN, token_hash=token_hash)
    is_other = any(is_well_formed(token, prefix) for prefix in (Prefix.API_KEY, Prefix.CONNECTOR))
    return Evidence(Wrong.NOT_A_GRANT if is_other else Wrong.MALFORMED)


def judge_error(error: Exception) -> Evidence:
    """What was wrong when it was not the token's doing."""
    wrongs: dict[type[GatewayError], Wrong] = {
        HostError: Wrong.HOST,
        OriginError: Wrong.ORIGIN,
        UnauthorisedError: Wrong.NO_TOKEN,
        VerbError: Wrong.VERB,
    }
    return Evidence(next((wrong for kind, wrong in wrongs.items() if isinstance(error, kind)), Wrong.HEADERS))


def judge_knock(arrival: Arrival, home: UUID | None, owner: Owner | None) -> list[tuple[UUID, UUID, Knock]]:
    """Whom to tell what: the organisation of the address, and that of the token. Neither learns of the other."""
    headers, address = arrival.headers, server_id_of(arrival.address)
    version = text_of(headers, b"mcp-protocol-version")
    era = "" if not version else "modern" if version >= MODERN else "legacy"
    client = clean_client(text_of(headers, b"user-agent"))

    def make(why: Wrong, grant: UUID | None = None) -> Knock:
        return Knock(at=datetime.now(UTC), why=why, era=era, client=client, grant=grant)

    told = []
    if home is not None and address is not None:
        if owner is None or owner.organisation != home:
            is_foreign = owner is not None
            told.append((home, address, make(Wrong.UNKNOWN if is_foreign else arrival.evidence.wrong)))
        elif owner.server != address:
            told.append((home, address, make(Wrong.OTHER_SERVER, owner.grant)))
        else:
            told.append((home, address, make(owner.wrong or arrival.evidence.wrong, owner.grant)))
    if owner is not None and owner.server != address:
        told.append((owner.organisation, owner.server, make(Wrong.OTHER_ADDRESS, owner.grant)))
    return told


def find_owner(token_hash: bytes) -> Owner | None:
    """Whose a token is, revoked and expired ones included; None when nobody's. Blocks; raises DatabaseError."""
    found = find_grant(token_hash)
    if found is None:
        return None
    try:
        with tenant(found.organisation_id):
            grant = grant_for(found.grant_id)
    except Http404:
        return None
    is_over = grant.expires_at is not None and grant.expires_at <= datetime.now(UTC)
    wrong = Wrong.REVOKED if grant.revoked_at is not None else Wrong.EXPIRED if is_over else None
    return Owner(found.organisation_id, found.server_id, found.grant_id, wrong)


def server_id_of(address: str) -> UUID | None:
    """The server's id that an address is; None for one that is none, or that spells it otherwise than its URL does."""
    try:
        server: Any = UUID(address)
    except ValueError:
        return None
    return server if str(server) == address else None
