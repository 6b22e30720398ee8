"""The pages of a server's grants: a token is seen once, by who minted it."""

import re
from datetime import timedelta
from html import unescape
from uuid import uuid4

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone

from accounts.models import AdminAudit, User
from accounts.tenancy import tenant
from accounts.tokens import TOKEN_PATTERN, hash_token
from policies.access import find_grant, grants_for
from policies.models import Grant
from policies.snippets import write_snippets
from servers.models import Server
from tests.conftest import Cast, client_of
from tests.policies.conftest import make_grant, make_policy, make_server, reload_grant
from tests.policies.test_policy_pages import open_page, plain_of, send, text_of, url_of

CLIENTS = (
    "Claude Code", "Claude Desktop", "Cursor", "VS Code", "Codex", "OpenAI Agents SDK", "LangChain", "FastMCP",
    "TypeScript SDK", "Inspector",
)  # fmt: skip


def form_of(cast: Cast, server: Server, user: User | None = None) -> dict[str, str]:
    page = open_page(user or cast.alice, url_of(cast, "grants", server.id))
    found = re.search(r'name="form_id" value="([^"]+)"', page)
    assert found is not None
    return {"label": "Laptop", "form_id": found[1]}


def grants_of(cast: Cast, server: Server) -> list[Grant]:
    with tenant(cast.organisation.id):
        return list(grants_for(server))


def test_a_token_is_shown_once_and_only_its_hash_is_kept(cast: Cast, server: Server) -> None:
    policy = make_policy(cast, server)
    form = {**form_of(cast, server), "policy": str(policy.id)}
    client = client_of(cast.alice)
    answer = client.post(url_of(cast, "mint", server.id), form)
    page = unescape(answer.content.decode())
    (token,) = set(TOKEN_PATTERN.findall(page))
    (grant,) = grants_of(cast, server)
    found = find_grant(hash_token(token))
    assert found is not None
    assert (found.grant_id, grant.policy, grant.created_by) == (grant.id, policy, cast.alice)
    assert "no-store" in answer["Cache-Control"]
    assert answer.status_code == 200
    assert token not in str(answer.headers) + str(answer.cookies) + str(dict(client.session))
    for url in (url_of(cast, "grants", server.id), url_of(cast, "grant", grant.id)):
        later = client.get(url).content.decode()
        assert token not in later
        assert token[-4:] in later
    with tenant(cast.organisation.id):
        assert token not in str(list(AdminAudit.objects.values()))
    assert not any(token in str(session.get_decoded()) for session in Session.objects.all())


def test_no_table_holds_a_token(cast: Cast, server: Server) -> None:
    answer = send(cast.alice, url_of(cast, "mint", server.id), form_of(cast, server))
    (token,) = set(TOKEN_PATTERN.findall(text_of(answer)))
    with tenant(cast.organisation.id), connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT count(*) FROM "{table}" AS row WHERE row::text LIKE %s', [f"%{token}%"])
            assert cursor.fetchone() == (0,), table


def test_the_same_form_mints_once(cast: Cast, server: Server) -> None:
    form = form_of(cast, server)
    first = send(cast.alice, url_of(cast, "mint", server.id), form)
    second = send(cast.alice, url_of(cast, "mint", server.id), form)
    assert (first.status_code, second.status_code) == (200, 409)
    assert not TOKEN_PATTERN.search(text_of(second))
    assert "already minted" in text_of(second)
    assert len(grants_of(cast, server)) == 1
    third = send(cast.alice, url_of(cast, "mint", server.id), form_of(cast, server))
    assert third.status_code == 200


def test_every_snippet_is_there_with_address_and_token(cast: Cast, server: Server) -> None:
    answer = send(cast.alice, url_of(cast, "mint", server.id), form_of(cast, server))
    page = text_of(answer)
    (token,) = set(TOKEN_PATTERN.findall(page))
    snippets = write_snippets(server, token)
    assert tuple(snippet.client for snippet in snippets) == CLIENTS
    for snippet in snippets:
        assert snippet.text in page
        assert f"/mcp/{server.id}" in snippet.text
        assert (token in snippet.text) == snippet.has_token
    listed = open_page(cast.bob, url_of(cast, "grants", server.id))
    assert all(snippet.text in listed for snippet in write_snippets(server))
    assert token not in listed


