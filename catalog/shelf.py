"""Keeps finished public pages in this process, under the stamp of the catalogue, and answers with validators.

Only what everybody sees alike may be put here: a page for a signed-in person is made anew and never kept.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from threading import Lock

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response, patch_cache_control, patch_vary_headers
from django.utils.http import http_date

from catalog.stamp import current_stamp

MAX_BYTES = 48 * 1024 * 1024
SECONDS = 300
PRIVATE_COOKIES = (settings.SESSION_COOKIE_NAME, "messages")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A body as it is sent. `loaded_at` is when what it shows came into the catalogue; a search is not kept."""

    body: bytes
    content_type: str
    loaded_at: datetime
    is_kept: bool = True

    @property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self.body).hexdigest()[:32]}"'


class Shelf:
    """The sheets that were asked for last, at most so many bytes of them."""

    def __init__(self, max_bytes: int) -> None:
        self._sheets: OrderedDict[tuple[str, str], Sheet] = OrderedDict()
        self._lock = Lock()
        self._free = max_bytes

    def find(self, stamp: str, path: str) -> Sheet | None:
        with self._lock:
            found = self._sheets.get((stamp, path))
            if found is not None:
                self._sheets.move_to_end((stamp, path))
            return found

    def keep(self, stamp: str, path: str, sheet: Sheet) -> None:
        with self._lock:
            replaced = self._sheets.pop((stamp, path), None)
            self._free += len(replaced.body) if replaced else 0
            self._sheets[stamp, path] = sheet
            self._free -= len(sheet.body)
            while self._free < 0:
                self._free += len(self._sheets.popitem(last=False)[1].body)


shelf = Shelf(MAX_BYTES)
Made = Sheet | HttpResponseBase


def is_private(request: HttpRequest) -> bool:
    """Whether the page may hold something of the one who asks: a session, or a message for them."""
    return any(name in request.COOKIES for name in PRIVATE_COOKIES)


def answer_page(request: HttpRequest, make: Callable[[], Made], key: str = "") -> HttpResponseBase:
    """The page that `make` makes, or the one on the shelf for this path and `key`, where it answers a stranger.

    A response that `make` gives, such as a redirect, is sent as it is.
    """
    if not is_private(request):
        answer = answer_twin(request, make, key)
        patch_vary_headers(answer, ["Cookie"])
        return answer
    made = make()
    if isinstance(made, Sheet):
        made = HttpResponse(made.body, content_type=made.content_type)
        patch_cache_control(made, private=True, no_cache=True)
    return made


def answer_twin(request: HttpRequest, make: Callable[[], Made], key: str = "") -> HttpResponseBase:
    """What everybody gets alike, whoever asks: from the shelf, or made and put there."""
    # Addresses in it are absolute.
    stamp, place = current_stamp(), f"{settings.PUBLIC_URL}{request.path}?{key}"
    sheet = shelf.find(stamp, place)
    if sheet is None:
        made = make()
        if not isinstance(made, Sheet):
            return made
        sheet = made
        if sheet.is_kept:
            shelf.keep(stamp, place, sheet)
    return _send(request, sheet)


def _send(request: HttpRequest, sheet: Sheet) -> HttpResponseBase:
    response = HttpResponse(sheet.body, content_type=sheet.content_type)
    modified = int(max(sheet.loaded_at, _built_at()).timestamp())
    response["ETag"] = sheet.etag
    response["Last-Modified"] = http_date(modified)
    patch_cache_control(response, public=True, max_age=SECONDS)
    return get_conditional_response(request, sheet.etag, modified, response) or response


@cache
def _built_at() -> datetime:
    """When what makes the pages last changed: a new version of the product makes other pages of the same catalogue."""
    folders = (settings.BASE_DIR / "catalog", settings.BASE_DIR / "templates", settings.BASE_DIR / "assets" / "dist")
    newest = max(path.stat().st_mtime for folder in folders for path in folder.rglob("*") if path.is_file())
    return datetime.fromtimestamp(newest, UTC)
