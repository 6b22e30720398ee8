"""The gateway's own refusals, and a refusal as the tool result that the caller gets; it quotes no argument."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final
from uuid import UUID

from gateway.jsonrpc import RequestId, write_tree
from policies.engine.decision import Decision
from policies.engine.refusal import KILLED, NO_POLICY, QUOTA, UNCONFIRMED, write_text
from policies.engine.values import JSON, Outcome, Scope

DECISION_META: Final = "policylayer/decision"

# Rules of requests that never became a call.
MALFORMED: Final = "(malformed)"
UNKNOWN_METHOD: Final = "(unknown method)"
UNKNOWN_SESSION: Final = "(unknown session)"

CHANGED_DECISION: Final = Decision(
    Outcome.HIDE, "(tool changed)", "The server lists this tool with another definition.", is_explicit=False
)
STOPPED: Final[Mapping[Scope, Decision]] = {
    scope: Decision(Outcome.DENY, KILLED, reason, is_explicit=False)
    for scope, reason in (
        (Scope.ORGANISATION, "A person stopped all calls of this organisation."),
        (Scope.SERVER, "A person stopped all calls to this server."),
        (Scope.GRANT, "A person stopped all calls of this grant."),
    )
}
UNCONFIRMED_DECISION: Final = Decision(
    Outcome.DENY, UNCONFIRMED, "The gateway cannot confirm that this policy is still in force.", is_explicit=False
)
LIMITS_UNAVAILABLE: Final = Decision(
    Outcome.DENY, "(limits unavailable)", "A limit covers this call, and it cannot be counted now.", is_explicit=False
)
RECORD_UNAVAILABLE: Final = Decision(
    Outcome.DENY, "(record unavailable)", "This call cannot be recorded now, so it is not made.", is_explicit=False
)


def refuse_over_quota(calls: int) -> Decision:
    """An organisation that has as many calls on their way as it may have makes no more."""
    reason = f"This organisation has {calls} calls on their way, as many as it may have at a time."
    return Decision(Outcome.LIMIT, QUOTA, reason, retry_after=1, is_explicit=False)


def refuse_unreadable(problem: str) -> Decision:
    """A published policy that does not fit allows nothing."""
    return Decision(Outcome.DENY, NO_POLICY, problem, is_explicit=False)


def refuse_full(decision: Decision, index: int, retry_after: int) -> Decision:
    """The limit at `index` of the decision is full for so many seconds."""
    limit = decision.limits[index]
    return replace(
        decision, outcome=Outcome.LIMIT, rule=limit.rule, reason=limit.on_deny, limits=(), retry_after=retry_after
    )


def write_refusal(decision: Decision, record_id: UUID, request_id: RequestId | None, *, is_modern: bool) -> bytes:
    """The tool result that tells an agent why its call was not made (docs/policy-language.md)."""
    facts: dict[str, JSON] = {
        "id": str(record_id),
        "outcome": decision.outcome.value,
        "rule": decision.rule,
        "retry_after": decision.retry_after,
    }
    result: dict[str, JSON] = {
        "content": [{"type": "text", "text": write_text(decision, str(record_id))}],
        "isError": True,
        "_meta": {DECISION_META: facts},
    }
    if is_modern:
        result["resultType"] = "complete"
    return write_tree({"jsonrpc": "2.0", "id": request_id, "result": result})
