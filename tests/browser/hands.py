"""The same act by mouse or by keyboard, so that one test can be done with either hand."""

from typing import Final, Literal

import pytest
from playwright.sync_api import Locator

Hand = Literal["mouse", "keyboard"]
BOTH_HANDS: Final = pytest.mark.parametrize("hand", ["mouse", "keyboard"])


def push(target: Locator, hand: Hand) -> None:
    """A link, a button or the head of a fold."""
    if hand == "mouse":
        target.click()
    else:
        target.press("Enter")


def write(target: Locator, text: str, hand: Hand) -> None:
    """Puts a text into an empty field."""
    if hand == "mouse":
        target.fill(text)
    else:
        target.focus()
        target.page.keyboard.insert_text(text)
