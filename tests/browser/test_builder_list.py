"""The builder's list by mouse and by keyboard: filters, calls lately, bulk changes, undo, and the palette."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.agent import run_agent
from tests.browser.test_builder import choose_filter, expect_state, open_builder, row_of, text_of
from tests.browser.test_whole_way import TICKERS, add_simulator, mint_grant, publish_policy, sign_up, type_document
from tests.launcher.instance import Instance

pytestmark = [pytest.mark.browser, pytest.mark.slow]

READS = '{"version": "1", "default": "deny", "tools": {"getTickers": {}, "getTickersOld": {}}}'


def shown_of(page: Page) -> int:
    return int(page.locator(".builder-bulk strong").inner_text().split(" ")[0].replace(",", ""))


def tools_of(page: Page) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads(text_of(page))["tools"]
    return found


def press_on(page: Page, target: Locator, *keys: str) -> None:
    target.focus()
    for key in keys:
        page.keyboard.press(key)


def test_filters_combine_say_how_many_and_survive_a_reload(page: Page, instance: Instance, screenshots: Path) -> None:
    sign_up(page, instance, "list-filters@example.com")
    add_simulator(page)
    publish_policy(page, "Desk", READS)
    policy = page.url
    grant = mint_grant(page, "Agent", "Desk")
    run_agent(grant.url, grant.token, "2026-07-28", [TICKERS, TICKERS])
    page.goto(policy)
    expect(page.locator(".tools-row").first).to_be_visible()
    whole = shown_of(page)

    called = page.get_by_role("checkbox", name=re.compile("Called in 7 days"))
    # The writer of the log follows the calls.
    for _ in range(20):
        page.reload()
        expect(page.locator(".tools-row").first).to_be_visible()
        if "Called in 7 days 1" in page.get_by_role("search", name="Tools").inner_text():
            break
    press_on(page, called, "Space")
    expect(page.locator(".tools-row")).to_have_count(1)
    expect(row_of(page, "getTickers")).to_contain_text("2 calls in 7 days")
    expect(page).to_have_url(re.compile("called=1"))
    page.reload()
    expect(page.locator(".tools-row")).to_have_count(1)
    expect(called).to_be_checked()
    page.get_by_label("Order").select_option("Most called first")
    called.uncheck()
    expect(page.locator(".tools-row").first).to_have_attribute("data-tool", "getTickers")
    page.screenshot(path=screenshots / "list-called.png")
    page.get_by_role("button", name="Clear filters").click()
    expect(page).not_to_have_url(re.compile("called|order"))

    level = page.get_by_label("Level", exact=True)
    promised = int(re.findall(r"Critical \((\d+)\)", level.inner_text())[0])
    press_on(page, level, "c", "r", "i")
    expect(level).to_have_value("critical")
    expect(page.locator(".builder-bulk strong")).to_have_text(re.compile(f"^{promised} of"))
    category = page.get_by_label("Category", exact=True)
    both = int(re.findall(r"Destructive \((\d+)\)", category.inner_text())[0])
    category.select_option("destructive")
    expect(page.locator(".builder-bulk strong")).to_have_text(re.compile(f"^{both} of"))
    assert 0 < both < promised < whole
    choose_filter(page, "no such tool")
    expect(page.get_by_text("No tool fits these filters.")).to_be_visible()
    page.get_by_role("button", name="Clear filters").click()

    page.get_by_role("checkbox", name=re.compile("Not offered 1")).check()
    expect(page.locator(".tools-row")).to_have_count(1)
    expect(row_of(page, "getTickersOld")).to_contain_text("not offered")
    page.get_by_role("button", name="Remove own rules").click()
    assert list(tools_of(page)) == ["getTickers"]


@pytest.mark.parametrize("hand", ["mouse", "keyboard"])
def test_many_tools_change_by_selection_level_category_and_module(page: Page, instance: Instance, hand: str) -> None:
    open_builder(page, instance, f"list-bulk-{hand}")
    before = text_of(page)

    def act(target: Locator) -> None:
        if hand == "mouse":
            target.click()
        else:
            press_on(page, target, "Space" if target.get_attribute("type") == "checkbox" else "Enter")

    def choose(label: str, value: str) -> None:
        box = page.get_by_label(label, exact=True)
        if hand == "mouse":
            box.select_option(value)
        else:
            box.focus()
            page.keyboard.type(value)
        expect(box).to_have_value(value)

    for label, value in (("Level", "critical"), ("Category", "destructive"), ("Module", "trade")):
        if label == "Module":
            options = (
                page.get_by_label(label, exact=True).locator("option").evaluate_all("all => all.map(o => o.value)")
            )
            value = next(each for each in options if each)
        choose(label, value)
        count = shown_of(page)
        act(page.get_by_role("button", name="Hide all shown"))
        expect(page.get_by_role("status").filter(has_text=re.compile("^Hide: "))).to_be_visible()
        hidden = [name for name, rule in tools_of(page).items() if rule.get("action") == "hide"]
        assert 0 < len(hidden) <= count
        act(page.get_by_role("button", name="Undo"))
        assert text_of(page) == before
        act(page.get_by_role("button", name="Clear filters"))

    names = [str(page.locator(".tools-row").nth(at).get_attribute("data-tool")) for at in (0, 2)]
    for name in names:
        act(page.get_by_label(f"Select {name}", exact=True))
    expect(page.locator(".builder-bulk strong")).to_have_text("2 selected")
    act(page.get_by_role("button", name="Deny selected"))
    act(page.get_by_role("button", name="Allow selected"))
    assert [tools_of(page)[name]["action"] for name in names] == ["allow", "allow"]
    act(page.get_by_role("button", name="Clear the selection"))
    act(page.locator(".tools-head input").first)
    expect(page.locator(".builder-bulk strong")).to_have_text(re.compile("^[0-9]+ selected"))


def test_a_narrow_screen_tells_of_errors_in_the_hidden_json_and_leads_to_them(page: Page, instance: Instance) -> None:
    open_builder(page, instance, "list-narrow")
    type_document(page, '{"version": "1", "default": "deny", "hid": []}')
    page.set_viewport_size({"width": 390, "height": 844})
    side = page.get_by_role("group", name="Side to show")
    expect(side.get_by_role("button", name="JSON · 1 error", exact=True)).to_be_visible()
    expect(page.locator("#problems")).to_contain_text('Did you mean "hide"?')
    expect(page.locator(".cm-content")).to_be_hidden()
    page.get_by_role("button", name="Error, line 1").click()
    expect(page.locator(".cm-content")).to_be_focused()


def test_undo_and_redo_by_their_keys_outside_the_text_editor(page: Page, instance: Instance) -> None:
    open_builder(page, instance, "list-undo")
    before = text_of(page)
    choose_filter(page, "getTickers")
    press_on(page, row_of(page, "getTickers").get_by_role("radio", checked=True), "h")
    expect_state(page, "getTickers", "Hide")
    changed = text_of(page)
    page.keyboard.press("Control+z")
    assert text_of(page) == before
    page.keyboard.press("Control+Shift+Z")
    expect_state(page, "getTickers", "Hide")
    assert text_of(page) == changed
    # A field has an undo of its own, which must not reach the policy.
    press_on(page, page.get_by_label("Filter the tools"), "Control+z")
    assert text_of(page) == changed


def test_the_palette_goes_places_and_acts_by_keyboard(page: Page, instance: Instance, screenshots: Path) -> None:
    open_builder(page, instance, "list-palette")
    before = text_of(page)
    palette = page.get_by_role("dialog", name="Go to a page or do something")
    start = page.get_by_label("Filter the tools")
    press_on(page, start, "Control+k")
    expect(palette.get_by_role("combobox")).to_be_focused()
    page.keyboard.press("Escape")
    expect(palette).to_be_hidden()
    expect(start).to_be_focused()

    def run(text: str, awaited: str = "") -> None:
        page.keyboard.press("Control+k")
        expect(palette.get_by_role("combobox")).to_be_focused()
        page.keyboard.type(text)
        expect(palette.get_by_role("option", selected=True)).to_contain_text(awaited)
        page.keyboard.press("Enter")
        expect(palette).to_be_hidden()

    run("show critical")
    expect(page.get_by_label("Level", exact=True)).to_have_value("critical")
    run("hide all shown")
    assert text_of(page) != before
    run("undo")
    assert text_of(page) == before
    run("redo")
    run("undo")
    run("getTickers")
    expect(page.get_by_role("heading", name=re.compile("getTickers"))).to_be_focused()
    run("show the json")
    expect(page.locator(".cm-content")).to_be_focused()
    run("back to all")
    page.keyboard.press("Control+k")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    box = palette.get_by_role("combobox")
    chosen = palette.get_by_role("option", selected=True)
    expect(chosen).to_have_count(1)
    assert box.get_attribute("aria-activedescendant") == chosen.get_attribute("id")
    page.screenshot(path=screenshots / "palette.png")
    page.keyboard.press("Escape")
    run("review changes")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Review")
    run("grants")
    expect(page).to_have_url(re.compile("/grants/$"))
    # From a page that shows no link to it; the list asks the server for the rest.
    run("members", "Members")
    expect(page).to_have_url(re.compile("/members/$"))
    run("log", "Bybit: Log")
    expect(page).to_have_url(re.compile("/log/$"))


def test_the_palette_by_mouse_on_any_page_of_the_console(page: Page, instance: Instance) -> None:
    sign_up(page, instance, "list-palette-mouse@example.com")
    page.get_by_role("button", name=re.compile("Go to")).click()
    palette = page.get_by_role("dialog", name="Go to a page or do something")
    palette.get_by_role("combobox").fill("audit")
    palette.get_by_role("option").first.click()
    expect(page).to_have_url(re.compile("/audit/$"))
    # Where it leads to is one of the organisation's settings.
    settings = page.get_by_role("navigation", name=re.compile("^Settings of "))
    expect(settings.get_by_role("link", name="Audit")).to_have_attribute("aria-current", "page")
    settings.get_by_role("link", name="Organisation").click()
    page.get_by_role("textbox", name="Name").fill("Night desk")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("summary").filter(has_text="Night desk")).to_be_visible()
    settings.get_by_role("link", name="Audit").press("Enter")
    expect(page.get_by_role("row").filter(has_text="Renamed the organisation")).to_contain_text("Night desk")
