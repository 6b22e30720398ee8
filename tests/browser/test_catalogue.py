"""The catalogue in a browser: searched with and without script, copied from, readable at every width, and quiet."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from tests.launcher.instance import Instance

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SERVER = "/catalog/bybit-exchange-trading-mcp/"
PAGES = ["/catalog/", "/catalog/?q=cancle+ordr", SERVER, f"{SERVER}?level=critical", f"{SERVER}wsBatchCancelOrders/"]


@pytest.fixture
def plain(browser: Browser) -> Iterator[Page]:
    """A browser in which no script runs."""
    with browser.new_context(java_script_enabled=False) as context:
        yield context.new_page()


def test_a_typing_mistake_finds_the_tool_without_script(plain: Page, instance: Instance) -> None:
    plain.goto(f"{instance.url}/catalog/")
    plain.get_by_label("Search all servers and tools").fill("cancle all ordrs")
    plain.get_by_role("button", name="Search").click()
    expect(plain).to_have_url(re.compile(r"/catalog/\?q=cancle"))
    plain.get_by_role("link", name="cancelAllOrders").click()
    expect(plain.get_by_role("heading", level=1)).to_have_text("cancelAllOrders")


def test_filters_have_addresses_without_script(plain: Page, instance: Instance) -> None:
    plain.goto(f"{instance.url}{SERVER}")
    plain.get_by_label("Level", exact=True).select_option("critical")
    plain.get_by_label("Category", exact=True).select_option("destructive")
    plain.get_by_role("button", name="Filter").click()
    expect(plain.get_by_role("status")).to_contain_text("7 of 326 tools")
    expect(plain).to_have_url(re.compile("level=critical"))


def test_typing_narrows_the_list_and_the_address_with_script(page: Page, instance: Instance) -> None:
    page.goto(f"{instance.url}{SERVER}")
    page.get_by_label("Search names and texts").press_sequentially("wsbatchcancel")
    expect(page.get_by_text("1 of 326 tools")).to_be_visible()
    expect(page).to_have_url(re.compile("q=wsbatchcancel"))


def test_no_page_scrolls_sideways_or_makes_the_browser_complain(browser: Browser, instance: Instance) -> None:
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        complaints.append(message.text)

    for width in (360, 390, 1280):
        for scheme in ("light", "dark"):
            with browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme) as context:
                page = context.new_page()
                page.on("console", note)
                for path in PAGES:
                    page.goto(f"{instance.url}{path}")
                    assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
    assert complaints == []
