"""What the tests of pages need to know of them; reads answers, changes nothing."""

import re
from html import unescape
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from django.test import Client

LINK = re.compile(r'href="([^"]+)"')
PASSWORD = "a long enough password"


def text_of(response: Any) -> str:
    """The answer with entities opened, white space folded."""
    return " ".join(unescape(response.content.decode()).split())


def links_of(response: Any) -> list[str]:
    return [unescape(link) for link in LINK.findall(response.content.decode())]


def mailed_path(client: Client, part: str) -> str:
    """The path of the newest link in the outbox that has this part."""
    found = next(link for link in links_of(client.get("/outbox/")) if part in link)
    return urlsplit(found).path


def new_email() -> str:
    return f"{uuid4().hex}@example.com"


def visitor() -> Client:
    """A browser at an address of its own, so that limits by address do not add up over runs."""
    number = uuid4().int
    return Client(REMOTE_ADDR=f"10.{number % 250}.{number // 250 % 250}.{number // 62500 % 250}")


def sign_up(client: Client, email: str) -> Any:
    return client.post("/accounts/signup/", {"email": email, "password1": PASSWORD}, follow=True)


def confirm(client: Client) -> Any:
    return client.post(mailed_path(client, "/confirm-email/"), follow=True)
