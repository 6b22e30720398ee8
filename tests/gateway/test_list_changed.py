"""Clients hear of a changed list on the streams that may carry it (MCP 2025-11-25 tools; 2026-07-28 subscriptions)."""

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from accounts.services import bump_epoch
from accounts.tenancy import tenant
from servers.models import Tool, ToolState
from tests.gateway.test_standing import is_refused, streaming
from tests.gateway.upstream import SSE_HEADERS, Received, RecordingUpstream, Reply, answer_normally
from tests.gateway.world import ALLOW, World, agent_of, publish, wait_until

Build = Callable[..., World]
HIDING: dict[str, Any] = {**ALLOW, "hide": ["wipeAccount"]}
LEGACY_NOTE = {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}
MODERN_NOTE = {**LEGACY_NOTE, "params": {"_meta": {"io.modelcontextprotocol/subscriptionId": 1}}}
END = b": the end\n\n"


def acknowledge(**agreed: object) -> bytes:
    params = {"notifications": agreed}
    message = {"jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged", "params": params}
    return f"data: {json.dumps(message)}\n\n".encode()


AGREED = acknowledge(toolsListChanged=True)
OPENINGS = {"GET": b": open\n\n", "listen": AGREED}
NOTES = {"GET": LEGACY_NOTE, "listen": MODERN_NOTE}


def declare(world: World) -> World:
    world.server.announces_changes = True
    with tenant(world.organisation.id):
        world.server.save(update_fields=["announces_changes"])
    return world


def message_of(event: bytes) -> object:
    lines = event.decode().splitlines()
    assert lines[0] == "event: message" and not any(line.startswith("id:") for line in lines)
    return json.loads(lines[1].removeprefix("data: "))


def change_tool(world: World) -> None:
    with tenant(world.organisation.id):
        Tool.objects.filter(server=world.server, name="getTickers").update(state=ToolState.CHANGED.value)
        bump_epoch(organisation_id=world.organisation.id)


CHANGES: dict[str, Callable[[World], None]] = {
    "published": lambda world: publish(world, HIDING),
    "tool changed": change_tool,
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("what", OPENINGS)
def test_a_changed_list_is_told_once(
    build: Build, gateway: str, upstream: RecordingUpstream, what: str, change: str
) -> None:
    world, gate = declare(build(ALLOW)), threading.Event()
    upstream.answer = lambda _: Reply(headers=SSE_HEADERS, parts=(OPENINGS[what], gate, END))
    with streaming(agent_of(gateway, world), what) as received:
        assert next(received) == OPENINGS[what]
        CHANGES[change](world)
        assert message_of(next(received)) == NOTES[what]
        gate.set()
        assert b"".join(received) == END


def stream_only(opening: bytes, gate: threading.Event) -> Callable[[Received], Reply]:
    """An upstream whose calls are answered at once and whose streams wait for the gate."""

    def answer(received: Received) -> Reply:
        if received.verb == "POST" and received.message["method"] == "tools/call":
            return answer_normally(received)
        return Reply(headers=SSE_HEADERS, parts=(opening, gate, END))

    return answer


@pytest.mark.parametrize("what", OPENINGS)
def test_a_publish_that_shows_the_same_tools_is_not_told(
    build: Build, gateway: str, upstream: RecordingUpstream, what: str
) -> None:
    world, gate = declare(build(ALLOW)), threading.Event()
    upstream.answer = lambda _: Reply(headers=SSE_HEADERS, parts=(OPENINGS[what], gate, END))
    with streaming(agent_of(gateway, world), what) as received:
        next(received)
        publish(world, {**ALLOW, "tools": {"wipeAccount": {"action": "deny"}}})
        publish(world, HIDING)
        # The second one is told, and is all that is told.
        assert message_of(next(received)) == NOTES[what]
        gate.set()
        assert b"".join(received) == END


@pytest.mark.parametrize(
    ("what", "opening", "is_declared"),
    [
        ("listen", acknowledge(), True),
        ("listen", acknowledge(promptsListChanged=True), True),
        ("listen", acknowledge(toolsListChanged="true"), True),
        ("listen", b": open\n\n", True),
        ("GET", b": open\n\n", False),
    ],
)
def test_a_stream_that_may_not_carry_it_hears_nothing(
    build: Build, gateway: str, upstream: RecordingUpstream, what: str, opening: bytes, is_declared: bool
) -> None:
    world, gate = build(ALLOW), threading.Event()
    if is_declared:
        declare(world)
    agent = agent_of(gateway, world)
    upstream.answer = stream_only(opening, gate)
    with streaming(agent, what) as received:
        assert next(received) == opening
        publish(world, {"version": "1", "default": "deny", "hide": ["wipeAccount"]})
        wait_until(lambda: is_refused(agent))
        gate.set()
        assert b"".join(received) == END


@pytest.mark.slow
def test_news_that_a_stream_may_not_carry_do_not_end_its_comments(
    build: Build, gateway: str, upstream: RecordingUpstream
) -> None:
    world, gate = build(ALLOW), threading.Event()
    upstream.answer = stream_only(b": open\n\n", gate)
    with httpx.Client(trust_env=False, timeout=75) as http:
        agent = replace(agent_of(gateway, world), http=http)
        with streaming(agent, "GET") as received:
            assert next(received) == b": open\n\n"
            publish(world, {"version": "1", "default": "deny", "hide": ["wipeAccount"]})
            wait_until(lambda: is_refused(agent))
            assert next(received) == b": keep-alive\n\n"
            gate.set()
            assert b"".join(received) == END