@pytest.mark.parametrize(
    "change",
    [
        {"label": ""},
        {"label": "x" * 81},
        {"policy": "nonsense"},
        {"policy": str(uuid4())},
        {"expires": "2020-01-01"},
        {"expires": "soon"},
        {"form_id": "forged"},
        {"form_id": ""},
    ],
)
def test_wrong_input_mints_nothing(cast: Cast, server: Server, change: dict[str, str]) -> None:
    form = form_of(cast, server)
    answer = send(cast.alice, url_of(cast, "mint", server.id), {**form, **change})
    assert (answer.status_code, grants_of(cast, server)) == (422, [])
    assert send(cast.alice, url_of(cast, "mint", server.id), form).status_code == 200


def test_a_form_and_a_policy_of_another_server_mint_nothing(cast: Cast, server: Server) -> None:
    second = make_server(cast.organisation, "Second")
    policy = make_policy(cast, second)
    foreign_policy = {**form_of(cast, server), "policy": str(policy.id)}
    for form in (foreign_policy, form_of(cast, second)):
        assert send(cast.alice, url_of(cast, "mint", server.id), form).status_code == 422
    assert grants_of(cast, server) == []


def test_a_grant_is_attached_to_policies_of_its_server(cast: Cast, server: Server) -> None:
    policy, grant = make_policy(cast, server), make_grant(cast, server).grant
    elsewhere = make_policy(cast, make_server(cast.organisation, "Second"))
    url = url_of(cast, "attach", grant.id)
    assert 'Denies all</span> <small class="muted">no policy' in open_page(cast.bob, url_of(cast, "grant", grant.id))
    send(cast.pam, url, {"policy": str(policy.id)})
    assert reload_grant(cast, grant).policy == policy
    assert "In force" in open_page(cast.bob, url_of(cast, "grant", grant.id))
    refused = send(cast.pam, url, {"policy": str(elsewhere.id)}, follow=True)
    assert "Nothing was changed" in text_of(refused)
    assert reload_grant(cast, grant).policy == policy
    send(cast.pam, url, {"policy": ""})
    assert reload_grant(cast, grant).policy is None


def test_the_end_of_a_grant_is_set_and_taken_away(cast: Cast, server: Server) -> None:
    grant, day = make_grant(cast, server).grant, (timezone.now() + timedelta(days=3)).date()
    url = url_of(cast, "expire", grant.id)
    send(cast.alice, url, {"expires": day.isoformat()})
    end = reload_grant(cast, grant).expires_at
    assert end is not None
    assert (end.date(), end.hour, end.minute) == (day, 23, 59)
    # The day that the page shows, sent again, lengthens nothing.
    with tenant(cast.organisation.id):
        noon = end.replace(hour=12, minute=0)
        Grant.objects.filter(id=grant.id).update(expires_at=noon)
    send(cast.alice, url, {"expires": day.isoformat()})
    end = reload_grant(cast, grant).expires_at
    assert end == noon
    past = send(cast.alice, url, {"expires": "2020-01-01"}, follow=True)
    assert "Nothing was changed" in text_of(past)
    assert reload_grant(cast, grant).expires_at == end
    send(cast.alice, url, {"expires": ""})
    assert reload_grant(cast, grant).expires_at is None


def test_a_grant_past_its_end_is_shown_as_expired_and_cannot_be_rotated(cast: Cast, server: Server) -> None:
    grant = make_grant(cast, server, make_policy(cast, server)).grant
    urls = [url_of(cast, name, grant.id) for name in ("grant", "grant_tools")] + [url_of(cast, "grants", server.id)]
    for url in urls:
        assert ">In force</span>" in open_page(cast.alice, url)
    assert 'id="rotate"' in open_page(cast.alice, urls[0])
    with tenant(cast.organisation.id):
        Grant.objects.filter(id=grant.id).update(expires_at=timezone.now() - timedelta(seconds=1))
    for url in urls:
        page = open_page(cast.alice, url)
        assert ">Expired</span>" in page and ">In force</span>" not in page
    assert 'id="rotate"' not in open_page(cast.alice, urls[0])
    assert "This grant has expired, so it can do nothing any more." in open_page(cast.alice, urls[1])


