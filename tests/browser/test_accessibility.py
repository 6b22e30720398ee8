"""Every page a person can open: axe, keyboard, width and quiet, at two widths, in light and in dark."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.desk import Desk, furnished
from tests.browser.looks import Listener, find_lost_focus, find_overflow, find_violations, load_axe, resize
from tests.browser.visits import ELSEWHERE, FILE, VISITS, Visit
from tests.launcher.instance import Instance
from tests.permissions.table import TABLE
from tests.permissions.walk import addresses

pytestmark = pytest.mark.browser
WIDTHS = {1280: 900, 390: 844}
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
NARROWEST = (360, 740)
VISITED = {visit.address for visit in VISITS}
# What shows alice a page, whole or in part, by the table of permissions; allauth's pages are not in it.
SHOWN = [
    (row.name, row.method)
    for row in TABLE
    if row.method in ("GET", "POST") and row.expected("alice") in (200, 422) and ":api:" not in row.name
]
OPEN = [*SHOWN, *((address.name, "GET") for address in addresses() if address.is_allauth and address.name != FILE)]
UNVISITED = [(name, method) for name, method in OPEN if (name if method == "GET" else f"{name} POST") not in VISITED]


@pytest.fixture(scope="module")
def desk(instance: Instance, browser: Browser) -> Iterator[Desk]:
    with furnished(instance, browser) as made:
        yield made


@pytest.fixture(scope="module")
def titles() -> dict[str, set[str]]:
    return {}


@pytest.mark.parametrize(
    "visit",
    [pytest.param(visit, marks=[] if visit.is_key else pytest.mark.slow, id=visit.title) for visit in VISITS],
)
def test_a_page_can_be_read_and_used_by_everybody(desk: Desk, visit: Visit, titles: dict[str, set[str]]) -> None:
    page = desk.people[visit.who].new_page()
    page.set_viewport_size({"width": 1280, "height": 900})
    listener = Listener(page, urlsplit(desk.url).netloc)
    try:
        open_page(page, desk, visit)
        wrong = look_at(page, visit)
        assert page.locator("h1").count() == 1
        assert titles.setdefault(page.title(), visit.subjects) & visit.subjects, f"{page.title()} is another page"
    finally:
        page.close()
    assert listener.statuses[-1] == visit.status
    assert wrong + listener.complaints == []


@pytest.mark.parametrize(("name", "method"), UNVISITED, ids=[" ".join(each) for each in UNVISITED])
def test_what_is_not_visited_is_no_page(desk: Desk, name: str, method: str) -> None:
    who, leads_to = ELSEWHERE.get(name, ("owner", ""))
    asked = desk.people[who].request
    address = desk.address_of(name)
    if leads_to:
        assert asked.get(address).url == desk.address_of(leads_to)
        return
    if method == "POST":
        token = next(each["value"] for each in desk.people["owner"].cookies() if each["name"] == "csrftoken")
        answer = asked.post(address, form={"csrfmiddlewaretoken": token}, max_redirects=0)
    else:
        answer = asked.get(address, max_redirects=0)
    is_page = "text/html" in answer.headers.get("content-type", "") and "<!doctype html>" in answer.text().lower()
    assert answer.status < 300 or method == "POST", f"declare in ELSEWHERE where {name} leads"
    assert not is_page, f"add a line to tests/browser/visits.py for {name} {method}"


def open_page(page: Page, desk: Desk, visit: Visit) -> None:
    # The drafts of the visit before, which a page keeps when it is left too.
    page.add_init_script("localStorage.clear()")
    name = visit.opens or visit.address.removesuffix(" POST")
    page.goto(desk.address_of(name, visit.values, visit.query))
    if visit.act:
        visit.act(page, desk)
        page.wait_for_load_state()
    # What htmx fetches on its own has come.
    expect(page.locator('[hx-trigger="load"]')).to_have_count(0)


def look_at(page: Page, visit: Visit) -> list[str]:
    resize(page, *NARROWEST)
    wrong = find_overflow(page)
    load_axe(page)
    for width, height in WIDTHS.items():
        resize(page, width, height)
        for theme in THEMES:
            # Without transitions, which would be measured half way.
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            wrong += [f"{width} {theme}: {text}" for text in find_violations(page)]
            take_picture(page, f"{visit.title}-{width}-{theme}")
        wrong += [f"{width}: {text}" for text in find_lost_focus(page)]
    return wrong


def take_picture(page: Page, name: str) -> None:
    if "SCREENSHOTS" in os.environ:
        page.screenshot(path=Path(os.environ["SCREENSHOTS"]) / f"{name}.png", full_page=True, animations="disabled")
