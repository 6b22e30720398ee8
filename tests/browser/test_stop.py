"""One press stops a grant, a server, everything; one resumes it. By mouse, by keyboard alone, and without scripts."""

import re
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_grants import PING, open_desk
from tests.browser.test_whole_way import Grant, mint_grant
from tests.launcher.instance import Instance, poll

pytestmark = [pytest.mark.browser, pytest.mark.slow]
FOCUSED = "document.activeElement.getAttribute('aria-label') || document.activeElement.textContent"


def is_stopped(grant: Grant) -> bool:
    headers = {"Authorization": f"Bearer {grant.token}", "Accept": "application/json, text/event-stream"}
    return "A person stopped all calls" in httpx2.post(grant.url, json=PING, headers=headers, timeout=30).text


def press(page: Page, name: str) -> None:
    """Find a button with Tab alone, and press it with Enter."""
    page.locator("body").click(position={"x": 1, "y": 1})
    for _ in range(120):
        page.keyboard.press("Tab")
        if " ".join(str(page.evaluate(FOCUSED)).split()) == name:
            page.keyboard.press("Enter")
            return
    raise AssertionError(f"{name} cannot be reached")


def see_banner(page: Page, what: str) -> None:
    banner = page.get_by_role("region", name=f"{what} is stopped")
    expect(banner).to_contain_text("Each call is refused, whatever the policies say.")
    expect(banner).to_contain_text("Stopped by")


def take_pictures(page: Page, folder: Path, name: str) -> None:
    for width in (1280, 390):
        for scheme in ("light", "dark"):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=folder / f"stop-{name}-{width}-{scheme}.png", full_page=True)
            beyond = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert beyond == 0, f"{name} is wider than {width} px"
    page.set_viewport_size({"width": 1280, "height": 900})


def test_a_grant_a_server_and_everything_are_stopped_and_resumed(
    page: Page, instance: Instance, screenshots: Path
) -> None:
    open_desk(page, instance, "stopper")
    grant = mint_grant(page, "Watcher", "Desk")
    page.get_by_role("link", name="Grants", exact=True).first.click()
    grants = page.url
    take_pictures(page, screenshots, "grants")
    page.get_by_role("button", name="Stop Watcher").click()
    see_banner(page, "The grant Watcher")
    take_pictures(page, screenshots, "grant")
    expect(page.locator("h1 + .badge, .page-head .badge").first).to_have_text("Stopped")
    page.get_by_role("button", name="Resume Watcher").click()
    expect(page.get_by_role("region", name="The grant Watcher is stopped")).to_have_count(0)
    page.get_by_label("Reason (optional)").fill("orders out of hand")
    take_pictures(page, screenshots, "grant-going")
    page.get_by_role("button", name="Stop this grant").click()
    expect(page.get_by_role("region", name="The grant Watcher is stopped")).to_contain_text("orders out of hand")
    page.goto(grants)
    page.get_by_role("button", name="Resume Watcher").click()

    press(page, "Stop Bybit")
    see_banner(page, "The server Bybit")
    assert poll(lambda: is_stopped(grant), 10)
    take_pictures(page, screenshots, "server")
    press(page, "Resume Bybit")
    expect(page.get_by_role("region", name="The server Bybit is stopped")).to_have_count(0)

    page.get_by_role("link", name="Start", exact=True).click()
    take_pictures(page, screenshots, "start-going")
    press(page, "Stop every agent")
    banner = page.get_by_role("region", name=re.compile("^Every agent of .* is stopped$"))
    expect(banner).to_be_visible()
    assert poll(lambda: is_stopped(grant), 10)
    take_pictures(page, screenshots, "start")
    page.get_by_role("link", name="Settings", exact=True).first.click()
    expect(banner).to_be_visible()
    banner.get_by_role("button", name=re.compile("^Resume ")).click()
    expect(banner).to_have_count(0)
    assert poll(lambda: not is_stopped(grant), 10)


def test_it_works_without_scripts(page: Page, instance: Instance, browser: Browser) -> None:
    open_desk(page, instance, "scriptless")
    mint_grant(page, "Watcher", "Desk")
    page.get_by_role("link", name="Grants", exact=True).first.click()
    with browser.new_context(java_script_enabled=False, storage_state=page.context.storage_state()) as context:
        plain = context.new_page()
        plain.goto(page.url)
        plain.get_by_role("button", name="Stop Watcher").click()
        see_banner(plain, "The grant Watcher")
        plain.get_by_role("button", name="Resume Watcher").click()
        expect(plain.get_by_role("region", name="The grant Watcher is stopped")).to_have_count(0)
        plain.get_by_role("link", name="Start", exact=True).click()
        plain.get_by_role("button", name="Stop every agent").click()
        expect(plain.get_by_role("region", name=re.compile("^Every agent of"))).to_be_visible()
        plain.get_by_role("button", name=re.compile("^Resume ")).click()
        expect(plain.get_by_role("region", name=re.compile("^Every agent of"))).to_have_count(0)
