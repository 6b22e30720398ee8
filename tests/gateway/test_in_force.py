"""What a person changes is in force within two seconds for calls and both kinds of stream, in every process."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import pytest
from django.utils import timezone

from accounts.access import Member
from accounts.models import Role
from accounts.services import resume_organisation, stop_organisation
from accounts.tenancy import tenant
from policies.services import (
    publish_policy,
    restore_version,
    resume_grant,
    revoke_grant,
    rotate_grant,
    set_expiry,
    stop_grant,
)
from servers.services import resume_server, stop_server
from tests.gateway.stores import running_gateways
from tests.gateway.test_list_changed import AGREED, HIDING, NOTES, declare, message_of
from tests.gateway.test_standing import streaming
from tests.gateway.upstream import SSE_HEADERS, Received, RecordingUpstream, Reply, answer_normally
from tests.gateway.world import ALLOW, Agent, World, agent_of, make_grant, make_world, records_of, wait_until

pytestmark = pytest.mark.slow
PROCESSES: Final = 2
# Two seconds are promised; a machine that is busy gets five times as long.
PROMISED: Final = 10.0
OPENINGS: Final = {"GET": b": open\n\n", "listen": AGREED}


@pytest.fixture(scope="module")
def gateways(rows: None, redis_url: str) -> Iterator[list[str]]:
    with running_gateways(PROCESSES) as addresses:
        yield addresses


@pytest.fixture
def gate(upstream: RecordingUpstream) -> Iterator[threading.Event]:
    held = threading.Event()

    def answer(received: Received) -> Reply:
        is_listen = received.verb == "POST" and received.message.get("method") == "subscriptions/listen"
        if received.verb == "GET" or is_listen:
            return Reply(headers=SSE_HEADERS, parts=(OPENINGS["listen" if is_listen else "GET"], held))
        return answer_normally(received)

    upstream.answer = answer
    yield held
    held.set()


def member_of(world: World) -> Member:
    return Member(world.organisation, Role.ADMIN, "alice@example.com")


def publish(world: World, document: Mapping[str, object]) -> None:
    assert world.policy is not None
    world.policy.refresh_from_db()
    publish_policy(member=member_of(world), policy=world.policy, document=json.dumps(dict(document)))


def restore(world: World) -> None:
    assert world.policy is not None
    restore_version(member=member_of(world), policy=world.policy, number=1)


@dataclass(frozen=True)
class Change:
    """`make` runs in the tenant block; `verdict` is what calls get afterwards; streams end, or are told."""

    make: Callable[[World], object]
    verdict: str
    ends_streams: bool = True
    undo: Callable[[World], object] | None = None


CHANGES: Final = {
    "revoke": Change(lambda world: revoke_grant(member=member_of(world), grant=world.grant), "401"),
    "rotate": Change(
        lambda world: rotate_grant(member=member_of(world), grant=world.grant, overlap=timedelta(0)), "401"
    ),
    "expire": Change(
        lambda world: set_expiry(
            member=member_of(world), grant=world.grant, expires_at=timezone.now() + timedelta(milliseconds=200)
        ),
        "401",
    ),
    "publish": Change(lambda world: publish(world, HIDING), "unknown tool", ends_streams=False),
    "restore": Change(restore, "done", ends_streams=False),
    "stop grant": Change(
        lambda world: stop_grant(member=member_of(world), grant=world.grant),
        "A person stopped all calls of this grant.",
        undo=lambda world: resume_grant(member=member_of(world), grant=world.grant),
    ),
    "stop server": Change(
        lambda world: stop_server(member=member_of(world), server=world.server),
        "A person stopped all calls to this server.",
        undo=lambda world: resume_server(member=member_of(world), server=world.server),
    ),
    "stop organisation": Change(
        lambda world: stop_organisation(member=member_of(world)),
        "A person stopped all calls of this organisation.",
        undo=lambda world: resume_organisation(member=member_of(world)),
    ),
}


def verdict_of(agent: Agent) -> str:
    """What becomes of a call: 401, unknown tool, the reason of its refusal, or done."""
    response = agent.call("wipeAccount")
    body = response.json()
    if response.status_code != 200:
        return str(response.status_code)
    if "error" in body:
        return "unknown tool" if body["error"]["code"] == -32602 else body["error"]["message"]
    text: str = body["result"]["content"][0]["text"]
    return text.removeprefix("[POLICY DENIED] ").splitlines()[0]


def wait_for(agents: list[Agent], verdict: str) -> None:
    wait_until(lambda: {verdict_of(agent) for agent in agents} == {verdict}, PROMISED)


def read_on(received: Iterator[bytes], is_told: bool) -> bytes:
    """What comes next: the announcement, or everything up to the end."""
    return next(received) if is_told else b"".join(received)


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_in_force_everywhere(
    gateways: list[str], upstream: RecordingUpstream, gate: threading.Event, log_writer: None, name: str
) -> None:
    change, world = CHANGES[name], declare(make_world(upstream.url, ALLOW))
    agents = [agent_of(base, world) for base in gateways]
    with tenant(world.organisation.id):
        if name == "restore":
            publish(world, HIDING)
    before = "unknown tool" if name == "restore" else "done"
    wait_for(agents, before)
    with ThreadPoolExecutor(8) as pool, ExitStack() as stack:
        reading: list[tuple[str, Future[bytes]]] = []
        for agent in agents:
            for what in OPENINGS:
                received = stack.enter_context(streaming(agent, what))
                assert next(received) == OPENINGS[what]
                reading.append((what, pool.submit(read_on, received, not change.ends_streams)))
        with tenant(world.organisation.id):
            change.make(world)
        wait_for(agents, change.verdict)
        for what, future in reading:
            rest = future.result(timeout=PROMISED)
            if change.ends_streams:
                assert rest == b""
            else:
                assert message_of(rest) == NOTES[what]
        gate.set()
    if change.undo is not None:
        check_stopped(world, agents, upstream, change.undo)


def check_stopped(
    world: World, agents: list[Agent], upstream: RecordingUpstream, undo: Callable[[World], object]
) -> None:
    upstream.received.clear()
    for agent in agents:
        assert agent.http.get(agent.url, headers=agent.head()).status_code == 503
        assert agent.request("tools/list").json()["error"]["code"] == -31403
        assert agent.request("ping").status_code == 503
    assert upstream.received == []
    with tenant(world.organisation.id):
        undo(world)
    # The same token, and nothing that was minted anew.
    wait_for(agents, "done")
    methods = {"tools/call", "tools/list", "ping", "GET"}
    wait_until(lambda: methods <= {one.method for one in records_of(world) if one.rule == "(killed)"})
    assert len({one.reason for one in records_of(world) if one.rule == "(killed)"}) == 1


def test_what_is_stopped_by_itself_stays_stopped_when_the_organisation_is_resumed(
    gateways: list[str], upstream: RecordingUpstream
) -> None:
    world = make_world(upstream.url, ALLOW)
    agents, member = [agent_of(base, world) for base in gateways], member_of(world)
    with tenant(world.organisation.id):
        stop_grant(member=member, grant=world.grant)
        stop_server(member=member, server=world.server)
        stop_organisation(member=member)
    steps: list[tuple[str, Callable[[], None]]] = [
        ("A person stopped all calls of this organisation.", lambda: resume_organisation(member=member)),
        ("A person stopped all calls to this server.", lambda: resume_server(member=member, server=world.server)),
        ("A person stopped all calls of this grant.", lambda: resume_grant(member=member, grant=world.grant)),
    ]
    for reason, resume in steps:
        wait_for(agents, reason)
        with tenant(world.organisation.id):
            resume()
    wait_for(agents, "done")


def test_what_was_not_stopped_goes_on(gateways: list[str], upstream: RecordingUpstream) -> None:
    world, other = make_world(upstream.url, ALLOW), make_world(upstream.url, ALLOW)
    _, second = make_grant(world.server, world.policy, "second")
    member, first = member_of(world), [agent_of(base, world) for base in gateways]
    beside = [Agent(base, world.server.id, second) for base in gateways]
    elsewhere = [agent_of(base, other) for base in gateways]
    with tenant(world.organisation.id):
        stop_grant(member=member, grant=world.grant)
    wait_until(lambda: "done" not in {verdict_of(agent) for agent in first}, PROMISED)
    assert {verdict_of(agent) for agent in (*beside, *elsewhere)} == {"done"}
    with tenant(world.organisation.id):
        stop_server(member=member, server=world.server)
    wait_until(lambda: "done" not in {verdict_of(agent) for agent in beside}, PROMISED)
    assert {verdict_of(agent) for agent in elsewhere} == {"done"}
