"""Item 10: no way round a limit, be it another session, another token of the same grant, another tool, or haste."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, Final

import httpx
import pytest

from accounts.access import Member
from accounts.models import Role
from accounts.tenancy import tenant
from policies.services import rotate_grant
from tests.gateway.test_limits import limit, limits, outcome_of, rule_of
from tests.gateway.test_sessions import Stateful, open_session
from tests.gateway.upstream import RecordingUpstream
from tests.gateway.world import Agent, World, agent_of, make_grant, make_server, publish, wait_until

Build = Callable[..., World]
MAX: Final = 3
POLICY: Final = limits(limit(MAX, window=300))
ORDER: Final = {"symbol": "BTCUSDT", "qty": "1"}


class Ways:
    """Ways to call again; each takes how often it was called before."""

    def __init__(self, gateway: str, world: World) -> None:
        self.gateway, self.world = gateway, world
        self.agent = agent_of(gateway, world)

    def same(self, number: int) -> Any:
        return self.agent.call("getTickers")

    def other_id(self, number: int) -> Any:
        return self.agent.call("getTickers", id=f"x{number}")

    def other_tool(self, number: int) -> Any:
        return self.agent.call(("getTickers", "getWallet", "placeOrder")[number % 3], ORDER)

    def other_arguments(self, number: int) -> Any:
        return self.agent.call("getTickers", {"symbol": f"S{number}"})

    def other_era(self, number: int) -> Any:
        return agent_of(self.gateway, self.world, is_modern=number % 2 == 1).call("getTickers")

    def other_session(self, number: int) -> Any:
        session = open_session(self.agent)
        return self.agent.call("getTickers", headers={"Mcp-Session-Id": session})

    def other_connection(self, number: int) -> Any:
        with httpx.Client(trust_env=False, timeout=30) as http:
            return Agent(self.gateway, self.world.server.id, self.world.token, http=http).call("getTickers")

    def other_client(self, number: int) -> Any:
        return self.agent.call("getTickers", headers={"User-Agent": f"client {number}", "X-Forwarded-For": "8.8.8.8"})

    def other_spelling_of_the_address(self, number: int) -> Any:
        server = str(self.world.server.id)
        return Agent(self.gateway, (server, server + "/", server.upper())[number % 3], self.world.token).call(
            "getTickers"
        )

    def task(self, number: int) -> Any:
        return self.agent.request("tools/call", {"name": "getTickers", "arguments": {}, "task": {"ttl": 1}})

    def progress(self, number: int) -> Any:
        return self.agent.request(
            "tools/call", {"name": "getTickers", "arguments": {}, "_meta": {"progressToken": number}}
        )

    def published_anew(self, number: int) -> Any:
        publish(self.world, {**POLICY, "description": f"Version {number}"})
        return self.agent.call("getTickers")

    def rotated(self, number: int) -> Any:
        member = Member(self.world.organisation, Role.ADMIN, "alice@example.com")
        with tenant(self.world.organisation.id):
            minted = rotate_grant(member=member, grant=self.world.grant, overlap=timedelta(hours=1))
        self.world.grant = minted.grant
        return Agent(self.gateway, self.world.server.id, minted.token).call("getTickers")


WAYS: Final = tuple(name for name in vars(Ways) if not name.startswith("_"))


@pytest.mark.parametrize("way", WAYS)
def test_no_way_of_calling_again_gets_more_than_the_limit(
    build: Build, gateway: str, upstream: RecordingUpstream, way: str
) -> None:
    if way == "other_session":
        upstream.answer = Stateful()
    ways = Ways(gateway, build(POLICY))
    responses = [getattr(ways, way)(number) for number in range(MAX + 2)]
    assert [outcome_of(one) for one in responses] == ["allow"] * MAX + ["limit"] * 2
    assert rule_of(responses[-1]) == "/all_tools/limits/0"
    assert len(upstream.calls()) == MAX


@pytest.mark.parametrize(("scope", "admitted"), [("grant", 4 * MAX), ("server", 2 * MAX), ("organisation", MAX)])
def test_many_grants_share_what_the_scope_says(
    build: Build, gateway: str, upstream: RecordingUpstream, scope: str, admitted: int
) -> None:
    world = build(limits(limit(MAX, window=300, scope=scope)))
    sibling = make_server(world.organisation, upstream.url, "Sibling")
    grants = [(server, make_grant(server, world.policy, "more")[1]) for server in (world.server, sibling) * 2]
    agents = [Agent(gateway, server.id, token) for server, token in grants]
    outcomes = [outcome_of(agent.call("getTickers")) for _ in range(MAX + 1) for agent in agents]
    assert outcomes.count("allow") == len(upstream.calls()) == admitted


@pytest.mark.parametrize("callers", [1, 4])
def test_a_parallel_burst_gets_no_more_than_the_limit(
    build: Build, gateway: str, upstream: RecordingUpstream, callers: int
) -> None:
    world = build(limits(limit(10, window=300, scope="server")))
    tokens = [world.token, *(make_grant(world.server, world.policy, "more")[1] for _ in range(callers - 1))]

    def burst(tokens: Iterable[str]) -> list[str]:
        with ThreadPoolExecutor(16) as threads:
            return list(
                threads.map(lambda token: outcome_of(Agent(gateway, world.server.id, token).call("getTickers")), tokens)
            )

    outcomes = burst(tokens * (60 // callers))
    assert (outcomes.count("allow"), outcomes.count("limit")) == (10, 50)
    assert len(upstream.calls()) == 10


def test_the_edge_of_a_window_opens_no_second_one(build: Build, gateway: str, upstream: RecordingUpstream) -> None:
    agent = agent_of(gateway, build(limits(limit(2, window=2))))
    admitted: list[tuple[float, float]] = []

    def has_called_six_times() -> bool:
        asked = time.monotonic()
        if outcome_of(agent.call("getTickers")) == "allow":
            admitted.append((asked, time.monotonic()))
        return len(admitted) == 6

    wait_until(has_called_six_times, 30)
    # A call is charged between its two times; a fixed window would let four through around its edge.
    assert all(later[1] - earlier[0] >= 2 for earlier, later in zip(admitted, admitted[2:], strict=False))
    assert len(upstream.calls()) == 6
