"""Count limits, session ownership and the intent in one round trip to Redis; never decides what a refusal means."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, NamedTuple
from uuid import UUID

from accounts.shards import key_of, log_key, shard_of
from gateway.script import Script
from gateway.wire import Argument, Wire
from policies.engine.decision import Reservation
from policies.engine.values import Scope

SESSION_SECONDS: Final = 24 * 3600


class Verdict(Enum):
    """What the script did: all of it, or nothing."""

    DONE = 0
    FULL = 1
    FOREIGN_SESSION = 2


class Reserved(NamedTuple):
    """For FULL only: the number of the full limit, from 0, and the whole seconds until it has room."""

    verdict: Verdict
    limit: int = 0
    retry_after: int = 0


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose counters and log a call uses: names of keys, built once a snapshot."""

    log: str
    sessions: str
    # The sorted set of all of the organisation's sessions.
    session_index: str
    counters: Mapping[Scope, str]


def subject_of(organisation: UUID, server: UUID, grant: UUID) -> Subject:
    """The key names of one grant."""
    owners = {Scope.GRANT: grant, Scope.SERVER: server, Scope.ORGANISATION: organisation}
    return Subject(
        log=log_key(shard_of(organisation)),
        sessions=key_of(organisation, "session", ""),
        session_index=key_of(organisation, "sessions"),
        counters={scope: key_of(organisation, "limit", scope.value, str(owner), "") for scope, owner in owners.items()},
    )


class Session(NamedTuple):
    """A session's key and the owner that it must name."""

    key: str
    owner: str


class Limiter:
    """Runs the script; raises gateway.wire.StoreAwayError when Redis did not answer, and then nothing is known."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._script = Script(wire, "reserve.lua")

    async def reserve(
        self,
        subject: Subject,
        limits: Sequence[Reservation],
        *,
        charge: str,
        intent: bytes = b"",
        session: Session | None = None,
    ) -> Reserved:
        """Charge every limit once by the id `charge` and add the intent to the log, or change nothing.

        Entries of one counter and scope share a history, in which each counts its own window (policy-language.md,
        "Limits and amounts"). The session is checked first, and lives on for a day.
        """
        keys, arguments = _counters_of(subject, limits)
        command: tuple[Argument, ...] = (
            2 + len(keys),
            subject.log,
            session.key if session is not None else subject.sessions,
            *keys,
            session.owner if session is not None else "",
            SESSION_SECONDS,
            intent,
            charge,
            *arguments,
        )
        answer: list[Any] = await self._script.run(command)
        verdict = Verdict(answer[0])
        return Reserved(verdict, answer[1] - 1, answer[2]) if verdict is Verdict.FULL else Reserved(verdict)

    def give_back(self, subject: Subject, limits: Sequence[Reservation], *, charge: str) -> None:
        """Take the charge out again, for a call of which the upstream surely did nothing; if this is lost, it stays."""
        for key in _counters_of(subject, limits)[0]:
            self._wire.send("ZREM", key, charge).add_done_callback(forget)


def _counters_of(subject: Subject, limits: Sequence[Reservation]) -> tuple[list[str], list[int]]:
    keys: dict[str, int] = {}
    arguments: list[int] = []
    for limit in limits:
        key = subject.counters[limit.scope] + limit.counter
        number = keys.setdefault(key, len(keys) + 1)
        arguments += (number, limit.window * 1_000_000, int(limit.max))
    return list(keys), arguments


def forget(done: Any) -> None:
    """For a command whose failure changes nothing that anybody waits for."""
    if not done.cancelled():
        done.exception()
