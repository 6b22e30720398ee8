"""What is wrong with a policy document on one server, and what it says; reads the pinned tools and writes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass

from policies.engine.explain import Sentence, explain_parts, explain_policy
from policies.engine.parse import Problem, parse_policy
from policies.engine.policy import Policy
from policies.engine.tools import ToolFacts
from servers.access import tool_facts_for
from servers.models import Server

MAX_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Checked:
    """`sentences` are there only when there are no errors; `parts` says each argument rule and limit alone."""

    errors: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    sentences: tuple[Sentence, ...]
    parts: tuple[Sentence, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """A text with what was found in it; `policy` is None exactly when there are errors."""

    text: str
    policy: Policy | None
    checked: Checked


def check_document(text: str, server: Server) -> Checked:
    """Judge a document against the tools that are pinned on the server; any text gets an answer, none raises.

    A text over 256 KiB (UTF-8) is refused unread. Policies name tools, so one that is valid today may not be tomorrow.
    """
    return check_text(text, tool_facts_for(server))


def check_text(text: str, tools: Mapping[str, ToolFacts]) -> Checked:
    """As check_document, for a caller that has the tools at hand and many documents to judge."""
    return judge_text(text, tools).checked


def judge_text(text: str, tools: Mapping[str, ToolFacts]) -> Judged:
    """As check_text, with the parsed policy for a caller that has calls to judge by it."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        return Judged(text, None, refuse_unread(f"The document is larger than {MAX_BYTES // 1024} KiB."))
    parsed = parse_policy(text, tools)
    if parsed.policy is None:
        return Judged(text, None, Checked(parsed.errors, parsed.warnings, ()))
    sentences, parts = explain_policy(parsed.policy, tools), explain_parts(parsed.policy)
    return Judged(text, parsed.policy, Checked((), parsed.warnings, tuple(sentences), tuple(parts)))


def refuse_unread(message: str) -> Checked:
    """The answer for a text that cannot even be read, with one error about the whole of it."""
    return Checked((Problem(pointer="", message=message),), (), ())
