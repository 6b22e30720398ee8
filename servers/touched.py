"""Which rules of the policies in force a tool's new definition touches. Pure: it reads documents, decides nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from policies.engine.effects import list_effects
from policies.engine.parse import Problem, parse_policy
from policies.engine.paths import Path, Root, Step
from policies.engine.policy import Entry, Limit, Policy, list_amount_paths, list_paths
from policies.engine.serving import find_rule, list_counted, selects
from policies.engine.tools import ToolFacts
from servers.access import InForce
from servers.changes import Change, ChangeKind

MAX_SAID: Final = 8


@dataclass(frozen=True, slots=True)
class Touch:
    """What accepting would mean for one policy. `is_breaking`: it would no longer fit, and so deny every call."""

    policy: InForce
    sentences: tuple[str, ...]
    is_breaking: bool


def find_touch(policy: InForce, pinned: ToolFacts, offered: ToolFacts, changes: Sequence[Change]) -> Touch | None:
    """What a policy in force would make of the offered definition in place of the pinned one; None for the same.

    Only this one tool is looked at. A policy that does not fit already is not touched: nothing can get worse.
    """
    pinned, offered = replace(pinned, is_changed=False), replace(offered, is_changed=False)
    was = parse_policy(policy.document, {pinned.name: pinned})
    now = parse_policy(policy.document, {offered.name: offered})
    if was.policy is None:
        return None
    known = {(problem.pointer, problem.message) for problem in (*was.errors, *was.warnings)}
    # Without a pointer it is about the policy as a whole, of which one tool says nothing.
    said = [problem for problem in (*now.errors, *now.warnings) if problem.pointer]
    fresh = [problem for problem in said if (problem.pointer, problem.message) not in known]
    sentences = [_say_problem(problem) for problem in fresh]
    sentences += _say_readers(was.policy, pinned, changes, {problem.pointer for problem in fresh})
    if now.policy is not None:
        sentences += _say_effect(was.policy, now.policy, pinned, offered)
    if not sentences:
        return None
    return Touch(policy, tuple(dict.fromkeys(sentences))[:MAX_SAID], is_breaking=now.policy is None)


def _say_problem(problem: Problem) -> str:
    return f"{problem.pointer}: {problem.message}"


def _say_readers(policy: Policy, facts: ToolFacts, changes: Sequence[Change], told: set[str]) -> Iterator[str]:
    """The parts of the policy that look at an argument that changed, less those with a problem of their own."""
    moved = [change for change in changes if change.steps and change.kind is not ChangeKind.TEXT]
    for part in _parts_for(policy, facts):
        if any(pointer.startswith(f"{part.pointer}/") for pointer in told):
            continue
        for path in dict.fromkeys(_paths_of(part)):
            change = next((change for change in moved if _meets(path, change.steps)), None)
            if change is not None:
                yield f"{part.pointer} looks at {path.text}, and {change.path} changes."
                break


def _say_effect(was: Policy, now: Policy, pinned: ToolFacts, offered: ToolFacts) -> Iterator[str]:
    before = list_effects(was, {pinned.name: pinned})[pinned.name].effect
    after = list_effects(now, {offered.name: offered})[offered.name].effect
    if before is not after:
        level = f" as a tool of {offered.level.value} risk" if offered.level is not pinned.level else ""
        yield f"{offered.name} becomes {after.value}{level} (before the change: {before.value})."


def _parts_for(policy: Policy, facts: ToolFacts) -> Iterator[Entry | Limit]:
    for entry in policy.all_tools.entries:
        if selects(entry.selector, facts.name):
            yield entry
    rule = find_rule(policy, facts)
    if rule is not None:
        yield from rule.clauses.entries
    yield from list_counted(policy, rule, facts.name)


def _paths_of(part: Entry | Limit) -> Iterator[Path]:
    if isinstance(part, Limit):
        found = list_amount_paths(part.amount) if part.amount is not None else iter(())
        each = None
    else:
        found, each = list_paths(part.conditions), part.each
    for path in found:
        if path.root is Root.ITEM and each is not None:
            yield Path(each.root, (*each.steps, *path.steps))
        elif path.root is Root.ARGS:
            yield path


def _meets(path: Path, steps: tuple[Step, ...]) -> bool:
    """Whether a change at `steps` is on the way to a path or below it; any element of a list stands for each."""
    shared = zip(path.steps, steps, strict=False)
    return all(left == right or not (isinstance(left, str) and isinstance(right, str)) for left, right in shared)
