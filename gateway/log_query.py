"""What a reader asks of the decision log, read from a query string; words that mean nothing filter nothing."""

from dataclasses import dataclass, replace
from typing import Self
from urllib.parse import urlencode
from uuid import UUID

from django.http import QueryDict

from policies.engine.values import Outcome

TOOL_LENGTH = 200


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Filters and the place in the log; `before` is the id of the last record of the page before."""

    outcome: str = ""
    tool: str = ""
    grant: UUID | None = None
    before: UUID | None = None
    is_paused: bool = False

    @classmethod
    def parse(cls, query: QueryDict) -> Self:
        outcome = query.get("outcome", "")
        return cls(
            outcome=outcome if outcome in set(Outcome) else "",
            tool=query.get("tool", "").replace("\x00", "").strip()[:TOOL_LENGTH],
            grant=_uuid_of(query.get("grant", "")),
            before=_uuid_of(query.get("before", "")),
            is_paused=query.get("live") == "off",
        )

    @property
    def is_filtered(self) -> bool:
        return bool(self.outcome or self.tool or self.grant)

    @property
    def is_live(self) -> bool:
        """Only the newest page follows what happens."""
        return self.before is None and not self.is_paused

    def page_before(self, record: UUID) -> str:
        return replace(self, before=record).as_query()

    def newest(self) -> str:
        return replace(self, before=None).as_query()

    def toggled(self) -> str:
        return replace(self, is_paused=not self.is_paused).as_query()

    def as_query(self, **more: str) -> str:
        parts = {
            "outcome": self.outcome,
            "tool": self.tool,
            "grant": str(self.grant or ""),
            "before": str(self.before or ""),
            "live": "off" if self.is_paused else "",
            **more,
        }
        return "?" + urlencode({name: value for name, value in parts.items() if value})


def _uuid_of(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
