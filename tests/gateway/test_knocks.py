"""Waiting for the first call: what did not come in is told to whom it concerns, and to nobody else."""

import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from html import unescape
from uuid import uuid4

import pytest
import redis
from django.conf import settings
from django.utils import timezone

from accounts.models import Role, User
from accounts.services import bump_epoch
from accounts.tenancy import tenant
from accounts.tokens import Prefix, mint_token
from gateway.knock import KEPT, KEPT_SECONDS, knock_key, read_knocks
from gateway.porter import NOTES_A_SECOND, Bucket
from policies.models import Grant
from servers.models import Server
from tests.conftest import client_of, make_member
from tests.gateway.upstream import RecordingUpstream
from tests.gateway.world import ALLOW, Agent, World, agent_of, make_grant, make_server, wait_until

Build = Callable[..., World]


@pytest.fixture(autouse=True)
def rested() -> Iterator[None]:
    """The gateway of this run notes a few knocks a second; each test begins with one at least."""
    yield
    time.sleep(0.4)


def reasons_of(server: Server) -> list[str]:
    return [knock.why.value for knock in read_knocks(server.organisation_id, server.id)]


def wait_for(server: Server, *reasons: str) -> None:
    wait_until(lambda: reasons_of(server) == list(reasons), 5)


def viewer_of(world: World) -> User:
    return make_member(world.organisation, f"bob-{uuid4().hex}", Role.VIEWER)


def page_of(world: World, viewer: User, *, grant: Grant | None = None) -> str:
    url = f"/app/{world.organisation.slug}/servers/{world.server.id}/waiting/"
    answer = client_of(viewer).get(url, {"grant": str(grant.id)} if grant else {})
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def change_grant(world: World, **fields: object) -> None:
    with tenant(world.organisation.id):
        Grant.objects.filter(id=world.grant.id).update(**fields)
        bump_epoch(organisation_id=world.organisation.id)


@pytest.mark.parametrize(
    ("authorization", "reason", "title"),
    [
        (None, "no token", "came without a token"),
        ("Basic abc", "no token", "came without a token"),
        ("Bearer {key}", "not a grant", "is no grant"),
        ("Bearer {broken}", "malformed token", "damaged token"),
        ("Bearer sk-something", "malformed token", "damaged token"),
        ("Bearer {unknown}", "unknown token", "unknown token"),
    ],
)
def test_a_wrong_token_is_told_for_what_it_is(
    build: Build, gateway: str, authorization: str | None, reason: str, title: str
) -> None:
    world = build(ALLOW)
    agent, key, unknown = agent_of(gateway, world), mint_token(Prefix.API_KEY).text, mint_token(Prefix.GRANT).text
    text = (authorization or "").format(key=key, broken=world.token[:-2], unknown=unknown)
    headers = {"User-Agent": "a-client/1.0", "MCP-Protocol-Version": "2026-07-28"}
    answer = agent.http.post(agent.url, content=b"{}", headers={**headers, **({"Authorization": text} if text else {})})
    assert answer.status_code == 401
    wait_for(world.server, reason)
    page = page_of(world, viewer_of(world), grant=world.grant)
    assert title in page
    assert "a-client/1.0 (modern era)" in page
    later, _ = make_grant(world.server, world.policy, "later")
    assert title not in page_of(world, viewer_of(world), grant=later)
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        kept = client.lrange(knock_key(world.organisation.id, world.server.id), 0, -1)
    assert kept
    for secret in (world.token, key, unknown, world.token[:-2]):
        assert secret not in page
        assert secret not in str(kept)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [({"revoked_at": timezone.now()}, "revoked"), ({"expires_at": timezone.now() - timedelta(hours=1)}, "expired")],
)
def test_a_token_that_is_over_is_told_with_its_grant(
    build: Build, gateway: str, fields: dict[str, object], reason: str
) -> None:
    world = build(ALLOW)
    change_grant(world, **fields)
    assert agent_of(gateway, world).call("getTickers").status_code == 401
    wait_for(world.server, reason)
    [knock] = read_knocks(world.organisation.id, world.server.id)
    assert knock.grant == world.grant.id
    other, _ = make_grant(world.server, world.policy, "other")
    viewer = viewer_of(world)
    assert f"came with a{'n' if reason == 'expired' else ''} {reason} token" in page_of(
        world, viewer, grant=world.grant
    )
    assert "came with a" not in page_of(world, viewer, grant=other)


def test_a_token_at_another_server_is_told_to_both(build: Build, gateway: str, upstream: RecordingUpstream) -> None:
    world = build(ALLOW)
    sibling = make_server(world.organisation, upstream.url, "Sibling")
    assert Agent(gateway, sibling.id, world.token).call("getTickers").status_code == 401
    wait_for(sibling, "other server")
    wait_for(world.server, "other address")


@pytest.mark.parametrize(
    "address", ["not-a-uuid", "00000000-0000-4000-8000-000000000000", "{server}/sse", "{server}/mcp/"]
)
def test_a_good_token_at_an_address_of_nobody_is_told_to_its_own_server(
    build: Build, gateway: str, address: str
) -> None:
    world = build(ALLOW)
    address = address.format(server=world.server.id)
    assert Agent(gateway, address, world.token).call("getTickers").status_code == 401
    wait_for(world.server, "other address")
    assert "sent to another address" in page_of(world, viewer_of(world), grant=world.grant)


