"""A decision record in words for people; the words for agents are elsewhere, and nothing here decides."""

from collections.abc import Mapping
from typing import Final

from policies.engine.values import Outcome
from policies.models import DecisionRecord, RecordStatus

OUTCOMES: Final[Mapping[str, str]] = {
    Outcome.ALLOW: "The policy allows this call.",
    Outcome.DENY: "The policy refuses this call.",
    Outcome.HIDE: "For this agent the tool does not exist: it was answered like an unknown name.",
    Outcome.LIMIT: "The call was over a limit, and was refused.",
    Outcome.APPROVE: "The call needs a person's approval, and was not forwarded.",
}
# Rules in brackets are the gateway's own: no line of a policy decided.
RULES: Final[Mapping[str, str]] = {
    "(no policy)": "The grant carries no published policy, so every call is refused.",
    "(unknown tool)": "The server offers no tool of this name, so it was answered like any unknown name.",
    "(default)": "No rule of the policy speaks of this tool, so its default decided.",
    "(limits unavailable)": "A limit applies and could not be counted, so the call was refused.",
    "(record unavailable)": "The call could not be recorded, and no call goes unrecorded, so it was refused.",
    "(policy unconfirmed)": "The gateway could not confirm the policy in force, so the call was refused.",
    "(tool changed)": "The tool's definition is no longer the one that was reviewed, so it is refused until accepted.",
    "(killed)": "A person had stopped the organisation, the server or the grant; the reason says which.",
    "(quota)": "The organisation held as many calls, streams or sessions as it may at a time.",
}
STATUSES: Final[Mapping[str, str]] = {
    RecordStatus.INTENT: "written before the call was forwarded; its outcome is not known yet",
    RecordStatus.OK: "the server answered",
    RecordStatus.ERROR: "the server answered with an error, or could not be reached",
    RecordStatus.REFUSED: "never forwarded; the server saw nothing of it",
    RecordStatus.UNKNOWN: "forwarded, and its outcome will never be known; it is not tried again",
}


def describe_record(record: DecisionRecord) -> str:
    """One sentence on what decided."""
    if record.outcome == Outcome.ALLOW and record.method != "tools/call":
        return "This method is no tool call, and the policy lets it through."
    return RULES.get(record.rule) or OUTCOMES.get(record.outcome, "")


def describe_status(record: DecisionRecord) -> str:
    """What the status means; empty for one that this version does not know."""
    return STATUSES.get(record.status, "")


def format_duration(microseconds: int) -> str:
    """`850 µs`, `12.3 ms` or `2.50 s`; a dash for none."""
    if not microseconds:
        return "—"
    if microseconds < 1_000:
        return f"{microseconds} µs"
    if microseconds < 1_000_000:
        return f"{microseconds / 1_000:.1f} ms"
    return f"{microseconds / 1_000_000:.2f} s"
