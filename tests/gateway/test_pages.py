"""Console pages about calls, as members see them."""

import re
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from accounts.ids import new_uuid7
from accounts.tenancy import tenant
from policies.models import DecisionRecord, Grant, Policy, PolicyVersion
from servers.models import Server
from tests.conftest import Cast, client_of

START_MS = 1_800_000_000_000


def make_server(cast: Cast, name: str = "Desk") -> Server:
    with tenant(cast.organisation.id):
        return Server.objects.create(organisation=cast.organisation, name=name, kind="http", url="http://127.0.0.1:9/")


def make_policy(server: Server, current: int = 1) -> Policy:
    with tenant(server.organisation_id):
        policy = Policy.objects.create(
            organisation_id=server.organisation_id, server=server, name="Careful", current=current
        )
        PolicyVersion.objects.create(
            organisation_id=server.organisation_id, policy=policy, number=1, document="{}", author="alice"
        )
    return policy


def make_grant(server: Server, policy: Policy | None = None, label: str = "agent") -> Grant:
    with tenant(server.organisation_id):
        return Grant.objects.create(
            organisation_id=server.organisation_id,
            server=server,
            policy=policy,
            label=label,
            token_hash=uuid4().bytes * 2,
            last_four="0000",
        )


def make_record(home: Server, number: int = 0, **more: Any) -> DecisionRecord:
    fields: dict[str, Any] = {
        "id": new_uuid7((START_MS + number) * 1000),
        "at": timezone.now(),
        "organisation_id": home.organisation_id,
        "server": home.id,
        "grant": uuid4(),
        "era": "legacy",
        "method": "tools/call",
        "tool": f"tool{number}",
        "outcome": "allow",
        "rule": "/tools/x",
        "status": "ok",
        **more,
    }
    with tenant(home.organisation_id):
        return DecisionRecord.objects.create(**fields)


def page_of(cast: Cast, address: str, **headers: str) -> str:
    answer = client_of(cast.bob).get(address, headers=headers)
    assert answer.status_code == 200
    return str(answer.content.decode())


def log_of(server: Server, query: str = "") -> str:
    return f"/app/acme/servers/{server.id}/log/{query}"


def done_steps(page: str) -> int:
    return page.count(">done</span>")


def test_the_start_page_ticks_what_is_done(cast: Cast) -> None:
    assert done_steps(page_of(cast, "/app/acme/")) == 0
    server = make_server(cast)
    assert done_steps(page_of(cast, "/app/acme/")) == 1
    policy = make_policy(server)
    assert done_steps(page_of(cast, "/app/acme/")) == 2
    make_grant(server, policy)
    page = page_of(cast, "/app/acme/")
    assert done_steps(page) == 3
    assert f"/mcp/{server.id}" in page.replace("<wbr>", "")
    make_record(server)
    assert "From nothing to a governed call" not in page_of(cast, "/app/acme/")


def test_the_next_step_is_offered_to_those_who_may_take_it(cast: Cast) -> None:
    offered = f'href="/app/acme/servers/{make_server(cast).id}/policies/">Write a policy'
    assert offered in client_of(cast.pam).get("/app/acme/").content.decode()
    page = page_of(cast, "/app/acme/")
    assert offered not in page
    assert "Your role does not allow this step" in page


@pytest.mark.parametrize("current", [0, 1])
def test_a_policy_that_was_never_published_is_not_done(cast: Cast, current: int) -> None:
    make_policy(make_server(cast), current=current)
    assert done_steps(page_of(cast, "/app/acme/")) == 1 + current


def test_the_start_page_shows_the_newest_refusals_only(cast: Cast) -> None:
    server = make_server(cast)
    for number, outcome in enumerate(["deny", "allow", "limit", "hide", "approve"]):
        make_record(server, number, outcome=outcome, reason=f"because {number}")
    page = page_of(cast, "/app/acme/")
    assert re.findall(r"because (\d)", page) == ["4", "3", "2", "0"]


def test_the_log_shows_the_newest_first_and_pages_back(cast: Cast) -> None:
    server = make_server(cast)
    for number in range(120):
        make_record(server, number)
    seen: list[int] = []
    address = log_of(server)
    while address:
        page = page_of(cast, address)
        seen += [int(number) for number in re.findall(r">tool(\d+)<", page)]
        older = re.search(r'id="older" href="([^"]+)"', page)
        address = log_of(server, older[1].replace("&amp;", "&")) if older else ""
    assert seen == list(range(119, -1, -1))


