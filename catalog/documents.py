"""The documents of docs/ as pages: which there are, in what order, their links on the site. Only reads files."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from django.conf import settings
from django.templatetags.static import static
from django.urls import reverse

from catalog.rendering import Rendered, render_document

FOLDER: Final = Path(settings.BASE_DIR) / "docs"
# Reading order, grouped as readers come; a document that is not named here follows in the last group by its name.
GROUPS: Final = {
    "Start": ("quick-start", "servers", "clients", "gallery"),
    "Reference": ("policy-language", "decision-log", "protocol"),
    "Run it yourself": ("self-hosting", "configuration", "security"),
}
ORDER: Final = tuple(slug for slugs in GROUPS.values() for slug in slugs)
IMAGES: Final = "images/"
LINK: Final = re.compile(r"([a-z0-9-]+)\.md(#.*)?\Z")


@dataclass(frozen=True, slots=True)
class Document:
    slug: str
    source: str
    page: Rendered


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    documents: tuple[Document, ...]


@cache
def list_documents() -> tuple[Document, ...]:
    """Every document in reading order, rendered once: a new text comes with a new release."""
    slugs = sorted((path.stem for path in FOLDER.glob("*.md")), key=lambda slug: (_rank(slug), slug))
    return tuple(_read(slug) for slug in slugs)


def find_document(slug: str) -> Document | None:
    """The document with this slug, or None."""
    return next((document for document in list_documents() if document.slug == slug), None)


def group_documents() -> list[Group]:
    """Every document in reading order, under what it is read for."""
    last = list(GROUPS)[-1]
    titles = {slug: title for title, slugs in GROUPS.items() for slug in slugs}
    return [
        Group(title, tuple(each for each in list_documents() if titles.get(each.slug, last) == title))
        for title in GROUPS
    ]


def next_document(document: Document) -> Document | None:
    """The one that is read after this one, or None after the last."""
    following = list_documents()[list_documents().index(document) + 1 :]
    return following[0] if following else None


def _rank(slug: str) -> int:
    return ORDER.index(slug) if slug in ORDER else len(ORDER)


def _read(slug: str) -> Document:
    source = (FOLDER / f"{slug}.md").read_text(encoding="utf-8")
    return Document(slug, source, render_document(source, _on_site))


def _on_site(address: str) -> str:
    """In the repository documents and pictures are named by file; on the site by address."""
    if address.startswith(IMAGES):
        return static(f"docs/{address.removeprefix(IMAGES)}")
    link = LINK.match(address)
    return reverse("catalog:document", args=[link[1]]) + (link[2] or "") if link else address
