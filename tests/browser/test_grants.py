"""Grants by mouse and by keyboard: a token shown once, ready for each client, rotated, ended, revoked; its tools."""

import json
import re
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import httpx2
import pytest
from playwright.sync_api import Error, Page, expect

from tests.browser.test_whole_way import Grant, add_simulator, mint_grant, publish_policy, sign_up
from tests.launcher.instance import Instance, poll

pytestmark = [pytest.mark.browser, pytest.mark.slow]
POLICY = """{"version": "1", "default": "deny", "hide": ["wsBatchCancelOrders"], "risk": {"low": {}}, "tools": {
  "createOrder": {"require": [{"conditions": [{"path": "args.symbol", "op": "eq", "value": "BTCUSDT"}]}]},
  "withdraw*": {"action": "deny", "reason": "No money leaves."}}}"""
CLIENTS = (
    "Claude Code", "Claude Desktop", "Cursor", "VS Code", "Codex", "OpenAI Agents SDK", "LangChain", "FastMCP",
    "TypeScript SDK", "Inspector",
)  # fmt: skip
# VS Code asks for the token and Codex reads it from the environment.
WITHOUT_TOKEN = ("VS Code", "Codex")
PING = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}


def knock(grant: Grant) -> int:
    headers = {"Authorization": f"Bearer {grant.token}", "Accept": "application/json, text/event-stream"}
    return httpx2.post(grant.url, json=PING, headers=headers, timeout=30).status_code


def is_refused(grant: Grant) -> bool:
    return knock(grant) == 401


def open_desk(page: Page, instance: Instance, name: str) -> None:
    sign_up(page, instance, f"{name}@example.com")
    add_simulator(page)
    publish_policy(page, "Desk", POLICY)


def read_token(page: Page) -> Grant:
    return Grant(url=page.locator("#gateway-url").inner_text(), token=page.locator("#new-token").inner_text())


def test_the_token_is_shown_once_and_ready_for_each_client(page: Page, instance: Instance, screenshots: Path) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=instance.url)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    open_desk(page, instance, "grants-snippets")
    grant = mint_grant(page, "Watcher", "Desk")
    assert not is_refused(grant)
    for client in CLIENTS:
        fold = page.locator("details").filter(has=page.locator("summary", has_text=client)).first
        if not fold.get_by_role("button", name=f"Copy for {client}").is_visible():
            fold.locator("summary").click()
        fold.get_by_role("button", name=f"Copy for {client}").click()
        expect(page.locator("#announcements")).to_have_text("Copied")
        copied = page.evaluate("navigator.clipboard.readText()")
        assert grant.url in copied
        assert (grant.token in copied) == (client not in WITHOUT_TOKEN)
        expect(page.locator("#announcements")).to_have_text("")
    page.screenshot(path=screenshots / "minted.png", full_page=True)

    cursor = page.get_by_role("link", name="Add to Cursor").get_attribute("href") or ""
    assert cursor.startswith("cursor://anysphere.cursor-deeplink/mcp/install?")
    query = parse_qs(urlsplit(cursor).query)
    assert query["name"] == ["bybit"]
    config = json.loads(b64decode(query["config"][0]))
    assert config == {"url": grant.url, "headers": {"Authorization": f"Bearer {grant.token}"}}
    code = page.get_by_role("link", name="Add to VS Code").get_attribute("href") or ""
    scheme, _, text = code.partition("?")
    asking = json.loads(unquote(text))
    assert scheme == "vscode:mcp/install" and grant.token not in unquote(code)
    assert asking["url"] == grant.url and asking["inputs"][0]["password"] is True

    page.get_by_role("link", name="I have copied it").click()
    assert grant.token not in page.content()
    expect(page.locator("pre").first).to_contain_text("YOUR_TOKEN")
    expect(page.get_by_role("link", name="Add to Cursor")).to_have_count(0)
    # No browser keeps that page.
    with pytest.raises(Error, match="ERR_CACHE_MISS"):
        page.go_back()
    assert asked and not any(grant.token in url for url in asked)


