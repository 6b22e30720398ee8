"""A policy by mouse and by keyboard: a sentence for each of its rules, exported, duplicated, imported."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.hands import BOTH_HANDS, Hand, push, write
from tests.browser.test_builder import DOCUMENT, expect_state, open_builder, row_of, text_of
from tests.launcher.instance import Instance

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@BOTH_HANDS
def test_each_rule_has_its_sentence_which_follows_every_edit(page: Page, instance: Instance, hand: Hand) -> None:
    open_builder(page, instance, f"sentences-{hand}")
    sentences = page.locator("#sentences li")
    for words in (
        "only when symbol is BTCUSDT",
        "qty is above 1.5 and side is Buy",
        "getFunding*",
        "low risk",
        "critical risk",
    ):
        expect(sentences.filter(has_text=re.compile(re.escape(words), re.IGNORECASE)).first).to_be_visible()
    about = sentences.filter(has_text=re.compile("getTickers"))
    expect(about).to_have_count(0)
    write(page.get_by_label("Filter the tools"), "getTickers", hand)
    for state, words in (("Deny", "denied"), ("Hide", "hidden"), ("Approve", "asks a person")):
        radio = row_of(page, "getTickers").get_by_role("radio", name=state, exact=True)
        if hand == "mouse":
            radio.click()
        else:
            row_of(page, "getTickers").get_by_role("radio", checked=True).press(
                {"Deny": "d", "Hide": "h", "Approve": "p"}[state]
            )
        expect_state(page, "getTickers", state)
        expect(about).to_have_count(1)
        expect(about).to_contain_text(re.compile(words, re.IGNORECASE))
    page.get_by_role("button", name="Undo").press("Enter")
    expect(about).to_contain_text(re.compile("hidden", re.IGNORECASE))


@BOTH_HANDS
def test_a_policy_is_exported_duplicated_and_imported(
    page: Page, instance: Instance, tmp_path: Path, hand: Hand
) -> None:
    open_builder(page, instance, f"carry-{hand}")
    with page.expect_download() as download:
        push(page.get_by_role("link", name="Export"), hand)
    exported = tmp_path / download.value.suggested_filename
    download.value.save_as(exported)
    assert exported.suffix == ".json"
    assert json.loads(exported.read_text(encoding="utf-8")) == json.loads(DOCUMENT)
    assert '"value": "1.500"' in exported.read_text(encoding="utf-8")

    push(page.get_by_role("button", name="Duplicate"), hand)
    expect(page.locator(".messages")).to_contain_text("is made and not published")
    expect(page.locator(".page-head")).to_contain_text("Never published: it denies every call.")
    expect(page.locator(".tools-row").first).to_be_visible()
    assert json.loads(text_of(page)) == json.loads(DOCUMENT)
    push(page.get_by_role("button", name="Publish version 1"), hand)
    expect(page.locator("main")).to_contain_text("Version 1 in force")

    push(page.get_by_role("link", name="Policies", exact=True).first, hand)
    push(page.get_by_role("link", name="New policy"), hand)
    push(page.get_by_role("link", name="Paste or import"), hand)
    expect(page.locator("[aria-current=true]").filter(has_text="Paste or import")).to_be_visible()
    write(page.get_by_label("Name"), "Carried over", hand)
    with page.expect_file_chooser() as chooser:
        push(page.get_by_label("Import a file"), hand)
    chooser.value.set_files(exported)
    push(page.get_by_role("button", name="Publish version 1"), hand)
    expect(page.get_by_role("heading", level=1)).to_have_text("Carried over")
    expect(page.locator("main")).to_contain_text("Version 1 in force")
    assert '"value": "1.500"' in text_of(page) and json.loads(text_of(page)) == json.loads(DOCUMENT)
