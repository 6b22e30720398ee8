"""Says in words why the rubric gives a tool its category and level, and what each signal means. Words only."""

from collections.abc import Iterable

from catalog.rubric import LEVELS, Category, Level

CATEGORY_WORDS = {
    Category.READ: "It returns data.",
    Category.WRITE: "It changes settings or drafts.",
    Category.EXECUTE: "It starts, stops or drives a process.",
    Category.FINANCIAL: "It moves, commits, borrows or repays money.",
    Category.DESTRUCTIVE: "It cancels, closes or removes something.",
}
# Where the rubric starts for a category, before it looks at what the one tool can do.
BASE = {
    Category.READ: Level.LOW,
    Category.WRITE: Level.MEDIUM,
    Category.EXECUTE: Level.HIGH,
    Category.FINANCIAL: Level.HIGH,
    Category.DESTRUCTIVE: Level.HIGH,
}
# Stands beside every promise that a person is asked, as long as the gateway cannot ask one.
UNTIL_APPROVALS = "For now such a call is refused."
# What the recommended rules do to tools of a level, for who reads rather than copies them.
RECOMMENDED_WORDS = {
    Level.LOW: "allow",
    Level.MEDIUM: "30 calls a minute",
    Level.HIGH: "10 calls a minute; a person approves what moves money or removes something",
    Level.CRITICAL: "a person approves; hidden when it is destructive",
}
LEVEL_WORDS = {
    Level.LOW: "a mistake costs little or nothing",
    Level.MEDIUM: "a mistake can be put right, or gives something away",
    Level.HIGH: "a mistake can cost money, or change how much can be lost",
    Level.CRITICAL: "one wrong call can cost much, at once, and cannot be taken back",
}
SIGNAL_WORDS = {
    "irreversible": "What it does cannot be undone.",
    "moves-money": "It moves or commits money.",
    "creates-debt": "It can leave the account with a debt.",
    "batch": "One call acts on many things.",
    "account-wide": "It reaches the whole account, not one order or position.",
    "leverage": "It can raise how much is at stake for the same money.",
    "removes-protection": "It can take away or weaken a stop, a margin or another safeguard.",
    "halts-automation": "It stops something that works without a person.",
    "binding-quote": "It asks for or accepts a price that binds.",
    "reveals-balances": "It shows what the account holds.",
    "reveals-history": "It shows what was done in the past.",
    "reveals-addresses": "It shows addresses to which money is sent.",
    "reveals-identity": "It shows who somebody is.",
    "reveals-credentials-metadata": "It shows which keys exist and what they may do.",
    "affects-other-accounts": "It reaches other people's or other accounts.",
    "long-lived-stream": "It opens something that keeps sending.",
    "public-data": "What it returns is public.",
    "own-settings": "It concerns the account's own settings.",
    "reversible": "It can be undone in one step.",
}


def explain_level(category: Category, level: Level, signals: Iterable[str]) -> str:
    """One sentence on how the rubric comes to this level from where the category starts."""
    base, present = BASE[category], frozenset(signals)
    start = f"{category.value.capitalize()} tools start at {base.value}"
    if level == base:
        return f"{start}, and nothing moves this one from there: {LEVEL_WORDS[level]}."
    if LEVELS.index(level) < LEVELS.index(base):
        return f"{start}; this one is {level.value}, because one step makes it good again with little loss."
    return f"{start}; this one is {level.value}, because {_cause_of(category, level, present)}."


def _cause_of(category: Category, level: Level, signals: frozenset[str]) -> str:
    if category == Category.READ:
        return "it gives away more than public data: balances, history, addresses, people or keys"
    if level == Level.HIGH:
        return "it changes how much can be lost, or for whom"
    if signals & {"batch", "account-wide"}:
        return "it acts on a batch, on everything of a kind, or on the whole account"
    if category == Category.FINANCIAL:
        return "it places or commits real money"
    return "one wrong call cannot be taken back"
