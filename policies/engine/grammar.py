"""The keys and words of policy documents, each with what it says: the parser reads by these tables and the editor
completes from them, so neither knows a key that the other does not. Holds no rule beyond which key stands where."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypedDict

from policies.engine.policy import Action, Fold, Op
from policies.engine.values import Level, Scope


@dataclass(frozen=True, slots=True)
class Key:
    """A member of an object: what it says, and the shape of its value.

    A shape is an object of OBJECTS, a list of WORDS, `[shape]` for a list, or one of the plain ones: text, number,
    names of tools (`name`, as keys `tools`), path, and a condition's `value`. An `amount` is a path, an object, or a
    list of cases.
    """

    says: str
    shape: str = "text"


def _list_keys(*tables: Mapping[str, Key]) -> Mapping[str, Key]:
    return {key: value for table in tables for key, value in table.items()}


POLICY: Final[Mapping[str, Key]] = {
    "version": Key("version of the language", "version"),
    "description": Key("what it is for"),
    "default": Key("for tools that nothing else names", "default"),
    "hide": Key("tools that agents never see", "[name]"),
    "methods": Key("MCP methods besides tools", "methods"),
    "risk": Key("a rule for each risk level, for tools not named", "risk"),
    "all_tools": Key("conditions and limits of every call", "all_tools"),
    "tools": Key("a rule for each tool or pattern", "tools"),
}
FAMILIES: Final[Mapping[str, Key]] = {
    "resources": Key("reading the server's resources", "default"),
    "prompts": Key("the server's prompts", "default"),
    "completion": Key("completion of arguments", "default"),
    "tasks": Key("long-running tasks", "default"),
}
METHODS: Final = _list_keys(FAMILIES, {"extra": Key("further method names to let through", "[text]")})
RISK: Final[Mapping[str, Key]] = {level.value: Key(f"tools of {level.value} risk", "rule") for level in Level}

_ENTRY: Final[Mapping[str, Key]] = {
    "each": Key("a list whose elements are judged one by one", "list path"),
    "conditions": Key("all of them must hold", "[condition]"),
    "on_deny": Key("what the agent reads"),
}
SELECTOR: Final[Mapping[str, Key]] = {
    "for": Key("only these tools", "[name]"),
    "except": Key("all tools but these", "[name]"),
}
_REASON: Final = {"reason": Key("what the agent reads")}
_LIMIT: Final[Mapping[str, Key]] = {
    "counter": Key("entries of one name share a count"),
    "window": Key("seconds, or minute, hour, day", "window"),
    "max": Key("at most so much in the window", "number"),
    "amount": Key("what a call counts; absent: 1", "amount"),
    "scope": Key("whose calls count together", "scope"),
    "on_deny": Key("what the agent reads"),
}
CLAUSES: Final[Mapping[str, Key]] = {
    "require": Key("every condition must hold, else deny", "[entry]"),
    "deny_if": Key("denies when all conditions hold", "[entry]"),
    "approve_if": Key("a person decides when all conditions hold", "[asking entry]"),
    "limits": Key("so much in a window of time", "[limit]"),
}
# In `all_tools` each entry may choose its tools.
ALL_TOOLS: Final = {key: Key(value.says, f"[chosen {value.shape[1:]}") for key, value in CLAUSES.items()}
RATE_LIMIT: Final[Mapping[str, Key]] = {
    "max": Key("at most so many calls", "number"),
    "window": Key("seconds, or minute, hour, day", "window"),
}
RULE: Final = _list_keys(
    {
        "action": Key("what happens to a call", "action"),
        "reason": Key("what the agent reads"),
        "rate_limit": Key("so many calls in a window of time", "rate_limit"),
    },
    CLAUSES,
)
CONDITION: Final[Mapping[str, Key]] = {
    "path": Key("the argument that is judged", "path"),
    "amount": Key("a computed amount instead of a path", "amount"),
    "op": Key("how it is compared", "op"),
    "value": Key("what it is compared with", "value"),
}
OTHER: Final[Mapping[str, Key]] = {"path": Key("another argument of the same call", "path")}
HOURS: Final[Mapping[str, Key]] = {
    "days": Key("absent: every day", "[day]"),
    "from": Key('first minute, such as "08:00"'),
    "to": Key('the end, which is outside, such as "18:00"'),
    "tz": Key("time zone, such as Europe/London"),
}
AMOUNT: Final[Mapping[str, Key]] = {
    Fold.SUM.value: Key("the sum over a list", "path"),
    Fold.COUNT.value: Key("how many elements a list has", "path"),
    Fold.MIN.value: Key("the smallest of a list", "path"),
    Fold.MAX.value: Key("the largest of a list", "path"),
    "product": Key("two paths multiplied", "[path]"),
    "abs": Key("without its sign", "amount"),
}
CASE: Final[Mapping[str, Key]] = {
    "when": Key("conditions; the first case that holds counts", "[condition]"),
    "amount": Key("what the call then counts", "amount"),
}
ENTRY: Final = _list_keys(_ENTRY)
ASKING: Final = _list_keys(_ENTRY, _REASON)
CHOSEN_ENTRY: Final = _list_keys(_ENTRY, SELECTOR)
CHOSEN_ASKING: Final = _list_keys(_ENTRY, _REASON, SELECTOR)
LIMIT: Final = _list_keys(_LIMIT)
CHOSEN_LIMIT: Final = _list_keys(_LIMIT, SELECTOR)

OBJECTS: Final[Mapping[str, Mapping[str, Key]]] = {
    "policy": POLICY,
    "methods": METHODS,
    "risk": RISK,
    "all_tools": ALL_TOOLS,
    "rule": RULE,
    "rate_limit": RATE_LIMIT,
    "entry": ENTRY,
    "asking entry": ASKING,
    "limit": LIMIT,
    "chosen entry": CHOSEN_ENTRY,
    "chosen asking entry": CHOSEN_ASKING,
    "chosen limit": CHOSEN_LIMIT,
    "condition": CONDITION,
    "other": OTHER,
    "hours": HOURS,
    "amount": AMOUNT,
    "case": CASE,
}

WINDOWS: Final = {"minute": 60, "hour": 3_600, "day": 86_400}
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SWITCH: Final = {"allow": "let it through", "deny": "refuse it"}
ACTIONS: Final = {
    Action.ALLOW.value: "let the call through",
    Action.DENY.value: "refuse the call; the tool stays listed",
    Action.HIDE.value: "not listed, and unknown when called",
    Action.REQUIRE_APPROVAL.value: "a person decides each call",
}
SCOPES: Final = {
    Scope.GRANT.value: "each grant for itself",
    Scope.SERVER.value: "all grants of the server together",
    Scope.ORGANISATION.value: "the whole organisation together",
    "session": "enforced as grant",
}
OPS: Final = {
    Op.EQ.value: "is",
    Op.NEQ.value: "is not",
    Op.IN.value: "is one of a list",
    Op.NOT_IN.value: "is none of a list",
    Op.LT.value: "is below",
    Op.LTE.value: "is at most",
    Op.GT.value: "is above",
    Op.GTE.value: "is at least",
    Op.EXISTS.value: "is given (true) or left out (false)",
    Op.CONTAINS.value: "contains a text or an element",
    Op.MATCHES.value: "the whole text fits an RE2 pattern",
    Op.REGEX.value: "an RE2 pattern fits somewhere in the text",
    Op.WITHIN.value: "call.time lies in these hours",
}
AMOUNT_OPS: Final = (Op.EQ, Op.NEQ, Op.IN, Op.NOT_IN, Op.LT, Op.LTE, Op.GT, Op.GTE)

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "version": {"1": "the only version"},
    "default": SWITCH,
    "action": ACTIONS,
    "scope": SCOPES,
    "window": {word: f"{seconds:,} seconds" for word, seconds in WINDOWS.items()},
    "day": dict.fromkeys(DAYS, ""),
    "op": {word: says for word, says in OPS.items() if word != Op.WITHIN},
    "amount op": {op.value: OPS[op.value] for op in AMOUNT_OPS},
    "time op": {Op.WITHIN.value: OPS[Op.WITHIN.value]},
}


class Grammar(TypedDict):
    """The tables as plain data: for each object its keys with `[says, shape]`, for each list its words."""

    objects: dict[str, dict[str, tuple[str, str]]]
    words: dict[str, dict[str, str]]


def describe_grammar() -> Grammar:
    """What the editor is told of the language."""
    objects = {name: {key: (each.says, each.shape) for key, each in keys.items()} for name, keys in OBJECTS.items()}
    return Grammar(objects=objects, words={name: dict(words) for name, words in WORDS.items()})
