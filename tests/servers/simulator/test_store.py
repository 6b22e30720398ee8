"""Accounts in PostgreSQL: a restart keeps them, each belongs to its organisation, calls on one run one at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from uuid import uuid4

import pytest
from django.db import connection

from accounts.models import Organisation
from accounts.tenancy import tenant
from servers.models import Kind, Server, SimulatorAccount
from servers.simulator.errors import SimulatorError
from servers.simulator.exchange import Exchange
from servers.simulator.market import Market
from servers.simulator.services import DatabaseStore
from servers.simulator.store import AccountKey, UnknownAccountError
from tests.servers.simulator.arguments import START, Row

ORDER = {
    "category": "linear",
    "symbol": "BTCUSDT",
    "side": "Buy",
    "orderType": "Limit",
    "qty": "0.01",
    "price": "105000",
}
LIST = {"category": "linear", "symbol": "BTCUSDT"}


def make_account(name: str, kind: Kind = Kind.SIMULATOR) -> AccountKey:
    organisation, server = uuid4(), uuid4()
    with tenant(organisation):
        Organisation(id=organisation, name=name, slug=name.lower()).save(force_insert=True)
        Server.objects.create(id=server, organisation_id=organisation, name="Bybit", kind=kind.value)
    return AccountKey(organisation, server)


def ask(key: AccountKey, tool: str, arguments: Row, now: int = START) -> Row:
    # Everything is made anew for each call, as after a restart.
    exchange = Exchange(Market())
    answer: Row = DatabaseStore().run(key, now, lambda state: exchange.call(state, tool, arguments, now))
    return answer


def stored(key: AccountKey) -> SimulatorAccount:
    with tenant(key.organisation):
        return SimulatorAccount.objects.get(server_id=key.server)


@pytest.mark.django_db
def test_a_restart_keeps_the_account() -> None:
    key = make_account("Acme")
    placed = ask(key, "createOrder", ORDER)["result"]
    listed = ask(key, "getOpenOrders", LIST, START + 1000)["result"]["list"]
    assert [row["orderId"] for row in listed] == [placed["orderId"]]


@pytest.mark.django_db
def test_a_refused_call_changes_nothing_and_a_read_writes_nothing() -> None:
    key = make_account("Acme")
    ask(key, "createOrder", ORDER)
    before = stored(key)
    with pytest.raises(SimulatorError):
        ask(key, "createOrder", {**ORDER, "qty": "500"}, START + 1000)
    ask(key, "getWalletBalance", {"accountType": "UNIFIED"}, START + 2000)
    after = stored(key)
    assert (after.state, after.updated_at) == (before.state, before.updated_at)
    ask(key, "setLeverage", {**LIST, "buyLeverage": "3", "sellLeverage": "3"}, START + 3000)
    assert stored(key).state != before.state


@pytest.mark.django_db
def test_an_account_is_found_only_with_its_own_organisation() -> None:
    key, other = make_account("Acme"), make_account("Other")
    ask(key, "createOrder", ORDER)
    with pytest.raises(UnknownAccountError):
        ask(AccountKey(other.organisation, key.server), "getServerTime", {})
    assert ask(key, "getServerTime", {})["retCode"] == 0


@pytest.mark.django_db
def test_a_server_that_is_no_simulator_or_does_not_exist_has_no_account() -> None:
    key = make_account("Acme", Kind.HTTP)
    for unknown in (key, AccountKey(key.organisation, uuid4())):
        with pytest.raises(UnknownAccountError):
            ask(unknown, "getServerTime", {})


@pytest.mark.django_db(transaction=True)
def test_calls_on_one_account_run_one_after_another() -> None:
    key = make_account("Acme")
    threads = [threading.Thread(target=run_and_close, args=(place_order(key),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(ask(key, "getOpenOrders", LIST)["result"]["list"]) == 8


def place_order(key: AccountKey) -> Callable[[], object]:
    return lambda: ask(key, "createOrder", ORDER)


def run_and_close(act: Callable[[], object]) -> None:
    try:
        act()
    finally:
        connection.close()
