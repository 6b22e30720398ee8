"""The words that the catalogue speaks in: categories, levels, signals, attack patterns. No logic."""

from enum import StrEnum

from policies.engine.values import Level

__all__ = ["ATTACKS", "CATEGORIES", "LEVELS", "SIGNALS", "Category", "Level"]


class Category(StrEnum):
    """What a tool does."""

    READ = "read"
    WRITE = "write"
    EXECUTE = "execute"
    FINANCIAL = "financial"
    DESTRUCTIVE = "destructive"


# Mildest first; pages and comparisons rely on the order.
LEVELS = (Level.LOW, Level.MEDIUM, Level.HIGH, Level.CRITICAL)
CATEGORIES = tuple(Category)

SIGNALS = frozenset(
    {
        "irreversible",
        "moves-money",
        "creates-debt",
        "batch",
        "account-wide",
        "leverage",
        "removes-protection",
        "halts-automation",
        "binding-quote",
        "reveals-balances",
        "reveals-history",
        "reveals-addresses",
        "reveals-identity",
        "reveals-credentials-metadata",
        "affects-other-accounts",
        "long-lived-stream",
        "public-data",
        "own-settings",
        "reversible",
    }
)

ATTACKS = frozenset(
    {
        "prompt-injection",
        "runaway-loop",
        "fat-finger-order",
        "leverage-escalation",
        "protection-removal",
        "mass-cancellation",
        "debt-spiral",
        "account-reconnaissance",
        "data-exfiltration",
        "counterparty-deception",
        "churn-and-fees",
        "tool-poisoning",
    }
)
