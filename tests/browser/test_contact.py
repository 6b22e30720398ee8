"""The contact form in a browser, with and without script: from the footer to the host's mail and pages."""

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from accounts.contact.form_token import QUICKEST_SECONDS
from tests.launcher.instance import Instance, poll, run_command

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SENT = "Message sent. We'll get back to you soon."
PASSWORD = "correct horse battery"
LOOKS = [(width, scheme) for width in (1280, 390) for scheme in ("light", "dark")]


@pytest.fixture(params=[True, False], ids=["with script", "without script"])
def visitor(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(java_script_enabled=request.param)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def operator(browser: Browser, instance: Instance) -> str:
    """The e-mail address of the host, made as the documentation says, with an organisation of their own."""
    email = f"host-{os.urandom(4).hex()}@example.org"
    words = ("--data", str(instance.data), "manage", "createsuperuser", "--noinput", "--email", email)
    made = run_command(*words, DJANGO_SUPERUSER_PASSWORD=PASSWORD)
    assert made.returncode == 0, made.stderr
    page = browser.new_page()
    sign_in(page, instance, email)
    page.goto(f"{instance.url}/app/new/")
    page.get_by_label("Name").fill(f"Desk {email}")
    page.get_by_role("button", name="Create organisation").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.close()
    return email


@pytest.fixture(scope="module")
def long_message(browser: Browser, instance: Instance) -> str:
    """Who wrote a message of long words; one for all looks, as an address may send only so many in an hour."""
    name = f"Clara von Überlang-Doppelname zu Hinterwald {os.urandom(4).hex()}"
    page = browser.new_page()
    send_as_a_person(page, instance, name, "word " * 200 + "x" * 300)
    page.close()
    return name


def write(page: Page, name: str, email: str, text: str) -> None:
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Your email address").fill(email)
    page.get_by_label("Message").fill(text)


def send_as_a_person(page: Page, instance: Instance, name: str, text: str) -> None:
    page.goto(f"{instance.url}/contact/")
    shown = time.monotonic()
    write(page, name, "zoe@example.com", text)
    # The product's own rule: what comes sooner is kept as spam, without a word.
    assert poll(lambda: time.monotonic() > shown + QUICKEST_SECONDS + 0.1, 10)
    page.get_by_role("button", name="Send message").click()
    expect(page.get_by_role("status")).to_have_text(SENT)


def test_a_visitor_writes_from_the_footer_and_the_host_gets_a_mail(visitor: Page, instance: Instance) -> None:
    name = f"Zoë {os.urandom(4).hex()}"
    visitor.goto(instance.url)
    visitor.get_by_role("contentinfo").get_by_role("link", name="Contact").click()
    shown = time.monotonic()
    write(visitor, name, "not an address", "Does it work with my server?")
    visitor.get_by_role("button", name="Send message").click()
    expect(visitor.get_by_label("Your email address")).to_have_attribute("aria-invalid", "true")
    expect(visitor.get_by_text("Write one address, such as name@example.com.")).to_be_visible()
    expect(visitor.get_by_label("Message")).to_have_value("Does it work with my server?")
    expect(visitor.get_by_label("Your name")).to_have_value(name)
    visitor.get_by_label("Your email address").fill("zoe@example.com")
    assert poll(lambda: time.monotonic() > shown + QUICKEST_SECONDS + 0.1, 10)
    visitor.get_by_label("Your email address").press("Enter")
    expect(visitor.get_by_role("status")).to_have_text(SENT)
    assert poll(lambda: has_mail(visitor, instance, name), 90)
    visitor.reload()
    assert visitor.get_by_role("heading", name=name).count() == 1


def has_mail(page: Page, instance: Instance, name: str) -> bool:
    page.goto(f"{instance.url}/outbox/")
    return page.get_by_role("heading", name=f"[PolicyLayer] Message from {name}").count() > 0


def test_a_message_is_written_by_keyboard_alone_past_the_unseen_field(visitor: Page, instance: Instance) -> None:
    visitor.goto(f"{instance.url}/contact/")
    visitor.get_by_label("Your name").focus()
    visitor.keyboard.type("Ada")
    visitor.keyboard.press("Tab")
    visitor.keyboard.type("ada@example.com")
    visitor.keyboard.press("Tab")
    visitor.keyboard.type("By keyboard.")
    visitor.keyboard.press("Tab")
    expect(visitor.get_by_role("button", name="Send message")).to_be_focused()
    expect(visitor.locator("#homepage")).to_have_value("")
    visitor.keyboard.press("Enter")
    expect(visitor.get_by_role("status")).to_have_text(SENT)


def test_the_host_reads_and_answers_a_message(page: Page, instance: Instance, operator: str) -> None:
    name = f"Bert {os.urandom(4).hex()}"
    send_as_a_person(page, instance, name, "First line\nSecond line")
    sign_in(page, instance, operator)
    page.get_by_role("link", name="Host", exact=True).click()
    row = page.get_by_role("row").filter(has_text=name)
    row.get_by_role("link").click()
    expect(page.get_by_role("article")).to_contain_text("First line")
    page.get_by_role("button", name="Mark as answered").click()
    expect(page.get_by_role("status")).to_contain_text(f"The message from {name} is marked as answered.")
    page.get_by_role("link", name="Answered (").click()
    expect(page.get_by_role("row").filter(has_text=name)).to_have_count(1)
    page.get_by_role("link", name="Health").click()
    # Beat and worker may only just have started.
    assert poll(lambda: is_in_order(page), 90), page.get_by_role("table").inner_text()


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_every_page_fits_and_nobody_complains(
    browser: Browser, instance: Instance, operator: str, long_message: str, screenshots: Path, width: int, scheme: str
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page, complaints = context.new_page(), list[str]()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    paths = {"contact": "/contact/", "sent": "/contact/sent/"}
    sign_in(page, instance, operator)
    paths |= {name: f"/operator/{name}/" for name in ("messages", "organisations", "health")}
    for name, path in paths.items():
        page.goto(f"{instance.url}{path}")
        look_at(page, screenshots / f"contact-{name}-{width}-{scheme}.png")
    page.goto(f"{instance.url}/operator/messages/")
    page.get_by_role("row").filter(has_text=long_message).get_by_role("link").first.click()
    look_at(page, screenshots / f"contact-message-{width}-{scheme}.png")
    assert complaints == []
    page.goto(f"{instance.url}/contact/")
    write(page, "", "x", "y" * 5001)
    page.get_by_role("button", name="Send message").click()
    expect(page.locator(".field .error")).to_have_count(2)
    look_at(page, screenshots / f"contact-errors-{width}-{scheme}.png")
    context.close()


def is_in_order(page: Page) -> bool:
    page.reload()
    expect(page.get_by_role("row")).to_have_count(8)
    # Servers of other tests may be away, and then discoveries are in order in part.
    return page.get_by_role("row").filter(has_text=re.compile("In (order|part)")).count() == 7


def look_at(page: Page, picture: Path) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), page.url
    page.screenshot(path=picture, full_page=True, timeout=120_000)


def sign_in(page: Page, instance: Instance, email: str) -> None:
    page.goto(f"{instance.url}/accounts/login/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
