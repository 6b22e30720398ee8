"""The host's pages: for superusers only, with messages to handle, organisations in numbers, and health."""

import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis
from django.test import Client

from accounts.models import AdminAudit, Organisation, User
from accounts.quotas import USUAL, Quotas, quotas_of
from accounts.shards import log_key
from accounts.tasks import mail_contact_messages
from accounts.tenancy import tenant
from gateway.readiness import find_reasons
from servers.models import Server
from tests.accounts.contact import only_message, send, sender, stored
from tests.accounts.pages import links_of, text_of
from tests.accounts.rows import MAKERS
from tests.conftest import Cast, client_of, make_organisation
from tests.gateway.stores import OwnValkey, free_port

pytestmark = pytest.mark.django_db
PAGES = ("/operator/messages/", "/operator/organisations/", "/operator/health/")


@pytest.fixture
def operator() -> Client:
    return client_of(User.objects.create_superuser("host@example.org"))


def rows_of(page: Any) -> list[str]:
    """The texts of the table's rows."""
    return [row.partition("</tr>")[0] for row in text_of(page).partition("<tbody>")[2].split("<tr>")[1:]]


@pytest.mark.parametrize("path", PAGES)
def test_only_a_superuser_learns_that_there_is_a_page(cast: Cast, operator: Client, path: str) -> None:
    assert operator.get(path).status_code == 200
    assert Client().get(path)["Location"] == f"/accounts/login/?next={path}"
    nobody = client_of(cast.alice).get(path)
    assert nobody.status_code == 404
    assert operator.get(path)["Cache-Control"] == "max-age=0, no-cache, no-store, must-revalidate, private"


def test_who_is_no_superuser_any_more_is_out(operator: Client) -> None:
    User.objects.filter(email="host@example.org").update(is_superuser=False, is_staff=True)
    assert operator.get(PAGES[0]).status_code == 404


def test_the_way_to_the_host_s_pages_is_shown_to_the_host_only(cast: Cast, operator: Client) -> None:
    assert "/operator/" in links_of(operator.get("/"))
    assert "/operator/" not in links_of(client_of(cast.alice).get("/"))
    assert operator.get("/operator/")["Location"] == "/operator/messages/"


def test_a_message_is_opened_marked_and_found_by_its_state(operator: Client) -> None:
    send(sender(), message="One <b>question</b>\nand more")
    message = only_message()
    path = f"/operator/messages/{message.id}/"
    assert path in links_of(operator.get(PAGES[0]))
    page = operator.get(path).content.decode()
    assert "One &lt;b&gt;question&lt;/b&gt;<br>and more" in page
    assert "mailto:zoe@example.com" in page
    assert only_message().state == "new"
    for state in ("read", "answered", "spam", "new"):
        answer = operator.post(f"{path}mark/", {"state": state}, follow=True)
        assert f"The message from Zoë Müller is marked as {state}." in text_of(answer)
        assert (only_message().state, only_message().state_by) == (state, "host@example.org")
        assert only_message().state_at is not None
        for each in ("new", "read", "answered", "spam"):
            assert len(rows_of(operator.get(f"/operator/messages/?state={each}"))) == (each == state)
        assert len(rows_of(operator.get("/operator/messages/"))) == (state != "spam")


@pytest.mark.parametrize("state", ["", "deleted", "NEW", "new\0"])
def test_a_state_that_is_none_changes_nothing(operator: Client, state: str) -> None:
    send(sender())
    answer = operator.post(f"/operator/messages/{only_message().id}/mark/", {"state": state}, follow=True)
    assert "Nothing was changed." in text_of(answer)
    assert only_message().state_by == ""


def test_marking_needs_the_token_of_a_page(cast: Cast) -> None:
    send(sender())
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("host@example.org"))
    assert client.post(f"/operator/messages/{only_message().id}/mark/", {"state": "spam"}).status_code == 403
    assert only_message().state == "new"


