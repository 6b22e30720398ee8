"""Whose a session is: every wrong owner, on every verb, in both eras, on the process that opened it and on another."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

import pytest
from django.utils import timezone

from accounts.access import Member
from accounts.models import Role
from accounts.services import bump_epoch
from accounts.tenancy import tenant
from policies.models import Grant
from policies.services import rotate_grant
from tests.gateway.stores import running_gateways
from tests.gateway.test_sessions import OWNER, Stateful, open_session, use
from tests.gateway.upstream import RecordingUpstream
from tests.gateway.world import ALLOW, VERSION, Agent, World, agent_of, make_grant, make_server, make_world, wait_until

pytestmark = pytest.mark.slow

Who = Callable[["Scene"], tuple[UUID, str]]
VERBS: Final = tuple(OWNER)


@dataclass(frozen=True)
class Scene:
    """A world whose grant owns a session, and everybody who might come with that session's id."""

    world: World
    foreign: World
    second: str
    elsewhere: tuple[UUID, str]
    rotated: str
    revoked: str
    expired: str


# Each with where it comes to and with which token, and what it must be told.
STRANGERS: Final[dict[str, tuple[Who, int]]] = {
    "another grant of the same server": (lambda scene: (scene.world.server.id, scene.second), 404),
    "the rotated grant's new token": (lambda scene: (scene.world.server.id, scene.rotated), 404),
    "another server of the same organisation": (lambda scene: scene.elsewhere, 404),
    "another organisation": (lambda scene: (scene.foreign.server.id, scene.foreign.token), 404),
    "another organisation at this address": (lambda scene: (scene.world.server.id, scene.foreign.token), 401),
    "this token at another organisation's address": (lambda scene: (scene.foreign.server.id, scene.world.token), 401),
    "this token at a sibling's address": (lambda scene: (scene.elsewhere[0], scene.world.token), 401),
    "a sibling's token at this address": (lambda scene: (scene.world.server.id, scene.elsewhere[1]), 401),
    "a revoked grant": (lambda scene: (scene.world.server.id, scene.revoked), 401),
    "an expired grant": (lambda scene: (scene.world.server.id, scene.expired), 401),
    "nobody": (lambda scene: (scene.world.server.id, "plg_nobody"), 401),
}


@pytest.fixture(scope="module")
def gateways(gateway: str) -> Iterator[tuple[str, str]]:
    """This process and one of its own: they share PostgreSQL and Redis, and nothing else."""
    with running_gateways(1) as (other,):
        yield gateway, other


@pytest.fixture(scope="module")
def scene(rows: None, recorder: RecordingUpstream) -> Scene:
    world, foreign = make_world(recorder.url, ALLOW), make_world(recorder.url, ALLOW)
    sibling = make_server(world.organisation, recorder.url, "Sibling")
    _, second = make_grant(world.server, world.policy, "second")
    _, elsewhere = make_grant(sibling, world.policy, "elsewhere")
    member = Member(world.organisation, Role.ADMIN, "alice@example.com", None)
    with tenant(world.organisation.id):
        rotated = rotate_grant(member=member, grant=world.grant, overlap=timedelta(hours=1)).token
    ended = {}
    for label, fields in {"revoked": "revoked_at", "expired": "expires_at"}.items():
        grant, ended[label] = make_grant(world.server, world.policy, label)
        with tenant(world.organisation.id):
            Grant.objects.filter(id=grant.id).update(**{fields: timezone.now()})
            bump_epoch(organisation_id=world.organisation.id)
    return Scene(world, foreign, second, (sibling.id, elsewhere), rotated, ended["revoked"], ended["expired"])


