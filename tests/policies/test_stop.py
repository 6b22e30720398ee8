"""A grant, a server and the organisation are stopped with one press and resumed with one, on pages and over the API."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from accounts.models import AdminAudit, Organisation, Role
from accounts.tenancy import tenant
from policies.models import Grant
from policies.services import resume_grant, rotate_grant, stop_grant
from servers.models import Server
from tests.conftest import Cast, client_of
from tests.policies.conftest import Api, ApiOf, body_of, make_grant, make_policy, member_of, reload_grant
from tests.policies.test_policy_pages import open_page

STOPPED = ("is_stopped", "stopped_by", "stop_reason")


def path_of(what: str, server: Server, grant: Grant) -> str:
    return f"/app/acme/servers/{server.id}" if what == "server" else f"/app/acme/grants/{grant.id}"


def is_killed(what: str, cast: Cast, server: Server, grant: Grant) -> bool:
    with tenant(cast.organisation.id):
        row: Server | Grant = Server.objects.get(id=server.id) if what == "server" else Grant.objects.get(id=grant.id)
        return row.is_killed


@pytest.mark.parametrize("who", ["alice", "pam"])
@pytest.mark.parametrize("what", ["server", "grant"])
def test_one_press_stops_and_one_resumes(cast: Cast, server: Server, what: str, who: str) -> None:
    user, grant = getattr(cast, who), make_grant(cast, server, make_policy(cast, server)).grant
    path, grants = path_of(what, server, grant), f"/app/acme/servers/{server.id}/grants/"
    own = f"/app/acme/servers/{server.id}/settings/" if what == "server" else f"/app/acme/grants/{grant.id}/"
    for page in (grants, own):
        assert f'action="{path}/stop/"' in open_page(user, page)
    client_of(user).post(f"{path}/stop/", {"reason": "odd orders"})
    assert is_killed(what, cast, server, grant)
    shown = open_page(user, own)
    assert f"The {what} {server.name if what == 'server' else grant.label} is stopped" in shown
    assert f"Stopped by {user.email} on" in shown and "Reason: odd orders" in shown
    assert f'action="{path}/resume/"' in shown and f'action="{path}/stop/"' not in shown
    assert f'action="{path}/resume/"' in open_page(user, grants)
    viewed = open_page(cast.bob, own)
    assert "is stopped" in viewed and "/resume/" not in viewed
    client_of(user).post(f"{path}/resume/")
    assert not is_killed(what, cast, server, grant)
    assert "is stopped" not in open_page(user, own)
    with tenant(cast.organisation.id):
        rows = [row for row in AdminAudit.objects.all() if row.action.endswith((".stop", ".resume"))]
    assert [(row.action, row.actor) for row in rows] == [(f"{what}.resume", user.email), (f"{what}.stop", user.email)]
    assert rows[1].detail["reason"] == "odd orders"


def test_what_is_stopped_is_told_in_the_lists(cast: Cast, server: Server) -> None:
    grant = make_grant(cast, server, make_policy(cast, server)).grant
    pages = (f"/app/acme/servers/{server.id}/grants/", "/app/acme/servers/")
    for page in pages:
        assert ">Stopped<" not in open_page(cast.bob, page)
    client_of(cast.pam).post(f"/app/acme/servers/{server.id}/stop/")
    client_of(cast.pam).post(f"/app/acme/grants/{grant.id}/stop/")
    for page in pages:
        assert ">Stopped<" in open_page(cast.bob, page)


def test_a_stop_is_raised_to_gateways_once(cast: Cast, server: Server) -> None:
    grant = make_grant(cast, server).grant

    def epoch() -> int:
        with tenant(cast.organisation.id):
            return Organisation.objects.get().epoch

    before = epoch()
    for _ in range(2):
        client_of(cast.pam).post(f"/app/acme/grants/{grant.id}/stop/")
    assert epoch() == before + 1
    for _ in range(2):
        client_of(cast.pam).post(f"/app/acme/grants/{grant.id}/resume/")
    assert epoch() == before + 2


def test_a_stop_holds_the_tokens_before_and_after_a_rotation(cast: Cast, server: Server) -> None:
    old, member = make_grant(cast, server).grant, member_of(cast.organisation, cast.alice)
    with tenant(cast.organisation.id):
        new = rotate_grant(member=member, grant=old, overlap=timedelta(hours=1)).grant
        stop_grant(member=member, grant=new, reason="leak")
    assert reload_grant(cast, old).is_killed and reload_grant(cast, new).is_killed
    with tenant(cast.organisation.id):
        third = rotate_grant(member=member, grant=new, overlap=timedelta(hours=1)).grant
    found = reload_grant(cast, third)
    assert (found.is_killed, found.kill_reason, found.killed_by) == (True, "leak", cast.alice.email)
    assert found.killed_at is not None
    with tenant(cast.organisation.id):
        resume_grant(member=member, grant=old)
    assert not any(reload_grant(cast, each).is_killed for each in (old, new, third))


def test_another_grant_is_not_stopped(cast: Cast, server: Server) -> None:
    one, other = make_grant(cast, server).grant, make_grant(cast, server, label="Desktop").grant
    client_of(cast.alice).post(f"/app/acme/grants/{one.id}/stop/")
    assert reload_grant(cast, one).is_killed and not reload_grant(cast, other).is_killed


@pytest.mark.django_db(transaction=True)
def test_a_rotation_under_way_does_not_outrun_a_stop(cast: Cast, server: Server) -> None:
    old, member = make_grant(cast, server).grant, member_of(cast.organisation, cast.alice)

    def stop() -> None:
        try:
            with tenant(cast.organisation.id):
                stop_grant(member=member, grant=reload_grant(cast, old))
        finally:
            connection.close()

    stopping = threading.Thread(target=stop)
    with tenant(cast.organisation.id):
        new = rotate_grant(member=member, grant=old, overlap=timedelta(hours=1)).grant
        stopping.start()
        # It waits for this transaction: the lock that it asks for shows in PostgreSQL.
        for _ in range(1000):
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(0.02), count(*) FROM pg_locks WHERE NOT granted")
                row = cursor.fetchone()
            if row and row[1]:
                break
    stopping.join(timeout=20)
    assert reload_grant(cast, new).is_killed and reload_grant(cast, old).is_killed


@pytest.mark.parametrize("what", ["organisation", "server", "grant"])
def test_the_api_stops_and_resumes(cast: Cast, api_of: ApiOf, server: Server, what: str) -> None:
    grant = make_grant(cast, server).grant
    ids = {"organisation": (), "server": (server.id,), "grant": (grant.id,)}[what]
    ending = "" if what == "organisation" else f"_{what}"
    api, viewer = api_of(Role.POLICY_MANAGER), api_of(Role.VIEWER)

    def shown(answer: Any) -> tuple[object, ...]:
        assert answer.status_code == 200, answer.content
        body = body_of(answer)
        return tuple(body[name] for name in STOPPED)

    assert shown(viewer.get(what, *ids)) == (False, "", "")
    assert viewer.post(f"stop{ending}", *ids).status_code == 403
    stopped = shown(api.post(f"stop{ending}", *ids, body={"reason": "odd orders"}))
    assert (stopped[0], stopped[2]) == (True, "odd orders") and str(stopped[1]).startswith("API key")
    assert shown(api.post(f"stop{ending}", *ids, body={})) == stopped
    assert shown(viewer.get(what, *ids)) == stopped
    assert viewer.post(f"resume{ending}", *ids).status_code == 403
    assert shown(api.post(f"resume{ending}", *ids)) == (False, "", "")


def test_a_key_of_another_organisation_stops_its_own_only(cast: Cast, admin: Api, server: Server) -> None:
    grant = make_grant(cast, server).grant
    admin.post("stop")
    with tenant(cast.organisation.id):
        assert Organisation.objects.get().is_killed
    with tenant(cast.other.id):
        assert not Organisation.objects.get().is_killed
    assert reload_grant(cast, grant).is_killed is False
