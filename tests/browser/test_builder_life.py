"""A policy's page while the world goes on: a colleague publishes, a session ends, no WebSocket gets through."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.agent import run_agent
from tests.browser.test_builder import DOCUMENT, choose_filter, open_builder, row_of, text_of
from tests.browser.test_whole_way import TICKERS, add_simulator, mint_grant, publish_policy, sign_up, type_document
from tests.launcher.instance import Instance, run_command

pytestmark = [pytest.mark.browser, pytest.mark.slow]

JOIN = """
from accounts.models import Membership, Role, User
from accounts.tenancy import tenant
organisation = User.objects.get(email={host!r}).last_organisation
with tenant(organisation):
    guest = User.objects.get(email={guest!r})
    Membership.objects.create(organisation_id=organisation, user=guest, role=Role.POLICY_MANAGER.value)
"""
END_SESSION = "from django.contrib.sessions.models import Session; Session.objects.get(session_key={key!r}).delete()"


def run_shell(instance: Instance, code: str) -> None:
    answer = run_command("--data", str(instance.data), "manage", "shell", "-c", code)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def bring_colleague(page: Page, instance: Instance, host: str, guest: str) -> tuple[BrowserContext, Page]:
    """Somebody else, in a browser of their own, who manages policies in this page's organisation."""
    assert page.context.browser is not None
    context = page.context.browser.new_context()
    other = context.new_page()
    sign_up(other, instance, guest)
    run_shell(instance, JOIN.format(host=host, guest=guest))
    other.goto(page.url)
    expect(other.locator(".tools-row").first).to_be_visible()
    return context, other


def draft_of(page: Page) -> str:
    choose_filter(page, "getTickers")
    row_of(page, "getTickers").get_by_role("radio", name="Deny").click()
    return text_of(page)


@pytest.mark.parametrize("way", ["socket", "polling"])
def test_a_colleagues_publication_is_told_while_the_page_stays_open(
    page: Page, instance: Instance, screenshots: Path, way: str
) -> None:
    if way == "polling":
        page.route_web_socket(re.compile("/ws/live/"), lambda socket: socket.close())
    heard: list[str] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: heard.append(str(frame))))
    open_builder(page, instance, f"life-alice-{way}")
    draft = draft_of(page)
    context, other = bring_colleague(page, instance, f"life-alice-{way}@example.com", f"life-pam-{way}@example.com")
    type_document(other, DOCUMENT.replace("BTC only.", "Bitcoin only."))
    other.get_by_role("button", name="Publish version 2").click()
    expect(other.locator("main")).to_contain_text("Version 2 in force")
    context.close()

    news = page.get_by_role("status").filter(has_text="Version 2 was published by")
    expect(news).to_contain_text(f"life-pam-{way}@example.com")
    expect(news).to_contain_text("Your draft is over version 1")
    assert any("publication" in frame for frame in heard) is (way == "socket")
    assert text_of(page) == draft
    page.screenshot(path=screenshots / f"news-{way}.png")
    news.get_by_role("button", name="Keep writing").press("Enter")
    expect(news).to_be_hidden()
    expect(page.get_by_label("Filter the tools")).to_be_focused()
    page.get_by_role("button", name="Publish version 2").click()
    expect(page.get_by_role("alert")).to_contain_text(f"life-pam-{way}@example.com published version 2 on")
    assert text_of(page) == draft
    page.get_by_role("button", name="Publish over version 2").click()
    expect(page.locator("main")).to_contain_text("Version 3 in force")


def test_a_draft_outlives_a_session_that_ends_before_it_is_published(page: Page, instance: Instance) -> None:
    open_builder(page, instance, "life-session")
    draft = draft_of(page)
    url = page.url
    key = next(each["value"] for each in page.context.cookies() if each["name"] == "sessionid")
    run_shell(instance, END_SESSION.format(key=key))
    page.get_by_role("button", name="Publish version 2").click()
    expect(page).to_have_url(re.compile("/accounts/login/"))
    page.get_by_label("Email").fill("life-session@example.com")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile(re.escape(url.split("?")[0])))
    expect(page.get_by_text("Your unpublished draft")).to_be_visible()
    assert text_of(page) == draft
    page.get_by_role("button", name="Publish version 2").click()
    expect(page.locator("main")).to_contain_text("Version 2 in force")


def test_the_first_call_is_seen_without_a_websocket(page: Page, instance: Instance) -> None:
    page.route_web_socket(re.compile("/ws/live/"), lambda socket: socket.close())
    sign_up(page, instance, "life-waiting@example.com")
    add_simulator(page)
    publish_policy(page, "Desk", DOCUMENT)
    grant = mint_grant(page, "Agent", "Desk")
    expect(page.get_by_role("heading", name=re.compile("Waiting for your first call"))).to_be_visible()
    run_agent(grant.url, grant.token, "2026-07-28", [TICKERS])
    expect(page.locator("#waiting")).to_contain_text("getTickers")