@pytest.mark.parametrize("is_warm", [True, False])
def test_organisations_learn_nothing_of_each_others_tokens(build: Build, gateway: str, is_warm: bool) -> None:
    world, foreign = build(ALLOW), build(ALLOW)
    if is_warm:
        assert agent_of(gateway, world).call("getTickers").status_code == 200
    else:
        change_grant(world, revoked_at=timezone.now())
    assert Agent(gateway, foreign.server.id, world.token).call("getTickers").status_code == 401
    wait_for(foreign.server, "unknown token")
    [knock] = read_knocks(foreign.organisation.id, foreign.server.id)
    assert knock.grant is None
    wait_for(world.server, "other address")


@pytest.mark.parametrize(
    ("headers", "reason"),
    [({"Host": "evil.example"}, "host"), ({"Origin": "https://evil.example"}, "origin")],
)
def test_a_wrong_host_or_origin_is_told(build: Build, gateway: str, headers: dict[str, str], reason: str) -> None:
    world = build(ALLOW)
    agent_of(gateway, world).call("getTickers", headers=headers)
    wait_for(world.server, reason)


def test_an_http_method_that_mcp_does_not_have_is_told(build: Build, gateway: str) -> None:
    world = build(ALLOW)
    agent = agent_of(gateway, world)
    assert agent.http.put(agent.url, headers=agent.head()).status_code == 405
    wait_for(world.server, "verb")
    assert "HTTP method that MCP does not have" in page_of(world, viewer_of(world), grant=world.grant)


def test_a_client_of_the_old_transport_is_told_until_a_message_comes(
    build: Build, gateway: str, upstream: RecordingUpstream, log_writer: None
) -> None:
    world = build(ALLOW)
    agent, viewer = agent_of(gateway, world), viewer_of(world)
    assert agent.http.get(agent.url, headers=agent.head()).status_code == 405
    wait_for(world.server, "stream")
    assert "The old transport" in page_of(world, viewer, grant=world.grant)
    agent.call("getTickers")
    wait_until(lambda: "The first call came through" in page_of(world, viewer, grant=world.grant), 10)


def test_only_the_latest_are_kept_and_for_an_hour(build: Build, gateway: str) -> None:
    world = build(ALLOW)
    agent = agent_of(gateway, world)
    for _ in range(KEPT + 10):
        agent.http.post(agent.url, content=b"{}")
        # At the pace that a process notes them.
        time.sleep(1 / NOTES_A_SECOND)
    wait_until(lambda: len(reasons_of(world.server)) == KEPT, 5)
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        key = knock_key(world.organisation.id, world.server.id)
        assert client.llen(key) == KEPT
        assert KEPT_SECONDS - 60 < client.ttl(key) <= KEPT_SECONDS


def test_what_comes_faster_than_the_pace_is_dropped() -> None:
    bucket = Bucket(3)
    assert [bucket.take() for _ in range(5)] == [True, True, True, False, False]
    time.sleep(0.5)
    assert bucket.take()


def test_the_panel_waits_then_shows_the_first_call(
    build: Build, gateway: str, upstream: RecordingUpstream, log_writer: None
) -> None:
    world = build({"version": "1", "default": "deny", "tools": {"getTickers": {}}})
    viewer = viewer_of(world)
    page = page_of(world, viewer, grant=world.grant)
    assert "Nothing has arrived yet" in page
    found = re.search(r'hx-get="([^"]+)"', page)
    assert found is not None
    client, poll = client_of(viewer), found[1]
    assert client.get(poll, headers={"HX-Request": "true"}).status_code == 204
    agent = agent_of(gateway, world)
    agent.call("wipeAccount")
    wait_until(lambda: client.get(poll).status_code == 200, 10)
    refused = page_of(world, viewer, grant=world.grant)
    assert "A call was refused" in refused and "The agent is connected" in refused
    agent.call("getTickers")
    wait_until(lambda: "The first call came through" in page_of(world, viewer, grant=world.grant), 10)
    assert "hx-trigger" not in page_of(world, viewer, grant=world.grant)


def test_what_stands_in_the_way_is_said_before_any_call(build: Build, gateway: str) -> None:
    world = build(None)
    viewer = viewer_of(world)
    assert "carries no policy" in page_of(world, viewer, grant=world.grant)
    change_grant(world, revoked_at=timezone.now())
    assert "is revoked" in page_of(world, viewer, grant=world.grant)


def test_a_grant_of_another_server_is_not_waited_for(build: Build, gateway: str, upstream: RecordingUpstream) -> None:
    world = build(ALLOW)
    sibling = make_server(world.organisation, upstream.url, "Sibling")
    grant, _ = make_grant(sibling, None)
    client = client_of(viewer_of(world))
    url = f"/app/{world.organisation.slug}/servers/{world.server.id}/waiting/"
    statuses = [client.get(url, {"grant": str(one)}).status_code for one in (world.grant.id, grant.id, "x")]
    assert statuses == [200, 404, 404]
