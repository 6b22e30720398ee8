"""What a policy says of each tool before any argument is seen, and which line says it. Nothing decides by this."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from policies.engine.explain import Sentence, explain_policy
from policies.engine.names import match_name
from policies.engine.policy import Action, Entry, Limit, Policy
from policies.engine.serving import find_clash, find_rule, list_counted, selects, settle_action
from policies.engine.tools import ToolFacts


class Standing(StrEnum):
    """`conditional`: allowed, asked about or refused by what the call says, or until a limit is full."""

    ALLOWED = "allowed"
    CONDITIONAL = "conditional"
    ASKS = "asks"
    DENIED = "denied"
    HIDDEN = "hidden"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Surveyed:
    """One tool as a policy leaves it. `cause` is the line that grants or refuses it, its pointer empty where none does;
    `also` are the lines of `all_tools` that hold for it as well. `is_measured`: a limit counts an amount of its calls.
    """

    tool: ToolFacts
    standing: Standing
    cause: Sentence
    also: tuple[Sentence, ...] = ()
    is_measured: bool = False


_NO_POLICY: Final = Sentence("", "No policy is in force for it, so every call is denied.")
_CHANGED: Final = Sentence("", "Its definition changed since it was pinned: refused and not listed until accepted.")


def survey_tools(policy: Policy | None, tools: Mapping[str, ToolFacts]) -> list[Surveyed]:
    """Each tool's standing under a policy, in the order of `tools`; None as policy denies them all.

    Agrees with compile_policy: what is denied, hidden or changed here is so for every call.
    """
    if policy is None:
        return [Surveyed(facts, Standing.DENIED, _NO_POLICY) for facts in tools.values()]
    texts = {sentence.pointer: sentence.text for sentence in explain_policy(policy, tools)}
    return [_Survey(policy, texts, facts).look() for facts in tools.values()]


class _Survey:
    def __init__(self, policy: Policy, texts: Mapping[str, str], facts: ToolFacts) -> None:
        self._policy = policy
        self._texts = texts
        self._facts = facts
        self._rule = find_rule(policy, facts)

    def look(self) -> Surveyed:
        hidden = next((i for i, name in enumerate(self._policy.hide) if match_name(name, self._facts.name)), None)
        if hidden is not None:
            return Surveyed(self._facts, Standing.HIDDEN, self._say(f"/hide/{hidden}"))
        action, pointer = self._settle()
        if action is Action.HIDE:
            return Surveyed(self._facts, Standing.HIDDEN, self._say(pointer))
        if self._facts.is_changed:
            return Surveyed(self._facts, Standing.CHANGED, _CHANGED)
        if action is Action.DENY:
            return Surveyed(self._facts, Standing.DENIED, self._say(pointer))
        clash = find_clash(self._policy, self._rule, self._facts.name)
        if clash is not None:
            return Surveyed(self._facts, Standing.DENIED, self._say(clash[0].pointer))
        return self._look_open(action, pointer)

    def _look_open(self, action: Action, pointer: str) -> Surveyed:
        closed = next((entry for entry in self._denials() if _always_holds(entry)), None)
        if closed is not None:
            return Surveyed(self._facts, Standing.DENIED, self._say(closed.pointer))
        asked = next((entry for entry in self._asks() if _always_holds(entry)), None)
        standing = Standing.ALLOWED
        if action is Action.REQUIRE_APPROVAL or asked is not None:
            standing = Standing.ASKS
        elif self._is_bounded():
            standing = Standing.CONDITIONAL
        if asked is not None and action is not Action.REQUIRE_APPROVAL:
            pointer = asked.pointer
        also = tuple(self._say(part.pointer) for part in self._shared() if part.pointer != pointer)
        counted = list_counted(self._policy, self._rule, self._facts.name)
        is_measured = any(limit.amount is not None for limit in counted)
        return Surveyed(self._facts, standing, self._say(pointer), also, is_measured)

    def _settle(self) -> tuple[Action, str]:
        if self._rule is None:
            return (Action.ALLOW if self._policy.is_default_allow else Action.DENY), "/default"
        action, _, pointer = settle_action(self._policy, self._rule, self._facts)
        return action, pointer

    def _shared(self) -> Iterator[Entry | Limit]:
        shared = self._policy.all_tools
        parts: tuple[Entry | Limit, ...] = (*shared.entries, *shared.limits)
        for part in parts:
            if selects(part.selector, self._facts.name):
                yield part

    def _denials(self) -> Iterator[Entry]:
        yield from (entry for entry in self._policy.all_tools.deny_if if selects(entry.selector, self._facts.name))
        yield from self._rule.clauses.deny_if if self._rule is not None else ()

    def _asks(self) -> Iterator[Entry]:
        yield from (entry for entry in self._policy.all_tools.approve_if if selects(entry.selector, self._facts.name))
        yield from self._rule.clauses.approve_if if self._rule is not None else ()

    def _is_bounded(self) -> bool:
        rule = self._rule
        if any(True for _ in self._shared()):
            return True
        return rule is not None and (
            rule.rate_limit is not None or any(True for _ in rule.clauses.entries) or bool(rule.clauses.limits)
        )

    def _say(self, pointer: str) -> Sentence:
        # A part of a rule is told by the rule's sentence.
        found = pointer
        while found and found not in self._texts:
            found = found.rpartition("/")[0]
        return Sentence(pointer, self._texts.get(found, "") if found else "")


def _always_holds(entry: Entry) -> bool:
    return not entry.conditions and entry.each is None
