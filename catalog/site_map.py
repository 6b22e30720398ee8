"""The addresses of every public page with the day its content last changed; for robots, never for people."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path

from django.urls import NoReverseMatch, reverse

from catalog import access, attacks, documents, host_pages
from catalog.services import DATA_FOLDER

TEMPLATES = documents.FOLDER.parent / "templates"


@dataclass(frozen=True, slots=True)
class Place:
    path: str
    changed: date


def list_places() -> list[Place]:
    """Every public page of this installation: what is fixed, and what the catalogue holds now.

    A page's day is that of the file it is made from: when this installation got the text.
    """
    data = _newest(DATA_FOLDER.glob("*.json"))
    return [
        Place(reverse("catalog:home"), _newest([TEMPLATES / "home.html"])),
        Place(reverse("catalog:index"), data),
        *_list_tools(data),
        Place(reverse("catalog:attacks"), _newest(attacks.FOLDER.glob("*.toml"))),
        *(
            Place(reverse("catalog:attack", args=[attack.slug]), _newest([attacks.FOLDER / f"{attack.slug}.toml"]))
            for attack in attacks.list_attacks()
        ),
        Place(reverse("catalog:documents"), _newest(documents.FOLDER.glob("*.md"))),
        *(
            Place(reverse("catalog:document", args=[page.slug]), _newest([documents.FOLDER / f"{page.slug}.md"]))
            for page in documents.list_documents()
        ),
        *_list_host_pages(),
    ]


def _list_tools(data: date) -> Iterator[Place]:
    for overview in access.list_servers():
        yield Place(reverse("catalog:server", args=[overview.server.slug]), data)
        for tool in access.tools_of(overview.server):
            yield Place(reverse("catalog:tool", args=[overview.server.slug, tool.name]), data)
        for pair in pairwise(access.releases_of(overview.server)):
            yield Place(reverse("catalog:changes", args=[overview.server.slug, *pair]), data)


def _list_host_pages() -> Iterator[Place]:
    for name in ("privacy", "terms"):
        page = host_pages.host_page(name)
        if page.is_written:
            yield Place(reverse(f"catalog:{name}"), _day(page.changed))
    if (path := contact_path()) is not None:
        yield Place(path, _newest([*TEMPLATES.glob("accounts/contact*.html")]))


def contact_path() -> str | None:
    """Where the contact form is, None where there is none."""
    try:
        return reverse("accounts:contact")
    except NoReverseMatch:
        return None


def _newest(paths: Iterable[Path]) -> date:
    return _day(max((path.stat().st_mtime for path in paths), default=0.0))


def _day(moment: float) -> date:
    return datetime.fromtimestamp(moment, UTC).date()
