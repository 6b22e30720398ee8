"""Many processes, one limit: exactly as many calls as it allows are forwarded, and exactly those are recorded."""

import asyncio
from collections import Counter
from collections.abc import Iterator

import aiohttp
import pytest

from tests.gateway.stores import running_gateways
from tests.gateway.test_quotas import limit
from tests.gateway.upstream import RecordingUpstream
from tests.gateway.world import World, make_world, records_of, wait_until

PROCESSES, CALLS, MAX = 4, 250, 50
POLICY = {"version": "1", "default": "allow", "tools": {"getTickers": {"rate_limit": {"max": MAX, "window": 300}}}}


@pytest.fixture
def gateways(rows: None, redis_url: str) -> Iterator[list[str]]:
    with running_gateways(PROCESSES) as addresses:
        yield addresses


async def call_all(gateways: list[str], world: World) -> "Counter[str]":
    body = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"getTickers","arguments":{}}}'
    headers = {"Authorization": f"Bearer {world.token}", "Content-Type": "application/json"}
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, headers=headers, trust_env=False) as session:

        async def call(base: str) -> str:
            async with session.post(f"{base}/mcp/{world.server.id}", data=body) as response:
                result = (await response.json())["result"]
                meta = result.get("_meta", {}).get("policylayer/decision", {"outcome": "allow"})
                outcome: str = meta["outcome"]
                return outcome

        return Counter(await asyncio.gather(*(call(base) for base in gateways for _ in range(CALLS))))


@pytest.mark.slow
def test_a_limit_holds_across_processes(
    gateways: list[str], rows: None, upstream: RecordingUpstream, log_writer: None
) -> None:
    world = make_world(upstream.url, POLICY)
    # Every process is asked for more calls at once than are usual.
    limit(world, calls=CALLS)
    outcomes = asyncio.run(call_all(gateways, world))
    assert outcomes == {"allow": MAX, "limit": PROCESSES * CALLS - MAX}
    assert len(upstream.calls()) == MAX
    wait_until(lambda: len(records_of(world)) == PROCESSES * CALLS, 30)
    wait_until(lambda: all(record.status != "intent" for record in records_of(world)), 30)
    found = Counter((record.outcome, record.status) for record in records_of(world))
    assert found == {("allow", "ok"): MAX, ("limit", "refused"): PROCESSES * CALLS - MAX}
