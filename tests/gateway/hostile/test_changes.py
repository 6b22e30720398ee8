"""Item 11: what is changed between two calls counts for the second one, and what is none of its business does not."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import pytest
from django.utils import timezone

from accounts.services import bump_epoch
from accounts.tenancy import tenant
from policies.models import Grant
from servers.models import Server, Tool
from tests.gateway.test_door import change_grant
from tests.gateway.test_lists import list_of
from tests.gateway.upstream import TOOLS, RecordingUpstream
from tests.gateway.world import ALLOW, Agent, World, agent_of, make_grant, make_server, publish, records_of, wait_until

Build = Callable[..., World]
Change = Callable[[World, RecordingUpstream, Agent], object]


def rule(**members: Any) -> dict[str, Any]:
    return {**ALLOW, "tools": {"getTickers": members}}


def change_tool(world: World, **fields: object) -> None:
    with tenant(world.organisation.id):
        Tool.objects.filter(server=world.server, name="getTickers").update(**fields)
        bump_epoch(organisation_id=world.organisation.id)


def change_server(world: World, **fields: object) -> None:
    with tenant(world.organisation.id):
        Server.objects.filter(id=world.server.id).update(**fields)
        bump_epoch(organisation_id=world.organisation.id)


def kill(world: World) -> None:
    with tenant(world.organisation.id):
        world.organisation.is_killed = True
        world.organisation.save(update_fields=["is_killed"])
        bump_epoch(organisation_id=world.organisation.id)


def list_another_definition(_: World, upstream: RecordingUpstream, agent: Agent) -> None:
    normal = upstream.answer
    upstream.answer = list_of({"tools": [{**TOOLS[0], "description": "Now with orders."}, *TOOLS[1:]]})
    agent.request("tools/list")
    upstream.answer = normal


def delete_grant(world: World) -> None:
    with tenant(world.organisation.id):
        Grant.objects.filter(id=world.grant.id).delete()
        bump_epoch(organisation_id=world.organisation.id)


SCHEMA: Final = {"type": "object", "properties": {"coin": {"type": "string"}}}
CHECKED: Final = {"deny_if": [{"conditions": [{"path": "args.symbol", "op": "eq", "value": "x"}], "on_deny": "No."}]}


def publish_and_change(world: World) -> None:
    publish(world, rule(**CHECKED))
    change_tool(world, input_schema=json.dumps(SCHEMA))


# Each with the HTTP status, and the rule that refuses, "unknown" for a tool that is not there any more.
ENDINGS: Final[dict[str, tuple[Change, int, str]]] = {
    "a policy that denies": (lambda world, *_: publish(world, {"version": "1", "default": "deny"}), 200, "(default)"),
    "a policy that denies the tool": (
        lambda world, *_: publish(world, rule(action="deny")),
        200,
        "/tools/getTickers",
    ),
    "a policy that asks a person": (
        lambda world, *_: publish(world, rule(action="require_approval")),
        200,
        "/tools/getTickers",
    ),
    "a policy that hides the tool": (lambda world, *_: publish(world, {**ALLOW, "hide": ["get*"]}), 200, "unknown"),
    "a policy that says two things": (
        lambda world, *_: publish(world, '{"version":"1","default":"allow","default":"allow"}'),
        200,
        "(no policy)",
    ),
    "no policy": (lambda world, *_: change_grant(world, policy=None), 200, "(no policy)"),
    "a limit of nothing": (
        lambda world, *_: publish(
            world, {**ALLOW, "all_tools": {"limits": [{"counter": "c", "window": 60, "max": 0}]}}
        ),
        200,
        "/all_tools/limits/0",
    ),
    "a changed tool": (lambda world, *_: change_tool(world, state="changed"), 200, "unknown"),
    "a tool that is gone": (lambda world, *_: change_tool(world, state="gone"), 200, "unknown"),
    "a list with another definition": (list_another_definition, 200, "unknown"),
    "a schema that the policy does not fit": (
        lambda world, *_: publish_and_change(world),
        200,
        "(no policy)",
    ),
    "a revoked grant": (lambda world, *_: change_grant(world, revoked_at=timezone.now()), 401, ""),
    "an expired grant": (lambda world, *_: change_grant(world, expires_at=timezone.now()), 401, ""),
    "a deleted grant": (lambda world, *_: delete_grant(world), 401, ""),
    "a stopped organisation": (lambda world, *_: kill(world), 200, "(killed)"),
}
HARMLESS: Final[dict[str, Change]] = {
    "a policy that allows": lambda world, *_: publish(world, {**ALLOW, "description": "Again."}),
    "another tool denied": lambda world, *_: publish(world, {**ALLOW, "tools": {"placeOrder": {"action": "deny"}}}),
    "another grant": lambda world, *_: make_grant(world.server, world.policy, "another"),
    "another server": lambda world, upstream, _: make_server(world.organisation, upstream.url, "Another"),
    "an end in an hour": lambda world, *_: change_grant(world, expires_at=timezone.now() + timedelta(hours=1)),
    "another name": lambda world, *_: change_server(world, name="Renamed"),
}


def told(response: Any) -> str:
    """The rule of a refusal, "unknown" for a tool that is not there; "" for an answer of the upstream's."""
    message = response.json()
    if "error" in message:
        return "unknown" if message["error"]["code"] == -32602 else ""
    found: str = message["result"].get("_meta", {}).get("policylayer/decision", {}).get("rule", "")
    return found


@pytest.mark.parametrize("is_modern", [False, True])
@pytest.mark.parametrize("what", ENDINGS)
def test_what_ended_a_permission_counts_for_the_next_call(
    build: Build, gateway: str, upstream: RecordingUpstream, log_writer: None, what: str, is_modern: bool
) -> None:
    change, status, rule = ENDINGS[what]
    world = build(ALLOW)
    agent = agent_of(gateway, world, is_modern=is_modern)
    assert "isError" not in agent.call("getTickers").json()["result"]
    change(world, upstream, agent)

    def is_refused() -> bool:
        response = agent.call("getTickers")
        return (response.status_code, told(response)) == (status, rule)

    wait_until(is_refused, 10)
    before = len(upstream.calls())
    assert is_refused() and is_refused()
    assert len(upstream.calls()) == before
    if status == 200:
        wait_until(lambda: [one.status for one in records_of(world)].count("refused") >= 2, 10)


@pytest.mark.parametrize("what", HARMLESS)
def test_what_has_nothing_to_do_with_a_call_leaves_it(
    build: Build, gateway: str, upstream: RecordingUpstream, what: str
) -> None:
    world = build(ALLOW)
    agent = agent_of(gateway, world)
    HARMLESS[what](world, upstream, agent)
    # Calls go on through the moment at which the change arrives.
    for _ in range(30):
        assert told(agent.call("getTickers")) == ""
    assert len(upstream.calls()) == 30
