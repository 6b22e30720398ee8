"""Who may come in: tokens, hosts, origins and verbs; a token that is not good for this URL learns nothing."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.services import bump_epoch
from accounts.tenancy import tenant
from accounts.tokens import Prefix, mint_token
from policies.models import Grant
from tests.gateway.upstream import RecordingUpstream
from tests.gateway.world import (
    ALLOW,
    Agent,
    World,
    agent_of,
    make_grant,
    make_server,
    publish,
    records_of,
    wait_until,
)

Build = Callable[..., World]


def change_grant(world: World, **fields: object) -> None:
    with tenant(world.organisation.id):
        Grant.objects.filter(id=world.grant.id).update(**fields)
        bump_epoch(organisation_id=world.organisation.id)


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer x y",
        "Basic abc",
        "Bearer plg_short",
        "Bearer {other}",
        "Bearer {crc}",
        "Token {token}",
        "{token}",
    ],
)
def test_without_a_valid_token_nobody_comes_in(
    build: Build, gateway: str, upstream: RecordingUpstream, authorization: str
) -> None:
    world = build(ALLOW)
    agent = agent_of(gateway, world)
    assert "result" in agent.call("getTickers").json()
    upstream.reset()
    broken = world.token[:-1] + ("A" if world.token[-1] != "A" else "B")
    text = authorization.format(other=mint_token(Prefix.GRANT).text, crc=broken, token=world.token)
    responses = [
        agent.http.request(verb, agent.url, headers={"Authorization": text} if text else {}, content=b"{}")
        for verb in ("POST", "GET", "DELETE", "PUT", "OPTIONS")
    ]
    assert {(one.status_code, one.headers["www-authenticate"], one.text) for one in responses} == {
        (401, "Bearer", responses[0].text)
    }
    assert responses[0].json()["error"]["code"] == -31401
    assert upstream.received == []


def test_the_scheme_is_read_without_regard_to_case(build: Build, gateway: str) -> None:
    world = build(ALLOW)
    response = agent_of(gateway, world).call("getTickers", headers={"Authorization": f"bearer {world.token}"})
    assert "result" in response.json()


@pytest.mark.parametrize("tail", ["", "/"])
def test_the_address_works_with_and_without_its_slash(build: Build, gateway: str, tail: str) -> None:
    world = build(ALLOW)
    response = Agent(gateway, f"{world.server.id}{tail}", world.token).call("getTickers")
    assert response.status_code == 200 and "result" in response.json()


def test_a_token_of_another_server_gets_the_answer_of_an_unknown_one(
    build: Build, gateway: str, upstream: RecordingUpstream
) -> None:
    world, foreign = build(ALLOW), build(ALLOW)
    sibling = make_server(world.organisation, upstream.url, "Sibling")
    unknown = Agent(gateway, world.server.id, mint_token(Prefix.GRANT).text).call("getTickers")
    for server in (sibling.id, foreign.server.id, uuid4(), "not-a-uuid", str(world.server.id).upper() + "x"):
        response = Agent(gateway, server, world.token).call("getTickers")
        assert (response.status_code, response.text) == (401, unknown.text)
    assert upstream.received == []


def test_a_revoked_grant_is_out_within_two_seconds(build: Build, gateway: str, upstream: RecordingUpstream) -> None:
    world = build(ALLOW)
    agent = agent_of(gateway, world)
    assert agent.call("getTickers").status_code == 200
    change_grant(world, revoked_at=timezone.now())
    wait_until(lambda: agent.call("getTickers").status_code == 401, 10)
    upstream.reset()
    assert agent.call("getTickers").status_code == 401
    assert upstream.received == []


def test_an_expired_grant_is_out_at_its_hour(build: Build, gateway: str, upstream: RecordingUpstream) -> None:
    world = build(ALLOW)
    change_grant(world, expires_at=timezone.now() + timedelta(seconds=2))
    agent = agent_of(gateway, world)
    assert agent.call("getTickers").status_code == 200
    wait_until(lambda: agent.call("getTickers").status_code == 401, 10)


def test_a_published_policy_is_in_force_within_two_seconds(build: Build, gateway: str) -> None:
    world = build(ALLOW)
    agent = agent_of(gateway, world)
    assert "isError" not in agent.call("getTickers").json()["result"]
    publish(world, {"version": "1", "default": "deny"})
    wait_until(lambda: agent.call("getTickers").json()["result"].get("isError") is True, 10)
    publish(world, ALLOW)
    wait_until(lambda: agent.call("getTickers").json()["result"].get("isError") is None, 10)


def test_a_killed_organisation_refuses_every_call(
    build: Build, gateway: str, upstream: RecordingUpstream, log_writer: None
) -> None:
    world = build(ALLOW)
    agent = agent_of(gateway, world)
    assert "isError" not in agent.call("getTickers").json()["result"]
    with tenant(world.organisation.id):
        world.organisation.is_killed = True
        world.organisation.save(update_fields=["is_killed"])
        bump_epoch(organisation_id=world.organisation.id)
    wait_until(lambda: agent.call("getTickers").json()["result"].get("isError") is True, 10)
    upstream.reset()
    decision = agent.call("getTickers").json()["result"]["_meta"]["policylayer/decision"]
    assert decision["rule"] == "(killed)"
    assert agent.request("tools/list").json()["error"]["code"] == -31403
    assert agent.request("ping").status_code == 503
    assert agent.http.get(agent.url, headers=agent.head()).status_code == 503
    assert upstream.received == []
    refused = {("tools/call", "(killed)"), ("tools/list", "(killed)"), ("ping", "(killed)"), ("GET", "(killed)")}
    wait_until(lambda: refused <= {(record.method, record.rule) for record in records_of(world)}, 10)


def test_a_grant_without_a_policy_may_nothing(
    build: Build, gateway: str, upstream: RecordingUpstream, log_writer: None
) -> None:
    world = build(None)
    agent = agent_of(gateway, world)
    result = agent.call("getTickers").json()["result"]
    assert result["_meta"]["policylayer/decision"]["rule"] == "(no policy)"
    assert upstream.received == []
    assert agent.request("resources/list").json()["error"]["code"] == -31403
    assert upstream.received == []
    # It may learn that there is nothing for it.
    assert "result" in agent.request("initialize", {"protocolVersion": "2025-11-25", "capabilities": {}}).json()
    assert agent.request("tools/list").json()["result"]["tools"] == []
    wait_until(lambda: len(records_of(world)) == 4, 10)


@pytest.mark.parametrize(
    "document", ["not json", "{}", '{"version":"1","default":"allow","tools":{"getTickers":{"require":[{}]}}}']
)
def test_an_unreadable_policy_allows_nothing(
    build: Build, gateway: str, upstream: RecordingUpstream, document: str
) -> None:
    agent = agent_of(gateway, build(document))
    result = agent.call("getTickers").json()["result"]
    assert result["isError"] is True
    assert "The published policy does not fit" in result["content"][0]["text"]
    assert agent.request("tools/list").json()["result"]["tools"] == []
    assert upstream.calls() == []


def test_a_grant_beside_one_with_a_policy_keeps_its_own(build: Build, gateway: str) -> None:
    world = build(ALLOW)
    _, bare = make_grant(world.server, None, "bare")
    assert "isError" not in agent_of(gateway, world).call("getTickers").json()["result"]
    assert Agent(gateway, world.server.id, bare).call("getTickers").json()["result"]["isError"] is True


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://localhost:8000"}, 200),
        ({"Origin": "http://127.0.0.1:8000"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost:8000.evil.example"}, 403),
        ({"Host": "evil.example"}, 400),
        ({"Host": "localhost:1234"}, 200),
        ({"Host": ""}, 400),
        ({"Host": "localhost@evil.example"}, 400),
    ],
)
def test_only_known_hosts_and_origins_come_in(
    build: Build, gateway: str, upstream: RecordingUpstream, headers: dict[str, str], status: int
) -> None:
    response = agent_of(gateway, build(ALLOW)).call("getTickers", headers=headers)
    assert response.status_code == status
    assert len(upstream.received) == (1 if status == 200 else 0)


@pytest.mark.parametrize("verb", ["PUT", "PATCH", "HEAD", "OPTIONS"])
def test_other_verbs_are_not_served(
    build: Build, gateway: str, upstream: RecordingUpstream, log_writer: None, verb: str
) -> None:
    world = build(ALLOW)
    agent = agent_of(gateway, world)
    response = agent.http.request(verb, agent.url, headers=agent.head())
    assert response.status_code == 405
    assert response.headers["allow"] == "POST, GET, DELETE"
    assert upstream.received == []
    wait_until(lambda: [(verb, "(malformed)")] == [(record.method, record.rule) for record in records_of(world)], 10)


@pytest.mark.parametrize("name", ["Authorization", "Mcp-Session-Id", "Content-Type", "Mcp-Method"])
def test_a_header_that_is_there_twice_is_refused(
    build: Build, gateway: str, upstream: RecordingUpstream, name: str
) -> None:
    agent = agent_of(gateway, build(ALLOW))
    head = [*agent.head().items(), (name, agent.head().get(name, "x")), (name, "y")]
    body = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
    response = agent.http.post(agent.url, content=body, headers=head)
    assert response.status_code == 400
    assert upstream.received == []


def test_the_upstream_is_sent_its_own_headers_only(build: Build, gateway: str, upstream: RecordingUpstream) -> None:
    extra = {
        "Cookie": "sessionid=1",
        "Origin": "http://localhost:8000",
        "X-Forwarded-For": "1.2.3.4",
        "X-Forwarded-Host": "evil.example",
        "Forwarded": "for=1.2.3.4",
        "Mcp_Session_Id": "x",
        "Proxy-Authorization": "Basic x",
        "Accept-Encoding": "gzip",
        "Mcp-Param-Zone": "eu",
    }
    agent_of(gateway, build(ALLOW)).call("getTickers", headers=extra)
    [received] = upstream.received
    names = {name for name, _ in received.headers}
    assert names == {
        *(b"host", b"content-length", b"content-type", b"accept", b"accept-encoding", b"user-agent", b"mcp-param-zone")
    }
    assert received.header(b"accept-encoding") == b"identity"
    assert received.header(b"host") == upstream.url.split("/")[2].encode()
