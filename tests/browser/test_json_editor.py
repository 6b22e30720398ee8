"""Completion in the JSON editor by keyboard and by mouse: a rule is written without knowing a key, a tool or an
argument by heart, under the page's strict Content-Security-Policy."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.test_whole_way import add_simulator, publish_policy, sign_up, type_document
from tests.launcher.instance import Instance

pytestmark = [pytest.mark.browser, pytest.mark.slow]

START = '{\n  "version": "1",\n  "default": "deny",\n  \n}'
DOCUMENT = '{"version": "1", "default": "deny"}'


@pytest.fixture
def complaints(page: Page) -> list[str]:
    found: list[str] = []
    page.on("console", lambda message: found.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


def open_editor(page: Page, instance: Instance, name: str) -> Locator:
    # A list that has only just opened takes no key yet; with the page's clock in hand the test need not wait.
    page.clock.install()
    sign_up(page, instance, f"{name}@example.com")
    add_simulator(page)
    publish_policy(page, "Desk", DOCUMENT)
    expect(page.locator(".tools-row").first).to_be_visible()
    type_document(page, START)
    content = page.get_by_role("textbox", name="Policy", exact=True)
    content.focus()
    expect(content).to_have_attribute("aria-autocomplete", "list")
    page.keyboard.press("Control+End")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("End")
    return content


def text_of(page: Page) -> str:
    return page.locator("#id_document").input_value()


def completions(page: Page) -> Locator:
    return page.get_by_role("listbox", name="Completions")


def chosen(page: Page) -> Locator:
    return completions(page).get_by_role("option", selected=True)


def take(page: Page, label: str, typed: str = "") -> None:
    """Type until the option is chosen, as the list shows it, and take it."""
    expect(completions(page)).to_be_visible()
    page.keyboard.type(typed)
    expect(chosen(page).locator(".cm-completionLabel")).to_have_text(label)
    page.clock.fast_forward(1_000)
    page.keyboard.press("Enter")


def test_a_rule_is_written_by_keyboard_alone(
    page: Page, instance: Instance, screenshots: Path, complaints: list[str]
) -> None:
    content = open_editor(page, instance, "completion-keys")
    page.keyboard.press("Control+Space")
    expect(completions(page).get_by_role("option")).to_have_count(6)
    # What a screen reader follows: the editor names the list and the option that is chosen in it.
    expect(content).to_have_attribute("aria-controls", str(completions(page).get_attribute("id")))
    expect(content).to_have_attribute("aria-activedescendant", str(chosen(page).get_attribute("id")))
    first = str(chosen(page).text_content())
    page.clock.fast_forward(1_000)
    page.keyboard.press("ArrowDown")
    expect(chosen(page)).not_to_have_text(first)
    page.keyboard.press("ArrowUp")
    expect(chosen(page)).to_have_text(first)
    page.keyboard.press("Escape")
    expect(completions(page)).to_have_count(0)
    assert text_of(page) == START

    page.keyboard.press("Control+Space")
    take(page, "tools", "tools")
    take(page, "createOrder", "createOrder")
    take(page, "require", "requ")
    take(page, "{}")
    take(page, "conditions", "cond")
    take(page, "{}")
    take(page, "path", "pat")
    take(page, "args.side", "args.side")
    page.keyboard.type(', "o')
    take(page, "op", "p")
    take(page, "in", "in")
    page.keyboard.type(', "v')
    take(page, "value", "a")
    expect(completions(page).get_by_role("option")).to_have_count(2)
    page.screenshot(path=screenshots / "completion-values.png")
    take(page, "Buy", "Bu")
    document = json.loads(text_of(page))
    condition = {"path": "args.side", "op": "in", "value": ["Buy"]}
    assert document["tools"] == {"createOrder": {"require": [{"conditions": [condition]}]}}
    expect(page.locator("#problems")).to_contain_text("No problems found")
    assert complaints == []


def test_a_word_in_open_quotes_is_completed_and_tab_leaves_the_editor(
    page: Page, instance: Instance, complaints: list[str]
) -> None:
    content = open_editor(page, instance, "completion-quotes")
    page.keyboard.type('"hide": ["close')
    take(page, "close*")
    assert text_of(page) == START.replace("\n  \n", '\n  "hide": ["close*"\n')
    page.keyboard.type("]")
    expect(page.locator("#problems")).to_contain_text("This policy allows nothing.")
    # Still with a list open, Tab goes on to what follows and takes nothing.
    page.keyboard.type(', "')
    expect(completions(page)).to_be_visible()
    page.clock.fast_forward(1_000)
    before = text_of(page)
    page.keyboard.press("Tab")
    expect(content).not_to_be_focused()
    expect(completions(page)).to_have_count(0)
    assert text_of(page) == before
    # The error is said at its line, as ever.
    expect(page.locator("#problems")).to_contain_text("Error, line 4")
    assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_an_option_is_taken_with_the_mouse(
    page: Page, instance: Instance, screenshots: Path, complaints: list[str], width: int, scheme: str
) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    open_editor(page, instance, f"completion-{scheme}-{width}")
    page.set_viewport_size({"width": width, "height": 900})
    if width == 390:
        page.get_by_role("group", name="Side to show").get_by_role("button", name="JSON").click()
    content = page.get_by_role("textbox", name="Policy", exact=True)
    content.focus()
    page.keyboard.press("Control+Space")
    listbox = completions(page)
    expect(listbox).to_be_visible()
    page.screenshot(path=screenshots / f"completion-{width}-{scheme}.png")
    box = listbox.bounding_box()
    assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= width
    page.clock.fast_forward(1_000)
    listbox.get_by_role("option", name="all_tools").click()
    expect(page.locator("#id_document")).to_have_value(START.replace("\n  \n", '\n  "all_tools": {}\n'))
    assert complaints == []
