"""The contact form as tests send it, and what the host would find; changes nothing but by sending."""

import re
import time
from html import unescape
from typing import Any
from uuid import uuid4

from django.test import Client

from accounts.contact.form_token import make_token
from accounts.models import ContactMessage
from accounts.tenancy import host

TOKEN = re.compile(r'name="form" value="([^"]+)"')
SENT = "Message sent. We'll get back to you soon."


def sender() -> Client:
    """A visitor from a network of its own, so that limits do not add up over tests and runs."""
    return Client(REMOTE_ADDR=f"2001:db8:{uuid4().hex[:4]}:{uuid4().hex[:4]}::1")


def filled(**changes: str) -> dict[str, str]:
    """A form that was shown ten seconds ago, filled in by a person."""
    fields = {
        "name": "Zoë Müller",
        "email": "zoe@example.com",
        "message": "Does it work with my server?",
        "homepage": "",
    }
    return {**fields, "form": make_token(time.time() - 10), **changes}


def send(client: Client, **changes: str) -> Any:
    return client.post("/contact/", filled(**changes), follow=True)


def token_in(response: Any) -> str:
    found = TOKEN.search(response.content.decode())
    assert found
    return unescape(found[1])


def stored(**filters: Any) -> list[ContactMessage]:
    """What is kept, as the host's pages see it."""
    with host():
        return list(ContactMessage.objects.filter(**filters).order_by("at"))


def only_message() -> ContactMessage:
    (message,) = stored()
    return message
