"""Dispatches a message by its method: what is judged, passes or is refused; a method that nobody knows never passes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from gateway import refusals
from gateway.admit import admit, check_passing, check_session, check_standing, is_refused
from gateway.call import call_tool, note
from gateway.errors import BusyError, GatewayError, MethodDeniedError, MethodUnknownError, ModernMethodUnknownError
from gateway.forward import Headers, forward, headers_of
from gateway.inbound import Inbound, elapsed_us, start_record
from gateway.jsonrpc import Kind
from gateway.parts import Parts
from gateway.record import Record
from gateway.relay import Lists
from gateway.snapshot import Rules
from policies.engine.decision import Decision
from policies.engine.values import Outcome
from policies.models import RecordStatus

# They pass whatever the policy says, with no policy too: else a client cannot even learn that it may do nothing.
LIFECYCLE: Final = frozenset(
    {"initialize", "ping", "server/discover", "subscriptions/listen", "logging/setLevel", "tools/list"}
)
FAMILIES: Final = ("resources", "prompts", "completion", "tasks")

_PASSES: Final = Decision(Outcome.ALLOW, "(default)", "", is_explicit=False)


async def dispatch(parts: Parts, inbound: Inbound) -> None:
    """Serve one POSTed message. Requests are recorded, all but pings; notifications and responses are not.

    Raises GatewayError and UpstreamError.
    """
    message = inbound.message
    if message.kind is not Kind.REQUEST or message.method == "ping":
        await _pass_unrecorded(parts, inbound)
    elif message.method == "tools/call":
        await call_tool(parts, inbound)
    else:
        await _pass_request(parts, inbound)


def judge_method(rules: Rules, method: str) -> Decision:
    """Whether a request other than tools/call may pass; HIDE stands for a method that is not known."""
    if method in LIFECYCLE:
        return _PASSES
    family = method.partition("/")[0]
    is_family = family in FAMILIES and "/" in method
    policy = rules.policy
    if policy is None:
        if not is_family:
            return _refuse_unknown()
        return refusals.refuse_unreadable(rules.problem or "This grant has no policy, so it may call nothing.")
    if is_family:
        is_allowed: bool = getattr(policy.methods, family)
        reason = f"The policy switches {family} off."
        return _PASSES if is_allowed else Decision(Outcome.DENY, f"/methods/{family}", reason)
    if method in policy.methods.extra:
        return Decision(Outcome.ALLOW, "/methods/extra", "")
    return _refuse_unknown()


def _refuse_unknown() -> Decision:
    return Decision(Outcome.HIDE, refusals.UNKNOWN_METHOD, "No such method is let through.", is_explicit=False)


async def _pass_request(parts: Parts, inbound: Inbound) -> None:
    method, snapshot = inbound.message.method, inbound.caller.snapshot
    record = start_record(inbound.caller, inbound)
    decision = check_standing(parts, snapshot) or judge_method(snapshot.rules, method)
    headers = headers_of(inbound)
    if is_refused(decision):
        await _refuse(parts, inbound, record, decision)
        return
    note(record, decision)
    with _held(parts, inbound):
        if method == "initialize" and not inbound.is_modern:
            async with parts.sessions.hold_place(snapshot, str(record.id)):
                await _admit(parts, inbound, record, decision, headers)
        else:
            await _admit(parts, inbound, record, decision, headers)


async def _admit(parts: Parts, inbound: Inbound, record: Record, decision: Decision, headers: Headers) -> None:
    decision = await admit(parts, inbound, record, decision, is_durable=False)
    if is_refused(decision):
        await _refuse(parts, inbound, record, decision)
        return
    lists = Lists.ANSWER if inbound.message.method == "tools/list" else Lists.NONE
    await forward(parts, inbound, headers, record=record, lists=lists)


async def _refuse(parts: Parts, inbound: Inbound, record: Record, decision: Decision) -> None:
    note(record, decision)
    if decision.outcome is Outcome.HIDE:
        record.outcome = Outcome.DENY.value
    record.status = RecordStatus.REFUSED
    record.gateway_us = elapsed_us(inbound.caller.started_ns)
    await parts.recorder.refuse(record)
    raise _error_of(decision, inbound)


@contextmanager
def _held(parts: Parts, inbound: Inbound) -> Iterator[None]:
    """A place in the quota that this request is under; raises BusyError, or QuotaError where a stream is asked for."""
    tenancy = inbound.caller.snapshot.tenancy
    if inbound.message.method == "subscriptions/listen":
        with parts.held.streams.hold(tenancy.organisation, tenancy.quotas.streams):
            yield
    elif parts.held.calls.take(tenancy.organisation, tenancy.quotas.calls):
        try:
            yield
        finally:
            parts.held.calls.give_back(tenancy.organisation)
    else:
        raise BusyError(refusals.refuse_over_quota(tenancy.quotas.calls).reason)


def _error_of(decision: Decision, inbound: Inbound) -> GatewayError:
    if decision.outcome is Outcome.HIDE:
        error = ModernMethodUnknownError if inbound.is_modern else MethodUnknownError
        return error(f"Method not found: {inbound.message.method}")
    return MethodDeniedError(decision.reason)


async def _pass_unrecorded(parts: Parts, inbound: Inbound) -> None:
    check_passing(parts, inbound.caller.snapshot)
    headers = headers_of(inbound)
    tenancy = inbound.caller.snapshot.tenancy
    with parts.held.messages.hold(tenancy.organisation, tenancy.quotas.calls):
        await check_session(parts, inbound.caller.snapshot, inbound.session)
        await forward(parts, inbound, headers)