@pytest.fixture
def session(scene: Scene, gateways: tuple[str, str], upstream: RecordingUpstream) -> str:
    """A session that the scene's grant has just opened on the first instance."""
    upstream.answer = Stateful()
    opened = open_session(agent_of(gateways[0], scene.world))
    upstream.received.clear()
    return opened


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("who", STRANGERS)
def test_a_session_is_nobody_elses_on_any_process(
    scene: Scene, gateways: tuple[str, str], upstream: RecordingUpstream, session: str, who: str, verb: str
) -> None:
    find, status = STRANGERS[who]
    server, token = find(scene)
    answers = [use(Agent(base, server, token), verb, session) for base in gateways]
    assert answers == [status, status]
    assert upstream.received == []
    assert use(agent_of(gateways[1], scene.world), verb, session) == OWNER[verb]
    assert [one.header(b"mcp-session-id") for one in upstream.received] == [session.encode()]


@pytest.mark.parametrize("who", STRANGERS)
def test_in_the_modern_era_no_session_travels_whoever_brings_one(
    scene: Scene, gateways: tuple[str, str], upstream: RecordingUpstream, session: str, who: str
) -> None:
    find, legacy = STRANGERS[who]
    server, token = find(scene)
    status = 200 if legacy == 404 else 401
    upstream.reset()
    for base in gateways:
        stranger = Agent(base, server, token, is_modern=True)
        assert stranger.call("getTickers", headers={"Mcp-Session-Id": session}).status_code == status
    assert [one.header(b"mcp-session-id") for one in upstream.received] == ([None, None] if status == 200 else [])


@pytest.mark.parametrize("verb", ["GET", "DELETE"])
@pytest.mark.parametrize("who", STRANGERS)
def test_the_modern_version_opens_no_session_by_another_verb(
    scene: Scene, gateways: tuple[str, str], upstream: RecordingUpstream, session: str, who: str, verb: str
) -> None:
    find, status = STRANGERS[who]
    server, token = find(scene)
    for base in gateways:
        stranger = Agent(base, server, token, headers={"MCP-Protocol-Version": VERSION})
        assert use(stranger, verb, session) == status
    assert upstream.received == []


@pytest.mark.parametrize("verb", VERBS)
def test_the_old_token_of_a_rotated_pair_keeps_its_session_and_the_new_one_opens_its_own(
    scene: Scene, gateways: tuple[str, str], upstream: RecordingUpstream, session: str, verb: str
) -> None:
    old = agent_of(gateways[1], scene.world)
    new = Agent(gateways[0], scene.world.server.id, scene.rotated)
    own = open_session(new)
    upstream.received.clear()
    assert use(old, verb, own) == 404
    assert upstream.received == []
    assert use(old, verb, session) == OWNER[verb]
    assert use(Agent(gateways[1], scene.world.server.id, scene.rotated), verb, own) == OWNER[verb]


def test_a_session_ends_with_its_grant_on_every_process(
    scene: Scene, gateways: tuple[str, str], upstream: RecordingUpstream
) -> None:
    upstream.answer = Stateful()
    grant, token = make_grant(scene.world.server, scene.world.policy, "leaving")
    agents = [Agent(base, scene.world.server.id, token) for base in gateways]
    session = open_session(agents[0])
    assert [use(agent, "POST", session) for agent in agents] == [200, 200]
    with tenant(scene.world.organisation.id):
        Grant.objects.filter(id=grant.id).update(revoked_at=timezone.now())
        bump_epoch(organisation_id=scene.world.organisation.id)
    wait_until(lambda: all(use(agent, "POST", session) == 401 for agent in agents), 10)
    upstream.received.clear()
    assert {use(agent, verb, session) for agent in agents for verb in VERBS} == {401}
    assert upstream.received == []


def test_a_session_that_was_ended_on_one_process_is_ended_on_the_other(
    scene: Scene, gateways: tuple[str, str], upstream: RecordingUpstream, session: str
) -> None:
    first, second = (agent_of(base, scene.world) for base in gateways)
    assert use(second, "POST", session) == 200
    assert use(first, "DELETE", session) == 204
    upstream.received.clear()
    assert [use(agent, verb, session) for agent in (first, second) for verb in VERBS] == [404] * 10
    assert upstream.received == []