def test_a_message_that_is_not_there_is_not_found(operator: Client) -> None:
    assert operator.get(f"/operator/messages/{uuid4()}/").status_code == 404
    assert operator.post(f"/operator/messages/{uuid4()}/mark/", {"state": "read"}).status_code == 404


def test_messages_are_searched_by_name_address_and_text(operator: Client) -> None:
    send(sender(), name="Ada", email="ada@example.com", message="About grants, 100%")
    send(sender(), name="Bert", email="bert@example.net", message="About_servers")

    def found(words: str) -> list[str]:
        page = operator.get("/operator/messages/", {"q": words})
        return [name for name in ("Ada", "Bert") if any(name in row for row in rows_of(page))]

    assert [found(words) for words in ("ada", "EXAMPLE.NET", "about", "100%", "t_s", "no such", "\0")] == [
        ["Ada"],
        ["Bert"],
        ["Ada", "Bert"],
        ["Ada"],
        ["Bert"],
        [],
        ["Ada", "Bert"],
    ]
    assert "No messages match “no such”." in text_of(operator.get("/operator/messages/", {"q": "no such"}))


def test_messages_come_in_pages(operator: Client) -> None:
    for number in range(51):
        send(sender(), message=f"Message number {number:02}")
    first, second = (operator.get("/operator/messages/", {"q": "number", "page": page}) for page in ("", "2"))
    assert (len(rows_of(first)), len(rows_of(second))) == (50, 1)
    assert "Message number 50" in rows_of(first)[0] and "Message number 00" in rows_of(second)[0]
    assert "?q=number&page=2" in links_of(first)
    # Another state keeps the search, counts what it would find, and starts at its first page.
    assert "?q=number&state=spam" in links_of(second) and "New (51)" in text_of(second)
    assert "New (0)" in text_of(operator.get("/operator/messages/", {"q": "no such"}))
    for odd in ("-1", "x", "9" * 50):
        assert operator.get("/operator/messages/", {"page": odd}).status_code == 200


def test_organisations_are_listed_with_numbers_and_found_by_name(cast: Cast, operator: Client) -> None:
    with tenant(cast.organisation.id):
        MAKERS[Server](cast.organisation)
        MAKERS[next(model for model in MAKERS if model.__name__ == "Grant")](cast.organisation)
    page = operator.get("/operator/organisations/")
    head = text_of(page).partition("<thead>")[2].partition("</thead>")[0]
    assert [title for title in ("Members", "Servers", "Live grants") if title in head] == [
        "Members",
        "Servers",
        "Live grants",
    ]
    (acme,) = [row for row in rows_of(page) if "Acme" in row]
    # The grant has a server of its own.
    assert re.findall(r'<td class="number"[^>]*>(\d+)<', acme) == ["3", "2", "1"]
    assert len(rows_of(operator.get("/operator/organisations/", {"q": "OTHE"}))) == 1
    assert rows_of(operator.get("/operator/organisations/", {"q": "nobody\0"})) == []


def test_the_list_of_organisations_is_bounded(operator: Client) -> None:
    for _ in range(30):
        make_organisation(f"bounded-{uuid4().hex[:12]}")
    first, second = (operator.get("/operator/organisations/", {"q": "bounded", "page": page}) for page in (1, 2))
    assert (len(rows_of(first)), len(rows_of(second))) == (25, 5)


def health_of(operator: Client) -> dict[str, str]:
    """Each line of the health page by its name: state and text."""
    rows = rows_of(operator.get("/operator/health/"))
    return {row.split("</th>")[0].rpartition(">")[2]: row.partition("</th>")[2] for row in rows}


