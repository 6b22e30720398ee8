"""A furnished installation and the people in front of it, for tests that look at every page."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.urls import reverse
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.agent import run_agent
from tests.browser.furnish import GUARDED, HOST, NEWCOMER, OWNER, PASSWORD, SECURED, VIEWER
from tests.launcher.instance import Instance, run_command
from tests.permissions.walk import addresses
from tests.servers.upstreams import Toolbox, make_tool, serve

ORDER = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Market", "qty": "1"}
TICKER = ("getTickers", {"category": "linear", "symbol": "BTCUSDT"})
CALLS = [
    *[TICKER] * 3,
    ("createOrder", ORDER),
    ("createOrder", {**ORDER, "symbol": "DOGEUSDT"}),
    ("cancelAllOrders", {"category": "linear"}),
    ("wsBatchCancelOrders", {}),
]
EMAILS = {"owner": OWNER, "viewer": VIEWER, "newcomer": NEWCOMER, "secured": SECURED, "host": HOST}


@dataclass(frozen=True)
class Desk:
    """Where it is, what parameters of addresses stand for, and a browser context for each person."""

    url: str
    values: dict[str, str]
    people: dict[str, BrowserContext]

    def address_of(self, name: str, values: dict[str, str] | None = None, query: str = "") -> str:
        """A name that no address has is a path."""
        if name.startswith("/"):
            return f"{self.url}{name}"
        chosen = {key: self.values.get(value, value) for key, value in (values or {}).items()}
        # A server of the catalogue is not one of the organisation's.
        known = self.values | ({"server": self.values["known"]} if name.startswith("catalog:") else {}) | chosen
        return f"{self.url}{_reverse(name, known)}{query.format(**known)}"


@contextmanager
def furnished(instance: Instance, browser: Browser) -> Iterator[Desk]:
    toolbox = Toolbox(make_tool("readLedger"), make_tool("closeBooks"), make_tool("exportEverything"))
    with serve(toolbox.app()) as upstream:
        code = f"from tests.browser.furnish import furnish; furnish({upstream.url!r})"
        told = run_command("--data", str(instance.data), "manage", "shell", "--verbosity", "0", "-c", code)
        assert told.returncode == 0, told.stderr
        values: dict[str, str] = json.loads(told.stdout.strip().splitlines()[-1])
        people = {who: browser.new_context() for who in ("visitor", "passer-by")}
        people |= {who: sign_in(browser, instance.url, email) for who, email in EMAILS.items()}
        people["guarded"] = sign_in(browser, instance.url, GUARDED, values["recovery"])
        desk = Desk(instance.url, values, people)
        run_agent(f"{instance.url}/mcp/{values['server']}", values["token"], "legacy", CALLS)
        toolbox.tools = [make_tool("readLedger"), make_tool("closeBooks", description="Closes them for good")]
        values["record"] = see_to_the_rest(desk)
        yield desk


def see_to_the_rest(desk: Desk) -> str:
    """Finds the changed tools of the drifting server; returns the newest decision on an order."""
    page = desk.people["owner"].new_page()
    page.goto(desk.address_of("servers:tools", {"server": "drifting"}))
    page.get_by_role("button", name="Read the tools again").click()
    expect(page.locator("main")).to_contain_text("1 changed", timeout=30_000)
    page.goto(desk.address_of("gateway:log"))
    rows = page.locator("#records tbody tr")
    expect(rows.filter(has_text=CALLS[-1][0])).to_have_count(1, timeout=30_000)
    link = rows.filter(has_text="createOrder").locator("td a").first
    record = re.search(r"decisions/([^/]+)/", link.get_attribute("href") or "")
    page.close()
    assert record is not None
    return record[1]


def sign_in(browser: Browser, url: str, email: str, code: str = "") -> BrowserContext:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{url}/accounts/login/")
    fill_sign_in(page, email)
    if code:
        page.get_by_label("Code").fill(code)
        page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(re.compile("/app/"))
    page.close()
    return context


def fill_sign_in(page: Page, email: str) -> None:
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def _reverse(name: str, known: dict[str, str]) -> str:
    parameters = next(address.parameters for address in addresses() if address.name == name)
    return reverse(name, kwargs={parameter: known[parameter] for parameter in parameters})
