"""The policies and the questions and answers of a tool's and a server's page; plain functions, no database.

Every policy here is run by a test through the engine, which also writes the sentence on what it does.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalog.models import KnownServer, KnownTool
from catalog.reasons import CATEGORY_WORDS, SIGNAL_WORDS, UNTIL_APPROVALS, explain_level
from catalog.recommend import RatedTool, describe_rule, recommend_policy_for_tool
from catalog.rubric import LEVELS, Category, Level
from policies.engine.explain import explain_policy
from policies.engine.parse import parse_policy
from policies.engine.tools import ToolFacts

Document = dict[str, Any]
DANGEROUS = (Level.HIGH, Level.CRITICAL)
EXAMPLES = 4
# The one server that the product has an imitation of.
SIMULATED = "bybit-exchange-trading-mcp"
# What a group of tools with one signal could do, worst first. Each names the signal that makes the group.
GROUPS = {
    "moves-money": ("Spend or commit money", "buy, sell, convert, lend or transfer until the balance is gone"),
    "creates-debt": ("Borrow", "take loans whose interest runs until they are repaid"),
    "leverage": ("Raise the stakes", "turn a small move of the market into the loss of everything put up"),
    "removes-protection": ("Take protection away", "remove stops, margin and limits while positions stay open"),
    "batch": ("Act on many at once", "do in one call what would take a person an hour to put right"),
    "account-wide": ("Reach the whole account", "act on everything of a kind, not on the one thing meant"),
    "halts-automation": ("Stop what runs by itself", "end strategies and bots that hold positions"),
    "affects-other-accounts": ("Reach other accounts", "act on or against somebody else"),
}


@dataclass(frozen=True, slots=True)
class Snippet:
    """A policy to copy and what it does, in the engine's own sentence; and that nobody is asked yet, where it asks."""

    key: str
    title: str
    policy: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A question and its answer, in which code stands between backticks."""

    question: str
    answer: str

    @property
    def plain(self) -> str:
        return self.answer.replace("`", "")


@dataclass(frozen=True, slots=True)
class Group:
    """Tools of level high or critical that share a signal, and what an agent could do with them."""

    signal: str
    title: str
    could: str
    count: int
    examples: tuple[str, ...]

    @property
    def others(self) -> int:
        return self.count - len(self.examples)


def rate(tool: KnownTool) -> RatedTool:
    """What recommendations need to know of a catalogued tool."""
    return RatedTool(tool.name, Category(tool.category), Level(tool.risk), is_reviewed=tool.is_reviewed)


def explain_for(tool: KnownTool, document: Document) -> str:
    """The engine's sentence about this tool under the policy, without those on the rest of the policy."""
    facts = {tool.name: ToolFacts(tool.name, Level(tool.risk), json.loads(tool.input_schema))}
    parsed = parse_policy(json.dumps(document), facts)
    if parsed.policy is None:
        raise ValueError(f"the catalogue made a policy for {tool.name} that is none: {parsed.errors}")
    return " ".join(s.text for s in explain_policy(parsed.policy, facts) if s.pointer.startswith(("/hide", "/tools")))


def recommended(tool: KnownTool) -> Snippet:
    """The recommended rule of the tool as a whole policy."""
    return _snippet(tool, "recommended", "Recommended rule", recommend_policy_for_tool(rate(tool)))


def ways_to_restrict(tool: KnownTool) -> tuple[Snippet, ...]:
    """A policy each to block the tool, to limit its rate, and to put it under approval."""
    named: Mapping[str, tuple[str, Document]] = {
        "block": ("Block it", {"hide": [tool.name]}),
        "limit": ("Limit its rate", {"tools": {tool.name: {"rate_limit": {"max": 5, "window": 60}}}}),
        "approve": ("Ask a person first", {"tools": {tool.name: {"action": "require_approval"}}}),
    }
    return tuple(
        _snippet(tool, key, title, {"version": "1", "default": "deny", **part}) for key, (title, part) in named.items()
    )


def rating_reasons(tool: KnownTool) -> list[str]:
    """Why the tool has its category and level, a sentence each; then what its signals mean."""
    category, level = Category(tool.category), Level(tool.risk)
    explained = explain_level(category, level, tool.signals)
    # What the sentences before have said already.
    said = {"moves-money"} if category == Category.FINANCIAL else set()
    said |= {"irreversible"} if "cannot be taken back" in explained else set()
    return [CATEGORY_WORDS[category], explained, *(SIGNAL_WORDS[each] for each in tool.signals if each not in said)]


