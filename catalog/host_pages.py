"""Privacy and terms: the host's own text from the folder HOST_PAGES, or else our template, marked as not filled in."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from django.conf import settings

from catalog.rendering import Rendered, render_document

TEMPLATES: Final = Path(__file__).resolve().parent / "data" / "host"
MAX_BYTES: Final = 200_000


@dataclass(frozen=True, slots=True)
class HostPage:
    """`is_written`: the host wrote it. A template says what the software does and leaves the rest to be filled in."""

    page: Rendered
    is_written: bool
    changed: float


def host_page(name: str) -> HostPage:
    """The page of this name, "privacy" or "terms". The host's file is read anew when it changed; one that cannot be
    read, is empty or is larger than 200 kB counts as not written."""
    if settings.HOST_PAGES is not None:
        path = Path(settings.HOST_PAGES) / f"{name}.md"
        try:
            facts = path.stat()
            found = _read(path, facts.st_mtime) if facts.st_size <= MAX_BYTES else None
        except (OSError, ValueError):
            found = None
        if found is not None and (found.title or found.html.strip()):
            return HostPage(found, is_written=True, changed=facts.st_mtime)
    template = TEMPLATES / f"{name}.md"
    changed = template.stat().st_mtime
    page = _read(template, changed)
    return HostPage(page, is_written=False, changed=changed)


@lru_cache(maxsize=8)
def _read(path: Path, changed: float) -> Rendered:
    return render_document(path.read_text(encoding="utf-8"))