@pytest.mark.parametrize("change", [{"revoked_at": -1}, {"expires_at": -1}])
def test_a_grant_that_ended_says_so_and_asks_for_nothing(cast: Cast, server: Server, change: dict[str, int]) -> None:
    grant = make_grant(cast, server).grant
    url, listed = url_of(cast, "grant", grant.id), url_of(cast, "grants", server.id)
    parts = ('id="waiting"', "Stop this grant", 'id="attach"', "YOUR_TOKEN", "Choose a policy")
    assert [part for part in parts if part not in open_page(cast.alice, url)] == []
    assert "Stop Laptop" in open_page(cast.alice, listed)
    with tenant(cast.organisation.id):
        at = {name: timezone.now() + timedelta(seconds=seconds) for name, seconds in change.items()}
        Grant.objects.filter(id=grant.id).update(**at)
    page = open_page(cast.alice, url)
    assert [part for part in parts if part in page] == []
    assert "Mint another" in page
    assert ('id="expiry"' in page) == ("expires_at" in change)
    assert "Stop Laptop" not in open_page(cast.alice, listed)
    assert "Mint another</a>" not in open_page(cast.bob, url)


def test_a_revoked_grant_stays_revoked(cast: Cast, server: Server) -> None:
    grant, policy = make_grant(cast, server).grant, make_policy(cast, server)
    send(cast.alice, url_of(cast, "revoke", grant.id))
    revoked = reload_grant(cast, grant).revoked_at
    assert revoked is not None
    send(cast.alice, url_of(cast, "revoke", grant.id))
    attach = send(cast.pam, url_of(cast, "attach", grant.id), {"policy": str(policy.id)}, follow=True)
    expire = send(cast.alice, url_of(cast, "expire", grant.id), {"expires": ""}, follow=True)
    for answer in (attach, expire):
        assert "is revoked and cannot be changed" in text_of(answer)
    kept = reload_grant(cast, grant)
    assert (kept.revoked_at, kept.policy) == (revoked, None)
    with tenant(cast.organisation.id):
        assert AdminAudit.objects.filter(action="grant.revoke").count() == 1


def test_admins_mint_and_revoke_and_policy_managers_attach(cast: Cast, server: Server) -> None:
    grant = make_grant(cast, server).grant
    form = form_of(cast, server)
    table = {
        "mint": (server.id, {"bob": 403, "pam": 403, "alice": 200}),
        "attach": (grant.id, {"bob": 403, "pam": 302, "alice": 302}),
        "expire": (grant.id, {"bob": 403, "pam": 403, "alice": 302}),
        "revoke": (grant.id, {"bob": 403, "pam": 403, "alice": 302}),
    }
    for name, (subject, statuses) in table.items():
        for user, status in statuses.items():
            assert send(getattr(cast, user), url_of(cast, name, subject), form).status_code == status, (name, user)
    for reader in (cast.bob, cast.pam):
        assert "form_id" not in open_page(reader, url_of(cast, "grants", server.id))


def test_another_organisations_grant_is_the_404_of_none(cast: Cast, server: Server) -> None:
    grant = make_grant(cast, server).grant
    client = client_of(cast.charlie)
    theirs = cast.other.slug
    for url in (
        url_of(cast, "grant", grant.id),
        url_of(cast, "grants", server.id),
        f"/app/{theirs}/grants/{grant.id}/",
        f"/app/{theirs}/servers/{server.id}/grants/",
    ):
        seen, unknown = client.get(url), client.get(f"/app/{theirs}/grants/{uuid4()}/")
        assert (seen.status_code, plain_of(seen)) == (404, plain_of(unknown))
    for action in ("revoke", "policy", "expiry"):
        assert client.post(f"/app/{theirs}/grants/{grant.id}/{action}/").status_code == 404
    assert client.post(f"/app/{theirs}/servers/{server.id}/grants/mint/", {"label": "x"}).status_code == 404
    assert reload_grant(cast, grant).revoked_at is None
