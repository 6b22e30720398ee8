"""Attack patterns, documents and the host's pages in a browser: whole, within the window, without a complaint."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.launcher.instance import Instance

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PAGES = ["/", "/attacks/", "/attacks/fat-finger-order/", "/docs/", "/docs/policy-language/", "/privacy/", "/nowhere/"]


@pytest.mark.parametrize("width", [360, 1280])
def test_they_fit_the_window_and_the_browser_has_no_complaint(width: int, page: Page, instance: Instance) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.set_viewport_size({"width": width, "height": 800})
    for path in PAGES:
        page.goto(instance.url + path, wait_until="networkidle")
        expect(page.locator("h1")).to_have_count(1)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    # The browser itself names the page that is not there.
    assert [text for text in complaints if "404" not in text] == []


def test_the_refusal_stands_in_the_first_screen(page: Page, instance: Instance) -> None:
    for size in ((1280, 800), (390, 844)):
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.goto(instance.url)
        expect(page.get_by_text("[POLICY DENIED] BTC and ETH only.")).to_be_in_viewport(ratio=1)
        expect(page.get_by_role("link", name="Sign up").last).to_be_in_viewport()


def test_a_heading_is_reached_by_the_contents_and_a_policy_is_copied_by_its_button(
    page: Page, instance: Instance
) -> None:
    page.goto(f"{instance.url}/docs/policy-language/")
    page.get_by_role("navigation", name="On this page").get_by_role("link", name="Limits").click()
    expect(page).to_have_url(re.compile(r"#limits$"))
    expect(page.locator("#limits")).to_be_in_viewport()
    page.get_by_role("button", name="Copy: Example 1", exact=True).click()
    expect(page.locator("#announcements")).to_have_text("Copied")
