"""One authenticated request with what it says and what was known when it came; must not be changed after it is made."""

from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter_ns

from accounts.ids import new_uuid7
from gateway.exchange import Exchange
from gateway.headers import Headers, text_of
from gateway.jsonrpc import META, Message
from gateway.limits import Session
from gateway.record import Record, clean_text
from gateway.snapshot import Snapshot
from gateway.turns import Turn
from policies.models import RecordStatus

CLIENT_META = META + "clientInfo"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a valid grant for this URL. `started_ns` is when the request arrived."""

    exchange: Exchange
    headers: Headers
    snapshot: Snapshot
    token_hash: bytes
    started_ns: int


@dataclass(frozen=True, slots=True)
class Inbound:
    """What is asked. `session` is the binding that a legacy request must have, None without a session id; `turn` ends
    before this waits for anything but Redis, and goes on with the answer."""

    caller: Caller
    message: Message
    is_modern: bool
    session: Session | None
    turn: Turn


def start_record(caller: Caller, inbound: Inbound | None) -> Record:
    """A record of this request, an allowed intent until something says otherwise; unreadable without `inbound`."""
    snapshot = caller.snapshot
    at = datetime.now(UTC)
    is_modern = inbound is not None and inbound.is_modern
    session = inbound.session if inbound is not None else None
    return Record(
        id=new_uuid7(int(at.timestamp() * 1_000_000)),
        at=at,
        organisation=snapshot.tenancy.organisation,
        server=snapshot.server,
        grant=snapshot.grant,
        session_hash=session.key.rpartition(":")[2] if session is not None else "",
        era="modern" if is_modern else "legacy",
        client=_name_client(caller, inbound),
        method=clean_text(inbound.message.method, 100) if inbound is not None else "",
        outcome="allow",
        rule="(default)",
        policy=snapshot.policy_id,
        policy_version=snapshot.policy_version,
        status=RecordStatus.INTENT,
    )


def elapsed_us(since_ns: int) -> int:
    """Microseconds since a perf_counter_ns."""
    return (perf_counter_ns() - since_ns) // 1000


def _name_client(caller: Caller, inbound: Inbound | None) -> str:
    if inbound is not None:
        params = inbound.message.params
        info = params["_meta"].get(CLIENT_META) if inbound.is_modern else params.get("clientInfo")
        if isinstance(info, dict):
            return clean_text(f"{info.get('name', '')} {info.get('version', '')}".strip(), 200)
    return clean_text(text_of(caller.headers, b"user-agent"), 200)
