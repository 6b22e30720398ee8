"""The page that answers what one grant can do, tool by tool; it reads and changes nothing."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import MemberRequest, member_view
from policies.access import current_version_for, grant_for
from policies.engine.parse import Problem, parse_policy
from policies.engine.policy import Policy
from policies.engine.survey import Standing, Surveyed, survey_tools
from policies.engine.tools import ToolFacts
from policies.engine.values import Level
from policies.models import Grant
from servers.access import tool_facts_for

MAX_QUERY = 100
WORDS: Mapping[Standing, str] = {
    Standing.ALLOWED: "allowed",
    Standing.CONDITIONAL: "allowed with conditions",
    Standing.ASKS: "asks a person",
    Standing.DENIED: "denied",
    Standing.HIDDEN: "hidden",
    Standing.CHANGED: "changed",
}
BADGES: Mapping[Standing, str] = {
    Standing.ALLOWED: "allow",
    Standing.CONDITIONAL: "conditions",
    Standing.ASKS: "approve",
    Standing.DENIED: "deny",
    Standing.HIDDEN: "hide",
    Standing.CHANGED: "hide",
}


@dataclass(frozen=True, slots=True)
class SurveyQuery:
    """What a reader wants to see; words that mean nothing filter nothing."""

    standing: str = ""
    level: str = ""
    text: str = ""

    @classmethod
    def parse(cls, query: QueryDict) -> Self:
        standing, level = query.get("outcome", ""), query.get("level", "")
        return cls(
            standing=standing if standing in set(Standing) else "",
            level=level if level in set(Level) else "",
            text=query.get("q", "")[:MAX_QUERY].strip(),
        )

    @property
    def is_filtered(self) -> bool:
        return bool(self.standing or self.level or self.text)

    def passes(self, one: Surveyed) -> bool:
        if self.standing not in ("", one.standing) or self.level not in ("", one.tool.level):
            return False
        return all(word in one.tool.name.casefold() for word in self.text.casefold().split())


@dataclass(frozen=True, slots=True)
class Choice:
    """One outcome with its word, badge and how many tools have it."""

    value: str
    word: str
    badge: str
    count: int


@dataclass(frozen=True, slots=True)
class Row:
    """One tool as the page shows it."""

    one: Surveyed
    word: str
    badge: str


@require_safe
@member_view()
def show_tools(request: MemberRequest, grant: UUID) -> HttpResponse:
    found = grant_for(grant)
    tools = tool_facts_for(found.server)
    policy, problem = _read_policy(found, tools)
    surveyed = sorted(survey_tools(policy, tools), key=lambda one: one.tool.name.casefold())
    query = SurveyQuery.parse(request.GET)
    counts = Counter(one.standing for one in surveyed)
    context = {
        "grant": found,
        "server": found.server,
        "tab": "grants",
        "now": timezone.now(),
        "query": query,
        "problem": problem,
        "choices": [Choice(name.value, WORDS[name], BADGES[name], counts[name]) for name in Standing],
        "levels": list(Level),
        "total": len(surveyed),
        "measured": sum(one.is_measured for one in surveyed),
        # What the policy says of several tools at once is said once.
        "shared": list(dict.fromkeys(sentence for one in surveyed for sentence in one.also)),
        "rows": [Row(one, WORDS[one.standing], BADGES[one.standing]) for one in surveyed if query.passes(one)],
    }
    return render(request, "policies/grant_tools.html", context)


def _read_policy(grant: Grant, tools: Mapping[str, ToolFacts]) -> tuple[Policy | None, Problem | None]:
    version = current_version_for(grant.policy) if grant.policy is not None else None
    if version is None:
        return None, None
    parsed = parse_policy(version.document, tools)
    return parsed.policy, parsed.errors[0] if parsed.policy is None else None
