"""A tool's page and the draft that its rule ends in: as a stranger by mouse, as a member by keyboard."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.test_whole_way import add_simulator, publish_policy, sign_up
from tests.launcher.instance import Instance

pytestmark = [pytest.mark.browser, pytest.mark.slow]
TOOL = "wsBatchCancelOrders"
ADDRESS = f"/catalog/bybit-exchange-trading-mcp/{TOOL}/"
FURTHEST = 80


def tab_to(page: Page, place: Locator) -> None:
    """By the key alone, as somebody without a mouse gets there."""
    for _ in range(FURTHEST):
        page.keyboard.press("Tab")
        if place.evaluate("(each) => each === document.activeElement"):
            return
    raise AssertionError(f"Tab does not reach {place}")


def draft_of(page: Page) -> object:
    expect(page.locator(".tools-row").first).to_be_visible()
    return json.loads(page.locator("#id_document").input_value())


def expect_state(page: Page, state: str) -> None:
    page.get_by_label("Filter the tools").fill(TOOL)
    row = page.locator(f'[data-tool="{TOOL}"]')
    expect(row.get_by_role("radio", name=state, exact=True)).to_have_attribute("aria-checked", "true")


def test_a_stranger_goes_from_a_tools_page_through_sign_up_to_the_draft(
    page: Page, instance: Instance, screenshots: Path
) -> None:
    page.goto(f"{instance.url}{ADDRESS}")
    page.get_by_role("link", name="Restrict this tool", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Restrict {TOOL}")
    page.screenshot(path=screenshots / "restrict-stranger.png", full_page=True)
    page.locator("main").get_by_role("link", name="Sign up").click()
    page.get_by_label("Email").fill("restricting@example.com")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Sign up").click()
    page.goto(f"{instance.url}/outbox/")
    mail = page.get_by_role("article").filter(has_text="restricting@example.com")
    mail.get_by_role("link", name=re.compile("confirm-email")).click()
    page.get_by_role("button", name="Confirm").click()
    page.get_by_label("Name").fill("Restricting desk")
    page.get_by_role("button", name="Create organisation").click()
    page.screenshot(path=screenshots / "restrict-no-server.png", full_page=True)
    page.get_by_role("link", name="Add a server that has it").click()
    page.screenshot(path=screenshots / "restrict-register.png", full_page=True)
    page.get_by_role("button", name="Add the simulator").click()
    # Discovery is Celery's work; the page follows it.
    expect(page.get_by_role("heading", level=1)).to_have_text("New policy", timeout=60_000)
    assert draft_of(page) == {"version": "1", "default": "deny", "hide": [TOOL]}
    expect_state(page, "Hide")
    expect(page.get_by_label("Name", exact=True)).to_have_value(f"Restrict {TOOL}")
    page.screenshot(path=screenshots / "restrict-draft.png", full_page=True)
    page.get_by_role("link", name="Policies", exact=True).first.click()
    expect(page.locator("main")).to_contain_text("This server has no policy")


def test_a_member_puts_the_rule_into_a_policys_draft_by_keyboard(
    page: Page, instance: Instance, screenshots: Path
) -> None:
    sign_up(page, instance, "restricting-keys@example.com")
    add_simulator(page)
    publish_policy(page, "Desk", '{"version": "1", "default": "deny", "tools": {"getTickers": {}}}')
    page.goto(f"{instance.url}{ADDRESS}")
    tab_to(page, page.get_by_role("link", name="Restrict this tool: Ask a person first"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=2, name="Where the rule goes")).to_be_visible()
    page.screenshot(path=screenshots / "restrict-choice.png", full_page=True)
    tab_to(page, page.get_by_role("link", name="Add it to Desk"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Desk")
    tools = {TOOL: {"action": "require_approval"}, "getTickers": {}}
    assert draft_of(page) == {"version": "1", "default": "deny", "tools": tools}
    expect(page.locator("main")).to_contain_text("Version 1 in force")
    expect_state(page, "Approve")
    page.screenshot(path=screenshots / "restrict-added.png", full_page=True)
    # What was not published is a draft like any other: kept when the page is left, and offered when it is opened again.
    page.goto(page.url.partition("?")[0])
    expect(page.locator("main")).to_contain_text("is back")
    assert draft_of(page) == {"version": "1", "default": "deny", "tools": tools}


def test_an_older_draft_is_not_lost_to_the_rule(page: Page, instance: Instance) -> None:
    sign_up(page, instance, "restricting-twice@example.com")
    add_simulator(page)
    publish_policy(page, "Desk", '{"version": "1", "default": "deny", "tools": {"getTickers": {}}}')
    expect(page.locator(".tools-row").first).to_be_visible()
    older = '{"version": "1", "default": "deny", "tools": {"getTickers": {}, "getOrderbook": {}}}'
    page.locator(".cm-content").click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(older)
    expect(page.locator("#id_document")).to_have_value(older)
    page.goto(f"{page.url}?restrict=bybit-exchange-trading-mcp/{TOOL}/approve")
    assert TOOL in json.dumps(draft_of(page))
    page.get_by_role("button", name="Use that draft instead").click()
    expect(page.locator("#id_document")).to_have_value(older)
