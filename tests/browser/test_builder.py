"""The policy builder by mouse and by keyboard: both sides show each edit at once, and nothing else changes."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.test_whole_way import add_simulator, publish_policy, sign_up, type_document
from tests.launcher.instance import Instance

pytestmark = pytest.mark.browser

# A number's spelling, an order of keys and rules that nobody touches, all of which have to stay.
DOCUMENT = """{
  "default": "deny",
  "version": "1",
  "risk": {"low": {}, "critical": {"action": "require_approval"}},
  "tools": {
    "createOrder": {
      "deny_if": [{"conditions": [
        {"path": "args.qty", "op": "gt", "value": "1.500"}, {"path": "args.side", "op": "eq", "value": "Buy"}
      ]}],
      "require": [{"conditions": [{"op": "in", "path": "args.symbol", "value": ["BTCUSDT"]}], "on_deny": "BTC only."}]
    },
    "getFunding*": {"rate_limit": {"window": 60, "max": 1e1}}
  }
}
"""


def open_builder(page: Page, instance: Instance, name: str) -> None:
    sign_up(page, instance, f"{name}@example.com")
    add_simulator(page)
    publish_policy(page, "Desk", DOCUMENT)
    expect(page.locator(".tools-row").first).to_be_visible()


def text_of(page: Page) -> str:
    return page.locator("#id_document").input_value()


def row_of(page: Page, tool: str) -> Locator:
    return page.locator(f'[data-tool="{tool}"]')


def choose_filter(page: Page, text: str) -> None:
    page.get_by_label("Filter the tools").fill(text)


def expect_state(page: Page, tool: str, state: str) -> None:
    expect(row_of(page, tool).get_by_role("radio", name=state, exact=True)).to_have_attribute("aria-checked", "true")


@pytest.fixture
def complaints(page: Page) -> list[str]:
    found: list[str] = []
    page.on("console", lambda message: found.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


def test_both_sides_show_each_edit_and_undo_brings_every_character_back(
    page: Page, instance: Instance, screenshots: Path, complaints: list[str]
) -> None:
    open_builder(page, instance, "builder-mouse")
    before = text_of(page)
    choose_filter(page, "createOrder")
    expect_state(page, "createOrder", "Custom")
    row_of(page, "createOrder").get_by_role("radio", name="Deny", exact=True).click()
    expect_state(page, "createOrder", "Deny")
    assert '"createOrder": {"action": "deny"}' in re.sub(r"{\s+", "{", re.sub(r"\s+}", "}", text_of(page)))
    page.get_by_role("button", name="Undo").click()
    expect_state(page, "createOrder", "Custom")
    assert text_of(page) == before
    page.get_by_role("button", name="Redo").click()
    expect_state(page, "createOrder", "Deny")
    page.get_by_role("button", name="Undo").click()

    choose_filter(page, "")
    page.get_by_label("Level", exact=True).select_option("low")
    count = int(page.locator(".builder-bulk strong").inner_text().split(" ")[0])
    page.get_by_role("button", name="Hide all shown").click()
    expect(page.get_by_role("status").filter(has_text=re.compile(rf"Hide: {count} tools"))).to_be_visible()
    assert len(json.loads(text_of(page))["tools"]) == count + 2 - ("getFunding*" not in text_of(page))
    page.get_by_role("button", name="Undo").click()
    assert text_of(page) == before

    page.get_by_label("Medium risk tools, and tools that appear later").select_option("allow")
    assert json.loads(text_of(page))["risk"]["medium"] == {"action": "allow"}
    page.get_by_role("button", name="Clear filters").click()
    type_document(page, before.replace('"low": {}', '"low": {"action": "hide"}'))
    choose_filter(page, "getTickers")
    expect_state(page, "getTickers", "Hide")
    page.screenshot(path=screenshots / "builder.png", full_page=True)
    assert complaints == []


def test_a_rule_is_made_from_the_tools_own_schema_and_what_has_no_form_stays(
    page: Page, instance: Instance, screenshots: Path, complaints: list[str]
) -> None:
    open_builder(page, instance, "builder-rule")
    choose_filter(page, "createOrder")
    row_of(page, "createOrder").get_by_role("radio", name="Custom").click()
    rule = page.get_by_role("region", name=re.compile("createOrder"))
    expect(rule).to_contain_text("Denied when qty is above 1.5 and side is Buy.")
    page.get_by_label("Limit the calls of each agent").check()
    page.get_by_label("At most this many calls").fill("4")
    page.keyboard.press("Tab")
    added = page.get_by_role("group", name="Add a rule", exact=True)
    added.get_by_label("Argument", exact=True).select_option("args.side")
    added.get_by_role("checkbox", name="Buy").check()
    page.get_by_role("button", name="Add the rule").click()
    expect(page.get_by_role("group", name="Only when side is one of")).to_contain_text("Only when side is Buy.")
    made = json.loads(text_of(page))["tools"]["createOrder"]
    assert made["rate_limit"] == {"max": 4, "window": 60}
    assert made["require"][1] == {"conditions": [{"path": "args.side", "op": "in", "value": ["Buy"]}]}
    assert '"value": "1.500"' in text_of(page) and '"max": 1e1' in text_of(page)
    page.screenshot(path=screenshots / "rule.png", full_page=True)

    page.get_by_role("button", name="Show in the JSON").last.click()
    expect(page.locator(".cm-content")).to_be_focused()
    page.get_by_role("button", name="Publish version 2").click()
    expect(page.locator("main")).to_contain_text("Version 2 in force")
    assert complaints == []


def test_the_states_and_a_rule_are_set_by_keyboard(page: Page, instance: Instance) -> None:
    open_builder(page, instance, "builder-keys")
    page.get_by_label("Filter the tools").focus()
    page.keyboard.type("gettickers")
    expect(page.locator(".tools-row")).to_have_count(1)
    row_of(page, "getTickers").get_by_role("radio", name="Allow").focus()
    page.keyboard.press("ArrowRight")
    expect_state(page, "getTickers", "Deny")
    expect(row_of(page, "getTickers").get_by_role("radio", name="Deny")).to_be_focused()
    page.keyboard.press("h")
    expect_state(page, "getTickers", "Hide")
    assert json.loads(text_of(page))["tools"]["getTickers"] == {"action": "hide"}
    page.keyboard.press("a")
    page.keyboard.press("c")
    expect(page.get_by_role("heading", name=re.compile("getTickers"))).to_be_focused()
    page.get_by_label("Limit the calls of each agent").focus()
    page.keyboard.press("Space")
    assert json.loads(text_of(page))["tools"]["getTickers"]["rate_limit"] == {"max": 10, "window": 60}
    page.get_by_role("button", name="Back to all tools").focus()
    page.keyboard.press("Enter")
    expect(row_of(page, "getTickers").get_by_role("radio", name="Custom")).to_be_focused()
    choose_filter(page, "")
    first, second = (page.locator(".tools-row").nth(at).get_attribute("data-tool") for at in (0, 1))
    row_of(page, str(first)).get_by_role("radio", checked=True).focus()
    page.keyboard.press("ArrowDown")
    expect(row_of(page, str(second)).get_by_role("radio", checked=True)).to_be_focused()


def test_a_draft_survives_a_reload_and_tells_of_a_version_published_meanwhile(page: Page, instance: Instance) -> None:
    open_builder(page, instance, "builder-draft")
    before = text_of(page)
    choose_filter(page, "getTickers")
    row_of(page, "getTickers").get_by_role("radio", name="Deny").click()
    draft = text_of(page)
    page.reload()
    expect(page.get_by_text("Your unpublished draft")).to_be_visible()
    assert text_of(page) == draft
    page.get_by_role("button", name="Discard the draft").click()
    assert text_of(page) == before
    page.reload()
    expect(page.locator(".tools-row").first).to_be_visible()
    expect(page.get_by_text("Your unpublished draft")).to_have_count(0)

    choose_filter(page, "getTickers")
    row_of(page, "getTickers").get_by_role("radio", name="Hide").click()
    draft = text_of(page)
    url = page.url
    page.goto("about:blank")
    publish_elsewhere(page, url)
    page.goto(url)
    expect(page.get_by_text("version 2 was published meanwhile")).to_be_visible()
    assert text_of(page) == draft
    page.get_by_role("button", name="Publish version").click()
    expect(page.get_by_role("alert")).to_contain_text("You published version 2 in another window.")
    assert text_of(page) == draft


def publish_elsewhere(page: Page, url: str) -> None:
    """As a colleague would: in a browser that has none of this one's drafts."""
    browser = page.context.browser
    assert browser is not None
    context = browser.new_context()
    cookies = page.context.cookies()
    context.add_cookies([{"name": each["name"], "value": each["value"], "url": url} for each in cookies])
    other = context.new_page()
    other.goto(url)
    type_document(other, DOCUMENT.replace("BTC only.", "Bitcoin only."))
    other.get_by_role("button", name="Publish version 2").click()
    expect(other.locator("main")).to_contain_text("Version 2 in force")
    context.close()
