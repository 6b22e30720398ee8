"""The tools page: filters, how many each choice would show, what the catalogue says, and how far a reading is."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.tenancy import tenant
from servers.marks import Progress, load_progress
from servers.models import Server, Tool
from servers.services import SIMULATED_SLUG
from servers.tasks import discover_server
from tests.servers.conftest import Registrar
from tests.servers.upstreams import App, Toolbox, Upstream, make_tool, modern, scripted

Serve = Callable[[App], Upstream]
# Name, level, category, module, state, reviewed.
TOOLS = (
    ("getPrice", "low", "read", "market", "active", True),
    ("getBook", "low", "read", "market", "active", False),
    ("placeOrder", "high", "financial", "trade", "changed", True),
    ("closeAll", "critical", "destructive", "trade", "active", False),
    ("oldTool", "medium", "write", "", "gone", False),
)


@pytest.fixture
def server(registrar: Registrar, upstream: Serve) -> Server:
    box = Toolbox(*(make_tool(name) for name, *_ in TOOLS))
    server = registrar.register(upstream(box.app()).url)
    with tenant(server.organisation_id):
        for name, level, category, module, state, is_reviewed in TOOLS:
            offered = Tool.objects.get(name=name).definition if state == "changed" else ""
            Tool.objects.filter(name=name).update(
                level=level, category=category, module=module, state=state, is_reviewed=is_reviewed, offered=offered
            )
    return server


def show(alice: Client, server: Server, query: str = "") -> str:
    return unescape(alice.get(f"/app/acme/servers/{server.id}/tools/{query}").content.decode())


def names_on(page: str) -> set[str]:
    return set(re.findall(r'<th scope="row"><a href="[^"]+">([^<]+)</a>', page.replace("<wbr>", "")))


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("?q=order", {"placeOrder"}),
        ("?level=low", {"getPrice"}),
        ("?level=medium", set()),
        # What nobody has reviewed counts as high at least, here as in policies.
        ("?level=high", {"getBook", "placeOrder", "oldTool"}),
        ("?level=critical", {"closeAll"}),
        ("?category=read", {"getPrice", "getBook"}),
        ("?module=trade", {"placeOrder", "closeAll"}),
        ("?module=none", set()),
        ("?state=changed", {"placeOrder"}),
        ("?state=unreviewed", {"getBook", "closeAll"}),
        ("?state=gone", {"oldTool"}),
        ("?module=trade&level=critical", {"closeAll"}),
        ("?level=nonsense&state=nonsense", {name for name, *_ in TOOLS}),
    ],
)
def test_a_filter_shows_what_has_it(server: Server, alice: Client, query: str, names: set[str]) -> None:
    assert names_on(show(alice, server, query)) == names


def test_a_name_may_break_at_its_humps_and_is_escaped(server: Server, alice: Client) -> None:
    with tenant(server.organisation_id):
        Tool.objects.filter(name="oldTool").update(name="<i>getOldUSDTPrice")
    page = alice.get(f"/app/acme/servers/{server.id}/tools/").content.decode()
    assert ">&lt;i&gt;get<wbr>Old<wbr>USDT<wbr>Price</a>" in page


@pytest.mark.parametrize(
    ("name", "choices"),
    [
        ("level", {"low": 1, "medium": 0, "high": 3, "critical": 1}),
        ("category", {"read": 2, "write": 1, "execute": 0, "financial": 1, "destructive": 1}),
        ("module", {"market": 2, "trade": 2}),
        ("state", {"active": 3, "changed": 1, "gone": 1, "unreviewed": 2}),
    ],
)
def test_a_choice_says_how_many_it_shows_and_shows_as_many(
    server: Server, alice: Client, name: str, choices: dict[str, int]
) -> None:
    (select,) = re.findall(rf'<select id="{name}".*?</select>', show(alice, server))
    told = {value: int(count) for value, count in re.findall(r'value="(\w+)">[^<]+ \((\d+)\)', select)}
    assert told == choices
    for value, count in choices.items():
        assert len(names_on(show(alice, server, f"?{name}={value}"))) == count


def test_the_page_asks_few_questions_of_the_database(server: Server, alice: Client) -> None:
    with tenant(server.organisation_id):
        Server.objects.update(catalogue_slug=SIMULATED_SLUG)
    with CaptureQueriesContext(connection) as queries:
        show(alice, server, "?state=active")
    asked = [query["sql"] for query in queries if " FROM " in query["sql"]]
    # Who asks (session, person, membership, organisations), the server, its tools, what is changed, what is known.
    assert len(asked) <= 10, asked


def test_the_catalogues_words_are_beside_its_tools(
    server: Server, catalogue: None, alice: Client, registrar: Registrar, upstream: Serve
) -> None:
    with tenant(server.organisation_id):
        Server.objects.update(catalogue_slug=SIMULATED_SLUG)
        Tool.objects.filter(name="getPrice").update(name="accountBorrow")
    listed, shown = show(alice, server), show(alice, server, "?tool=accountBorrow")
    assert "Takes a variable-rate loan of one coin" in listed and "the debt uses up margin" not in listed
    assert "the debt uses up margin" in shown and f"/catalog/{SIMULATED_SLUG}/accountBorrow/" in shown
    assert "takes other arguments than the one that the catalogue describes" in shown
    assert "the catalogue does not know this tool" in show(alice, server, "?tool=getBook")


def test_each_step_of_a_reading_can_be_watched(registrar: Registrar, upstream: Serve) -> None:
    server = registrar.register("http://127.0.0.1:9/mcp")
    seen: list[Progress] = []

    def list_tools(params: dict[str, Any]) -> dict[str, Any]:
        seen.append(load_progress(server.organisation_id, server.id))
        at = int(params.get("cursor", 0))
        more = {"nextCursor": str(at + 2)} if at < 4 else {}
        return {"tools": [make_tool(f"tool{at + each}") for each in range(2)], **more}

    assert load_progress(registrar.cast.organisation.id, registrar.cast.organisation.id) == Progress("queued")
    running = upstream(scripted(modern(list_tools)))
    with tenant(server.organisation_id):
        Server.objects.update(url=running.url)
    discover_server.delay(str(server.organisation_id), str(server.id))
    assert [(step.stage, step.tools) for step in seen] == [("reading", 0), ("reading", 2), ("reading", 4)]
    assert load_progress(server.organisation_id, server.id) == Progress("matching", 6)
    now = [
        [step.text for step in Progress(stage, 7).steps if step.is_now] for stage in ("queued", "reading", "matching")
    ]
    assert now == [["Queued"], ["Reading tools: 7 tools so far"], ["Comparing 7 tools with what is pinned"]]
