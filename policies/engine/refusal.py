"""The text that a refused agent reads, in the contract's words; an agent can act on it, and it quotes no argument."""

from collections.abc import Mapping
from typing import Final

from policies.engine.decision import Decision
from policies.engine.values import Outcome

# Rules that no policy holds: the words of the contract.
UNCONFIRMED: Final = "(policy unconfirmed)"
KILLED: Final = "(killed)"
NO_POLICY: Final = "(no policy)"
QUOTA: Final = "(quota)"

_ASK: Final = "Do not repeat this call. Ask an admin or policy manager of your organisation if it should be allowed."
_RETRY: Final = "Wait a few seconds and call again."
_NEXT: Final[Mapping[str, str]] = {
    UNCONFIRMED: _RETRY,
    "(limits unavailable)": _RETRY,
    "(record unavailable)": _RETRY,
    KILLED: "Stop. Ask an admin or policy manager of your organisation when calls may go on.",
    NO_POLICY: "Ask an admin or policy manager of your organisation to give this grant a policy.",
}
_APPROVE: Final = (
    "This call needs a person's approval, and approvals are not available on this gateway yet. Do not repeat it. "
    "Ask an admin or policy manager of your organisation."
)


def write_text(decision: Decision, record_id: str) -> str:
    """The four lines of a refused call; `record_id` is where its decision is recorded.

    A reason is folded into one line, so that no text of a policy can look like a line of ours.
    """
    reason, rule = (" ".join(text.splitlines()) for text in (decision.reason, decision.rule))
    return f"[POLICY DENIED] {reason}\nRule: {rule}\nDecision: {record_id}\nNext: {_say_next(decision)}"


def write_unknown(name: str) -> str:
    """The message of the JSON-RPC error -32602 that a call of an unknown, hidden or changed tool gets."""
    return f"Unknown tool: {name}"


def refuse_amounts(decision: Decision) -> Decision:
    """The decision, or its refusal where it stands under a limit on amounts: a gateway that does not count these yet
    cannot keep them, so their calls are denied."""
    if decision.outcome is not Outcome.ALLOW:
        return decision
    limit = next((limit for limit in decision.limits if not limit.is_count), None)
    if limit is None:
        return decision
    reason = f"{limit.on_deny} Limits on amounts are not counted by this gateway yet, so calls under one are denied."
    return Decision(Outcome.DENY, limit.rule, reason)


def _say_next(decision: Decision) -> str:
    if decision.retry_after is not None:
        unit = "second" if decision.retry_after == 1 else "seconds"
        return f"Wait {decision.retry_after} {unit}, then call again."
    if decision.outcome is Outcome.APPROVE:
        return _APPROVE
    return _NEXT.get(decision.rule, _ASK)
