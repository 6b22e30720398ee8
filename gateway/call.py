"""The ladder of one tools/call: decide, reserve and record, forward, settle; there is no other way."""

from collections.abc import Mapping

from gateway import refusals
from gateway.admit import admit, check_standing
from gateway.errors import InvalidRequestError, ToolUnknownError
from gateway.exchange import JSON_TYPE
from gateway.forward import forward, headers_of
from gateway.headers import check_params
from gateway.inbound import Inbound, elapsed_us, start_record
from gateway.parts import Parts
from gateway.quotas import pause
from gateway.record import Record, clean_keys, clean_text
from policies.engine.digest import digest_arguments
from policies.engine.evaluate import Call, Decision, decide
from policies.engine.refusal import QUOTA, refuse_amounts, write_unknown
from policies.engine.values import JSON, Outcome
from policies.models import RecordStatus

MAX_RULE = 500
MAX_REASON = 1000


async def call_tool(parts: Parts, inbound: Inbound) -> None:
    """Judge the call and forward it, or answer with the refusal; either way it is recorded.

    Raises ToolUnknownError for unknown, hidden and changed tools, InvalidRequestError and HeaderMismatchError for a
    call that is not well formed, SessionUnknownError for somebody else's session, and UpstreamError.
    """
    name, arguments = read_call(inbound)
    headers = headers_of(inbound)
    record = start_record(inbound.caller, inbound)
    record.tool = clean_text(name, 200)
    record.argument_keys = clean_keys(arguments)
    record.argument_digest = digest_arguments(arguments)
    decision = check_standing(parts, inbound.caller.snapshot) or judge_call(inbound, Call(name, arguments, record.at))
    _check_mirrored(inbound, name, arguments)
    tenancy = inbound.caller.snapshot.tenancy
    if decision.outcome is Outcome.ALLOW and not parts.held.calls.take(tenancy.organisation, tenancy.quotas.calls):
        decision = refusals.refuse_over_quota(tenancy.quotas.calls)
    if decision.outcome is not Outcome.ALLOW:
        await refuse_call(parts, inbound, record, decision)
        return
    try:
        note(record, decision)
        is_durable = inbound.caller.snapshot.is_durable(name)
        decision = await admit(parts, inbound, record, decision, is_durable=is_durable)
        if decision.outcome is Outcome.ALLOW:
            await forward(parts, inbound, headers, record=record, limits=decision.limits)
        else:
            await refuse_call(parts, inbound, record, decision)
    finally:
        parts.held.calls.give_back(tenancy.organisation)


def read_call(inbound: Inbound) -> tuple[str, Mapping[str, JSON]]:
    """The tool's name and arguments; absent arguments are none. Raises InvalidRequestError."""
    params = inbound.message.params
    name, arguments = params.get("name"), params.get("arguments")
    if not isinstance(name, str):
        raise InvalidRequestError('"name" must be a string.')
    if arguments is None:
        return name, {}
    if not isinstance(arguments, dict):
        raise InvalidRequestError('"arguments" must be an object.')
    return name, arguments


def _check_mirrored(inbound: Inbound, name: str, arguments: Mapping[str, JSON]) -> None:
    # Only what tools/list shows: a complaint about any other tool's headers would tell that there is one.
    rules = inbound.caller.snapshot.rules
    if rules.policy is not None and name in rules.policy.visible:
        check_params(inbound.caller.headers, rules.params.get(name, ()), arguments, is_modern=inbound.is_modern)


def judge_call(inbound: Inbound, call: Call) -> Decision:
    """The policy's decision; a policy that cannot be read and a limit that cannot be counted deny."""
    rules = inbound.caller.snapshot.rules
    if rules.problem:
        return refusals.refuse_unreadable(rules.problem)
    decision = decide(rules.policy, call)
    if decision.outcome is not Outcome.HIDE and inbound.caller.snapshot.lists.is_changed(call.tool):
        return refusals.CHANGED_DECISION
    return refuse_amounts(decision)


async def refuse_call(parts: Parts, inbound: Inbound, record: Record, decision: Decision) -> None:
    """Record a refusal and tell the agent; for a tool that it may not know of, raises ToolUnknownError."""
    note(record, decision)
    record.status = RecordStatus.REFUSED
    record.gateway_us = elapsed_us(inbound.caller.started_ns)
    await parts.recorder.refuse(record)
    if decision.outcome is Outcome.HIDE:
        if decision.rule == "(unknown tool)":
            parts.rediscovery.ask(record.organisation, record.server)
        raise ToolUnknownError(write_unknown(str(inbound.message.params["name"])))
    if decision.rule == QUOTA:
        inbound.turn.end()
        await pause()
    body = refusals.write_refusal(decision, record.id, inbound.message.id, is_modern=inbound.is_modern)
    await inbound.caller.exchange.answer(200, body, (JSON_TYPE,))


def note(record: Record, decision: Decision) -> None:
    """Put a decision into its record."""
    record.outcome = decision.outcome.value
    record.rule = clean_text(decision.rule, MAX_RULE)
    record.reason = clean_text(decision.reason, MAX_REASON)
