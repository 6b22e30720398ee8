"""Waiting for a first call: each way to get it wrong is told on the open page, over its WebSocket, with what to do."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from playwright.sync_api import Page, expect

from accounts.tokens import Prefix, mint_token
from tests.browser.agent import run_agent
from tests.browser.test_whole_way import TICKERS, Grant, add_simulator, mint_grant, publish_policy, sign_up
from tests.launcher.instance import Instance

pytestmark = [pytest.mark.browser, pytest.mark.slow]
POLICY = '{"version": "1", "default": "deny", "tools": {"getTickers": {}}}'
HELLO = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "desk-client", "version": "1"},
}


@dataclass(frozen=True)
class Wire:
    """A client that says over HTTP exactly what the test wants said."""

    http: httpx2.Client
    grant: Grant

    def send(self, method: str = "POST", *, url: str = "", token: str | None = "", body: Any = None) -> int:
        headers = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token or self.grant.token}"
        content = None if method == "GET" else json.dumps(body if body is not None else call("initialize", HELLO))
        return self.http.request(method, url or self.grant.url, headers=headers, content=content).status_code


@pytest.fixture
def http() -> Iterator[httpx2.Client]:
    with httpx2.Client(timeout=30, headers={"User-Agent": "wire-client/1.0"}) as client:
        yield client


def call(method: str, params: dict[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


def tool_call(name: str) -> dict[str, Any]:
    return call("tools/call", {"name": name, "arguments": {"category": "linear", "symbol": "BTCUSDT"}})


def open_panel(page: Page, instance: Instance, http: httpx2.Client, name: str, policy: str = "Desk") -> Wire:
    sign_up(page, instance, f"{name}@example.com")
    add_simulator(page)
    publish_policy(page, "Desk", POLICY)
    with page.expect_websocket(timeout=30_000):
        grant = mint_grant(page, "Watcher", policy)
    expect(page.locator("#waiting")).to_contain_text("Nothing has arrived yet")
    return Wire(http, grant)


def test_each_wrong_way_is_told_while_one_waits(
    page: Page, instance: Instance, http: httpx2.Client, screenshots: Path
) -> None:
    wire = open_panel(page, instance, http, "waiting")
    loads: list[str] = []
    page.on("load", lambda loaded: loads.append(loaded.url))
    panel = page.locator("#waiting")
    base = wire.grant.url.rpartition("/mcp/")[0]

    assert wire.send(token=None) == 401
    expect(panel).to_contain_text("A request came without a token")
    assert wire.send(token=mint_token(Prefix.GRANT).text) == 401
    expect(panel).to_contain_text("A request came with an unknown token")
    assert wire.send(token=wire.grant.token[:-3]) == 401
    expect(panel).to_contain_text("A request came with a damaged token")
    assert wire.send(token=mint_token(Prefix.API_KEY).text) == 401
    expect(panel).to_contain_text("A request came with a token that is no grant")
    assert wire.send(url=f"{base}/mcp/{uuid4()}") == 401
    expect(panel).to_contain_text("This server's token was sent to another address")
    assert wire.send("GET", url=f"{wire.grant.url}/sse") == 401
    expect(panel.get_by_text("This server's token was sent to another address")).to_have_count(2)
    assert wire.send("PUT") == 405
    expect(panel).to_contain_text("A request used an HTTP method that MCP does not have")
    assert wire.send("GET") in (400, 405)
    expect(panel).to_contain_text("A client opened a stream and sent no message")
    expect(panel).to_contain_text("The old transport “HTTP+SSE” begins like this")
    page.screenshot(path=screenshots / "waiting.png", full_page=True)

    assert wire.send(body=[call("initialize", HELLO)]) == 400
    expect(panel).to_contain_text("The agent is connected, and sends what MCP does not know")
    assert wire.send(body=tool_call("createOrder")) == 200
    expect(panel).to_contain_text("A call was refused")
    (answer,) = run_agent(wire.grant.url, wire.grant.token, "legacy", [TICKERS]).answers
    assert not answer.is_error
    expect(panel).to_contain_text("The first call came through")
    # All of it on the page as it was opened: nothing was loaded anew, and the token is still there to copy.
    assert loads == []
    assert page.locator("#new-token").inner_text() == wire.grant.token


def test_a_grant_without_a_policy_says_so_before_and_after_the_call(
    page: Page, instance: Instance, http: httpx2.Client
) -> None:
    sign_up(page, instance, "waiting-none@example.com")
    add_simulator(page)
    page.get_by_role("link", name="Grants", exact=True).first.press("Enter")
    page.get_by_label("Label").press_sequentially("Bare agent")
    page.get_by_label("Label").press("Enter")
    panel = page.locator("#waiting")
    expect(panel).to_contain_text("This grant carries no policy, so every call will be denied")
    grant = Grant(url=page.locator("#gateway-url").inner_text(), token=page.locator("#new-token").inner_text())
    assert Wire(http, grant).send(body=tool_call("getTickers")) == 200
    expect(panel).to_contain_text("The agent is connected, and carries no policy that is in force")
    panel.get_by_role("link", name="the decision").press("Enter")
    expect(page.get_by_role("heading", name="getTickers")).to_be_visible()
