"""The decision log by mouse and by keyboard: filters, calls as they come, a decision explained, a rule made of it."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.agent import run_agent
from tests.browser.test_whole_way import (
    ORDER,
    POLICY,
    TICKERS,
    Grant,
    add_simulator,
    mint_grant,
    publish_policy,
    sign_up,
)
from tests.launcher.instance import Instance

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def open_log(page: Page, instance: Instance, name: str) -> Grant:
    sign_up(page, instance, f"{name}@example.com")
    add_simulator(page)
    publish_policy(page, "Watcher", json.dumps(POLICY, indent=2))
    grant = mint_grant(page, "Watching agent", "Watcher")
    page.get_by_role("link", name="Log", exact=True).first.click()
    return grant


def test_calls_come_in_are_filtered_and_explained_by_mouse(page: Page, instance: Instance, screenshots: Path) -> None:
    grant = open_log(page, instance, "log-mouse")
    rows = page.locator("#records tbody tr")
    expect(page.locator("#records")).to_contain_text("No call reached this server's gateway yet")
    run_agent(grant.url, grant.token, "legacy", [TICKERS, ORDER])
    # Nothing is loaded anew: they come while one looks.
    expect(rows.filter(has_text="createOrder")).to_have_count(1)
    expect(rows.filter(has_text="getTickers")).to_have_count(1)
    page.get_by_role("link", name="Stop following").click()
    expect(page.locator("#records")).to_contain_text("New calls are not shown.")
    run_agent(grant.url, grant.token, "legacy", [TICKERS])
    page.get_by_role("link", name="Follow new calls").click()
    expect(rows.filter(has_text="getTickers")).to_have_count(2)

    page.get_by_label("Outcome").select_option("deny")
    page.get_by_role("button", name="Filter").click()
    expect(rows).to_have_count(1)
    page.get_by_label("Outcome").select_option("")
    page.get_by_label("Tool begins with").fill("getT")
    page.get_by_label("Grant").select_option("Watching agent")
    page.get_by_role("button", name="Filter").click()
    expect(rows).to_have_count(2)
    page.get_by_role("link", name="Clear").click()
    page.get_by_label("Rule begins with").fill("/tools/createOrder")
    page.get_by_role("button", name="Filter").click()
    expect(rows).to_have_count(1)
    page.screenshot(path=screenshots / "log.png", full_page=True)

    rows.get_by_role("link").click()
    facts = page.locator("dl.facts")
    expect(page.locator(".lead")).to_contain_text("The policy refuses this call.")
    expect(page.locator(".lead")).to_contain_text("This agent only watches.")
    expect(facts).to_contain_text("/tools/createOrder explicit: a rule of the policy says so")
    expect(facts).to_contain_text("names only: values are not kept")
    page.screenshot(path=screenshots / "decision.png", full_page=True)
    decision = page.url
    page.get_by_role("button", name="Open in the editor: Allow it, at most 10 times a minute").click()
    made = json.loads(page.locator("#id_document").input_value())
    assert made["tools"]["createOrder"] == {"action": "allow", "rate_limit": {"max": 10, "window": 60}}
    assert made["tools"]["getTickers"] == {"rate_limit": {"max": 10, "window": 60}}
    page.get_by_role("button", name="Publish version 2").click()
    expect(page.locator("main")).to_contain_text("Version 2 in force")
    (answer,) = run_agent(grant.url, grant.token, "legacy", [ORDER]).answers
    assert not answer.is_error

    page.goto(decision)
    expect(page.locator("dl.facts")).to_contain_text("version 1 (version 2 is in force now)")
    page.get_by_role("link", name="Try this call").click()
    expect(page.get_by_label("Tool", exact=True)).to_have_value("createOrder")
    expect(page.locator("main")).to_contain_text("The tool is filled in from the decision.")


def test_a_decision_is_found_explained_and_made_a_rule_by_keyboard(page: Page, instance: Instance) -> None:
    grant = open_log(page, instance, "log-keys")
    run_agent(grant.url, grant.token, "2026-07-28", [TICKERS, ORDER])
    rows = page.locator("#records tbody tr")
    expect(rows.filter(has_text="createOrder")).to_have_count(1)
    page.get_by_label("Tool begins with").focus()
    page.keyboard.type("createOrder")
    page.keyboard.press("Enter")
    expect(rows).to_have_count(1)
    rows.get_by_role("link").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("createOrder")
    page.get_by_role("link", name="Try this call").press("Enter")
    expect(page.get_by_label("Tool", exact=True)).to_have_value("createOrder")
    page.get_by_label(re.compile(r"^symbol\b")).focus()
    page.keyboard.type("BTCUSDT")
    page.get_by_role("button", name="Try it").press("Enter")
    expect(page.locator("section[aria-labelledby=answer]")).to_contain_text("This agent only watches.")
    page.go_back()
    page.go_back()
    page.get_by_role("button", name="Open in the editor: Allow it", exact=True).press("Enter")
    made = json.loads(page.locator("#id_document").input_value())
    assert made["tools"]["createOrder"] == {"action": "allow"}
    page.get_by_role("button", name="Review changes").press("Enter")
    expect(page.locator("main")).to_contain_text(re.compile("1 tool becomes allowed"))
