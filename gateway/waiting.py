"""What a server's pages say while somebody waits for the first call of an agent: that it came, or why it did not."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

from django.utils import timezone

from gateway.knock import Knock, Wrong, read_knocks
from gateway.record_texts import describe_record, describe_status
from gateway.refusals import MALFORMED
from policies.access import records_for
from policies.engine.values import Outcome
from policies.models import DecisionRecord, Grant, RecordStatus
from servers.models import Server

SHOWN: Final = 5
LOOKED_AT: Final = 50

# What was wrong, and what to do about it.
KNOCKS: Final[Mapping[Wrong, tuple[str, str]]] = {
    Wrong.NO_TOKEN: (
        "A request came without a token",
        "The client sent no “Authorization: Bearer …” header. Check that its configuration has the header, and that the"
        " client passes headers on.",
    ),
    Wrong.NOT_A_GRANT: (
        "A request came with a token that is no grant",
        "An API key or another kind of token was sent. Grant tokens begin with plg_.",
    ),
    Wrong.MALFORMED: (
        "A request came with a damaged token",
        "It is no PolicyLayer token, or a part of one is missing: copy the whole token again. It begins with plg_ and"
        " has 37 characters.",
    ),
    Wrong.UNKNOWN: (
        "A request came with an unknown token",
        "It looks right, but no grant of this server has it. Mint a grant here, or rotate one, and use that token.",
    ),
    Wrong.REVOKED: ("A request came with a revoked token", "Its grant was revoked for good: mint another one."),
    Wrong.EXPIRED: (
        "A request came with an expired token",
        "Its grant has ended. Set a later end on the grant's page, or give the agent the token that replaced it.",
    ),
    Wrong.OTHER_SERVER: (
        "A request came with the token of another server",
        "A grant is good for one server only: use this server's grant, or the other server's gateway URL.",
    ),
    Wrong.OTHER_ADDRESS: (
        "This server's token was sent to another address",
        "The gateway URL in the client is not this server's: copy the one below, with its whole id.",
    ),
    Wrong.HOST: (
        "A request named a host that is not served here",
        "The client, or a proxy on the way, sends another Host header than this installation's. Use the gateway URL as"
        " it is.",
    ),
    Wrong.ORIGIN: (
        "A page of another site sent a request",
        "Browsers may not call the gateway from other sites. Use a client that runs outside the browser.",
    ),
    Wrong.VERB: (
        "A request used an HTTP method that MCP does not have",
        "The address takes POST, GET and DELETE only. Point an MCP client at it, with the transport “Streamable HTTP”.",
    ),
    Wrong.STREAM: (
        "A client opened a stream and sent no message",
        "The old transport “HTTP+SSE” begins like this, and is not served. Choose “Streamable HTTP”, often spelt http,"
        " in the client.",
    ),
    Wrong.HEADERS: (
        "A request could not be read",
        "A header was there twice, or held bytes that none may hold: look at proxies between the client and here.",
    ),
}
RECORDS: Final[Mapping[str, tuple[str, str]]] = {
    "(no policy)": (
        "The agent is connected, and carries no policy that is in force",
        "Attach a published policy to its grant.",
    ),
    MALFORMED: (
        "The agent is connected, and sends what MCP does not know",
        "The client speaks another protocol, or an old version of it: choose “Streamable HTTP”, and update it.",
    ),
    "(unknown session)": (
        "The agent used a session that has ended",
        "Restart the client: it opens a new session then.",
    ),
    "(unknown tool)": (
        "The agent called a tool that this server does not have",
        "Let it list the tools again; the server's own list is being read again too.",
    ),
    "(killed)": (
        "The agent is stopped, by itself or with its server or organisation",
        "The banner on this page says which, and an admin or policy manager can resume it there.",
    ),
    "(quota)": (
        "The organisation holds as many calls, streams or sessions as it may at a time",
        "Close what is not needed, or ask the host of this installation for a higher quota.",
    ),
}
REFUSED: Final = ("A call was refused", "Open the decision to see which line of the policy refused it.")
FAILED: Final = (
    "A request was allowed, and the server did not answer it well",
    "Check that the server can be reached, on its settings page.",
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that happened, newest first. `record` is there for a decision."""

    at: datetime
    title: str
    advice: str
    client: str = ""
    record: UUID | None = None
    grant: UUID | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """`first` is the newest tool call that came through; `heard` the newest message of any kind."""

    first: DecisionRecord | None
    heard: DecisionRecord | None
    problems: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def digest(self) -> str:
        """Changes when there is something new to show."""
        parts = [str(self.first and self.first.id), str(self.heard and self.heard.id), *self.problems]
        parts += [f"{finding.at} {finding.title}" for finding in self.findings]
        return sha256(";".join(parts).encode()).hexdigest()[:16]


def look_out(server: Server, grant: Grant | None) -> Waiting:
    """What came of a grant, or of any grant of the server, and what stood in the way."""
    records = records_for(server, grant=grant.id if grant else None, limit=LOOKED_AT)
    knocks = [
        knock
        for knock in read_knocks(server.organisation_id, server.id)
        # What came before there was this grant was not meant for it.
        if grant is None or (knock.grant in (None, grant.id) and knock.at >= grant.created_at)
    ]
    first = next((record for record in records if _is_through(record)), None)
    found = [_find_in(record) for record in records if _is_in_the_way(record)]
    # A client that has sent messages that MCP knows may well open a stream besides.
    is_talking = any(record.rule != MALFORMED for record in records)
    found += [_find(knock) for knock in knocks if knock.why is not Wrong.STREAM or not is_talking]
    found.sort(key=lambda finding: finding.at, reverse=True)
    return Waiting(first, records[0] if records else None, tuple(_list_problems(server, grant)), tuple(found[:SHOWN]))


def _is_through(record: DecisionRecord) -> bool:
    return record.method == "tools/call" and record.outcome == Outcome.ALLOW and record.status == RecordStatus.OK


def _is_in_the_way(record: DecisionRecord) -> bool:
    return record.outcome != Outcome.ALLOW or record.status == RecordStatus.ERROR


def _find_in(record: DecisionRecord) -> Finding:
    if record.outcome == Outcome.ALLOW:
        title, advice = FAILED
        status = describe_status(record)
        told = f"{status[:1].upper()}{status[1:]}. {advice}"
    else:
        title, advice = RECORDS.get(record.rule, REFUSED)
        told = f"{record.reason or describe_record(record)} {advice}"
    return Finding(record.at, title, told, record.client, record.id, record.grant)


def _find(knock: Knock) -> Finding:
    title, advice = KNOCKS[knock.why]
    client = f"{knock.client} ({knock.era} era)" if knock.client and knock.era else knock.client
    return Finding(knock.at, title, advice, client, None, knock.grant)


def _list_problems(server: Server, grant: Grant | None) -> list[str]:
    """What would refuse a call before it comes."""
    problems = []
    if grant is not None:
        if grant.revoked_at is not None:
            problems.append("This grant is revoked: mint another one.")
        elif grant.expires_at is not None and grant.expires_at <= timezone.now():
            problems.append("This grant has expired: set a later end, or mint another one.")
        if grant.policy is None:
            problems.append("This grant carries no policy, so every call will be denied: attach one.")
        elif not grant.policy.current:
            problems.append("This grant's policy was never published, so every call will be denied: publish it.")
    if server.discovered_at is None:
        problems.append("This server's tools were never read, so every call will be refused: read them.")
    return problems
