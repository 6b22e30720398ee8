"""What a reader asks of the decision log, read from a query string; words that mean nothing filter nothing."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Self
from urllib.parse import urlencode
from uuid import UUID

from django.http import QueryDict

from policies.access import RecordSearch
from policies.engine.values import Outcome

TEXT_LENGTH = 200


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Filters and the place in the log; `before` is the id of the last record of the page before.

    `tool` and `rule` are beginnings, `client` any part; `since` and `until` are days, both included, in UTC.
    """

    outcome: str = ""
    tool: str = ""
    rule: str = ""
    client: str = ""
    grant: UUID | None = None
    since: date | None = None
    until: date | None = None
    before: UUID | None = None
    is_paused: bool = False

    @classmethod
    def parse(cls, query: QueryDict) -> Self:
        outcome = query.get("outcome", "")
        return cls(
            outcome=outcome if outcome in set(Outcome) else "",
            tool=_text_of(query.get("tool", "")),
            rule=_text_of(query.get("rule", "")),
            client=_text_of(query.get("client", "")),
            grant=_uuid_of(query.get("grant", "")),
            since=_date_of(query.get("since", "")),
            until=_date_of(query.get("until", "")),
            before=_uuid_of(query.get("before", "")),
            is_paused=query.get("live") == "off",
        )

    @property
    def search(self) -> RecordSearch:
        return RecordSearch(
            outcome=self.outcome,
            tool=self.tool,
            rule=self.rule,
            client=self.client,
            grant=self.grant,
            since=_start_of(self.since) if self.since else None,
            until=_start_of(self.until + timedelta(days=1)) if self.until and self.until < date.max else None,
        )

    @property
    def is_filtered(self) -> bool:
        return self.search != RecordSearch()

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

    def as_export(self, form: str) -> str:
        return replace(self, before=None, is_paused=False).as_query(format=form)

    def as_query(self, **more: str) -> str:
        parts = {
            "outcome": self.outcome,
            "tool": self.tool,
            "rule": self.rule,
            "client": self.client,
            "grant": str(self.grant or ""),
            "since": str(self.since or ""),
            "until": str(self.until or ""),
            "before": str(self.before or ""),
            "live": "off" if self.is_paused else "",
            **more,
        }
        return "?" + urlencode({name: value for name, value in parts.items() if value})


def _text_of(text: str) -> str:
    return text.replace("\x00", "").strip()[:TEXT_LENGTH]


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=UTC)


def _uuid_of(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _date_of(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