def test_the_log_filters_by_outcome_tool_and_grant(cast: Cast) -> None:
    server = make_server(cast)
    grant = make_grant(server, label="night <agent>")
    make_record(server, 1, outcome="deny")
    make_record(server, 2, grant=grant.id)
    make_record(server, 3)
    by_query = {
        "": ["3", "2", "1"],
        "?outcome=deny": ["1"],
        "?tool=tool3": ["3"],
        f"?grant={grant.id}": ["2"],
        "?outcome=deny&tool=tool3": [],
        "?outcome=nonsense&grant=nonsense&before=nonsense": ["3", "2", "1"],
    }
    found = {query: re.findall(r">tool(\d)<", page_of(cast, log_of(server, query))) for query in by_query}
    assert found == by_query
    assert "night &lt;agent&gt;" in page_of(cast, log_of(server))


def test_the_log_of_another_server_is_another(cast: Cast) -> None:
    server = make_server(cast)
    make_record(server, 1, server=uuid4())
    assert "No call reached this server" in page_of(cast, log_of(server))


def poll_of(page: str) -> str:
    found = re.search(r'hx-get="([^"]+)"', page)
    assert found is not None
    return found[1].replace("&amp;", "&")


def test_a_poll_brings_nothing_until_something_happened(cast: Cast) -> None:
    server = make_server(cast)
    record = make_record(server, 1, status="intent")
    client = client_of(cast.bob)
    poll = poll_of(page_of(cast, log_of(server)))
    assert client.get(poll).status_code == 204
    make_record(server, 2)
    answer = client.get(poll)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert page.lstrip().startswith('<section class="stack" id="records"')
    assert re.findall(r">tool(\d)<", page) == ["2", "1"]

    poll = poll_of(page)
    assert client.get(poll).status_code == 204
    with tenant(server.organisation_id):
        DecisionRecord.objects.filter(id=record.id).update(status="ok", upstream_us=10)
    assert client.get(poll).status_code == 200


@pytest.mark.parametrize(("query", "is_polling"), [("", True), ("?live=off", False), (f"?before={UUID(int=7)}", False)])
def test_only_the_newest_page_polls_and_that_can_be_stopped(cast: Cast, query: str, is_polling: bool) -> None:
    page = page_of(cast, log_of(make_server(cast), query))
    assert ("hx-trigger" in page) is is_polling


def test_a_decision_explains_itself(cast: Cast) -> None:
    server = make_server(cast)
    policy = make_policy(server)
    grant = make_grant(server, policy)
    record = make_record(
        server,
        1,
        grant=grant.id,
        outcome="deny",
        rule="/tools/tool1",
        reason="Too <big>.",
        status="refused",
        policy=policy.id,
        policy_version=1,
        argument_keys=["symbol", "qty"],
        gateway_us=850,
        upstream_us=12_340,
    )
    page = page_of(cast, f"/app/acme/decisions/{record.id}/")
    for part in (
        "/tools/tool1",
        "Too &lt;big&gt;.",
        "never forwarded",
        f'href="/app/acme/policies/{policy.id}/">Careful</a>, version 1',
        "<code>symbol</code>, <code>qty</code>",
        "850 µs",
        "12.3 ms",
        "The policy refuses this call.",
    ):
        assert part in page


def test_a_decision_outlives_what_it_names(cast: Cast) -> None:
    record = make_record(make_server(cast), 1, server=uuid4(), policy=uuid4(), policy_version=7)
    page = page_of(cast, f"/app/acme/decisions/{record.id}/")
    assert page.count("deleted since") == 3


@pytest.mark.parametrize("rule", ["(no policy)", "(killed)", "(tool changed)", "(limits unavailable)"])
def test_a_rule_of_the_gateways_own_is_explained(cast: Cast, rule: str) -> None:
    record = make_record(make_server(cast), 1, outcome="deny", rule=rule)
    page = page_of(cast, f"/app/acme/decisions/{record.id}/")
    assert re.search(r'<p class="lead">[A-Z][^<]{20,}</p>', page)


def test_a_decision_of_another_organisation_is_not_there(cast: Cast) -> None:
    record: UUID = make_record(make_server(cast)).id
    assert client_of(cast.charlie).get(f"/app/other/decisions/{record}/").status_code == 404
    assert client_of(cast.bob).get(f"/app/acme/decisions/{record}/").status_code == 200


def test_the_palette_is_told_of_every_server_and_of_the_settings_that_the_role_may_see(cast: Cast) -> None:
    servers = [make_server(cast), make_server(cast, name="Second")]
    clients = {who: client_of(getattr(cast, who)) for who in ("bob", "alice")}
    told = {who: client.get("/app/acme/places.json").json()["places"] for who, client in clients.items()}
    names = [place["name"] for place in told["bob"]]
    pages = ("Tools", "Policies", "Grants", "Log", "Settings")
    assert [name for name in names if ": " in name] == [
        f"{server.name}: {page}" for server in sorted(servers, key=lambda each: each.name) for page in pages
    ]
    assert [name for name in names if ": " not in name] == ["Members"]
    for who, client in clients.items():
        assert {client.get(place["url"]).status_code for place in told[who]} == {200}
    assert [place["name"] for place in told["alice"]][-3:] == ["Members", "API keys", "Audit"]
