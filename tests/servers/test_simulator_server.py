"""The simulator registered from its card: 326 tools as the catalogue knows them, two that it does not know."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.tenancy import tenant
from catalog.access import known_tools_named
from policies.engine.values import Level
from servers.access import effective_level, target_for, tool_facts_for, tools_for
from servers.models import Kind, Server
from servers.services import SIMULATED_SLUG
from servers.simulator.app import SimulatorApp
from servers.simulator.exchange import Exchange
from servers.simulator.market import Market
from servers.simulator.store import MemoryStore
from servers.upstream.target import TargetUnavailableError
from tests.conftest import Cast
from tests.servers.upstreams import Upstream, serve

ADDRESS = "/app/acme/servers/new/"


@pytest.fixture
def simulator(settings: Any) -> Iterator[Upstream]:
    with serve(SimulatorApp(Exchange(Market()), MemoryStore(), settings.SIMULATOR_SECRET)) as running:
        settings.SIMULATOR_URL = f"http://127.0.0.1:{running.port}"
        settings.ALLOW_PRIVATE_UPSTREAMS = False
        yield running


@pytest.fixture
def server(
    simulator: Upstream,
    catalogue: None,
    cast: Cast,
    alice: Client,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> Server:
    with django_capture_on_commit_callbacks(execute=True):
        answer = alice.post(ADDRESS, {"kind": "simulator", "name": "Bybit"})
    assert answer.status_code == 302
    with tenant(cast.organisation.id):
        return Server.objects.get()


def test_every_tool_of_the_catalogue_is_matched_and_reviewed(server: Server) -> None:
    known = known_tools_named(SIMULATED_SLUG)
    with tenant(server.organisation_id):
        tools = {tool.name: tool for tool in tools_for(server)}
    assert (server.kind, server.catalogue_slug, server.discovery_error) == (Kind.SIMULATOR, SIMULATED_SLUG, "")
    assert len(tools) == 328
    matched = {name for name, tool in tools.items() if tool.is_reviewed}
    assert matched == set(known) and len(matched) == 326
    assert all(
        (tools[name].level, tools[name].category, tools[name].module) == (entry.risk, entry.category, entry.module)
        for name, entry in known.items()
    )


def test_the_two_tools_that_the_catalogue_does_not_know_count_as_high(server: Server) -> None:
    with tenant(server.organisation_id):
        unknown = {tool.name: effective_level(tool) for tool in tools_for(server) if not tool.is_reviewed}
    assert unknown == {"startSubscription": Level.HIGH, "readMessages": Level.HIGH}


def test_the_engine_gets_every_schema(server: Server) -> None:
    with tenant(server.organisation_id):
        facts = tool_facts_for(server)
    assert len(facts) == 328 and "symbol" in str(facts["createOrder"].input_schema)


def test_the_tools_page_lists_and_filters(server: Server, alice: Client) -> None:
    page = f"/app/acme/servers/{server.id}/tools/"
    whole = alice.get(page).content.decode()
    assert "328 tools offered" in whole and whole.count('<span class="badge badge-critical">critical</span>') > 10
    narrowed = alice.get(page, {"level": "critical", "category": "financial", "q": "batch order"}).content.decode()
    assert "batchCreateOrders" in narrowed and "getTickers" not in narrowed
    assert "2 tools</caption>" in alice.get(page, {"state": "unreviewed"}).content.decode()
    assert "No tool fits the filter" in alice.get(page, {"q": "nonsense\x00 %_'"}).content.decode()
    assert "328 tools</caption>" in alice.get(page, {"level": "bogus", "state": "bogus"}).content.decode()


def test_its_secret_is_in_no_page_and_no_row(server: Server, alice: Client, settings: Any) -> None:
    body = alice.get(f"/app/acme/servers/{server.id}/settings/").content.decode()
    assert settings.SIMULATOR_SECRET not in body and settings.SIMULATOR_URL not in body
    with tenant(server.organisation_id):
        assert not server.headers.exists() and server.url == ""
        assert settings.SIMULATOR_SECRET not in repr(target_for(server))


def test_nobody_registers_the_simulators_address_by_hand(simulator: Upstream, alice: Client, settings: Any) -> None:
    settings.ALLOW_PRIVATE_UPSTREAMS = True
    for host in ("127.0.0.1", "localhost"):
        url = f"http://{host}:{simulator.port}/mcp/x/y"
        answer = alice.post(ADDRESS, {"kind": "http", "name": "Sneaky", "url": url})
        assert answer.status_code == 422 and b"Add the simulator from its card" in answer.content


def test_without_a_simulator_none_can_be_added_or_reached(
    server: Server, catalogue: None, alice: Client, settings: Any
) -> None:
    settings.SIMULATOR_URL = ""
    answer = alice.post(ADDRESS, {"kind": "simulator", "name": "Second"})
    assert answer.status_code == 422 and b"This installation runs no simulator" in answer.content
    with tenant(server.organisation_id), pytest.raises(TargetUnavailableError):
        target_for(server)
