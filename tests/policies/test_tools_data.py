"""The list of tools that the policy builder draws, through the door."""

from django.urls import reverse

from accounts.tenancy import tenant
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
        "input_schema": {"type": "object", "properties": {"symbol": {"type": "string"}, "qty": {"type": "string"}}},
    }
    # Nobody has reviewed it, so policies take it for high at least.
    assert (tools["getNotes"]["level"], tools["getNotes"]["is_reviewed"]) == ("high", False)


def test_another_organisations_server_has_no_list(cast: Cast, foreign: Server) -> None:
    url = reverse("policies:tools_data", args=[cast.organisation.slug, foreign.id])
    assert client_of(cast.alice).get(url).status_code == 404
    theirs = reverse("policies:tools_data", args=[cast.other.slug, foreign.id])
    assert client_of(cast.charlie).get(theirs).status_code == 200
