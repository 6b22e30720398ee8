"""Pages of servers through the door: registration, editing, testing, deleting, and who may do it."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import AdminAudit
from accounts.tenancy import tenant
from accounts.tokens import Prefix, mint_token
from policies.models import Grant, Policy, PolicyVersion
from servers.access import target_for
from servers.models import DiscoveryStatus, Server, Tool
from tests.conftest import Cast, client_of
from tests.servers.conftest import Registrar
from tests.servers.upstreams import App, Toolbox, Upstream, make_tool, with_bearer

Serve = Callable[[App], Upstream]
NEW = "/app/acme/servers/new/"
URL = "http://127.0.0.1:9/mcp"
CALM = (("active", True),) * 3


@pytest.fixture
def server(registrar: Registrar) -> Server:
    return registrar.register(URL, headers=(("Authorization", "Bearer first-secret"),))


def path_of(server: Server, page: str) -> str:
    return f"/app/acme/servers/{server.id}/{page}/"


def only_server(cast: Cast) -> Server:
    with tenant(cast.organisation.id):
        return Server.objects.get()


def audits(cast: Cast, action: str) -> list[AdminAudit]:
    with tenant(cast.organisation.id):
        return list(AdminAudit.objects.filter(action=action))


def test_the_list_teaches_before_there_is_a_server(cast: Cast) -> None:
    assert b"Add a server</a>" in client_of(cast.alice).get("/app/acme/servers/").content
    page = client_of(cast.bob).get("/app/acme/servers/").content
    assert b"An admin of this organisation can add one" in page and b"Add a server</a>" not in page


def test_the_list_counts_the_tools_of_each_server_for_itself(cast: Cast) -> None:
    with tenant(cast.organisation.id):
        for name, tools in (("A", (("active", True), ("changed", False), ("gone", False))), ("B", ()), ("C", CALM)):
            owner = Server.objects.create(organisation=cast.organisation, name=name, kind="http", url=URL)
            for number, (state, is_reviewed) in enumerate(tools):
                Tool.objects.create(
                    organisation=cast.organisation,
                    server=owner,
                    name=f"tool{number}",
                    state=state,
                    is_reviewed=is_reviewed,
                    input_schema="{}",
                    definition="{}",
                    fingerprint="0" * 64,
                    category="read",
                    level="low",
                )
    page = client_of(cast.bob).get("/app/acme/servers/").content.decode()
    cells = [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", page, re.DOTALL)]
    rows = [cells[at : at + 4] for at in range(0, len(cells), 5)][1:]
    host = "127.0.0.1:9"
    assert rows == [
        ["A", host, "2", "1 changed, 1 not reviewed"],
        ["B", host, "0", "nothing"],
        ["C", host, "3", "nothing"],
    ]


def test_an_admin_registers_a_server_by_its_address(
    cast: Cast, alice: Client, upstream: Serve, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    running = upstream(with_bearer(Toolbox(make_tool("getPrice")).app(), "s3cret-token"))
    typed = {
        "kind": "http",
        "name": "  Prices ",
        "url": f" {running.url} ",
        "header_name": ["Authorization", "", ""],
        "header_value": ["Bearer s3cret-token", "", ""],
    }
    with django_capture_on_commit_callbacks(execute=True):
        answer = alice.post(NEW, typed)
    server = only_server(cast)
    assert (answer.status_code, answer.headers["Location"]) == (302, path_of(server, "tools"))
    assert (server.name, server.url, server.discovery) == ("Prices", running.url, DiscoveryStatus.DONE)
    page = alice.get(path_of(server, "tools")).content.decode()
    assert "getPrice" in page and "1 tool offered" in page and "s3cret" not in page
    assert "s3cret" not in str([row.detail for row in audits(cast, "server.registered")])
    assert audits(cast, "server.registered")[0].detail["headers"] == ["Authorization"]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"name": ""}, "Give the server a name"),
        ({"name": "x" * 81}, "Give the server a name"),
        ({"name": "a\u202eb"}, "visible characters"),
        ({"url": ""}, "Write the whole address"),
        ({"url": "http://10.0.0.1/"}, "is a private address"),
        ({"url": "https://user:password@example.com/"}, "Send credentials in a request header"),
        ({"kind": "bogus"}, "Choose one of"),
        ({"header_name": ["Host"], "header_value": ["x"]}, "Host is set by the gateway itself"),
        ({"header_name": ["mcp-session-id"], "header_value": ["x"]}, "set by the gateway itself"),
        ({"header_name": ["Content-Length"], "header_value": ["1"]}, "set by the gateway itself"),
        ({"header_name": ["Transfer-Encoding"], "header_value": ["chunked"]}, "set by the gateway itself"),
        ({"header_name": ["X-Forwarded-For"], "header_value": ["1"]}, "set by the gateway itself"),
        ({"header_name": ["X_Key"], "header_value": ["1"]}, "letters, digits and hyphens"),
        ({"header_name": ["X-Key:"], "header_value": ["1"]}, "letters, digits and hyphens"),
        ({"header_name": [""], "header_value": ["orphan-secret"]}, "letters, digits and hyphens"),
        ({"header_name": ["X-Key"], "header_value": ["a\r\nX-Other: secret"]}, "without line breaks"),
        ({"header_name": ["X-Key"], "header_value": ["\x7f"]}, "without line breaks"),
        ({"header_name": ["X-Key"], "header_value": ["é"]}, "without line breaks"),
        ({"header_name": ["X-Key"], "header_value": [""]}, "without line breaks"),
        ({"header_name": ["X-Key", "x-key"], "header_value": ["1", "2"]}, "the same header is there twice"),
    ],
)
def test_bad_input_is_told_at_its_field_and_keeps_what_was_typed(
    cast: Cast, alice: Client, typed: dict[str, Any], words: str
) -> None:
    sound = {"kind": "http", "name": "Kept name", "url": "http://localhost:9/kept", "header_name": ["X-A"]}
    answer = alice.post(NEW, {**sound, "header_value": ["kept-secret"], **typed})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert words.lower() in page.lower().replace("&#x27;", "'")
    assert "name" in typed or "Kept name" in page or typed.get("kind") == "bogus"
    assert "secret" not in page
    with tenant(cast.organisation.id):
        assert not Server.objects.exists()


def test_every_mistake_is_told_at_once(server: Server, alice: Client) -> None:
    wrong = {"name": "", "url": "nowhere", "header_name": ["Host"], "header_value": ["x"]}
    for address in (NEW, path_of(server, "settings")):
        page = alice.post(address, {"kind": "http", **wrong}).content.decode()
        for words in ("Give the server a name", "Write the whole address", "Host is set by the gateway itself"):
            assert words in page


def test_two_servers_of_an_organisation_do_not_share_a_name(server: Server, cast: Cast, alice: Client) -> None:
    answer = alice.post(NEW, {"kind": "http", "name": server.name, "url": URL})
    assert answer.status_code == 422 and b"Another server of this organisation has this name" in answer.content
    assert alice.post(NEW, {"kind": "http", "name": "Second", "url": URL}).status_code == 302


def test_an_edit_renames_and_keeps_stored_values(server: Server, cast: Cast, alice: Client) -> None:
    answer = alice.post(path_of(server, "settings"), {"name": "Renamed", "url": URL, "value:Authorization": ""})
    assert answer.status_code == 302
    with tenant(cast.organisation.id):
        assert target_for(only_server(cast)).headers == (("Authorization", "Bearer first-secret"),)
    assert only_server(cast).name == "Renamed"


def test_a_stored_header_is_replaced_removed_and_joined_by_another(server: Server, cast: Cast, alice: Client) -> None:
    page = path_of(server, "settings")
    new = {"header_name": ["X-Key"], "header_value": ["second-secret"]}
    alice.post(page, {"name": "Mine", "url": URL, "value:Authorization": "Bearer third", **new})
    with tenant(cast.organisation.id):
        headers = dict(target_for(only_server(cast)).headers)
    assert headers == {"Authorization": "Bearer third", "X-Key": "second-secret"}
    alice.post(page, {"name": "Mine", "url": URL, "remove": ["Authorization"]})
    with tenant(cast.organisation.id):
        assert dict(target_for(only_server(cast)).headers) == {"X-Key": "second-secret"}
    details = [row.detail for row in audits(cast, "server.edited")]
    assert details[0]["headers_removed"] == ["Authorization"] and details[1]["headers_set"] == [
        "Authorization",
        "X-Key",
    ]
    assert "second-secret" not in str(details) and "third" not in str(details)


def test_a_stored_secret_does_not_move_to_another_host(server: Server, cast: Cast, alice: Client) -> None:
    page, elsewhere = path_of(server, "settings"), "http://localhost:9/mcp"
    refused = alice.post(page, {"name": "Mine", "url": elsewhere})
    assert refused.status_code == 422 and b"The stored headers belong to the old host" in refused.content
    assert only_server(cast).url == URL
    moved = alice.post(page, {"name": "Mine", "url": elsewhere, "value:Authorization": "Bearer for-the-new"})
    assert moved.status_code == 302 and only_server(cast).url == elsewhere


def test_a_path_on_the_same_host_may_change_alone(server: Server, cast: Cast, alice: Client) -> None:
    assert alice.post(path_of(server, "settings"), {"name": "Mine", "url": f"{URL}/v2"}).status_code == 302
    assert only_server(cast).url == f"{URL}/v2"


def test_the_connection_is_tested_as_it_is_stored(
    registrar: Registrar,
    cast: Cast,
    alice: Client,
    upstream: Serve,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    running = upstream(with_bearer(Toolbox(make_tool("getPrice")).app(), "right-token"))
    server = registrar.register(running.url, headers=(("Authorization", "Bearer wrong-token"),))
    page = path_of(server, "settings")
    for value, words in (("", "Check the request headers"), ("Bearer right-token", "speaks MCP 2026-07-28")):
        with django_capture_on_commit_callbacks(execute=True):
            alice.post(page, {"name": "Mine", "url": running.url, "value:Authorization": value})
            assert alice.post(path_of(server, "check")).status_code == 302
        assert words in alice.get(page).content.decode()
        assert words in alice.get(path_of(server, "check")).content.decode()


def test_a_discovery_under_way_is_shown_and_not_doubled(server: Server, cast: Cast, alice: Client) -> None:
    alice.post(path_of(server, "discover"))
    assert only_server(cast).discovery == DiscoveryStatus.RUNNING
    page = alice.get(path_of(server, "tools")).content.decode()
    assert "tools of Mine are being read" in page and 'hx-trigger="every 1s"' in page
    started = only_server(cast).discovery_started_at
    alice.post(path_of(server, "discover"))
    assert only_server(cast).discovery_started_at == started
    waiting = alice.get(path_of(server, "status"))
    assert "HX-Refresh" not in waiting.headers and b"are being read" in waiting.content
    assert alice.get(path_of(server, "status") + "?seen=queued-0").status_code == 204


def test_a_discovery_that_died_can_be_started_again(server: Server, cast: Cast, alice: Client) -> None:
    old = timezone.now() - timedelta(minutes=6)
    with tenant(cast.organisation.id):
        Server.objects.update(discovery=DiscoveryStatus.RUNNING.value, discovery_started_at=old)
    assert b"The last discovery did not end" in alice.get(path_of(server, "tools")).content
    assert alice.get(path_of(server, "status")).headers["HX-Refresh"] == "true"
    alice.post(path_of(server, "discover"))
    started = only_server(cast).discovery_started_at
    assert started is not None and started > old


def test_a_failed_discovery_is_told_in_one_sentence(server: Server, alice: Client) -> None:
    assert "Nothing answers at this address" in alice.get(path_of(server, "tools")).content.decode()
    page = alice.get("/app/acme/servers/").content.decode()
    assert ">unreachable</span>" in page and "Nothing answers at this address" in page


def make_grant(server: Server, policy: Policy | None, label: str, **fields: Any) -> Grant:
    token = mint_token(Prefix.GRANT)
    return Grant.objects.create(
        organisation_id=server.organisation_id, server=server, policy=policy, label=label, token_hash=token.hash,
        last_four=token.last_four, **fields,
    )  # fmt: skip


def test_deleting_names_its_cost_and_wants_the_name(server: Server, cast: Cast, alice: Client) -> None:
    assert "Deletes the server. The log" in alice.get(path_of(server, "settings")).content.decode()
    with tenant(cast.organisation.id):
        policy = Policy.objects.create(organisation=cast.organisation, server=server, name="Trader")
        PolicyVersion.objects.create(
            organisation=cast.organisation, policy=policy, number=1, document="{}", author="alice"
        )
        make_grant(server, policy, "agent one")
        make_grant(server, None, "agent two", revoked_at=timezone.now())
    page = alice.get(path_of(server, "settings")).content.decode()
    assert "the server, its 1 policy and its 2 grants" in page and "1 agent can call nothing from then on" in page
    refused = alice.post(path_of(server, "delete"), {"confirm": "mine"})
    assert refused.status_code == 422 and b"Type the name of the server, Mine, to delete it" in refused.content
    assert only_server(cast).id == server.id
    assert alice.post(path_of(server, "delete"), {"confirm": "Mine"}).status_code == 302
    with tenant(cast.organisation.id):
        counts = [model.objects.count() for model in (Server, Tool, Policy, PolicyVersion, Grant)]
    assert counts == [0, 0, 0, 0, 0]
    detail = audits(cast, "server.deleted")[0].detail
    assert detail["policies"] == ["Trader"] and sorted(detail["grants"]) == ["agent one", "agent two"]


@pytest.mark.parametrize(
    ("tab", "method"),
    [
        ("tools", "get"), ("status", "get"), ("settings", "get"), ("settings", "post"), ("discover", "post"),
        ("check", "get"), ("check", "post"), ("delete", "post"), ("tools/accept", "post"), ("tools/review", "post"),
    ],
)  # fmt: skip
def test_charlie_gets_the_answer_for_what_does_not_exist(server: Server, cast: Cast, tab: str, method: str) -> None:
    charlie = client_of(cast.charlie)
    foreign = getattr(charlie, method)(path_of(server, tab))
    swapped = getattr(charlie, method)(path_of(server, tab).replace("/acme/", "/other/"))
    unknown = getattr(charlie, method)(f"/app/other/servers/{cast.alice.id}/{tab}/")
    assert (foreign.status_code, swapped.status_code, unknown.status_code) == (404, 404, 404)
    assert without_token(swapped.content) == without_token(unknown.content)


def without_token(body: bytes) -> bytes:
    return re.sub(rb'name="csrfmiddlewaretoken" value="[^"]+"|"X-CSRFToken": "[^"]+"', b"", body)


@pytest.mark.parametrize("tab", ["settings", "discover", "check", "delete", "tools/accept", "tools/review"])
def test_only_admins_write(server: Server, cast: Cast, tab: str) -> None:
    for person in (cast.pam, cast.bob):
        assert client_of(person).post(path_of(server, tab)).status_code == 403
        assert client_of(person).post(NEW).status_code == 403
    assert client_of(None).post(path_of(server, tab)).status_code == 302


def test_a_viewer_reads_without_buttons_and_without_the_query_of_the_address(registrar: Registrar, cast: Cast) -> None:
    server = registrar.register("http://127.0.0.1:9/mcp?key=query-secret")
    bob = client_of(cast.bob)
    page = bob.get(path_of(server, "settings")).content.decode()
    assert "http://127.0.0.1:9/mcp" in page and "query-secret" not in page
    assert "Delete the server" not in page and "Test the connection" not in page
    assert "Read the tools again</button>" not in bob.get(path_of(server, "tools")).content.decode()
    assert f"http://localhost:8000/mcp/{server.id}" in page
