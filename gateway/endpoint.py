"""The gateway's door: who may come in, what they sent, and the one place where an error becomes an answer."""

import logging
from dataclasses import replace
from datetime import UTC, datetime
from time import perf_counter_ns
from typing import Any, Final

from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, HTTPScope
from django.conf import settings
from django.http.request import split_domain_port, validate_host

from accounts.tokens import Prefix, hash_token, is_well_formed
from gateway import refusals
from gateway.call import note
from gateway.errors import (
    AccessError,
    BodyTimeoutError,
    BusyError,
    GatewayError,
    HostError,
    MessageError,
    OriginError,
    QuotaError,
    SessionError,
    StandingError,
    StreamlessError,
    UnauthorisedError,
    UnavailableError,
    VerbError,
    answer_of,
)
from gateway.exchange import Exchange, Pair
from gateway.headers import Headers, check_mirrors, check_version, is_modern_message, read_headers, text_of
from gateway.inbound import Caller, Inbound, elapsed_us, start_record
from gateway.jsonrpc import Kind, read_message
from gateway.knock import Wrong
from gateway.limits import Session
from gateway.methods import dispatch
from gateway.parts import Parts, make_parts
from gateway.porter import Arrival, Evidence, Owner, judge_error, judge_token
from gateway.quotas import RETRY_AFTER, pause
from gateway.snapshot import Snapshot
from gateway.streams import end_session, open_stream
from gateway.turns import Turn
from policies.engine.decision import Decision
from policies.engine.refusal import QUOTA
from policies.engine.values import Outcome
from policies.models import RecordStatus
from servers.upstream.http import UpstreamError

log = logging.getLogger(__name__)

# Ports differ, and a wildcard lets many names in.
MAX_HOSTS: Final = 1000
VERBS: Final = "POST, GET, DELETE"
# Nobody is told more than this: unknown, revoked, expired and another server's token are one answer.
_UNAUTHORISED: Final = "A valid bearer token for this address is needed."
_HEADERS_OF: Final[dict[type[GatewayError], tuple[Pair, ...]]] = {
    UnauthorisedError: ((b"www-authenticate", b"Bearer"),),
    StreamlessError: ((b"allow", VERBS.encode()),),
    VerbError: ((b"allow", VERBS.encode()),),
    QuotaError: ((b"retry-after", RETRY_AFTER),),
    # What is left of the body must not be read as another request.
    BodyTimeoutError: ((b"connection", b"close"),),
}
# What nobody has recorded before it gets here.
_RECORDED: Final = (MessageError, SessionError, StandingError, BusyError, QuotaError)


