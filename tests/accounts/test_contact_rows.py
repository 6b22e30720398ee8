"""PostgreSQL itself keeps contact messages from everybody but the host's pages, asked as the role that serves."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import ProgrammingError, connection, transaction

from accounts.models import ContactMessage, Membership, Organisation
from accounts.tenancy import host, person, tenant
from policies.models import DecisionRecord, Grant
from servers.models import Server
from tests.accounts.contact import send, sender, stored
from tests.accounts.rows import MAKERS
from tests.conftest import Cast

TABLE = ContactMessage._meta.db_table


def message(**changes: Any) -> ContactMessage:
    fields = {"id": uuid4(), "form": uuid4(), "name": "n", "email": "e@example.com", "text": "t", "state": "new"}
    return ContactMessage(**{**fields, "address_mark": "a", "network_mark": "n", **changes})


def run(query: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return int(cursor.rowcount)


@pytest.mark.django_db
def test_the_table_forces_row_level_security() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = '{TABLE}'::regclass")
        assert cursor.fetchone() == (True, True)


def test_a_message_is_seen_in_the_host_s_block_and_in_no_other(cast: Cast) -> None:
    send(sender())
    assert len(stored()) == 1
    assert ContactMessage.objects.count() == 0
    with tenant(cast.organisation.id):
        assert ContactMessage.objects.count() == 0
    with person(cast.alice.id):
        assert ContactMessage.objects.count() == 0


@pytest.mark.django_db
def test_outside_the_host_s_block_nothing_is_changed_or_deleted() -> None:
    send(sender())
    assert run(f"UPDATE {TABLE} SET state = 'read'") == 0
    assert run(f"DELETE FROM {TABLE}") == 0
    assert [one.state for one in stored()] == ["new"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "changes",
    [{"state": "read"}, {"state": "answered"}, {"mail_attempts": 1}, {"state_by": "eve"}, {"mail_error": "x"}],
)
def test_a_visitor_adds_a_fresh_message_and_no_other(changes: dict[str, Any]) -> None:
    message().save(force_insert=True)
    with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
        message(**changes).save(force_insert=True)


def test_the_host_s_block_shows_organisations_and_nothing_that_they_own(cast: Cast) -> None:
    with tenant(cast.organisation.id):
        for model in (Server, Grant, DecisionRecord):
            MAKERS[model](cast.organisation)
    with host():
        assert set(Organisation.objects.values_list("slug", flat=True)) == {"acme", "other"}
        owned: list[Any] = [Membership, *(model for model in MAKERS if model not in (Organisation, Membership))]
        assert {model.__name__: model._default_manager.count() for model in owned} == {
            each.__name__: 0 for each in owned
        }
        assert Organisation.objects.update(name="Taken") == 0


@pytest.mark.django_db(transaction=True)
def test_the_host_s_block_does_not_outlive_its_transaction() -> None:
    message().save(force_insert=True)
    with transaction.atomic(), host():
        assert ContactMessage.objects.count() == 1
    assert ContactMessage.objects.count() == 0
    with pytest.raises(ProgrammingError), host():
        run("SELECT no_such_column")
    assert ContactMessage.objects.count() == 0
