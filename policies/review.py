"""What changes between two documents of one policy: in words, for each tool, and line by line. Writes nothing."""

import difflib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from policies.engine.effects import Effect, Move, ToolEffect, find_move, list_effects
from policies.engine.explain import Sentence, explain_policy
from policies.engine.policy import Policy
from policies.engine.tools import ToolFacts
from policies.engine.values import Level

# Above this many differing lines the comparison would take too long; then they are shown as one block.
MAX_COMPARED: Final = 2_000
CONTEXT: Final = 3
# What lets more through comes first, and with it the tools that can do most harm.
_MOVES: Final = tuple(Move)
_LEVELS: Final = tuple(Level)
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


class ChangeKind(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class LineKind(StrEnum):
    SAME = "same"
    ADDED = "added"
    REMOVED = "removed"
    PLACE = "place"


@dataclass(frozen=True, slots=True)
class SentenceChange:
    """A sentence that came, went or reads differently; `before` or `after` is empty for the first two."""

    kind: ChangeKind
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class EffectChange:
    """Tools that change alike, those of the highest level first: `sentence` counts them."""

    move: Move
    sentence: str
    tools: tuple[ToolFacts, ...]

    @property
    def levels(self) -> list[Level]:
        """The levels of these tools, the highest first."""
        return list(dict.fromkeys(facts.level for facts in self.tools))


@dataclass(frozen=True, slots=True)
class Line:
    kind: LineKind
    text: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """`lines` are those of both documents printed alike; `is_same` says that the texts are equal as they are."""

    sentences: tuple[SentenceChange, ...]
    effects: tuple[EffectChange, ...]
    lines: tuple[Line, ...]
    is_same: bool

    @property
    def tool_count(self) -> int:
        """How many tools fare otherwise."""
        return sum(len(change.tools) for change in self.effects)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two documents; `policy` is None where there is none that fits, which denies every call."""

    text: str
    policy: Policy | None


def compare(before: Side, after: Side, tools: Mapping[str, ToolFacts]) -> Comparison:
    """All that differs between two documents for this server's tools."""
    said = [explain_policy(side.policy, tools) if side.policy else [] for side in (before, after)]
    return Comparison(
        compare_sentences(said[0], said[1]),
        compare_effects(_effects_of(before, tools), _effects_of(after, tools), tools),
        compare_lines(print_alike(before.text), print_alike(after.text)),
        is_same=before.text == after.text,
    )


def compare_sentences(before: Sequence[Sentence], after: Sequence[Sentence]) -> tuple[SentenceChange, ...]:
    """What the policy says otherwise. A sentence that only moved is no change."""
    old, new = _subtract(before, after), _subtract(after, before)
    places = {sentence.pointer: sentence.text for sentence in old}
    changes = []
    for sentence in new:
        was = places.pop(sentence.pointer, "")
        kind = ChangeKind.CHANGED if was else ChangeKind.ADDED
        changes.append(SentenceChange(kind, was, sentence.text))
    return (*changes, *(SentenceChange(ChangeKind.REMOVED, text, "") for text in places.values()))


def compare_effects(
    before: Mapping[str, ToolEffect], after: Mapping[str, ToolEffect], tools: Mapping[str, ToolFacts]
) -> tuple[EffectChange, ...]:
    """Tools whose calls fare otherwise, those that change alike together; what lets more through comes first."""
    groups: dict[tuple[Move, Effect, Effect], list[ToolFacts]] = {}
    for name, now in after.items():
        # Without a policy there is no reason for a denial that could differ.
        is_still_denied = before[name] == ToolEffect(Effect.DENIED) and now.effect is Effect.DENIED
        if before[name] != now and not is_still_denied:
            groups.setdefault((find_move(before[name], now), before[name].effect, now.effect), []).append(tools[name])
    changes = [
        EffectChange(move, _count(was, now, len(found)), tuple(sorted(found, key=_rank)))
        for (move, was, now), found in groups.items()
    ]
    return tuple(sorted(changes, key=lambda each: (_MOVES.index(each.move), _rank(each.tools[0])[0], -len(each.tools))))


def print_alike(text: str) -> str:
    """A JSON document in one layout, with every name, text and number spelt as it is."""
    parts, depth = [], 0
    tokens = _TOKEN.findall(text)
    for before, token in zip(["", *tokens], tokens, strict=False):
        depth -= token in ("}", "]")
        is_empty = before + token in ("{}", "[]")
        if (before in ("{", "[", ",") or token in ("}", "]")) and not is_empty:
            parts.append("\n" + "  " * depth)
        parts.append(": " if token == ":" else token)
        depth += token in ("{", "[")
    return "".join(parts)


def compare_lines(before: str, after: str) -> tuple[Line, ...]:
    """A unified diff; empty for equal texts."""
    if before == after:
        return ()
    old, new = before.splitlines(), after.splitlines()
    start = _count_shared(old, new)
    end = _count_shared(old[start:][::-1], new[start:][::-1])
    first, last = max(0, start - CONTEXT), max(0, end - CONTEXT)
    old, new = old[first : len(old) - last], new[first : len(new) - last]
    if max(len(old), len(new)) > MAX_COMPARED:
        removed = [Line(LineKind.REMOVED, line) for line in old]
        return (*removed, *(Line(LineKind.ADDED, line) for line in new))
    return tuple(_list_lines(old, new, first))


def _list_lines(old: list[str], new: list[str], first: int) -> list[Line]:
    found: list[Line] = []
    for group in difflib.SequenceMatcher(None, old, new).get_grouped_opcodes(CONTEXT):
        found.append(Line(LineKind.PLACE, f"Line {first + group[0][1] + 1}"))
        for tag, start, end, new_start, new_end in group:
            if tag == "equal":
                found += [Line(LineKind.SAME, line) for line in old[start:end]]
                continue
            found += [Line(LineKind.REMOVED, line) for line in old[start:end]]
            found += [Line(LineKind.ADDED, line) for line in new[new_start:new_end]]
    return found


def _rank(facts: ToolFacts) -> tuple[int, str]:
    return -_LEVELS.index(facts.level), facts.name


def _effects_of(side: Side, tools: Mapping[str, ToolFacts]) -> dict[str, ToolEffect]:
    if side.policy is None:
        return {name: ToolEffect(Effect.DENIED) for name in tools}
    return list_effects(side.policy, tools)


def _subtract(sentences: Sequence[Sentence], others: Sequence[Sentence]) -> list[Sentence]:
    there = Counter(sentence.text for sentence in others)
    left = []
    for sentence in sentences:
        if there[sentence.text]:
            there[sentence.text] -= 1
        else:
            left.append(sentence)
    return left


def _count(was: Effect, now: Effect, count: int) -> str:
    tools = "1 tool" if count == 1 else f"{count} tools"
    if was is now:
        what = "its reason, conditions or limits change" if count == 1 else "their reasons, conditions or limits change"
        if now is Effect.DENIED:
            what = "its reason changes" if count == 1 else "their reasons change"
        return f"{tools} {'stays' if count == 1 else 'stay'} {now.value}, and {what}."
    return f"{tools} {'becomes' if count == 1 else 'become'} {now.value} (before: {was.value})."


def _count_shared(old: Sequence[str], new: Sequence[str]) -> int:
    pairs = zip(old, new, strict=False)
    return next((index for index, (left, right) in enumerate(pairs) if left != right), min(len(old), len(new)))
