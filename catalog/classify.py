"""Judges a tool that the catalogue does not know, from its name, description, input schema and annotations.

The judged text is the upstream's own and may lie: whatever would lower the risk is not believed, only what raises it.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from catalog.lexicon import (
    CHANGING,
    COMMIT_VERBS,
    DESTROYING,
    EXECUTING,
    EXPOSURE_NOUNS,
    FUNDING,
    MANY_WORDS,
    MARKET_NOUNS,
    MARKET_VERBS,
    MONEY_NOUNS,
    MONEY_PARAMETERS,
    NOISE,
    PAYING,
    PROGRAM_PARAMETERS,
    READING,
    REVEALING,
    SETTING,
)
from catalog.rubric import LEVELS, Category, Level

WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
MAX_TEXT = 4000
MAX_DEPTH = 6
BASE = {
    Category.READ: Level.LOW,
    Category.WRITE: Level.MEDIUM,
    Category.EXECUTE: Level.HIGH,
    Category.FINANCIAL: Level.HIGH,
    Category.DESTRUCTIVE: Level.HIGH,
}
# From the one that asks least of a policy to the one that asks most; an annotation only moves a tool along it.
GRAVITY = (Category.READ, Category.WRITE, Category.EXECUTE, Category.FINANCIAL, Category.DESTRUCTIVE)


@dataclass(frozen=True, slots=True)
class Classification:
    """What a tool seems to do and to cost. `signals` are words of the rubric; the level is before any floor."""

    category: Category
    level: Level
    signals: tuple[str, ...]


def classify(
    name: str, description: str, input_schema: Mapping[str, Any], annotations: Mapping[str, Any]
) -> Classification:
    """Category, level and signals of an unknown tool. Never raises on any text, schema or annotation.

    The name decides first, then parameters; the description only where the name says nothing, or says less. MCP's
    readOnlyHint, destructiveHint and openWorldHint are believed where they raise the risk, ignored where they lower it.
    """
    words = split_words(name)
    parameters = frozenset(_parameter_words(input_schema, MAX_DEPTH))
    category = _judge_words(words)
    is_guess = category is None
    told = _judge_opening(description)
    if category is None:
        category = told or Category.EXECUTE
    elif told is not None and category == Category.READ and GRAVITY.index(told) > GRAVITY.index(Category.WRITE):
        category = told
    category = _raise_by_parameters(category, words, parameters)
    category = _raise_by_annotations(category, annotations)
    signals = _find_signals(category, words)
    level = _level_of(category, words, signals)
    if is_guess or annotations.get("openWorldHint") is True:
        level = max(level, Level.MEDIUM, key=LEVELS.index)
    return Classification(category, level, tuple(signals))


def split_words(name: str) -> tuple[str, ...]:
    """The lower-case words of a camelCase, snake_case or dashed name; plurals lose their s."""
    return tuple(_singular(word.lower()) for word in WORD.findall(name[:MAX_TEXT]))


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    is_plural = len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is"))
    return word[:-1] if is_plural else word


def _judge_words(words: tuple[str, ...]) -> Category | None:
    """The category that the name's own verb gives, or None where it has no verb that we know."""
    told = [word for word in words if word not in NOISE]
    if not told:
        return None
    if told[0] in READING or (told[-1] in READING and told[0] not in CHANGING):
        return Category.READ
    if len(told) > 2 and told[-1] == "query" and told[0] in PAYING:
        return Category.READ
    verbs = [word for word in told if word in CHANGING]
    if not verbs:
        return Category.READ if any(word in READING for word in told) else None
    return _judge_verb(verbs[0], frozenset(told))


def _judge_verb(verb: str, words: frozenset[str]) -> Category:
    if verb in SETTING:
        return Category.WRITE
    if verb in DESTROYING:
        return Category.FINANCIAL if words & {"liquidity", "margin", "fund", "collateral"} else Category.DESTRUCTIVE
    if words & (PAYING | FUNDING):
        return Category.FINANCIAL
    if verb in EXECUTING:
        return Category.FINANCIAL if words & MONEY_NOUNS else Category.EXECUTE
    return Category.FINANCIAL if verb in COMMIT_VERBS and words & MONEY_NOUNS else Category.WRITE


def _judge_opening(description: str) -> Category | None:
    """What the first words of the description say; its first verb is nearly always the tool's."""
    for word in WORD.findall(description[:MAX_TEXT])[:3]:
        low = word.lower()
        for verb in (low, low.removesuffix("s"), low.removesuffix("es")):
            if verb in READING or verb in CHANGING:
                return _judge_words((verb,))
    return None


def _parameter_words(schema: Any, depth: int) -> Iterable[str]:
    if not isinstance(schema, Mapping) or depth == 0:
        return
    properties = schema.get("properties")
    if isinstance(properties, Mapping):
        for name, part in properties.items():
            yield "".join(split_words(str(name)))
            yield from _parameter_words(part, depth - 1)
    yield from _parameter_words(schema.get("items"), depth - 1)


def _raise_by_parameters(category: Category, words: tuple[str, ...], parameters: frozenset[str]) -> Category:
    if category in (Category.READ, Category.WRITE) and parameters & PROGRAM_PARAMETERS:
        return Category.EXECUTE
    is_setting = bool(SETTING.intersection(words))
    has_money = any(parameter.startswith(MONEY_PARAMETERS) for parameter in parameters)
    return Category.FINANCIAL if category == Category.WRITE and has_money and not is_setting else category


def _raise_by_annotations(category: Category, annotations: Mapping[str, Any]) -> Category:
    if annotations.get("destructiveHint") is True and annotations.get("readOnlyHint") is not True:
        return category if category == Category.FINANCIAL else Category.DESTRUCTIVE
    is_changing = annotations.get("readOnlyHint") is False
    return Category.WRITE if category == Category.READ and is_changing else category


def _find_signals(category: Category, words: tuple[str, ...]) -> list[str]:
    present = frozenset(words)
    found = []
    if category == Category.READ:
        return [signal for signal, nouns in REVEALING if present & nouns]
    if category == Category.FINANCIAL:
        found.append("moves-money")
    if category == Category.DESTRUCTIVE:
        found.append("irreversible")
    if present & {"batch", "bulk", "many", "multi"}:
        found.append("batch")
    if present & {"all", "everything"}:
        found.append("account-wide")
    if present & {"leverage"}:
        found.append("leverage")
    if present & {"borrow", "loan"}:
        found.append("creates-debt")
    return found


def _level_of(category: Category, words: tuple[str, ...], signals: list[str]) -> Level:
    present = frozenset(words)
    if category == Category.READ:
        return Level.MEDIUM if signals else Level.LOW
    if category == Category.WRITE:
        return Level.HIGH if present & EXPOSURE_NOUNS else Level.MEDIUM
    if present & MANY_WORDS:
        return Level.CRITICAL
    is_commitment = bool(present & MARKET_VERBS and present & MARKET_NOUNS) or bool(present & PAYING)
    if category == Category.FINANCIAL and is_commitment:
        return Level.CRITICAL
    return BASE[category]
