"""Every public page of the catalogue, followed from link to link: whole, small, and true to the engine."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import Client

from catalog.rubric import Level
from catalog.services import load_catalog
from policies.engine.compile import compile_policy
from policies.engine.evaluate import Call, Decision, decide
from policies.engine.explain import explain_policy
from policies.engine.parse import parse_policy
from policies.engine.tools import ToolFacts
from policies.engine.values import JSON, Outcome
from tests.catalog.conftest import SLUG, TOOLS, write_release

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
SERVER = f"/catalog/{SLUG}/"
MAX_BYTES = 100_000
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
FACTS = {tool["name"]: ToolFacts(tool["name"], Level(tool["risk"]), tool["input_schema"]) for tool in TOOLS}
OTHER = "getTickers"
OUTCOMES = {"hidden": Outcome.HIDE, "asks a person": Outcome.APPROVE, "allowed": Outcome.ALLOW}
POLICY = re.compile(r'<pre tabindex="0" aria-label="[^"]*" id="([a-z-]+)"><code>(.*?)</code></pre>', re.DOTALL)
BLOCK = re.compile(r'<script type="application/ld\+json">(.*?)</script>', re.DOTALL)
# Words that an unfinished template or an empty value leaves behind.
LEFT_BEHIND = re.compile(r"\{\{|\}\}|\{%|>None<|>\[\]<|\(\)|Lorem|undefined")


def crawl(client: Client) -> dict[str, str]:
    """Every page and twin below /catalog/ that links lead to from the catalogue's first page, by its address."""
    found: dict[str, str] = {}
    waiting = ["/catalog/"]
    while waiting:
        url = waiting.pop()
        if url in found:
            continue
        answer = client.get(url)
        assert answer.status_code == 200, url
        found[url] = answer.content.decode()
        if answer["Content-Type"].startswith("text/html"):
            waiting += [link for link in links_of(url, found[url]) if link not in found]
    return found


def links_of(url: str, text: str) -> Iterator[str]:
    anchors = set(re.findall(r' id="([^"]+)"', text))
    for link in re.findall(r'href="([^"]+)"', text):
        parts = urlsplit(urljoin(f"http://testserver{url}", unescape(link)))
        if link.startswith("#"):
            assert parts.fragment in anchors, (url, link)
        if parts.netloc == "testserver" and parts.path.startswith("/catalog"):
            yield f"{unquote(parts.path)}{f'?{parts.query}' if parts.query else ''}"


def test_every_public_page_is_whole_and_every_policy_on_it_does_what_it_says(client: Client, tmp_path: Path) -> None:
    write_release(tmp_path, "2.1.8")
    write_release(tmp_path, "2.1.7", tools=TOOLS[2:])
    load_catalog(tmp_path)
    found = crawl(client)
    pages = {url: text for url, text in found.items() if urlsplit(url).path.endswith("/")}
    tool_pages = {f"{SERVER}{tool['name']}/": tool["name"] for tool in TOOLS}
    assert set(tool_pages) <= set(pages)
    for url in ("/catalog/", SERVER, f"{SERVER}changes/2.1.7..2.1.8/", *tool_pages):
        stem = url.removesuffix("/")
        assert {f"{stem}.json", f"{stem}.md"} <= set(found), url
    for url, text in pages.items():
        check_page(url, text)
    own = {url: text for url, text in pages.items() if "?" not in url}
    assert repeated(re.findall(r"<title>(.*?)</title>", text)[0] for text in own.values()) == []
    assert repeated(re.findall(r'<link rel="canonical" href="(.*?)">', text)[0] for text in own.values()) == []
    for url, name in tool_pages.items():
        check_tool_page(name, pages[url])
    for url in set(found) - set(pages):
        check_twin(url, found[url])


def repeated(values: Iterator[str]) -> list[str]:
    return [value for value, count in Counter(values).items() if count > 1]


def check_page(url: str, text: str) -> None:
    assert len(text.encode()) < MAX_BYTES, (url, len(text.encode()))
    assert text.count("<h1") == 1, url
    shown = BLOCK.sub("", re.sub(r"<pre.*?</pre>", "", text, flags=re.DOTALL))
    assert LEFT_BEHIND.findall(shown) == [], url
    assert repeated(iter(re.findall(r' id="([^"]+)"', text))) == [], url
    canonical = re.findall(r'<link rel="canonical" href="(.*?)">', text)
    assert canonical == [f"{settings.PUBLIC_URL}{urlsplit(url).path}"], url
    (picture,) = re.findall(r'<meta property="og:image" content="(.*?)">', text)
    assert picture.startswith(settings.PUBLIC_URL)
    (block,) = BLOCK.findall(text)
    kinds = [thing["@type"] for thing in json.loads(block)["@graph"]]
    assert "BreadcrumbList" in kinds, url
    for _, policy in POLICY.findall(text):
        assert parse_policy(unescape(policy), {}).errors == (), url


