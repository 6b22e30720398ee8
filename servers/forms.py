"""What people type into the pages of servers, as plain values; services check it. Secrets are never given back."""

from dataclasses import dataclass, field, replace

from django.http import QueryDict

from servers.access import ToolFilter
from servers.checks import Header
from servers.models import Server

BLANK_ROWS = 3
MAX_ROWS = 20


@dataclass(frozen=True, slots=True)
class ServerInput:
    """A registration or an edit as typed. `header_names` are shown again after a mistake, header values are not."""

    kind: str = "http"
    name: str = ""
    url: str = ""
    headers: tuple[Header, ...] = field(default=(), repr=False)
    removed: tuple[str, ...] = ()
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def rows(self) -> list[str]:
        """The names of the header rows to show, with empty ones to fill in."""
        return self.rows_beside([])

    def rows_beside(self, stored: list[str]) -> list[str]:
        """The same without the headers that are stored already: those have a place of their own in the form."""
        names = [name for name, _ in self.headers if name not in stored]
        return names + [""] * max(1, BLANK_ROWS - len(names))

    @property
    def has_typed_headers(self) -> bool:
        return bool(self.headers)

    def with_errors(self, errors: dict[str, str]) -> "ServerInput":
        return replace(self, errors=errors)


def read_server(data: QueryDict) -> ServerInput:
    """A new server from its form; header rows left wholly empty are passed over."""
    return ServerInput(
        kind=data.get("kind", ""),
        name=data.get("name", ""),
        url=data.get("url", ""),
        headers=_read_rows(data),
    )


def read_edit(data: QueryDict, stored: list[str]) -> ServerInput:
    """An edit: new header rows, values typed over stored ones (empty keeps them), and stored ones ticked to go."""
    typed = [(name, data.get(f"value:{name}", "")) for name in stored]
    removed = tuple(name for name in data.getlist("remove") if name in stored)
    replaced = tuple((name, value) for name, value in typed if value and name not in removed)
    return ServerInput(
        name=data.get("name", ""), url=data.get("url", ""), headers=replaced + _read_rows(data), removed=removed
    )


def show_server(server: Server) -> ServerInput:
    """The form as it is before anybody types."""
    return ServerInput(kind=server.kind, name=server.name, url=server.url)


def read_filter(data: QueryDict) -> ToolFilter:
    """A filter of tools from a query string."""
    return ToolFilter(
        text=data.get("q", "").strip(),
        level=data.get("level", ""),
        category=data.get("category", ""),
        module=data.get("module", "")[:60],
        state=data.get("state", ""),
    )


def read_seen(data: QueryDict) -> dict[str, str]:
    """Which changes to accept: fingerprints of what was shown, by the names of tools. Nothing goes by name alone.

    Each is written `fingerprint:name`. `only` is one button's, `shown` all on the page, `seen` those selected.
    """
    chosen = "only" if "only" in data else "shown" if data.get("do") == "all" else "seen"
    pairs = [mark.partition(":") for mark in data.getlist(chosen)]
    return {name: fingerprint for fingerprint, _, name in pairs if name and fingerprint}


def _read_rows(data: QueryDict) -> tuple[Header, ...]:
    names, values = data.getlist("header_name")[:MAX_ROWS], data.getlist("header_value")[:MAX_ROWS]
    values += [""] * (len(names) - len(values))
    return tuple((name, value) for name, value in zip(names, values, strict=False) if name.strip() or value.strip())
