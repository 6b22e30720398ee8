"""The list of tools that the policy builder draws, through the door."""

from datetime import timedelta
from uuid import UUID, uuid4

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.ids import new_uuid7
from accounts.models import Organisation
from accounts.tenancy import tenant
from policies.access import RecentCalls, count_calls
from policies.models import DecisionRecord
from servers.models import Server, Tool, ToolState
from tests.conftest import Cast, client_of
from tests.policies.conftest import body_of


def test_it_lists_what_a_policy_can_rule_with_the_level_that_policies_see(cast: Cast, server: Server) -> None:
    with tenant(cast.organisation.id):
        Tool.objects.filter(name="cancelAllOrders").update(state=ToolState.GONE.value)
        Tool.objects.filter(name="createOrder").update(
            state=ToolState.CHANGED.value, title="Place an order", module="trade"
        )
    answer = client_of(cast.bob).get(reverse("policies:tools_data", args=[cast.organisation.slug, server.id]))
    tools = {tool["name"]: tool for tool in body_of(answer)["tools"]}
    assert list(tools) == ["createOrder", "getNotes", "getTickers", "wsBatchCancelOrders"]
    assert tools["createOrder"] == {
        "name": "createOrder",
        "title": "Place an order",
        "module": "trade",
        "category": "financial",
        "level": "critical",
        "is_reviewed": True,
        "state": "changed",
        "calls": 0,
        "input_schema": {"type": "object", "properties": {"symbol": {"type": "string"}, "qty": {"type": "string"}}},
    }
    # Nobody has reviewed it, so policies take it for high at least.
    assert (tools["getNotes"]["level"], tools["getNotes"]["is_reviewed"]) == ("high", False)


def test_it_counts_the_calls_of_the_last_seven_days_in_few_queries(cast: Cast, server: Server, foreign: Server) -> None:
    for tool, days in (("getTickers", 0), ("getTickers", 6), ("getTickers", 8), ("createOrder", 1), ("", 0)):
        make_record(cast.organisation, server.id, tool=tool, days=days)
    make_record(cast.other, foreign.id, tool="getNotes")
    client = client_of(cast.bob)
    with CaptureQueriesContext(connection) as queries:
        answer = body_of(client.get(reverse("policies:tools_data", args=[cast.organisation.slug, server.id])))
    # Reads of tables; the rest opens and closes the tenant block.
    assert len([each for each in queries if " FROM " in each["sql"]]) < 10
    calls = {tool["name"]: tool["calls"] for tool in answer["tools"] if tool["calls"]}
    assert (calls, answer["days"], answer["counted"]) == ({"getTickers": 2, "createOrder": 1}, 7, None)


def test_of_very_many_calls_the_newest_are_counted(cast: Cast, server: Server) -> None:
    for tool in ("createOrder", "getTickers", "getTickers"):
        make_record(cast.organisation, server.id, tool=tool)
    with tenant(cast.organisation.id):
        assert count_calls(server, most=3) == RecentCalls({"createOrder": 1, "getTickers": 2}, is_all=True)
        assert count_calls(server, most=2).is_all is False


def make_record(organisation: Organisation, server: UUID, *, tool: str, days: int = 0) -> None:
    at = timezone.now() - timedelta(days=days)
    with tenant(organisation.id):
        DecisionRecord.objects.create(
            id=new_uuid7(int(at.timestamp() * 1_000_000)),
            at=at,
            organisation=organisation,
            server=server,
            grant=uuid4(),
            era="modern",
            method="tools/call",
            tool=tool,
            outcome="allow",
            rule="/tools/x",
            status="ok",
        )


def test_another_organisations_server_has_no_list(cast: Cast, foreign: Server) -> None:
    url = reverse("policies:tools_data", args=[cast.organisation.slug, foreign.id])
    assert client_of(cast.alice).get(url).status_code == 404
    theirs = reverse("policies:tools_data", args=[cast.other.slug, foreign.id])
    assert client_of(cast.charlie).get(theirs).status_code == 200