class GatewayEndpoint:
    """The ASGI application below /mcp/<server>; start() and close() are called by gateway.lifespan."""

    def __init__(self) -> None:
        self._parts: Parts | None = None
        self._hosts = KnownHosts()

    async def start(self) -> None:
        """Open what calls need."""
        self._parts = make_parts()
        await self._parts.start()

    def drain(self) -> None:
        """End streams that would not end by themselves; calls go on to their answers."""
        if self._parts is not None:
            self._parts.snapshots.end_streams()

    async def close(self) -> None:
        """Write what is left to write, and close."""
        parts, self._parts = self._parts, None
        if parts is not None:
            await parts.close()

    async def __call__(self, scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        door = Door(self._parts, Exchange(scope, receive, send), self._hosts)
        try:
            await door.serve()
        except (GatewayError, UpstreamError) as error:
            await door.refuse(error)


class Door:
    """One request on its way in; it remembers how far it came, for the answer and the record of a refusal."""

    def __init__(self, parts: Parts | None, exchange: Exchange, hosts: "KnownHosts") -> None:
        self._maybe_parts = parts
        self._hosts = hosts
        self._exchange = exchange
        self._caller: Caller | None = None
        self._inbound: Inbound | None = None
        self._headers: Headers = {}
        self._evidence: Evidence | None = None
        self._started_ns = perf_counter_ns()

    async def serve(self) -> None:
        """Let the request in, rung by rung; raises GatewayError and UpstreamError."""
        parts = self._parts
        self._headers = headers = read_headers(self._exchange.scope["headers"])
        self._hosts.check(headers.get(b"host", b""))
        check_origin(headers.get(b"origin"))
        token = read_token(text_of(headers, b"authorization"))
        caller = await self._authenticate(parts, headers, token)
        verb = self._exchange.scope["method"]
        if verb == "POST":
            body = await self._exchange.read_body(headers)
            async with parts.turns.of(caller.snapshot.tenancy) as turn:
                # A body may take its time: what counts is who may call now.
                await self._serve_post(parts, await self._authenticate(parts, headers, token), body, turn)
        elif verb == "GET":
            if b"mcp-session-id" not in headers:
                self._note_knock(parts, Evidence(Wrong.STREAM))
            await open_stream(parts, caller, self._session_of(parts, caller.snapshot, headers))
        elif verb == "DELETE":
            await end_session(parts, caller, self._session_of(parts, caller.snapshot, headers))
        else:
            self._note_knock(parts, Evidence(Wrong.VERB))
            raise VerbError("Only POST, GET and DELETE are served here.")

    async def _authenticate(self, parts: Parts, headers: Headers, token: str) -> Caller:
        self._caller = None
        token_hash = hash_token(token)
        snapshot = parts.snapshots.get(token_hash)
        if snapshot is None and is_well_formed(token, Prefix.GRANT):
            snapshot = await parts.snapshots.find(token_hash)
        if snapshot is None or self._address != snapshot.address or not snapshot.is_live(datetime.now(UTC)):
            self._evidence = judge_token(token, token_hash, snapshot)
            raise UnauthorisedError(_UNAUTHORISED)
        self._caller = caller = Caller(self._exchange, headers, snapshot, token_hash, self._started_ns)
        return caller

    async def refuse(self, error: GatewayError | UpstreamError) -> None:
        """Answer with an error, recorded where it belongs to somebody and nobody has recorded it yet."""
        answer = answer_of(error)
        message = self._inbound.message if self._inbound is not None else None
        if self._caller is None:
            if self._maybe_parts is not None and isinstance(error, AccessError | MessageError):
                self._maybe_parts.metrics.count_refusal(type(error).__name__, self._address)
                self._note_knock(self._maybe_parts, self._evidence or judge_error(error))
        elif isinstance(error, _RECORDED):
            await self._record(self._caller, error)
        if isinstance(error, BusyError | QuotaError):
            await pause()
        if self._exchange.is_started:
            # Nothing more can be said.
            log.error("%s after the answer had begun", type(error).__name__)
            return
        headers = _HEADERS_OF.get(type(error), ()) if isinstance(error, GatewayError) else ()
        await self._exchange.fail(answer, message.id if message is not None else None, headers)

    def _note_knock(self, parts: Parts, evidence: Evidence) -> None:
        if self._caller is not None:
            snapshot = self._caller.snapshot
            owner = Owner(snapshot.tenancy.organisation, snapshot.server, snapshot.grant, evidence.wrong)
            evidence = replace(evidence, owner=owner)
        parts.porter.note(Arrival(self._address, self._headers, evidence))

    async def _serve_post(self, parts: Parts, caller: Caller, body: bytes, turn: Turn) -> None:
        message = read_message(body)
        is_modern = is_modern_message(message)
        session = None if is_modern else self._session_of(parts, caller.snapshot, caller.headers)
        self._inbound = inbound = Inbound(caller, message, is_modern, session, turn)
        check_version(caller.headers, message, is_modern=is_modern)
        if message.kind is not Kind.RESPONSE:
            check_mirrors(caller.headers, message, is_modern=is_modern)
        await dispatch(parts, inbound)

    async def _record(self, caller: Caller, error: GatewayError | UpstreamError) -> None:
        record = start_record(caller, self._inbound)
        if self._inbound is None:
            record.method = self._exchange.scope["method"]
        rule = _rule_of(error)
        outcome = Outcome.LIMIT if rule == QUOTA else Outcome.DENY
        note(record, Decision(outcome, rule, str(error), is_explicit=False))
        record.status = RecordStatus.REFUSED
        record.gateway_us = elapsed_us(self._started_ns)
        await self._parts.recorder.refuse(record)

    @staticmethod
    def _session_of(parts: Parts, snapshot: Snapshot, headers: Headers) -> Session | None:
        session_id = headers.get(b"mcp-session-id")
        return None if session_id is None else parts.sessions.session_of(snapshot, session_id.decode("latin-1"))

    @property
    def _parts(self) -> Parts:
        if self._maybe_parts is None:
            raise UnavailableError("The gateway is starting or stopping.")
        return self._maybe_parts

    @property
    def _address(self) -> str:
        route: Any = self._exchange.scope
        text: str = route["url_route"]["kwargs"]["server"]
        return text.lower()


def _rule_of(error: GatewayError | UpstreamError) -> str:
    if isinstance(error, StandingError):
        return error.rule
    if isinstance(error, BusyError | QuotaError):
        return QUOTA
    return refusals.MALFORMED if isinstance(error, MessageError) else refusals.UNKNOWN_SESSION


class KnownHosts:
    """Remembers which Host headers were found to be this installation's; others are judged each time."""

    def __init__(self) -> None:
        self._known: set[bytes] = set()

    def check(self, host: bytes) -> None:
        """Raise HostError unless the Host is one of this installation's (DNS rebinding)."""
        if host in self._known:
            return
        domain, _ = split_domain_port(host.decode("latin-1"))
        if not domain or not validate_host(domain, settings.ALLOWED_HOSTS):
            raise HostError("This host is not served here.")
        if len(self._known) < MAX_HOSTS:
            self._known.add(host)


def check_origin(origin: bytes | None) -> None:
    """Raise OriginError for a page of another origin; agents send none."""
    if origin is not None and origin.decode("latin-1") not in settings.GATEWAY_ORIGINS:
        raise OriginError("This origin may not call the gateway.")


def read_token(authorization: str) -> str:
    """The bearer token, of which nothing is known yet; raises UnauthorisedError when there is none."""
    scheme, _, token = authorization.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise UnauthorisedError(_UNAUTHORISED)
    return token
