"""Runs a policy's saved tests against a document. Reads and judges only; what a failing test stops is its caller's."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from policies.engine.decision import Call
from policies.engine.policy import Policy
from policies.engine.tools import ToolFacts
from policies.models import PolicyTest
from policies.trial import judge_call
from policies.written_calls import CallUnreadableError, read_arguments

# Where no line of the document decided.
_CAUSES: Final = {
    "(default)": "no rule speaks of it",
    "(hidden)": "the policy hides it",
    "(unknown tool)": "this server has no such tool",
    "(tool changed)": "its changed definition is not accepted",
}


@dataclass(frozen=True, slots=True)
class Expectation:
    """A test to save: the call as text, and what must become of it; an empty rule leaves open what decides."""

    name: str
    tool: str
    arguments: str
    expected_outcome: str
    expected_rule: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SavedTestResult:
    """What a saved test wanted and what it got; `got_rule` is where in the document that was decided."""

    test: PolicyTest
    got: str
    got_rule: str
    reason: str = ""

    @property
    def is_passed(self) -> bool:
        is_right_rule = self.test.expected_rule in ("", self.got_rule)
        return self.got == self.test.expected_outcome and is_right_rule

    @property
    def sentence(self) -> str:
        expected = _write_outcome(self.test.expected_outcome, self.test.expected_rule)
        return f"“{self.test.name}” ({self.test.tool}): expected {expected}, got {self.words}."

    @property
    def words(self) -> str:
        return _write_outcome(self.got, self.got_rule)

    @property
    def cause(self) -> str:
        """Why, where no line of the document decided."""
        return _CAUSES.get(self.got_rule, "")


def run_saved_tests(
    tests: Iterable[PolicyTest], policy: Policy, tools: Mapping[str, ToolFacts], now: datetime
) -> list[SavedTestResult]:
    """Judge each saved call by the policy, at the test's own time or else at `now`."""
    return [_run(test, policy, tools, now) for test in tests]


def _run(test: PolicyTest, policy: Policy, tools: Mapping[str, ToolFacts], now: datetime) -> SavedTestResult:
    try:
        arguments = read_arguments(test.arguments)
    except CallUnreadableError as error:
        return SavedTestResult(test, "unreadable", "", str(error))
    decision = judge_call(policy, tools, Call(test.tool, arguments, test.at or now))
    return SavedTestResult(test, decision.outcome.value, decision.rule, decision.reason)


def _write_outcome(outcome: str, rule: str) -> str:
    if rule in _CAUSES:
        return f"{outcome}, since {_CAUSES[rule]}"
    return f"{outcome} by {rule}" if rule else outcome
