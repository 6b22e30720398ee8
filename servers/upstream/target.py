"""Where an upstream is and what it wants to be sent, with opened secrets inside: never logged, stored or shown."""

import json
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

# Shorter values are found in texts that do not mean them.
MIN_SECRET: Final = 8
HIDDEN: Final = b"[hidden]"


class TargetUnavailableError(Exception):
    """A server cannot be reached at all as it is stored; the text is fit to show."""


@dataclass(frozen=True, slots=True)
class Target:
    """One upstream endpoint. `headers` hold opened secrets, so `repr` leaves their values out."""

    server_id: UUID
    url: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)

    def hide_secrets(self, text: bytes) -> bytes:
        """The text of a failure without any value of these headers and of the address's query, as it is or as JSON
        writes it; for failures only, as an answer may hold such a value and mean something else."""
        values = [value for _, value in self.headers]
        values += [value for _, value in parse_qsl(urlsplit(self.url).query)]
        parts = {part for value in values for part in (value, *value.split()) if len(part) >= MIN_SECRET}
        for part in sorted(parts, key=len, reverse=True):
            for spelled in {part, json.dumps(part)[1:-1], json.dumps(part, ensure_ascii=False)[1:-1]}:
                text = text.replace(spelled.encode(), HIDDEN)
        return text
