"""The starting points of a new policy by mouse and by keyboard: opened, read, published, tried with three orders."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.hands import BOTH_HANDS, Hand, push, write
from tests.browser.test_whole_way import add_simulator, sign_up
from tests.launcher.instance import Instance
from tests.policies.bybit import LIMIT, MARKET, QUOTE

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# What each makes of a limit order, a market order, and one sized in the quote coin.
OUTCOMES = {
    "Recommended by level": ("approve", "approve", "approve"),
    "Read only": ("deny", "deny", "deny"),
    "Market data": ("deny", "deny", "deny"),
    "Cautious trader": ("approve", "deny", "deny"),
    "Small-size trader": ("allow", "deny", "allow"),
    "Approval for what moves money": ("approve", "approve", "approve"),
    "Deny everything": ("deny", "deny", "deny"),
}
EMPTY = "Paste or import"


@BOTH_HANDS
def test_each_start_is_read_published_and_tried_with_orders(
    page: Page, instance: Instance, screenshots: Path, hand: Hand
) -> None:
    sign_up(page, instance, f"starts-{hand}@example.com")
    add_simulator(page)
    page.get_by_role("link", name="Policies").press("Enter")
    new = f"{page.url}new/"
    page.goto(new)
    starts = page.locator("nav[aria-labelledby=starts]")
    assert set(starts.get_by_role("link").all_inner_texts()) == {*OUTCOMES, EMPTY}
    page.screenshot(path=screenshots / f"starts-{hand}.png", full_page=True)
    for name, outcomes in OUTCOMES.items():
        page.goto(new)
        push(starts.get_by_role("link", name=name, exact=True), hand)
        expect(starts.locator("[aria-current]")).to_have_text(name)
        see_what_it_says(page)
        write(page.get_by_label("Name"), name, hand)
        push(page.get_by_role("button", name="Publish version 1"), hand)
        expect(page.locator("main")).to_contain_text("Version 1 in force")
        push(page.get_by_role("link", name="Try a call"), hand)
        expect(page.get_by_role("heading", level=1)).to_have_text("Try a call")
        found = tuple(try_order(page, order, hand) for order in (LIMIT, MARKET, QUOTE))
        assert (name, found) == (name, outcomes)


def see_what_it_says(page: Page) -> None:
    """Drawn by the builder, read out in sentences, and without an error."""
    expect(page.locator(".tools-row").first).to_be_visible()
    expect(page.locator("#sentences li").first).to_be_visible()
    expect(page.locator("#problems")).not_to_contain_text("error")


def try_order(page: Page, order: dict[str, Any], hand: Hand) -> str:
    call = {"method": "tools/call", "params": {"name": "createOrder", "arguments": order}}
    pasted = page.locator("#id_pasted")
    if not pasted.is_visible():
        push(page.get_by_text("Paste the call instead"), hand)
    clear(pasted, hand)
    write(pasted, json.dumps(call), hand)
    with page.expect_navigation():
        push(page.get_by_role("button", name="Try it"), hand)
    answer = page.locator("section[aria-labelledby=answer]")
    expect(answer).to_contain_text("What the agent reads")
    return answer.locator(".badge").first.inner_text().lower()


def clear(target: Locator, hand: Hand) -> None:
    if hand == "mouse":
        target.fill("")
    else:
        target.press("Control+a")
        target.press("Delete")
