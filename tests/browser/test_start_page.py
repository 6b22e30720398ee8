"""The first page that anyone opens: whole, styled, and without a complaint from the browser."""

import pytest
from playwright.sync_api import Page

from tests.launcher.instance import Instance

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_it_loads_without_a_complaint(page: Page, instance: Instance) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.append(request.url))
    answer = page.goto(instance.url, wait_until="networkidle")
    assert answer is not None
    assert answer.status == 200
    assert page.locator("h1").count() == 1
    assert page.evaluate("getComputedStyle(document.body).fontFamily").startswith("Hyperlegible")
    assert complaints == []
