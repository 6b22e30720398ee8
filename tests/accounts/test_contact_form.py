"""The form as a visitor meets it: what is sent is kept once, what is refused comes back as it was typed."""

import time
from html import escape
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from accounts.contact.form_token import VALID_SECONDS, make_token, read_token
from accounts.contact.limits import PER_ADDRESS, PER_NETWORK, sender_of
from accounts.models import User
from tests.accounts.contact import SENT, filled, only_message, send, sender, stored, token_in
from tests.accounts.pages import links_of, text_of
from tests.conftest import Cast, client_of
from tests.gateway.stores import free_port

pytestmark = pytest.mark.django_db


def test_a_message_is_kept_as_it_was_written_and_answered_as_sent() -> None:
    client = sender()
    page = client.get("/contact/")
    assert page.status_code == 200
    answer = send(client, form=make_token(time.time() - 5), message="First line\r\n\r\n日本語 👩‍💻 \tx")
    assert answer.redirect_chain == [("/contact/sent/", 302)]
    assert SENT in text_of(answer)
    message = only_message()
    assert (message.name, message.email) == ("Zoë Müller", "zoe@example.com")
    assert message.text == "First line\n\n日本語 👩‍💻 \tx"
    assert (message.state, message.suspicion, message.mailed_at) == ("new", "", None)


def test_every_public_page_leads_to_the_form() -> None:
    assert "/contact/" in links_of(Client().get("/"))


def test_the_form_needs_neither_cookies_nor_script() -> None:
    client = Client(enforce_csrf_checks=True, REMOTE_ADDR=f"2001:db8::{uuid4().hex[:4]}")
    page = client.get("/contact/")
    assert not page.cookies
    assert "<script>" not in page.content.decode() and " style=" not in page.content.decode()
    assert SENT in text_of(send(client))


def test_who_is_signed_in_finds_their_address_filled_in(cast: Cast) -> None:
    assert f'value="{cast.bob.email}"' in client_of(cast.bob).get("/contact/").content.decode()


def test_the_form_as_shown_is_one_that_the_server_takes() -> None:
    client = sender()
    token = token_in(client.get("/contact/"))
    assert SENT in text_of(send(client, form=token))
    read = read_token(token, time.time())
    assert read is not None and only_message().form == read.id
    # It came at once, as from no person: kept, among spam.
    assert (only_message().state, only_message().suspicion) == ("spam", "It was sent faster than a person writes.")


@pytest.mark.parametrize(
    ("seconds", "state"), [(0.0, "spam"), (1.0, "spam"), (3.0, "new"), (VALID_SECONDS - 60.0, "new")]
)
def test_what_comes_faster_than_a_person_writes_is_kept_as_spam(seconds: float, state: str) -> None:
    answer = send(sender(), form=make_token(time.time() - seconds))
    assert SENT in text_of(answer)
    assert only_message().state == state


def test_what_fills_the_unseen_field_is_kept_as_spam_with_the_same_answer() -> None:
    answers = [send(sender(), homepage=text) for text in ("", "https://example.com")]
    assert answers[0].content == answers[1].content
    assert [message.state for message in stored()] == ["new", "spam"]
    assert stored(state="spam")[0].suspicion == "The field that people do not see was filled in."


@pytest.mark.parametrize(
    "token",
    ["", "forged", make_token(0.0), make_token(1.0)[:-1] + "x", "x" * 5000, "ä:ö:ü"],
    ids=["none", "forged", "expired", "tampered", "endless", "not ASCII"],
)
def test_a_form_that_is_not_ours_or_too_old_comes_back_whole_and_can_be_sent_at_once(token: str) -> None:
    client = sender()
    back = send(client, form=token)
    assert back.status_code == 422
    assert "Nothing is lost: send it again." in text_of(back)
    assert "Does it work with my server?" in text_of(back) and 'value="Zoë Müller"' in text_of(back)
    assert stored() == []
    assert SENT in text_of(send(client, form=token_in(back)))
    assert only_message().state == "new"


def test_a_form_sent_twice_is_one_message() -> None:
    client, fields = sender(), filled()
    answers = [client.post("/contact/", fields, follow=True) for _ in range(3)]
    assert all(SENT in text_of(answer) for answer in answers)
    assert len(stored()) == 1


