"""Versions by mouse and by keyboard: reviewed in words and JSON, tested, published over nobody, compared, restored."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.hands import BOTH_HANDS, Hand, push, write
from tests.browser.test_whole_way import add_simulator, publish_policy, sign_up, type_document
from tests.launcher.instance import Instance

pytestmark = [pytest.mark.browser, pytest.mark.slow]
FIRST = """{
  "version": "1",
  "default": "deny",
  "risk": {"low": {}},
  "tools": {
    "createOrder": {"action": "deny", "reason": "This agent only watches."}
  }
}"""
SECOND = FIRST.replace(
    '{"action": "deny", "reason": "This agent only watches."}', '{"rate_limit": {"max": 5, "window": 60}}'
)
THIRD = FIRST.replace('"low": {}', '"low": {}, "medium": {}')


def open_policy(page: Page, instance: Instance, name: str) -> str:
    sign_up(page, instance, f"{name}@example.com")
    add_simulator(page)
    publish_policy(page, "Desk", FIRST)
    expect(page.locator("main")).to_contain_text("Version 1 in force")
    return page.url


def publish(page: Page, url: str, document: str, number: int, note: str = "") -> None:
    page.goto(url)
    type_document(page, document)
    page.get_by_label("Note").fill(note)
    page.get_by_role("button", name=f"Publish version {number}").click()
    expect(page.locator("main")).to_contain_text(f"Version {number} in force")


def publish_elsewhere(page: Page, url: str, document: str, number: int) -> None:
    browser = page.context.browser
    assert browser is not None
    context = browser.new_context()
    cookies = page.context.cookies()
    context.add_cookies([{"name": each["name"], "value": each["value"], "url": url} for each in cookies])
    publish(context.new_page(), url, document, number)
    context.close()


def test_a_draft_is_reviewed_and_nobody_is_published_over_by_mouse(
    page: Page, instance: Instance, screenshots: Path
) -> None:
    url = open_policy(page, instance, "versions-mouse")
    type_document(page, SECOND)
    page.get_by_role("button", name="Review changes").click()
    expect(page.get_by_role("region", name="What changes for the tools")).to_contain_text("1 tool becomes allowed")
    words = page.get_by_role("region", name="In words")
    expect(words.locator("del").first).to_contain_text("createOrder")
    expect(page.locator("pre.diff")).to_contain_text(re.compile(r"\+ +\"rate_limit\""))
    page.screenshot(path=screenshots / "review.png", full_page=True)

    publish_elsewhere(page, url, THIRD, 2)
    page.get_by_label("Note").fill("At most five orders")
    page.get_by_role("button", name="Publish version 2").last.click()
    expect(page.get_by_role("alert")).to_contain_text("You published version 2 in another window.")
    assert json.loads(page.locator("#id_document").input_value()) == json.loads(SECOND)
    page.get_by_role("button", name="Review changes").click()
    expect(page.locator("pre.diff del")).to_contain_text(["medium"])
    page.get_by_label("Note").fill("At most five orders")
    # At the head of the review as at its end.
    page.get_by_role("button", name="Publish version 3").first.click()
    expect(page.locator("main")).to_contain_text("Version 3 in force")

    page.get_by_role("link", name="Compare versions").click()
    page.get_by_label("From version").select_option("1")
    page.get_by_label("To version").select_option("3")
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Compare version 1 with version 3")
    expect(page.locator("pre.diff")).to_contain_text(re.compile(r"\+ +\"rate_limit\""))
    page.screenshot(path=screenshots / "compare.png", full_page=True)
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Restore version 1 as version 4").click()
    expect(page.locator("main")).to_contain_text("Version 4 in force")
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="Version 4"))
    expect(row).to_contain_text("Restored from version 1")
    assert page.locator("#id_document").input_value() == FIRST


def test_versions_are_reviewed_compared_and_restored_by_keyboard(page: Page, instance: Instance) -> None:
    page.on("dialog", lambda dialog: dialog.accept())
    url = open_policy(page, instance, "versions-keys")
    publish(page, url, SECOND, 2, note="Orders, slowly")
    expect(page.get_by_role("row").filter(has_text="Version 2")).to_contain_text("Orders, slowly")
    page.get_by_role("link", name="Compare versions").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Compare version 1 with version 2")
    page.go_back()
    page.get_by_role("button", name="Restore version 1").press("Enter")
    expect(page.locator("main")).to_contain_text("Version 3 in force")
    assert page.locator("#id_document").input_value() == FIRST

    # A page that was opened before somebody else published restores nothing over their version.
    page.goto(f"{url}versions/2/")
    publish_elsewhere(page, url, THIRD, 4)
    page.get_by_role("button", name="Restore as version 4").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("You published version 4 in another window.")


@BOTH_HANDS
def test_a_saved_test_that_fails_stops_the_publish(
    page: Page, instance: Instance, screenshots: Path, hand: Hand
) -> None:
    url = open_policy(page, instance, f"versions-tests-{hand}")
    push(page.get_by_role("link", name="Try a call"), hand)
    page.get_by_label("Tool", exact=True).select_option("createOrder")
    expect(page.get_by_label(re.compile(r"^symbol\b"))).to_be_visible()
    for name, value in (("symbol", "BTCUSDT"), ("qty", "1")):
        write(page.get_by_label(re.compile(rf"^{name}\b")), value, hand)
    push(page.get_by_role("button", name="Try it"), hand)
    expect(page.locator("section[aria-labelledby=answer]")).to_contain_text("This agent only watches.")
    push(page.get_by_text("Keep this call as a saved test"), hand)
    write(page.get_by_label("Name"), "No orders, ever", hand)
    push(page.get_by_role("button", name="Keep the test"), hand)
    expect(page.locator("main")).to_contain_text("1 of 1 pass")

    page.goto(url)
    type_document(page, SECOND)
    push(page.get_by_role("button", name="Review changes"), hand)
    expect(page.get_by_role("alert")).to_contain_text("It cannot be published: 1 saved test fails.")
    expect(page.get_by_role("alert")).to_contain_text("No orders, ever")
    expect(page.get_by_role("button", name="Publish version 2")).to_have_count(0)
    page.screenshot(path=screenshots / f"stopped-{hand}.png", full_page=True)
    push(page.get_by_role("button", name="Back to the editor"), hand)
    push(page.get_by_role("button", name="Publish version 2"), hand)
    expect(page.get_by_role("alert")).to_contain_text("No orders, ever")
    page.goto(url)
    expect(page.locator("main")).to_contain_text("Version 1 in force")