def test_health_tells_of_stores_queue_scheduled_work_mail_log_and_discovery(operator: Client) -> None:
    mail_contact_messages()
    found = health_of(operator)
    assert set(found) == {
        *("Queue", "Scheduled work", "Contact mail", "Discovery", "Dependencies", "Log writer", "Unwritten records")
    }
    assert "for a worker." in found["Queue"]
    assert "In order" in found["Scheduled work"] and "Last run 0 s ago." in found["Scheduled work"]
    assert "None has ended well yet; 0 of 0 failed." in found["Discovery"]
    assert all(reason in found["Dependencies"] for reason in find_reasons())


def test_health_tells_what_redis_hides_without_redis(operator: Client, settings: Any) -> None:
    settings.REDIS_URL = settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{free_port()}/0"
    found = health_of(operator)
    for name in ("Queue", "Scheduled work", "Log writer"):
        assert "Look here" in found[name] and "Cannot be told: ConnectionError." in found[name]
    assert "Redis does not answer" in found["Dependencies"]
    assert "None has ended well yet" in found["Discovery"]


def test_health_tells_of_mail_that_did_not_go_out(operator: Client, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.OPERATOR_EMAIL = "127.0.0.1", free_port(), "host@example.org"
    send(sender())
    assert "In order" in health_of(operator)["Contact mail"]
    mail_contact_messages()
    told = health_of(operator)["Contact mail"]
    assert "Look here" in told and "1 waiting to be mailed to host@example.org." in told and "ConnectionRefused" in told
    assert "attempt 1 failed: ConnectionRefusedError" in text_of(operator.get(f"/operator/messages/{stored()[0].id}/"))
    settings.OPERATOR_EMAIL, settings.EMBEDDED = "", False
    assert "OPERATOR_EMAIL is not set" in health_of(operator)["Contact mail"]


def test_health_counts_records_that_wait_for_the_log_writer(operator: Client, settings: Any, tmp_path: Path) -> None:
    # A Redis where nobody else writes or reads records.
    own = OwnValkey(tmp_path)
    own.start()
    try:
        settings.REDIS_URL = own.url
        assert "Nothing waits." in health_of(operator)["Log writer"]
        with redis.Redis.from_url(own.url) as client:
            client.xadd(log_key(3), {"r": b"x"}, id="1000-0")
        told = health_of(operator)["Log writer"]
    finally:
        own.stop()
    assert "Look here" in told and "1 decision records wait" in told and "write_log" in told


def test_the_host_sets_an_organisation_s_quotas_and_its_audit_tells(cast: Cast, operator: Client) -> None:
    path = f"/operator/organisations/{cast.organisation.id}/"
    assert path in links_of(operator.get("/operator/organisations/"))
    page = text_of(operator.get(path))
    assert "Empty: the usual 100." in page and "Empty: the usual 10000." in page
    answer = operator.post(path, {"calls": "7", "streams": "", "sessions": "30"}, follow=True)
    assert "The quotas of Acme are set." in text_of(answer)
    with tenant(cast.organisation.id):
        found = Organisation.objects.get()
        assert quotas_of(found) == Quotas(7, USUAL.streams, 30)
        (row,) = AdminAudit.objects.all()
    assert (row.action, row.actor) == ("organisation.quotas", "host@example.org (host)")
    assert row.detail == {"calls": 7, "streams": None, "sessions": 30}
    operator.post(path, {"calls": "", "streams": "", "sessions": ""})
    with tenant(cast.organisation.id):
        assert quotas_of(Organisation.objects.get()) == USUAL
    with tenant(cast.other.id):
        assert quotas_of(Organisation.objects.get()) == USUAL


@pytest.mark.parametrize("calls", ["0", "-1", "x", "1.5", "1000001"])
def test_a_quota_that_is_none_changes_nothing(cast: Cast, operator: Client, calls: str) -> None:
    path = f"/operator/organisations/{cast.organisation.id}/"
    assert operator.post(path, {"calls": calls, "streams": "5"}).status_code == 422
    with tenant(cast.organisation.id):
        assert quotas_of(Organisation.objects.get()) == USUAL
    assert operator.post(f"/operator/organisations/{uuid4()}/", {"calls": "1"}).status_code == 404
