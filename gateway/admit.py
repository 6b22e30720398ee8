"""The last rung before the upstream: session, limits and intent, all or nothing, in one round trip where it can be."""

from collections.abc import Sequence

from gateway import refusals
from gateway.errors import SessionUnknownError, StandingError
from gateway.inbound import Inbound
from gateway.limits import Session, Verdict
from gateway.parts import Parts
from gateway.record import Record, encode_record
from gateway.recorder import RecordUnavailableError
from gateway.snapshot import Snapshot
from gateway.wire import StoreAwayError
from policies.engine.decision import Decision, Reservation
from policies.engine.values import Outcome


async def admit(parts: Parts, inbound: Inbound, record: Record, decision: Decision, *, is_durable: bool) -> Decision:
    """The decision as it stands: allowed, charged and recorded as an intent; or refused, and nothing kept.

    Redis away: a call that a limit covers is refused, others have their intent committed in PostgreSQL. `is_durable`
    asks for that commit in any case. Raises SessionUnknownError; UnavailableError for a session that only Redis knows.
    """
    limits = decision.limits
    if limits or inbound.session is not None or not is_durable:
        try:
            refused = await _reserve(parts, inbound, record, decision, is_durable=is_durable)
        except StoreAwayError:
            if limits:
                return refusals.LIMITS_UNAVAILABLE
            parts.sessions.check_alone(inbound.session)
            is_durable = True
        else:
            if refused is not None:
                return refused
    if is_durable:
        inbound.turn.end()
        try:
            await parts.recorder.commit(record)
        except RecordUnavailableError:
            give_back(parts, inbound, record, limits)
            return refusals.RECORD_UNAVAILABLE
    return decision


async def check_session(parts: Parts, snapshot: Snapshot, session: Session | None) -> None:
    """The session alone, for messages that are not recorded; raises SessionUnknownError or UnavailableError."""
    if session is None:
        return
    try:
        reserved = await parts.limiter.reserve(snapshot.subject, (), charge="", session=session)
    except StoreAwayError:
        parts.sessions.check_alone(session)
        return
    if reserved.verdict is Verdict.FOREIGN_SESSION:
        raise SessionUnknownError("There is no such session.")
    parts.sessions.remember(session)


def check_standing(parts: Parts, snapshot: Snapshot) -> Decision | None:
    """What refuses every request of a grant, whatever it asks: None when its policy is in force."""
    stopped = snapshot.stopped
    if stopped is not None:
        return refusals.STOPPED[stopped]
    return None if parts.snapshots.is_confirmed(snapshot) else refusals.UNCONFIRMED_DECISION


def check_passing(parts: Parts, snapshot: Snapshot) -> None:
    """The same for what is no request of its own, or a stream; raises StandingError."""
    refused = check_standing(parts, snapshot)
    if refused is not None:
        raise StandingError(refused.rule, refused.reason)


def give_back(parts: Parts, inbound: Inbound, record: Record, limits: Sequence[Reservation]) -> None:
    """Undo the charges of a call that was not sent."""
    if limits:
        parts.limiter.give_back(inbound.caller.snapshot.subject, limits, charge=str(record.id))


async def _reserve(
    parts: Parts, inbound: Inbound, record: Record, decision: Decision, *, is_durable: bool
) -> Decision | None:
    reserved = await parts.limiter.reserve(
        inbound.caller.snapshot.subject,
        decision.limits,
        charge=str(record.id),
        intent=b"" if is_durable else encode_record(record),
        session=inbound.session,
    )
    if reserved.verdict is Verdict.FOREIGN_SESSION:
        raise SessionUnknownError("There is no such session.")
    if inbound.session is not None:
        parts.sessions.remember(inbound.session)
    if reserved.verdict is Verdict.FULL:
        return refusals.refuse_full(decision, reserved.limit, reserved.retry_after)
    return None


def is_refused(decision: Decision) -> bool:
    """Whether a decision stops the request."""
    return decision.outcome is not Outcome.ALLOW
