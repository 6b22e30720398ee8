"""What the engine answers: a decision with its rule, the conditions that decided, and the limits to reserve."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from policies.engine.policy import Condition
from policies.engine.values import JSON, Found, Outcome, Scope


@dataclass(frozen=True, slots=True)
class Call:
    """One tools/call. `at` is aware; the engine has no clock of its own."""

    tool: str
    arguments: Mapping[str, JSON]
    at: datetime


@dataclass(frozen=True, slots=True)
class Reservation:
    """One limit to reserve before the call is forwarded: at most `max` of `counter` in any `window` seconds.

    `is_count` says that the limit counts calls (no `amount` in the policy); `amount` is then 1. Amounts have at most 15
    digits before the point and 9 behind it. Reservations of one counter and scope in one decision have one amount and
    are charged once. `on_deny` is never empty.
    """

    counter: str
    window: int
    max: Decimal
    amount: Decimal
    is_count: bool
    scope: Scope
    rule: str
    on_deny: str


@dataclass(frozen=True, slots=True)
class Match:
    """A condition that decided, and what it found. `path` has the index of the element; `found` may be a Missing.

    `condition` is what was written, for whoever says it in words; None where it could not be judged.
    """

    path: str
    op: str
    expected: JSON
    found: Found
    condition: Condition | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Decision:
    """The engine's answer to one call.

    `rule` is a JSON pointer into the policy or one of the words in parentheses. `reason` is for the agent and never
    holds an argument's value; `matched` does. `is_explicit` is False where no rule of the policy spoke: the default,
    an unknown or changed tool, no policy, a killed organisation. An approve decision carries its limits, which are
    reserved when the call is forwarded.
    """

    outcome: Outcome
    rule: str
    reason: str
    matched: tuple[Match, ...] = ()
    limits: tuple[Reservation, ...] = ()
    retry_after: int | None = None
    is_explicit: bool = True
