"""From the stored message to the host's mail server: safe headers, once each, and late rather than never."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from typing import Any, cast

import pytest
from celery import Celery
from django.conf import settings as django_settings
from django.db import connection
from django.utils import timezone

from accounts.models import ContactMessage
from accounts.tasks import mail_contact_messages
from accounts.tenancy import host
from config.celery import app
from tests.accounts.contact import SENT, only_message, send, sender, stored
from tests.accounts.mail_server import MailServer, serving
from tests.accounts.pages import text_of
from tests.gateway.stores import free_port

pytestmark = pytest.mark.django_db
HOST = "host@example.org"


@pytest.fixture
def mail_server(settings: Any) -> Iterator[MailServer]:
    with serving() as server:
        point_at(settings, server.port)
        yield server


def point_at(settings: Any, port: int) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    settings.OPERATOR_EMAIL = settings.DEFAULT_FROM_EMAIL = HOST


def make_due() -> None:
    """As if the pause before the next attempt were over."""
    with host():
        ContactMessage.objects.update(mail_due_at=timezone.now() - timedelta(seconds=1))


def mail_of(server: MailServer) -> EmailMessage:
    (mail,) = server.mails
    return mail


def test_the_host_gets_a_plain_mail_that_answers_to_the_sender(mail_server: MailServer) -> None:
    send(sender(), message="Does it work?\n.\nFrom here on, too.")
    mail_contact_messages()
    mail, message = mail_of(mail_server), only_message()
    assert (mail["To"], mail["From"], mail.get_content_type()) == (HOST, HOST, "text/plain")
    assert mail["Subject"] == "[PolicyLayer] Message from Zoë Müller"
    (answered,) = mail["Reply-To"].addresses
    assert (answered.display_name, answered.addr_spec) == ("Zoë Müller", "zoe@example.com")
    body = mail.get_content().replace("\r\n", "\n")
    assert "\n\nDoes it work?\n.\nFrom here on, too.\n\n--\n" in body
    assert f"{django_settings.PUBLIC_URL}/operator/messages/{message.id}/" in body
    assert message.mailed_at is not None


@pytest.mark.parametrize(
    "name",
    [
        'O\'Brien, "Bob" <x@evil.example>',
        "a, b@evil.example",
        "Bcc: all@evil.example",
        "utf-8?q?Eve=0D=0ABcc=3A_all=40evil.example?=",
        "(comment) \\ back; group: x;",
        "👩‍💻 Ünïcödé, with a comma",
        "漢" * 80,
        "W" * 80,
        "<",
        "@",
    ],
)
@pytest.mark.parametrize("email", ["zoe@example.com", "zoe@bücher.example", "o'b+tag=1{x}@example.com"])
def test_no_name_and_no_address_reaches_another_header_or_recipient(
    mail_server: MailServer, name: str, email: str
) -> None:
    assert SENT in text_of(send(sender(), name=name, email=email))
    mail_contact_messages()
    mail = mail_of(mail_server)
    local, _, domain = email.partition("@")
    (answered,) = mail["Reply-To"].addresses
    assert answered.addr_spec == f"{local}@{domain.encode('idna').decode()}"
    names = [key.lower() for key in mail]
    assert len(names) == len(set(names))
    assert not {"bcc", "cc", "sender"} & set(names)
    assert (mail["To"], mail["From"]) == (HOST, HOST)
    assert b"\r\nBcc" not in mail_server.raw[0].partition(b"\r\n\r\n")[0]
    assert only_message().mailed_at is not None


def test_each_message_is_mailed_once_however_often_the_work_is_done(mail_server: MailServer) -> None:
    for number in range(3):
        send(sender(), message=f"Message {number}")
    for _ in range(3):
        mail_contact_messages()
        make_due()
    assert sorted("Message 0" in mail.get_content() for mail in mail_server.mails) == [False, False, True]
    assert len({mail["Message-ID"] for mail in mail_server.mails}) == 3


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_mail_each_message_once(mail_server: MailServer) -> None:
    for number in range(6):
        send(sender(), message=f"Message {number}")
    start = threading.Barrier(3)

    def work() -> None:
        start.wait()
        mail_contact_messages()
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(mail_server.mails) == 6
    assert all(message.mailed_at and message.mail_attempts == 1 for message in stored())


def test_what_a_mail_server_that_is_away_missed_is_mailed_when_it_is_back(settings: Any) -> None:
    point_at(settings, port := free_port())
    assert SENT in text_of(send(sender()))
    mail_contact_messages()
    message = only_message()
    assert (message.mailed_at, message.mail_attempts) == (None, 1)
    assert message.mail_error.startswith("ConnectionRefusedError")
    assert timedelta(seconds=90) < message.mail_due_at - timezone.now() <= timedelta(minutes=2)
    with serving(port) as server:
        mail_contact_messages()
        assert server.mails == []
        make_due()
        mail_contact_messages()
        mail_contact_messages()
        assert len(server.mails) == 1
    assert (only_message().mail_error, only_message().mail_attempts) == ("", 2)


def test_the_pause_doubles_up_to_an_hour_and_never_ends_in_silence(settings: Any) -> None:
    point_at(settings, free_port())
    send(sender())
    pauses = []
    for _ in range(8):
        make_due()
        mail_contact_messages()
        pauses.append(round((only_message().mail_due_at - timezone.now()).total_seconds() / 60))
    assert pauses == [2, 4, 8, 16, 32, 60, 60, 60]
    assert only_message().mail_attempts == 8


def test_a_mail_that_is_refused_is_tried_again_and_holds_up_no_other(mail_server: MailServer) -> None:
    send(sender(), message="The first")
    send(sender(), message="The second")
    mail_server.refusals = 1
    mail_contact_messages()
    assert "550" in stored(mail_error__contains="Recipients")[0].mail_error
    mail_contact_messages()
    assert ["The second" in mail.get_content() for mail in mail_server.mails] == [True]
    make_due()
    mail_contact_messages()
    assert len(mail_server.mails) == 2


def test_spam_is_not_mailed_until_the_host_says_that_it_is_none(mail_server: MailServer) -> None:
    send(sender(), homepage="x")
    mail_contact_messages()
    assert mail_server.mails == [] and only_message().mail_attempts == 0
    with host():
        ContactMessage.objects.update(state="new")
    mail_contact_messages()
    assert len(mail_server.mails) == 1


def test_without_redis_a_message_is_kept_and_mailed_all_the_same(mail_server: MailServer, settings: Any) -> None:
    settings.REDIS_URL = settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{free_port()}/0"
    assert SENT in text_of(send(sender()))
    mail_contact_messages()
    assert len(mail_server.mails) == 1


def test_without_redis_and_mail_server_a_message_is_kept(settings: Any) -> None:
    settings.REDIS_URL = settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{free_port()}/0"
    point_at(settings, port := free_port())
    assert SENT in text_of(send(sender()))
    mail_contact_messages()
    make_due()
    with serving(port) as server:
        mail_contact_messages()
        assert len(server.mails) == 1


def test_without_an_address_of_the_host_messages_wait_in_the_inbox(mail_server: MailServer, settings: Any) -> None:
    settings.OPERATOR_EMAIL, settings.EMBEDDED = "", False
    send(sender())
    mail_contact_messages()
    assert mail_server.mails == []
    assert only_message().mail_attempts == 0
    settings.OPERATOR_EMAIL = HOST
    mail_contact_messages()
    assert len(mail_server.mails) == 1


def test_the_embedded_run_shows_the_mail_in_its_outbox(outbox: None) -> None:
    client = sender()
    send(client, name="<b>Eve</b>")
    mail_contact_messages()
    page = client.get("/outbox/").content.decode()
    assert "[PolicyLayer] Message from &lt;b&gt;Eve&lt;/b&gt;" in page


def test_beat_asks_for_work_that_a_worker_knows() -> None:
    celery = cast(Celery, app)
    celery.loader.import_default_modules()
    asked = {entry["task"]: entry["schedule"] for entry in django_settings.CELERY_BEAT_SCHEDULE.values()}
    assert set(asked) <= set(celery.tasks)
    assert asked["accounts.tasks.mail_contact_messages"] == 15.0
