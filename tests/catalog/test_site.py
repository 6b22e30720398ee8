"""Attack patterns, documents, the host's pages and the files for robots: a crawl of all of them, and what each owes."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from django.contrib.staticfiles import finders
from django.test import Client, RequestFactory
from django.urls import reverse
from django.views.defaults import page_not_found, server_error

from catalog.attacks import ORDER, list_attacks
from catalog.attacks_shown import attack_page
from catalog.documents import FOLDER, list_documents
from catalog.rendering import render_document
from tests.catalog.conftest import SLUG, TOOLS
from tests.conftest import Cast, client_of

ATTACKS = [f"/attacks/{slug}/" for slug in ORDER]
DOCUMENTS = [f"/docs/{document.slug}/" for document in list_documents()]
HOST = ["/privacy/", "/terms/"]
PAGES = ["/", "/attacks/", *ATTACKS, "/docs/", *DOCUMENTS, *HOST]
TWINS = ["/attacks.md", "/attacks.json", *(f"{url[:-1]}.{kind}" for url in ATTACKS for kind in ("md", "json"))]
TWINS += [f"{url[:-1]}.md" for url in DOCUMENTS]
FILES = ["/robots.txt", "/sitemap.xml", "/.well-known/security.txt"]
TOOL_PAGES = {f"/catalog/{SLUG}/{tool['name']}/" for tool in TOOLS}
NAMESPACE = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}


def page(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200, url
    return str(answer.content.decode())


def found(pattern: str, text: str) -> str:
    (one,) = re.findall(pattern, text, re.DOTALL)
    return unescape(str(one))


def links_of(text: str) -> Iterator[tuple[str, str]]:
    """Path and fragment of each address in a page that is a link or a resource."""
    for address in re.findall(r'\s(?:href|src)="([^"]*)"', text):
        path, _, fragment = unescape(address).partition("#")
        yield path, fragment


@pytest.fixture
def served(settings: Any) -> None:
    """Without the database: a test that does not ask for it fails when a page touches it."""
    settings.PUBLIC_URL = "https://gateway.example.com"
    settings.OPERATOR_EMAIL = "host@example.com"


@pytest.mark.usefixtures("served", "catalogue")
def test_no_link_on_a_public_page_is_broken(client: Client) -> None:
    texts = {url: page(client, url) for url in PAGES}
    statuses: dict[str, int] = {}
    broken = []
    for url in PAGES:
        for path, fragment in links_of(texts[url]):
            there = re.sub(r"^https://gateway\.example\.com", "", path) or url
            assert there.startswith("/"), (url, path)
            if there.startswith("/static/"):
                assert is_built(there), there
                continue
            if there in TOOL_PAGES:
                continue
            if there not in statuses:
                answer = client.get(there)
                statuses[there] = answer.status_code
                texts.setdefault(there, answer.content.decode(errors="replace"))
            if statuses[there] != 200 or (fragment and f'id="{fragment}"' not in texts[there]):
                broken.append((url, path, fragment, statuses[there]))
    assert broken == []
    assert len(statuses) > 50


def is_built(path: str) -> bool:
    return finders.find(path.removeprefix("/static/")) is not None


@pytest.mark.usefixtures("served")
def test_titles_and_descriptions_are_there_and_differ(client: Client) -> None:
    seen: dict[str, str] = {}
    for url in PAGES:
        text = page(client, url)
        title = found(r"<title>(.*?)</title>", text)
        assert title not in seen, (url, seen[title])
        seen[title] = url
        if url in HOST:
            assert '<meta name="robots" content="noindex">' in text
            continue
        description = found(r'<meta name="description" content="(.*?)">', text)
        assert len(description) > 40, url
        assert description not in seen, (url, seen[description])
        seen[description] = url


@pytest.mark.usefixtures("served")
def test_each_page_names_its_one_address_and_picture(client: Client) -> None:
    for url in set(PAGES) - set(HOST):
        text = page(client, url)
        assert found(r'<link rel="canonical" href="(.*?)">', text) == f"https://gateway.example.com{url}"
        assert found(r'<meta property="og:url" content="(.*?)">', text) == f"https://gateway.example.com{url}"
        assert found(r'<meta property="og:title" content="(.*?)">', text)
        picture = found(r'<meta property="og:image" content="https://gateway.example.com(.*?)">', text)
        assert is_built(picture)


@pytest.mark.usefixtures("served")
def test_every_page_has_one_first_heading_ids_of_its_own_and_stays_under_100_kb(client: Client) -> None:
    for url in PAGES:
        text = page(client, url)
        assert len(text.encode()) < 100_000, url
        assert text.count("<h1") == 1, url
        ids = re.findall(r'\sid="([^"]+)"', text)
        assert len(ids) == len(set(ids)), (url, [one for one in ids if ids.count(one) > 1])
        empty = re.findall(r"<(p|h[1-6]|li|dt|dd|title|a|button|figcaption)(?:\s[^>]*)?>\s*</\1>", text)
        assert empty == [] and "{{" not in text and "{%" not in text, url


@pytest.mark.usefixtures("served")
def test_pages_hold_nothing_inline_and_load_nothing_from_elsewhere(client: Client) -> None:
    for url in PAGES:
        answer = client.get(url)
        text = answer.content.decode()
        assert not answer.cookies, url
        assert "<style" not in text and " style=" not in text and re.search(r"\son[a-z]+=", text) is None, url
        assert re.findall(r"<script(?![^>]* src=)", text) == []
        assert (
            re.findall(r'<(?:script|img|link rel="(?!canonical|alternate)[^>]*)[^>]*(?:src|href)="(?:https?:)?//', text)
            == []
        )


@pytest.mark.parametrize("url", [*PAGES, *TWINS, "/robots.txt", "/.well-known/security.txt"])
def test_it_answers_a_stranger_without_the_database(url: str, client: Client, served: None) -> None:
    assert client.get(url).status_code == 200


@pytest.mark.usefixtures("served")
def test_twins_are_kept_by_caches_and_are_led_to(client: Client) -> None:
    for url in TWINS:
        answer = client.get(url)
        assert answer.status_code == 200
        assert answer["Cache-Control"] == "public, max-age=300"
        kind = "application/json" if url.endswith("json") else "text/markdown; charset=utf-8"
        assert answer["Content-Type"] == kind
    for url in [*ATTACKS, "/attacks/"]:
        text = page(client, url)
        for kind in ("md", "json"):
            assert f'href="{url[:-1]}.{kind}"' in text


@pytest.mark.parametrize("slug", ORDER)
def test_a_pattern_says_the_same_on_its_page_and_in_its_twins(slug: str, client: Client, served: None) -> None:
    shown = attack_page(slug)
    assert shown is not None
    data = client.get(f"/attacks/{slug}.json").json()
    markdown = page(client, f"/attacks/{slug}.md")
    text = unescape(page(client, f"/attacks/{slug}/"))
    assert data["policy"] == json.loads(shown.attack.policy)
    assert shown.attack.policy in markdown
    assert shown.attack.policy in text
    outcomes = [call.outcome.value for call in shown.attack.calls]
    assert [call["outcome"] for call in data["example"]["calls"]] == outcomes
    assert re.findall(r"^\*\*(\w+)\*\*, by", markdown, re.MULTILINE) == outcomes
    assert re.findall(r'<p class="row"><span class="badge badge-(\w+)', text) == outcomes
    for call in shown.calls:
        assert call.judged.text in text
        assert call.judged.text in markdown
    named = {tool["name"] for tool in TOOLS if slug in tool["attacks"]}
    assert {tool["name"] for tool in data["tools"]} == named
    assert set(re.findall(rf'href="/catalog/{SLUG}/([^"/]+)/"', text)) == named


@pytest.mark.parametrize("document", list_documents(), ids=lambda document: document.slug)
def test_a_document_is_on_its_page_with_anchors_and_contents(document: Any, client: Client, served: None) -> None:
    text = page(client, f"/docs/{document.slug}/")
    assert page(client, f"/docs/{document.slug}.md") == (FOLDER / f"{document.slug}.md").read_text(encoding="utf-8")
    for heading in document.page.headings:
        assert f'id="{heading.anchor}"' in text
    code = len(re.findall(r"^```\w*", document.source, re.MULTILINE)) // 2
    assert text.count('class="copy"') == code
    assert found(r'aria-label="Documentation">.*?aria-current="page">(.*?)<', text) == document.page.title


def test_links_between_documents_name_files_and_headings_that_exist() -> None:
    anchors = {doc.slug: {heading.anchor for heading in doc.page.headings} for doc in list_documents()}
    for document in list_documents():
        for address in re.findall(r"\]\(([^)]+)\)", document.source):
            if address.startswith("images/"):
                assert (FOLDER / address).is_file(), (document.slug, address)
                continue
            file, _, anchor = address.partition("#")
            slug = file.removesuffix(".md") or document.slug
            assert slug in anchors, (document.slug, address)
            assert not anchor or anchor in anchors[slug], (document.slug, address)


def test_markdown_shows_markup_of_a_text_as_text() -> None:
    rendered = render_document("# A <b>\n\nOne <script>x</script> & [two](javascript:alert(1))\n\n```html\n<i>\n```\n")
    assert rendered.title == "A <b>"
    assert "<script>" not in rendered.html and "<i>" not in rendered.html
    assert 'href="javascript:' not in rendered.html


@pytest.mark.parametrize("name", ["privacy", "terms"])
def test_a_page_of_the_host_is_marked_until_the_host_wrote_it(
    name: str, client: Client, tmp_path: Path, settings: Any, served: None
) -> None:
    settings.HOST_PAGES = None
    unwritten = "This installation's host has not written this page yet."
    template = unescape(page(client, f"/{name}/"))
    assert unwritten in template and "noindex" in template and "[The host fills in" in template
    settings.HOST_PAGES = tmp_path
    assert unwritten in unescape(page(client, f"/{name}/"))
    (tmp_path / f"{name}.md").write_text("# Our own words\n\nWritten by Example Ltd of Exampleton, for everybody.\n")
    own = unescape(page(client, f"/{name}/"))
    assert unwritten not in own and "noindex" not in own and "[The host fills in" not in own
    assert "Written by Example Ltd" in own and "<h1>Our own words</h1>" in own


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"x" * 200_001])
def test_a_page_of_the_host_that_cannot_be_read_counts_as_not_written(
    content: bytes, client: Client, tmp_path: Path, settings: Any, served: None
) -> None:
    settings.HOST_PAGES = tmp_path
    (tmp_path / "terms.md").write_bytes(content)
    assert "has not written this page yet" in page(client, "/terms/")


@pytest.mark.usefixtures("served", "catalogue")
def test_the_site_map_names_every_public_page_once_with_a_day(client: Client) -> None:
    answer = client.get("/sitemap.xml")
    assert answer["Content-Type"] == "application/xml"
    places = ElementTree.fromstring(answer.content).findall("s:url", NAMESPACE)
    addresses = [place.findtext("s:loc", "", NAMESPACE) for place in places]
    assert all(address.startswith("https://gateway.example.com/") for address in addresses)
    paths = [address.removeprefix("https://gateway.example.com") for address in addresses]
    assert len(paths) == len(set(paths))
    # The host's pages are kept out of search engines until they are written.
    assert {*PAGES, "/catalog/", f"/catalog/{SLUG}/", *TOOL_PAGES} - set(HOST) <= set(paths)
    assert set(HOST).isdisjoint(paths)
    for place in places:
        day = datetime.strptime(place.findtext("s:lastmod", "", NAMESPACE), "%Y-%m-%d").replace(tzinfo=UTC)
        assert datetime(2026, 1, 1, tzinfo=UTC) <= day <= datetime.now(UTC)
    for path in set(paths) - TOOL_PAGES:
        assert client.get(path).status_code == 200, path


@pytest.mark.usefixtures("served")
def test_robots_are_told_the_site_map_and_kept_from_the_console(client: Client) -> None:
    text = page(client, "/robots.txt")
    assert "Sitemap: https://gateway.example.com/sitemap.xml" in text.splitlines()
    closed = re.findall(r"^Disallow: (.*)$", text, re.MULTILINE)
    assert reverse("accounts:app") in closed
    assert not any(url.startswith(path) for url in [*PAGES, "/catalog/"] for path in closed)


@pytest.mark.usefixtures("served")
def test_security_txt_has_a_contact_and_an_end_within_a_year(client: Client) -> None:
    answer = client.get("/.well-known/security.txt")
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    fields = [line.split(": ", 1) for line in answer.content.decode().splitlines()]
    told = dict(fields)
    assert ["Contact", "mailto:host@example.com"] in fields
    assert told["Canonical"] == "https://gateway.example.com/.well-known/security.txt"
    expires = datetime.strptime(told["Expires"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert timedelta(days=30) < expires - datetime.now(UTC) < timedelta(days=365)
    assert client.get(told["Policy"].removeprefix("https://gateway.example.com")).status_code == 200


@pytest.mark.parametrize(
    "url", ["/attacks/nothing/", "/attacks/nothing.json", "/docs/nothing/", "/docs/nothing.md", "/docs/../config.md"]
)
def test_what_is_not_there_is_404_on_a_page_of_ours(url: str, client: Client, served: None) -> None:
    answer = client.get(url)
    assert answer.status_code == 404
    text = answer.content.decode()
    assert "Nothing at this address" in text and 'href="/docs/"' in text


def test_the_pages_for_faults_need_no_context_and_no_database() -> None:
    request = RequestFactory().get("/nowhere/")
    broken, missing = server_error(request), page_not_found(request, Exception("none"))
    assert (broken.status_code, missing.status_code) == (500, 404)
    for answer in (broken, missing):
        text = answer.content.decode()
        assert text.count("<h1") == 1 and 'class="site-footer"' in text and "noindex" in text
    assert "Something broke on our side" in broken.content.decode()


def test_the_home_page_says_what_it_is_and_shows_a_refusal(client: Client, served: None) -> None:
    text = unescape(page(client, "/"))
    assert "326 tools" in text
    assert "[POLICY DENIED] BTC and ETH only.\nRule: /tools/createOrder/require/0" in text
    for way in ("/catalog/", "/attacks/", "/docs/", "/accounts/signup/"):
        assert f'href="{way}"' in text
    assert len(list_attacks()) == len(re.findall(r"<li><h2>", page(client, "/attacks/")))


def test_who_is_signed_in_is_led_to_the_console(cast: Cast, served: None) -> None:
    for url in ("/", ATTACKS[0]):
        text = page(client_of(cast.alice), url)
        assert 'href="/app/"' in text and 'href="/accounts/signup/"' not in text