def test_a_grant_is_rotated_ended_and_revoked_by_mouse(page: Page, instance: Instance, screenshots: Path) -> None:
    page.on("dialog", lambda dialog: dialog.accept())
    open_desk(page, instance, "grants-mouse")
    old = mint_grant(page, "Watcher", "Desk")
    page.get_by_role("link", name="I have copied it").click()
    page.get_by_role("link", name="Watcher").click()
    page.get_by_label("The old token").select_option("Works for another hour")
    page.get_by_role("button", name="Rotate").click()
    expect(page.locator("main")).to_contain_text(f"plg_…{old.token[-4:]} works until")
    new = read_token(page)
    assert new.token != old.token and not is_refused(old) and not is_refused(new)
    page.get_by_role("link", name="I have copied it").click()
    expect(page.get_by_role("row").filter(has_text=f"for …{old.token[-4:]}")).to_contain_text(f"plg_…{new.token[-4:]}")
    page.screenshot(path=screenshots / "grants.png", full_page=True)

    page.get_by_role("link", name="Watcher").first.click()
    day = (datetime.now(UTC) + timedelta(days=3)).date()
    page.get_by_label("Expires after").fill(day.isoformat())
    page.get_by_role("button", name="Set the end").click()
    expect(page.locator("dl.facts").first).to_contain_text(f"{day.day} {day:%b %Y}, 23:59 UTC")
    page.get_by_role("link", name="Start", exact=True).click()
    expect(page.locator(".matters")).to_contain_text(f"Watcher (plg_…{new.token[-4:]}) on Bybit ends")
    page.locator(".matters").get_by_role("link", name=re.compile("Open the grant")).last.click()
    page.get_by_role("button", name="Revoke this grant").click()
    expect(page.locator(".messages")).to_contain_text("Watcher is revoked")
    assert poll(lambda: is_refused(new), 10)
    # Whoever holds the old token keeps its hour.
    assert not is_refused(old)


def test_a_grant_is_minted_rotated_and_revoked_by_keyboard(page: Page, instance: Instance) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=instance.url)
    page.on("dialog", lambda dialog: dialog.accept())
    open_desk(page, instance, "grants-keys")
    page.get_by_role("link", name="Grants", exact=True).first.press("Enter")
    page.get_by_label("Label").press_sequentially("Night agent")
    page.get_by_label("Label").press("Enter")
    old = read_token(page)
    for client in ("Claude Code", "Cursor"):
        fold = page.locator("details").filter(has=page.locator("summary", has_text=client)).first
        if not fold.get_by_role("button", name=f"Copy for {client}").is_visible():
            fold.locator("summary").press("Enter")
        fold.get_by_role("button", name=f"Copy for {client}").press("Enter")
        expect(page.locator("#announcements")).to_have_text("Copied")
        assert old.token in page.evaluate("navigator.clipboard.readText()")
        expect(page.locator("#announcements")).to_have_text("")
    # The way into the client is the next stop of the Tab key.
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Add to Cursor")).to_be_focused()
    page.get_by_role("link", name="I have copied it").press("Enter")
    page.get_by_role("link", name="Night agent").press("Enter")
    page.get_by_label("The old token").focus()
    page.keyboard.type("Ends")
    page.get_by_role("button", name="Rotate").press("Enter")
    expect(page.locator("main")).to_contain_text("has ended")
    new = read_token(page)
    assert poll(lambda: is_refused(old), 10) and not is_refused(new)
    page.get_by_role("link", name="I have copied it").press("Enter")
    page.get_by_role("button", name="Revoke Night agent").first.press("Enter")
    expect(page.locator(".messages")).to_contain_text("Night agent is revoked")
    assert poll(lambda: is_refused(new), 10)


def test_what_a_grant_can_do_names_the_line_for_each_tool(page: Page, instance: Instance, screenshots: Path) -> None:
    open_desk(page, instance, "grants-tools")
    mint_grant(page, "Watcher", "Desk")
    page.get_by_role("link", name="I have copied it").click()
    page.get_by_role("link", name="Watcher").click()
    page.get_by_role("link", name="What can this grant do?").click()
    rows = page.locator(".tool-table tbody tr")
    expect(rows).to_have_count(328)
    page.get_by_label("Search").fill("order")
    page.get_by_role("button", name="Filter").click()
    order = rows.filter(has=page.get_by_role("rowheader", name="createOrder", exact=True))
    expect(order).to_contain_text("allowed with conditions")
    expect(order).to_contain_text("/tools/createOrder")
    page.screenshot(path=screenshots / "can-do.png")
    # The same by keyboard, and on to the line itself.
    page.get_by_role("link", name="hidden").press("Enter")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("/hide/0")
    page.get_by_role("link", name="Show all").press("Enter")
    page.get_by_label("Search").press_sequentially("gettickers")
    page.get_by_label("Search").press("Enter")
    expect(rows).to_have_count(1)
    page.get_by_role("link", name="/risk/low").press("Enter")
    expect(page.get_by_role("heading", name="Desk")).to_be_visible()
