"""The table of hostile inputs: each one's answer and record, and what the upstream got: nothing, or what was judged."""

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
import redis

from accounts.shards import key_of
from accounts.tenancy import tenant
from policies.check import check_document
from policies.engine.digest import digest_arguments
from policies.engine.values import JSON
from policies.models import DecisionRecord
from servers.fingerprint import parse_json
from tests.gateway.hostile import bodies, headers, names, texts, values
from tests.gateway.hostile.policies import TOOLS
from tests.gateway.hostile.row import NOTHING, REFUSED, RESULT, Row
from tests.gateway.hostile.send import Response, send_row, tree_of
from tests.gateway.upstream import Received, RecordingUpstream
from tests.gateway.world import World, agent_of, make_grant, make_world, wait_until

pytestmark = pytest.mark.slow

Build = Callable[..., World]
TABLE: tuple[Row, ...] = (*bodies.ROWS, *values.ROWS, *names.ROWS, *headers.ROWS, *texts.ROWS)
# The only headers that may reach an upstream.
KNOWN = {
    *("host", "accept", "accept-encoding", "user-agent", "content-type", "content-length"),
    *("mcp-protocol-version", "mcp-session-id", "mcp-method", "mcp-name", "last-event-id"),
}


@dataclass(frozen=True)
class Seen:
    """What came of a row: the answer, what the upstream got meanwhile, and whose record it must be."""

    response: Response
    received: tuple[Received, ...]
    seconds: float
    world: World
    grant: UUID


class Play:
    """Sends each row once, with a grant of its own, so that its record is known by that."""

    def __init__(self, base: str, upstream: RecordingUpstream, redis_url: str) -> None:
        self._base, self._upstream, self._redis_url = base, upstream, redis_url
        self._worlds: dict[str, World] = {}

    def send(self, row: Row) -> Seen:
        world = self._world_of(row.policy)
        grant, token = make_grant(world.server, world.policy, str(row)[:60].encode("ascii", "replace").decode())
        self._upstream.received.clear()
        started = time.monotonic()
        response = send_row(self._base, world.server.id, token, row)
        seconds = time.monotonic() - started
        return Seen(response, tuple(self._upstream.received), seconds, world, grant.id)

    def _world_of(self, policy: str) -> World:
        if policy not in self._worlds:
            world = self._worlds[policy] = make_world(self._upstream.url, texts.DOCUMENTS[policy], TOOLS)
            # An unknown name has the server looked at anew once a minute; here it would be in the way.
            with redis.Redis.from_url(self._redis_url) as client:
                client.set(key_of(world.organisation.id, "rediscovery", str(world.server.id)), 1, ex=3600)
        return self._worlds[policy]


@pytest.fixture(scope="module")
def played(rows: None, gateway: str, recorder: RecordingUpstream, redis_url: str) -> dict[Row, Seen]:
    recorder.reset()
    play = Play(gateway, recorder, redis_url)
    return {row: play.send(row) for row in TABLE}


@pytest.fixture(scope="module")
def recorded(played: dict[Row, Seen], module_log_writer: None) -> dict[UUID, list[DecisionRecord]]:
    """The records of each grant, once all are written."""
    wanted = sum(row.answer.rule is not None for row in TABLE)
    organisations = {seen.world.organisation.id for seen in played.values()}
    wait_until(lambda: sum(map(count_settled, organisations)) >= wanted, 60)
    found: dict[UUID, list[DecisionRecord]] = {}
    for organisation in organisations:
        with tenant(organisation):
            for record in DecisionRecord.objects.filter(organisation=organisation):
                found.setdefault(record.grant, []).append(record)
    return found


def count_settled(organisation: UUID) -> int:
    with tenant(organisation):
        return DecisionRecord.objects.filter(organisation=organisation).exclude(status="intent").count()


def name_of(row: Row) -> str:
    return str(row).encode("unicode_escape").decode()[:80]


@pytest.mark.parametrize("row", TABLE, ids=name_of)
def test_every_input_gets_its_answer_and_the_upstream_nothing_else_than_what_was_judged(
    played: dict[Row, Seen], recorded: dict[UUID, list[DecisionRecord]], row: Row
) -> None:
    seen = played[row]
    assert seen.response.status == row.answer.status, seen.response.body[:500]
    assert describe(seen.response) == row.answer.code, seen.response.body[:500]
    assert seen.seconds < row.seconds
    if row.answer.is_forwarded:
        check_forwarded(row, seen)
    else:
        assert seen.received == ()
    records = recorded.get(seen.grant, [])
    assert [record.rule for record in records] == ([] if row.answer.rule is None else [row.answer.rule])
    for record in records:
        assert record.status == ("ok" if row.answer.is_forwarded else "refused")
        if seen.received and record.method == "tools/call":
            # What reached the upstream is what the policy judged.
            assert record.argument_digest == digest_arguments(arguments_of(seen.received[0].body))


def check_forwarded(row: Row, seen: Seen) -> None:
    [received] = seen.received
    assert received.verb == row.verb
    assert tree_of(received.body) == tree_of(row.body)
    travelled = {name.decode() for name, _ in received.headers}
    assert {name for name in travelled - KNOWN if not name.startswith("mcp-param-")} == set()
    if row.answer.code == RESULT:
        assert dict(tree_of(seen.response.body)[1])["id"] == dict(tree_of(row.body)[1])["id"]


def arguments_of(body: bytes) -> dict[str, JSON]:
    message: Any = parse_json(body)
    found: dict[str, JSON] = message["params"].get("arguments", {})
    return found


def describe(response: Response) -> int | str:
    if not response.body:
        return NOTHING
    message = response.json
    if "error" in message:
        code: int = message["error"]["code"]
        return code
    return REFUSED if message["result"].get("isError") else RESULT


@pytest.mark.parametrize("what", texts.NO_DOCUMENTS)
def test_no_such_policy_can_be_saved(played: dict[Row, Seen], what: str) -> None:
    server = next(iter(played.values())).world.server
    with tenant(server.organisation_id):
        assert check_document(texts.NO_DOCUMENTS[what], server).errors
        assert not check_document(next(iter(texts.EMPTY_DOCUMENTS.values()))[0], server).errors


def test_a_body_without_a_length_is_bounded_too(gateway: str, build: Build, upstream: RecordingUpstream) -> None:
    agent = agent_of(gateway, build({"version": "1", "default": "allow"}))
    for parts, status in ((1, 200), (20, 413)):
        pieces = (b" " * 65_536 for _ in range(parts))
        body = itertools.chain(pieces, [b'{"jsonrpc":"2.0","id":1,"method":"ping"}'])
        assert agent.http.post(agent.url, content=body, headers=agent.head()).status_code == status
    assert len(upstream.received) == 1


def test_it_never_forwards_the_clients_bytes(gateway: str, build: Build, upstream: RecordingUpstream) -> None:
    body = b' {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"placeOrder","arguments":%s}}'
    agent_of(gateway, build({"version": "1", "default": "allow"})).post(body % b'{"a" : 1.50, "b":"\\u0041"}')
    [received] = upstream.received
    assert b'"arguments":{"a":1.50,"b":"A"}' in received.body
    assert not received.body.startswith(b" ")
