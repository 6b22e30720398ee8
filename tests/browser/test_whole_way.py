"""From nothing to a governed call, as a person goes it: in the browser, then with a real MCP client."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.agent import Answer, Mode, run_agent
from tests.launcher.instance import Instance

pytestmark = pytest.mark.browser
POLICY = {
    "version": "1",
    "default": "deny",
    "hide": ["wsBatchCancelOrders"],
    "tools": {
        "getTickers": {"rate_limit": {"max": 10, "window": 60}},
        "createOrder": {"action": "deny", "reason": "This agent only watches."},
    },
}
ALLOWS_NOTHING = '{"version":"1","default":"deny","hide":["wsBatchCancelOrders"]}'
TICKERS = ("getTickers", {"category": "linear", "symbol": "BTCUSDT"})
ORDER = ("createOrder", {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Market", "qty": "1"})


@dataclass(frozen=True)
class Grant:
    url: str
    token: str


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
def test_a_person_goes_the_whole_way_to_a_governed_call(
    page: Page, instance: Instance, screenshots: Path, mode: Mode
) -> None:
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.on("console", lambda message: failures.append(message.text) if message.type == "error" else None)
    sign_up(page, instance, f"person-{mode}@example.com")
    add_simulator(page)
    publish_policy(page, "Watcher", json.dumps(POLICY, indent=2))
    grant = mint_grant(page, "Watching agent", "Watcher")
    page.screenshot(path=screenshots / f"minted-{mode}.png", full_page=True)

    calls = [TICKERS, ORDER, ("wsBatchCancelOrders", {}), *[TICKERS] * 10]
    seen = run_agent(grant.url, grant.token, mode, calls)

    assert "getTickers" in seen.tools and "createOrder" in seen.tools
    assert "wsBatchCancelOrders" not in seen.tools
    allowed, denied, hidden, *more = seen.answers
    assert not allowed.is_error and json.loads(allowed.text)["result"]["list"][0]["symbol"] == "BTCUSDT"
    assert denied.is_error
    assert denied.text.startswith("[POLICY DENIED] This agent only watches.\nRule: /tools/createOrder\n")
    assert "Unknown tool: wsBatchCancelOrders" in hidden.error
    assert [answer.is_error for answer in more] == [False] * 9 + [True]
    seconds_to_wait(more[-1])
    decided = {"allow": ("getTickers", 10), "limit": ("getTickers", 1)}
    decided |= {"deny": ("createOrder", 1), "hide": ("wsBatchCancelOrders", 1)}
    see_in_log(page, decided, screenshots / f"log-{mode}.png")
    assert not failures


def test_a_policy_that_allows_nothing_is_accepted_and_says_so(page: Page, instance: Instance) -> None:
    sign_up(page, instance, "nothing@example.com")
    add_simulator(page)
    publish_policy(page, "Nothing", ALLOWS_NOTHING)
    expect(page.locator("main")).to_contain_text("allows nothing")
    page.get_by_role("link", name="Nothing", exact=True).first.click() if "policies/" not in page.url else None
    type_document(page, '{"version": "1", "default": "deny", "tools": {"getTickrs": {}}, "hid": []}')
    expect(page.locator("#problems")).to_contain_text("hide")


def sign_up(page: Page, instance: Instance, email: str) -> None:
    page.goto(f"{instance.url}/accounts/signup/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Sign up").click()
    page.goto(f"{instance.url}/outbox/")
    # Other addresses of this run may end like it.
    mail = page.get_by_role("article").filter(has_text=re.compile(rf"(?<![\w.-]){re.escape(email)}"))
    mail.get_by_role("link", name=re.compile("confirm-email")).click()
    page.get_by_role("button", name="Confirm").click()
    page.get_by_label("Name").fill(f"Desk {email.split('@')[0]}")
    page.get_by_role("button", name="Create organisation").click()


def add_simulator(page: Page) -> None:
    page.goto(re.sub(r"(/app/[^/]+/).*", r"\1servers/new/", page.url))
    form = page.locator("section[aria-labelledby=simulator]")
    form.get_by_label("Name").fill("Bybit")
    form.get_by_role("button", name="Add the simulator").click()
    # Discovery is Celery's work; the page follows it.
    expect(page.locator("main")).to_contain_text("328 tools offered", timeout=60_000)


def publish_policy(page: Page, name: str, document: str) -> None:
    page.get_by_role("link", name="Policies").click()
    page.goto(f"{page.url}new/")
    page.get_by_label("Name").fill(name)
    type_document(page, document)
    page.get_by_role("button", name="Publish version 1").click()
    expect(page.locator("main")).to_contain_text("Version 1")


def type_document(page: Page, document: str) -> None:
    editor = page.locator(".cm-content")
    editor.click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(document)


def mint_grant(page: Page, label: str, policy: str) -> Grant:
    page.get_by_role("link", name="Grants", exact=True).first.click()
    page.get_by_label("Label").fill(label)
    page.get_by_label("Policy").select_option(label=f"{policy} (version 1)")
    page.get_by_role("button", name="Mint grant").click()
    return Grant(url=page.locator("#gateway-url").inner_text(), token=page.locator("#new-token").inner_text())


def seconds_to_wait(answer: Answer) -> int:
    form = r"\[POLICY DENIED\] .+\nRule: /tools/getTickers/rate_limit\nDecision: .+\nNext: .*?(\d+) s"
    found = re.search(form, answer.text)
    assert found, answer.text
    seconds = int(found[1])
    assert 1 <= seconds <= 60
    return seconds


def see_in_log(page: Page, decided: dict[str, tuple[str, int]], picture: Path) -> None:
    page.get_by_role("link", name="Log", exact=True).first.click()
    for outcome, (tool, count) in decided.items():
        rows = page.locator("#records tbody tr").filter(has_text=tool)
        badges = rows.locator(f".badge-{outcome}").get_by_text(outcome, exact=True)
        expect(badges).to_have_count(count)
    page.screenshot(path=picture, full_page=True)