def answers_on_tool(tool: KnownTool, server: KnownServer) -> list[Answer]:
    """The six questions that a tool's page answers."""
    name, level, category = tool.name, Level(tool.risk), Category(tool.category)
    return [
        Answer(f"What does {name} do?", f"{tool.title}. {tool.summary}"),
        Answer(
            f"How do I enforce a policy on {name}?",
            f"Register {server.name} with PolicyLayer, publish a policy with a rule for {name}, and give your agent "
            "the gateway's address and a token of its own instead of the server's address. Each call is then decided "
            f"before it reaches the server. The recommended rule: {describe_rule(category, level)}",
        ),
        Answer(
            f"What is the risk of {name}?",
            f"{level.value.capitalize()}: {explain_level(category, level, tool.signals)} {_review_words(tool)}".strip(),
        ),
        Answer(
            f"Can I rate-limit {name}?",
            'Yes. `"rate_limit": {"max": 5, "window": 60}` in its rule lets an agent call it at most five times in '
            "any 60 seconds; a call over that is refused, and the agent is told how many seconds to wait. "
            '`"limits"` count over longer windows, and for all agents of a server or an organisation together.',
        ),
        Answer(
            f"How do I block {name} completely?",
            f'Put it under `"hide"`: `{{"version":"1","default":"deny","hide":["{name}"]}}`. The agent does not see it '
            "in the list of tools, and a call to it is answered like a name that does not exist, whatever other rules "
            "of the policy say.",
        ),
        Answer(
            f"Which server provides {name}?",
            f"{server.name}, published by {server.publisher} as {server.package}. The catalogue describes release "
            f"{server.release}.",
        ),
    ]


def answers_on_server(server: KnownServer, tools: Sequence[KnownTool]) -> list[Answer]:
    """The questions that a server's page answers, from what the catalogue counts."""
    levels = Counter(tool.risk for tool in tools)
    keyless = sum(not tool.requires_auth for tool in tools)
    counted = ", ".join(f"{levels[level]} {level.value}" for level in reversed(LEVELS))
    hidden = sum("hide" in recommend_policy_for_tool(rate(tool)) for tool in tools)
    needs = f"It needs {', '.join(server.requires_env)}." if server.requires_env else "It needs no credentials."
    return [
        Answer(f"How many tools does {server.name} have?", f"{len(tools)} in release {server.release}: {counted}."),
        Answer(
            "Which of its tools should an agent not have?",
            f"The recommended policy hides {hidden} critical tools that destroy, and lets calls of high and critical "
            f"tools that move money wait for a person. {UNTIL_APPROVALS} What it does not name is decided by the level "
            "of the tool.",
        ),
        Answer(
            f"Does {server.name} need credentials?",
            f"{needs} {keyless} of its {len(tools)} tools work without any.",
        ),
        Answer(
            "Can I try a policy without an account there?",
            "Yes. PolicyLayer's simulator has all of its tools, invented data and no keys."
            if server.slug == SIMULATED
            else "Yes. The test panel says what a draft of a policy would decide about a call, and sends nothing.",
        ),
    ]


def is_in_group(tool: KnownTool, signal: str) -> bool:
    """Whether the tool is of level high or critical and has the signal."""
    return tool.risk in DANGEROUS and signal in tool.signals


def dangerous_groups(tools: Sequence[KnownTool]) -> list[Group]:
    """What tools of level high and critical could do, by signal, the group's most critical tools as examples."""
    gravest_first = sorted(tools, key=lambda tool: -LEVELS.index(Level(tool.risk)))
    found = []
    for signal, (title, could) in GROUPS.items():
        names = [tool.name for tool in gravest_first if is_in_group(tool, signal)]
        if names:
            found.append(Group(signal, title, could, len(names), tuple(names[:EXAMPLES])))
    return found


def _snippet(tool: KnownTool, key: str, title: str, document: Document) -> Snippet:
    text = json.dumps(document, indent=2, ensure_ascii=False)
    sentence = explain_for(tool, document)
    return Snippet(key, title, text, f"{sentence} {UNTIL_APPROVALS}" if '"require_approval"' in text else sentence)


def _review_words(tool: KnownTool) -> str:
    return "" if tool.is_reviewed else "It was judged by its definition alone; nobody has reviewed it yet."
