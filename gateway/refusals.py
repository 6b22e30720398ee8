"""What a refused caller reads, in the contract's words; an agent can act on it, and it quotes no argument."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final
from uuid import UUID

from gateway.jsonrpc import RequestId, write_tree
from policies.engine.decision import Decision, Reservation
from policies.engine.values import JSON, Outcome

DECISION_META: Final = "policylayer/decision"

# Rules that no policy holds: the words of the contract, and two for requests that never became a call.
UNCONFIRMED: Final = "(policy unconfirmed)"
KILLED: Final = "(killed)"
NO_POLICY: Final = "(no policy)"
MALFORMED: Final = "(malformed)"
UNKNOWN_METHOD: Final = "(unknown method)"
UNKNOWN_SESSION: Final = "(unknown session)"

_ASK: Final = "Do not repeat this call. Ask an admin or policy manager of your organisation if it should be allowed."
_RETRY: Final = "Wait a few seconds and call again."
_NEXT: Final[Mapping[str, str]] = {
    UNCONFIRMED: _RETRY,
    "(limits unavailable)": _RETRY,
    "(record unavailable)": _RETRY,
    KILLED: "Stop. Ask an admin of your organisation when calls may go on.",
    NO_POLICY: "Ask an admin or policy manager of your organisation to give this grant a policy.",
}
_APPROVE: Final = (
    "This call needs a person's approval, and approvals are not available on this gateway yet. Do not repeat it. "
    "Ask an admin or policy manager of your organisation."
)

CHANGED_DECISION: Final = Decision(
    Outcome.HIDE, "(tool changed)", "The server lists this tool with another definition.", is_explicit=False
)
KILLED_DECISION: Final = Decision(
    Outcome.DENY, KILLED, "All calls of this organisation are stopped.", is_explicit=False
)
UNCONFIRMED_DECISION: Final = Decision(
    Outcome.DENY, UNCONFIRMED, "The gateway cannot confirm that this policy is still in force.", is_explicit=False
)
LIMITS_UNAVAILABLE: Final = Decision(
    Outcome.DENY, "(limits unavailable)", "A limit covers this call, and it cannot be counted now.", is_explicit=False
)
RECORD_UNAVAILABLE: Final = Decision(
    Outcome.DENY, "(record unavailable)", "This call cannot be recorded now, so it is not made.", is_explicit=False
)


def refuse_unreadable(problem: str) -> Decision:
    """A published policy that does not fit allows nothing."""
    return Decision(Outcome.DENY, NO_POLICY, problem, is_explicit=False)


def refuse_amount(limit: Reservation) -> Decision:
    """A limit on amounts, which this gateway does not count yet, cannot be kept; so its calls are denied."""
    reason = f"{limit.on_deny} Limits on amounts are not counted by this gateway yet, so calls under one are denied."
    return Decision(Outcome.DENY, limit.rule, reason)


def refuse_full(decision: Decision, index: int, retry_after: int) -> Decision:
    """The limit at `index` of the decision is full for so many seconds."""
    limit = decision.limits[index]
    return replace(
        decision, outcome=Outcome.LIMIT, rule=limit.rule, reason=limit.on_deny, limits=(), retry_after=retry_after
    )


def write_refusal(decision: Decision, record_id: UUID, request_id: RequestId | None, *, is_modern: bool) -> bytes:
    """The tool result that tells an agent why its call was not made (contracts.md, "Texts to the agent")."""
    facts: dict[str, JSON] = {
        "id": str(record_id),
        "outcome": decision.outcome.value,
        "rule": decision.rule,
        "retry_after": decision.retry_after,
    }
    result: dict[str, JSON] = {
        "content": [{"type": "text", "text": write_text(decision, record_id)}],
        "isError": True,
        "_meta": {DECISION_META: facts},
    }
    if is_modern:
        result["resultType"] = "complete"
    return write_tree({"jsonrpc": "2.0", "id": request_id, "result": result})


def write_text(decision: Decision, record_id: UUID) -> str:
    """The four lines."""
    return (
        f"[POLICY DENIED] {decision.reason}\nRule: {decision.rule}\nDecision: {record_id}\nNext: {_say_next(decision)}"
    )


def _say_next(decision: Decision) -> str:
    if decision.retry_after is not None:
        unit = "second" if decision.retry_after == 1 else "seconds"
        return f"Wait {decision.retry_after} {unit}, then call again."
    if decision.outcome is Outcome.APPROVE:
        return _APPROVE
    return _NEXT.get(decision.rule, _ASK)
