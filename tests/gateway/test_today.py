"""The start page of an organisation that is set up: what somebody has to look at, and nothing when there is nothing."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.tenancy import tenant
from policies.models import Grant
from servers.models import Server, Tool
from tests.conftest import Cast, client_of
from tests.gateway.test_pages import make_grant, make_policy, make_record, make_server, page_of


@pytest.fixture
def server(cast: Cast) -> Server:
    server = make_server(cast)
    make_grant(server, make_policy(server))
    make_record(server)
    return server


def make_tool(server: Server, name: str, **fields: Any) -> None:
    blank = {"input_schema": "{}", "definition": "{}", "fingerprint": "", "category": "read", "level": "low"}
    with tenant(server.organisation_id):
        Tool.objects.create(
            organisation_id=server.organisation_id, server=server, name=name, **{**blank, "is_reviewed": True, **fields}
        )


def matters_of(cast: Cast) -> list[tuple[str, str]]:
    page = unescape(page_of(cast, "/app/acme/"))
    found = re.findall(r'<li><span class="badge [^"]+">([^<]+)</span> <span>([^<]+)</span> <a href="([^"]+)">', page)
    for _, _, url in found:
        assert client_of(cast.bob).get(url).status_code == 200
    return [(kind, text) for kind, text, _ in found]


def test_nothing_to_look_at_is_said(server: Server, cast: Cast) -> None:
    make_tool(server, "getPrice")
    make_record(server, 1, outcome="deny", at=timezone.now() - timedelta(hours=25))
    assert matters_of(cast) == []
    assert "Nothing waits for you" in page_of(cast, "/app/acme/")


def test_changed_and_unreviewed_tools_are_counted_for_each_server(server: Server, cast: Cast) -> None:
    make_tool(server, "one", state="changed", offered='{"name": "one", "inputSchema": {}}', offered_fingerprint="x")
    make_tool(server, "two", is_reviewed=False)
    make_tool(server, "three", is_reviewed=False)
    make_tool(server, "gone", is_reviewed=False, state="gone")
    assert matters_of(cast) == [
        ("changed", "1 changed tool is refused on Desk until somebody reads and accepts the change."),
        ("unreviewed", "2 tools are not reviewed on Desk, and count as high risk at least."),
    ]


def test_a_reading_that_failed_is_said_with_its_reason(server: Server, cast: Cast) -> None:
    with tenant(server.organisation_id):
        Server.objects.update(discovery="failed", discovery_error="It cannot be reached.")
    assert matters_of(cast) == [("unreachable", "The tools of Desk could not be read. It cannot be reached.")]


def test_limits_that_were_full_and_refusals_of_the_last_day_are_counted(server: Server, cast: Cast) -> None:
    for number in range(3):
        make_record(server, number, outcome="limit", rule="/tools/a/rate_limit")
    for number in (7, 8):
        make_record(server, number, outcome="limit", rule="/tools/a~1b*/limits/0")
    make_record(server, 4, outcome="limit", rule="/all_tools/limits/1")
    make_record(server, 5, outcome="deny")
    make_record(server, 6, outcome="hide")
    assert matters_of(cast) == [
        ("limit", "The rate limit of a on Desk stopped 3 calls in 24 hours."),
        ("limit", "A limit of a/b* on Desk stopped 2 calls in 24 hours."),
        ("limit", "A limit of all tools on Desk stopped 1 call in 24 hours."),
        ("refused", "1 call denied on Desk in 24 hours."),
        ("refused", "1 call of hidden tools on Desk in 24 hours."),
    ]


def test_grants_that_end_within_a_week_are_named(server: Server, cast: Cast) -> None:
    for days, revoked in ((-1, False), (2, False), (3, True), (8, False)):
        grant = make_grant(server, label=f"agent {days}")
        with tenant(server.organisation_id):
            Grant.objects.filter(id=grant.id).update(
                expires_at=timezone.now() + timedelta(days=days), revoked_at=timezone.now() if revoked else None
            )
    ((kind, text),) = matters_of(cast)
    assert kind == "ends soon" and text.startswith("agent 2 (plg_…0000) on Desk ends ")


def test_more_servers_and_refusals_cost_no_more_queries(server: Server, cast: Cast) -> None:
    counts = []
    for round_ in range(2):
        with CaptureQueriesContext(connection) as queries:
            page_of(cast, "/app/acme/")
        counts.append(len([query for query in queries if not query["sql"].startswith(("SAVEPOINT", "RELEASE"))]))
        for number in range(3):
            with tenant(cast.organisation.id):
                other = Server.objects.create(organisation=cast.organisation, name=f"{round_} {number}", kind="http")
            make_tool(other, "x", is_reviewed=False)
            make_record(other, 10 * round_ + number, outcome="deny")
            make_grant(other, label=f"{number}")
    assert counts[0] == counts[1]


def test_two_grants_of_one_label_are_told_apart_in_the_logs_filter(server: Server, cast: Cast) -> None:
    first, second = make_grant(server, label="twin"), make_grant(server, label="twin")
    with tenant(server.organisation_id):
        Grant.objects.filter(id=second.id).update(last_four="abcd", replaces=first)
    make_record(server, 1, grant=second.id)
    page = page_of(cast, f"/app/acme/servers/{server.id}/log/")
    assert f'<option value="{first.id}">twin (plg_…0000)</option>' in page
    assert f'<option value="{second.id}">twin (plg_…abcd)</option>' in page
    assert '<span class="brief" title="twin (plg_…abcd)">twin (plg_…abcd)</span>' in page
    assert ">agent</option>" in page