def test_a_form_used_for_another_message_asks_once_and_loses_nothing() -> None:
    client, token = sender(), make_token(time.time() - 10)
    send(client, form=token)
    back = send(client, form=token, message="And another question.")
    assert back.status_code == 422
    assert "Your message before this one was sent." in text_of(back)
    assert "And another question." in text_of(back)
    send(client, form=token_in(back), message="And another question.")
    assert [message.state for message in stored()] == ["new", "new"]


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("name", "", "Enter your name."),
        ("name", "   ", "Enter your name."),
        ("name", "N" * 81, "Shorten this to 80 characters; it has 81."),
        ("email", "", "Enter your email address."),
        ("email", "nobody", "Write one address, such as name@example.com."),
        ("message", "", "Enter your message."),
        ("message", "M" * 5001, "Shorten this to 5000 characters; it has 5001."),
        ("message", "\u200b\u200b", "Write something that can be read."),
        ("message", "pay\u202e100", "Remove the character U+202E: it cannot be shown."),
    ],
)
def test_an_error_stands_at_its_field_and_the_rest_is_kept(field: str, value: str, sentence: str) -> None:
    client = sender()
    back = send(client, **{field: value})
    page = back.content.decode()
    assert back.status_code == 422
    assert f'<div class="error" id="id_{field}_error">{escape(sentence)}</div>' in page
    assert page.count('aria-invalid="true"') == 1
    kept = {name: text for name, text in filled().items() if name in ("name", "email", "message") and name != field}
    assert all(text in text_of(back) for text in kept.values())
    assert stored() == []
    # The time spent on the first try counts: nobody is taken for a program because of a slip.
    send(client, form=token_in(back))
    assert only_message().state == "new"


@pytest.mark.parametrize("redis_is_away", [False, True], ids=["Redis", "Redis away"])
def test_an_address_may_send_so_many_messages_and_then_must_wait(redis_is_away: bool, settings: Any) -> None:
    if redis_is_away:
        settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    network = f"2001:db8:{uuid4().hex[:4]}:{uuid4().hex[:4]}"
    first, neighbour = (Client(REMOTE_ADDR=f"{network}::{host}") for host in (1, 2))
    answers = [send(first).status_code for _ in range(PER_ADDRESS + 1)]
    assert answers == [200] * PER_ADDRESS + [429]
    refused = send(first, message="The one too many.")
    assert refused.status_code == 429
    assert "Too many messages came from your network. Send it again in 60 minutes." in text_of(refused)
    assert "The one too many." in text_of(refused)
    assert len(stored()) == PER_ADDRESS
    assert SENT in text_of(send(neighbour))


@pytest.mark.parametrize("redis_is_away", [False, True], ids=["Redis", "Redis away"])
@pytest.mark.parametrize("form", ["2001:db8:{a}:{b}::{n}", "203.{c}.{d}.{n}"], ids=["/64", "/24"])
def test_a_network_may_send_so_many_messages_and_then_must_wait(form: str, redis_is_away: bool, settings: Any) -> None:
    if redis_is_away:
        settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    parts = uuid4()
    place = {"a": parts.hex[:4], "b": parts.hex[4:8], "c": parts.int % 250, "d": parts.int // 250 % 250}
    addresses = [form.format(**place, n=number) for number in range(1, PER_NETWORK + 3)]
    answers = [send(Client(REMOTE_ADDR=address)).status_code for address in addresses]
    assert answers == [200] * PER_NETWORK + [429] * 2
    next_door = {"b": f"{(int(parts.hex[4:8], 16) + 1) % 65536:x}", "d": (parts.int // 250 + 1) % 250}
    elsewhere = form.format(**{**place, **next_door}, n=1)
    assert send(Client(REMOTE_ADDR=elsewhere)).status_code == 200


def test_a_header_of_the_visitor_does_not_make_them_somebody_else() -> None:
    client = sender()
    answers = [
        client.post("/contact/", filled(), headers={"X-Forwarded-For": f"198.51.100.{number}"}, follow=True).status_code
        for number in range(PER_ADDRESS + 1)
    ]
    assert answers[-1] == 429
    assert len({message.address_mark for message in stored()}) == 1


def test_addresses_are_one_sender_by_what_they_are_and_are_not_kept() -> None:
    assert sender_of("::ffff:203.0.113.9") == sender_of("203.0.113.9")
    assert sender_of("fe80::1%eth0") == sender_of("fe80::1")
    assert sender_of("203.0.113.9").network_mark == sender_of("203.0.113.200").network_mark
    assert sender_of("203.0.113.9").network_mark != sender_of("203.0.114.9").network_mark
    assert sender_of("2001:db8::1").network_mark == sender_of("2001:db8::ffff:1").network_mark
    assert sender_of("") == sender_of("not an address")
    send(client := sender())
    kept = [str(value) for value in vars(only_message()).values()]
    assert not [value for value in kept if client.defaults["REMOTE_ADDR"] in value]


def test_the_page_of_a_sent_message_says_so_to_everybody(cast: Cast) -> None:
    for user in (None, cast.bob, User.objects.create_superuser("host@example.com")):
        assert SENT in text_of(client_of(user).get("/contact/sent/"))
