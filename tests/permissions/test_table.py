"""Every address and method against everybody. A new address fails here until the table has its lines."""

import re
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from django.urls import reverse

from tests.conftest import Cast
from tests.permissions.table import BODIES, TABLE, Row
from tests.permissions.walk import Address, addresses
from tests.permissions.world import PEOPLE, World, build_world, url_of

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
REFUSED = {401, 403, 404, 405}
OURS = [address for address in addresses() if not address.is_allauth]
BY_NAME = {address.name: address for address in OURS}
# Masked anew in every answer, though the secret behind it is the same.
CSRF = re.compile(rb"[A-Za-z0-9]{64}")

by_row = pytest.mark.parametrize("row", TABLE, ids=[f"{row.name} {row.method}" for row in TABLE])
by_address = pytest.mark.parametrize("address", OURS, ids=[address.name for address in OURS])


@pytest.fixture
def world(cast: Cast, settings: Any) -> World:
    settings.EMBEDDED = True
    settings.OPERATOR_EMAIL = "host@example.com"
    return build_world(cast)


def ask(world: World, address: Address, who: str, method: str, **instead: Any) -> Any:
    client = world.client_for(address, who)
    url, body = url_of(address, world.acme, **instead), BODIES.get(f"{address.name} {method}", {})
    if method == "GET":
        return client.get(url)
    if method == "POST":
        return client.post(url, body, content_type="application/json") if address.is_api else client.post(url, body)
    return client.generic(method, url, b"{}", content_type="application/json")


def status_of(world: World, address: Address, who: str, method: str) -> int:
    # Nothing that one person does here is there for the next.
    mark = transaction.savepoint()
    try:
        return int(ask(world, address, who, method).status_code)
    finally:
        transaction.savepoint_rollback(mark)


def test_every_address_is_in_the_table() -> None:
    missing = sorted({address.name for address in OURS} - {row.name for row in TABLE})
    assert not missing, f"add lines to tests/permissions/table.py for: {', '.join(missing)}"


def test_the_table_names_no_address_that_is_gone_and_none_twice() -> None:
    lines = [(row.name, row.method) for row in TABLE]
    assert sorted({name for name, _ in lines} - set(BY_NAME)) == []
    assert len(lines) == len(set(lines))


@by_row
def test_everybody_gets_the_status_of_the_table(world: World, row: Row) -> None:
    if row.name.startswith(("catalog:", "gateway:readyz", "policies:restrict")):
        call_command("load_catalog", verbosity=0)
    found = tuple(status_of(world, BY_NAME[row.name], who, row.method) for who in PEOPLE)
    assert found == row.statuses


@by_address
def test_a_method_that_is_not_in_the_table_is_refused_to_everybody(world: World, address: Address) -> None:
    declared = {row.method for row in TABLE if row.name == address.name}
    open_ = {
        f"{method} by {who}: {status}"
        for method in METHODS
        if method not in declared
        for who in PEOPLE
        if (status := status_of(world, address, who, method)) not in REFUSED
    }
    assert open_ == set()


def owned_parameters(address: Address) -> list[str]:
    return sorted(address.parameters - {"number"}) if address.is_console or address.is_api else []


FOREIGN = [
    (row, parameter)
    for row in TABLE
    if row.name in BY_NAME
    for parameter in owned_parameters(BY_NAME[row.name])
    if row.expected("alice") < 300 or row.method != "GET"
]


@pytest.mark.parametrize(("row", "parameter"), FOREIGN, ids=[f"{row.name} {row.method} {p}" for row, p in FOREIGN])
def test_what_is_foreign_answers_exactly_like_what_is_not_there(world: World, row: Row, parameter: str) -> None:
    address = BY_NAME[row.name]
    foreign = ask(world, address, "alice", row.method, **{parameter: world.other.value_of(parameter)})
    absent = ask(world, address, "alice", row.method, **{parameter: world.other.without(parameter)})
    assert (foreign.status_code, absent.status_code) == (404, 404)
    assert CSRF.sub(b"", foreign.content) == CSRF.sub(b"", absent.content)
    assert told_headers(foreign) == told_headers(absent)


def told_headers(answer: Any) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name != "Content-Length"}


@pytest.mark.parametrize("address", [address for address in addresses() if address.is_allauth], ids=lambda a: a.name)
def test_allauth_shows_a_visitor_no_more_than_a_form_or_the_way_to_sign_in(db: None, address: Address) -> None:
    values = {"key": "none", "uidb36": "0", "pk": 1}
    answer = Client().get(reverse(address.name, kwargs={name: values[name] for name in address.parameters}))
    assert answer.status_code in (200, 302)
    assert answer.status_code == 200 or answer["Location"].startswith("/")
    assert address.name.startswith(("account_", "mfa_"))
