"""All public pages together, followed from the home page to the last link: the site map leaves none of them out."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from catalog.restrictions import find_restriction
from catalog.services import load_catalog
from policies.engine.parse import parse_policy
from tests.catalog.conftest import SLUG, TOOLS, write_release

pytestmark = pytest.mark.slow

ORIGIN = "https://gateway.example.com"
# What links lead to beside public pages: forms of one's own account, which other tests open.
ELSEWHERE = ("/accounts/",)
PRE = re.compile(r"<pre[^>]*>(.*?)</pre>", re.DOTALL)
NOINDEX = '<meta name="robots" content="noindex">'


class Site:
    """Every address below the origin that links lead to, with what it answered."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.pages: dict[str, str] = {}
        self.files: dict[str, str] = {}
        self.broken: list[tuple[str, str]] = []
        # Where a link with a fragment stands, and where it leads.
        self.fragments: list[tuple[str, str, str]] = []

    def follow(self, start: str) -> None:
        waiting = [("", start)]
        while waiting:
            there, address = waiting.pop()
            if address in self.pages or address in self.files:
                continue
            answer = self.client.get(address)
            if answer.status_code != 200:
                self.broken.append((there, address))
                continue
            is_page = answer["Content-Type"].startswith("text/html")
            (self.pages if is_page else self.files)[address] = answer.content.decode()
            if is_page:
                waiting += [(address, found) for found in self.links_of(address) if self.is_to_open(address, found)]

    def links_of(self, address: str) -> Iterator[str]:
        # A link out of the site is marked as one, and is the reader's to follow.
        inside = re.sub(r'<a rel="nofollow noopener" href="https:[^>]*>', "", self.pages[address])
        for link in set(re.findall(r'\s(?:href|src)="([^"]*)"', inside)):
            parts = urlsplit(urljoin(f"{ORIGIN}{address}", unescape(link)))
            if f"{parts.scheme}://{parts.netloc}" != ORIGIN:
                self.broken.append((address, link))
                continue
            found = f"{unquote(parts.path)}{f'?{parts.query}' if parts.query else ''}"
            if parts.fragment:
                self.fragments.append((address, found, parts.fragment))
            yield found

    def is_to_open(self, there: str, address: str) -> bool:
        if address.startswith("/static/"):
            is_there = finders.find(address.removeprefix("/static/")) is not None
        elif address.startswith("/restrict/"):
            is_there = find_restriction(address.removeprefix("/restrict/").removesuffix("/")) is not None
        else:
            return not address.startswith(ELSEWHERE)
        if not is_there:
            self.broken.append((there, address))
        return False


@pytest.fixture
def site(client: Client, tmp_path: Path, settings: Any, db: None) -> Site:
    settings.PUBLIC_URL = ORIGIN
    settings.OPERATOR_EMAIL = "host@example.com"
    settings.EMBEDDED = False
    write_release(tmp_path, "2.1.8")
    write_release(tmp_path, "2.1.7", tools=TOOLS[2:])
    load_catalog(tmp_path)
    found = Site(client)
    found.follow("/")
    return found


def test_the_whole_public_site_is_whole(site: Site) -> None:
    assert site.broken == []
    lost = [each for each in site.fragments if each[1] in site.pages and f'id="{each[2]}"' not in site.pages[each[1]]]
    assert lost == []
    listed = set(re.findall(rf"<loc>{ORIGIN}(.*?)</loc>", site.client.get("/sitemap.xml").content.decode()))
    own = {address: text for address, text in site.pages.items() if "?" not in address}
    # Each indexed page is on the site map, and each page of the site map is found by following links.
    assert {address for address, text in own.items() if NOINDEX not in text} == listed
    assert {"/", "/contact/", "/attacks/", "/docs/", "/catalog/", f"/catalog/{SLUG}/changes/2.1.7..2.1.8/"} <= listed
    assert {f"/catalog/{SLUG}/{tool['name']}/" for tool in TOOLS} <= listed
    assert {address for address in own if address not in listed} == {"/privacy/", "/terms/"}
    check_heads(own, listed)
    for address, text in site.pages.items():
        check_policies(address, text)


def check_heads(own: dict[str, str], listed: set[str]) -> None:
    titles = [found(r"<title>(.*?)</title>", text, address) for address, text in own.items()]
    assert repeated(titles) == []
    described = [found(r'<meta name="description" content="(.*?)">', own[address], address) for address in listed]
    assert repeated(described) == []
    assert min(map(len, described)) > 40


def found(pattern: str, text: str, address: str) -> str:
    values = re.findall(pattern, text, re.DOTALL)
    assert len(values) == 1, (address, pattern)
    return str(values[0])


def repeated(values: list[str]) -> list[str]:
    return [value for value, count in Counter(values).items() if count > 1]


def check_policies(address: str, text: str) -> None:
    for code in PRE.findall(text):
        shown = unescape(re.sub(r"<[^>]+>", "", code)).strip()
        try:
            document = json.loads(shown)
        except ValueError:
            continue
        if isinstance(document, dict) and "version" in document and "default" in document:
            assert parse_policy(shown, {}).errors == (), (address, shown)