def check_tool_page(name: str, text: str) -> None:
    policies = {key: Judged(name, unescape(policy)) for key, policy in POLICY.findall(text)}
    assert list(policies) == ["recommended-rule", "way-block", "way-limit", "way-approve"], name
    for judged in policies.values():
        assert judged.sentence in unescape(text), name
        said = next(words for words in OUTCOMES if words in judged.sentence)
        assert judged.ask(name).outcome == OUTCOMES[said], name
        assert judged.ask(OTHER if name != OTHER else "getServerTime").outcome == Outcome.DENY
    expected = {"way-block": Outcome.HIDE, "way-limit": Outcome.ALLOW, "way-approve": Outcome.APPROVE}
    assert {key: policies[key].ask(name).outcome for key in expected} == expected
    assert [(limit.max, limit.window) for limit in policies["way-limit"].ask(name).limits] == [(Decimal(5), 60)]
    (block,) = BLOCK.findall(text)
    (questions,) = [thing for thing in json.loads(block)["@graph"] if thing["@type"] == "FAQPage"]
    assert len(questions["mainEntity"]) == 6
    for each in questions["mainEntity"]:
        assert f"<h3>{each['name']}</h3>" in unescape(text)
        assert each["acceptedAnswer"]["text"] in unescape(re.sub(r"</?code>", "", text))
        assert name in each["name"]


def check_twin(url: str, text: str) -> None:
    if url.endswith(".json") or ".json?" in url:
        assert json.loads(text), url
    else:
        assert text.startswith("# "), url
        for block in re.findall(r"```json\n(.*?)\n```", text, re.DOTALL):
            assert parse_policy(block, {}).errors == (), url


class Judged:
    """A policy of a tool's page as the engine reads it: its sentence on the tool, and what it decides."""

    def __init__(self, name: str, text: str) -> None:
        facts = {known: FACTS[known] for known in (name, OTHER, "getServerTime")}
        parsed = parse_policy(text, facts)
        assert parsed.errors == ()
        assert parsed.policy is not None
        sentences = [each.text for each in explain_policy(parsed.policy, facts)]
        (self.sentence,) = [sentence for sentence in sentences if sentence.startswith(f"{name}: ")]
        self._compiled = compile_policy(parsed.policy, facts)

    def ask(self, name: str) -> Decision:
        arguments: dict[str, JSON] = {"category": "linear", "symbol": "BTCUSDT", "qty": "1"}
        return decide(self._compiled, Call(name, arguments, NOON))


def test_pictures_of_shared_links_are_there_in_the_size_that_the_page_says(client: Client) -> None:
    load_catalog()
    levels = {tool["risk"]: tool["name"] for tool in TOOLS}
    for url in ("/catalog/", SERVER, *(f"{SERVER}{name}/" for name in levels.values())):
        (picture,) = re.findall(r'<meta property="og:image" content="(.*?)">', client.get(url).content.decode())
        path = finders.find(picture.removeprefix(f"{settings.PUBLIC_URL}/static/"))
        assert isinstance(path, str), picture
        head = Path(path).read_bytes()[:24]
        assert head[:8] == b"\x89PNG\r\n\x1a\n"
        assert (int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")) == (1200, 630)


def test_the_dangerous_example_reads_as_it_should(client: Client) -> None:
    load_catalog()
    text = client.get(f"{SERVER}wsBatchCancelOrders/").content.decode()
    assert "Why it is rated destructive and critical" in text
    assert '{"version":"1","default":"deny","hide":["wsBatchCancelOrders"]}' in unescape(text)
    policies = {key: json.loads(unescape(policy)) for key, policy in POLICY.findall(text)}
    assert policies["recommended-rule"] == {"version": "1", "default": "deny", "hide": ["wsBatchCancelOrders"]}


def test_hide_wins_over_whatever_else_a_policy_says_of_the_tool() -> None:
    text = json.dumps(
        {"version": "1", "default": "allow", "hide": ["createOrder"], "tools": {"create*": {"action": "allow"}}}
    )
    assert Judged("createOrder", text).ask("createOrder").outcome == Outcome.HIDE
