"""The attack patterns as written in catalog/data/attacks, one TOML file each, read strictly and once."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from catalog.reasons import UNTIL_APPROVALS
from catalog.rubric import ATTACKS
from policies.engine.values import Outcome

FOLDER: Final = Path(__file__).resolve().parent / "data" / "attacks"
# From what reaches every agent to what only some can do.
ORDER: Final = (
    "prompt-injection",
    "tool-poisoning",
    "runaway-loop",
    "fat-finger-order",
    "leverage-escalation",
    "protection-removal",
    "mass-cancellation",
    "debt-spiral",
    "churn-and-fees",
    "account-reconnaissance",
    "data-exfiltration",
    "counterparty-deception",
)


class AttackFileError(ValueError):
    """An attack pattern's file that is not as it should be; the message names file and field."""


@dataclass(frozen=True, slots=True)
class ExampleCall:
    """One call of the worked example. `outcome` is what its note says happens; a test asks the engine.

    `earlier`: how many calls like it went through within the same window.
    """

    tool: str
    arguments: str
    outcome: Outcome
    note: str
    earlier: int = 0


@dataclass(frozen=True, slots=True)
class Attack:
    """A pattern. `how`, `story` and `effect` are Markdown; `needs` and `gaps` are lists of Markdown lines."""

    slug: str
    title: str
    summary: str
    how: str
    needs: tuple[str, ...]
    story: str
    policy: str
    effect: str
    gaps: tuple[str, ...]
    calls: tuple[ExampleCall, ...]


@cache
def list_attacks() -> tuple[Attack, ...]:
    """Every pattern of the rubric in reading order; raises AttackFileError on a file that is missing or odd."""
    if set(ORDER) != ATTACKS:
        raise AttackFileError("the order of the attack patterns does not name the rubric's")
    return tuple(_read(FOLDER / f"{slug}.toml", slug) for slug in ORDER)


def find_attack(slug: str) -> Attack | None:
    """The pattern with this slug, or None."""
    return next((attack for attack in list_attacks() if attack.slug == slug), None)


def _read(path: Path, slug: str) -> Attack:
    try:
        found: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        calls = tuple(_read_call(call) for call in found.pop("calls"))
        needs, gaps = tuple(found.pop("needs")), tuple(found.pop("gaps"))
        texts = {name: str(text).strip() for name, text in found.items()}
        if any(call.outcome is Outcome.APPROVE for call in calls):
            texts["effect"] += f"\n\nA call under `require_approval` waits for a person. {UNTIL_APPROVALS}"
        attack = Attack(slug=slug, calls=calls, needs=needs, gaps=gaps, **texts)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise AttackFileError(f"{path.name}: {error}") from error
    return attack


def _read_call(call: dict[str, Any]) -> ExampleCall:
    return ExampleCall(**{**call, "outcome": Outcome(call["outcome"]), "arguments": call["arguments"].strip()})
