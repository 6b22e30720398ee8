"""Dispatches a message by its method: what is judged, passes or is refused; a method that nobody knows never passes."""

from typing import Final

from gateway import refusals
from gateway.admit import admit, check_session, check_standing, is_refused
from gateway.call import call_tool, note
from gateway.errors import GatewayError, MethodDeniedError, MethodUnknownError, ModernMethodUnknownError, StandingError
from gateway.forward import forward, headers_of
from gateway.inbound import Inbound, elapsed_us, start_record
from gateway.jsonrpc import Kind
from gateway.parts import Parts
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
    method = inbound.message.method
    record = start_record(inbound.caller, inbound)
    decision = check_standing(parts, inbound.caller.snapshot) or judge_method(inbound.caller.snapshot.rules, method)
    headers = headers_of(inbound)
    note(record, decision)
    if not is_refused(decision):
        decision = await admit(parts, inbound, record, decision, is_durable=False)
    if not is_refused(decision):
        lists = Lists.ANSWER if method == "tools/list" else Lists.NONE
        await forward(parts, inbound, headers, record=record, lists=lists)
        return
    note(record, decision)
    if decision.outcome is Outcome.HIDE:
        record.outcome = Outcome.DENY.value
    record.status = RecordStatus.REFUSED
    record.gateway_us = elapsed_us(inbound.caller.started_ns)
    await parts.recorder.refuse(record)
    raise _error_of(decision, inbound)


def _error_of(decision: Decision, inbound: Inbound) -> GatewayError:
    if decision.outcome is Outcome.HIDE:
        error = ModernMethodUnknownError if inbound.is_modern else MethodUnknownError
        return error(f"Method not found: {inbound.message.method}")
    return MethodDeniedError(decision.reason)


async def _pass_unrecorded(parts: Parts, inbound: Inbound) -> None:
    refused = check_standing(parts, inbound.caller.snapshot)
    if refused is not None:
        raise StandingError(refused.rule)
    headers = headers_of(inbound)
    await check_session(parts, inbound.caller.snapshot, inbound.session)
    await forward(parts, inbound, headers)
