"""The decision log as a file, written while it is read, page by page; bounded, and harmless to a spreadsheet."""

import csv
import io
import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from asgiref.sync import sync_to_async

from accounts.tenancy import tenant
from policies.access import RecordSearch, search_records
from policies.models import DecisionRecord

PAGE: Final = 500
MAX_RECORDS: Final = 10_000
COLUMNS: Final = (
    "id", "at", "outcome", "status", "tool", "method", "rule", "reason", "grant", "client", "era", "policy",
    "policy_version", "argument_keys", "argument_digest", "gateway_us", "upstream_us", "upstream_status",
)  # fmt: skip
# A cell that begins with one of these is a formula to some spreadsheets (OWASP, CSV injection).
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True, slots=True)
class Shape:
    """How a file begins, how a page of records is written, and how it ends."""

    media_type: str
    head: str
    write: Callable[[list[DecisionRecord], bool], str]
    tail: str


class LogExport:
    """The newest MAX_RECORDS records of a server that pass a search. Each page is read in a tenant block of its own."""

    def __init__(self, organisation: UUID, server: UUID, wanted: RecordSearch, shape: Shape) -> None:
        self._place = (organisation, server)
        self._wanted = wanted
        self._shape = shape

    def stream(self) -> Iterator[str]:
        """The file, for a server that iterates."""
        yield self._shape.head
        before, count = None, 0
        while page := self._read(before, count):
            yield self._shape.write(page, count == 0)
            before, count = page[-1].id, count + len(page)
        yield self._shape.tail

    async def astream(self) -> AsyncIterator[str]:
        """The file, for an event loop."""
        parts = self.stream()
        while (part := await sync_to_async(_step)(parts)) is not None:
            yield part

    def _read(self, before: UUID | None, count: int) -> list[DecisionRecord]:
        organisation, server = self._place
        with tenant(organisation):
            return search_records(server, self._wanted, before=before, limit=min(PAGE, MAX_RECORDS - count))


def _step(parts: Iterator[str]) -> str | None:
    return next(parts, None)


def neutralise(text: str) -> str:
    """The text as a spreadsheet cell that is never taken for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def values_of(record: DecisionRecord) -> dict[str, object]:
    """A record's columns; ids and times as text."""
    found: dict[str, object] = {name: getattr(record, name) for name in COLUMNS}
    found["at"] = record.at.isoformat()
    return {name: str(value) if isinstance(value, UUID) else value for name, value in found.items()}


def _write_csv(page: list[DecisionRecord], is_first: bool) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    for record in page:
        cells = {**values_of(record), "argument_keys": " ".join(record.argument_keys)}
        writer.writerow(["" if value is None else neutralise(str(value)) for value in cells.values()])
    return text.getvalue()


def _write_json(page: list[DecisionRecord], is_first: bool) -> str:
    lines = ",\n".join(json.dumps(values_of(record)) for record in page)
    return lines if is_first else f",\n{lines}"


SHAPES: Final = {
    "csv": Shape("text/csv", ",".join(COLUMNS) + "\r\n", _write_csv, ""),
    "json": Shape("application/json", "[\n", _write_json, "\n]\n"),
}
