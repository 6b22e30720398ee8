"""Searching the decision log, taking it away as a file, and making a rule of a decision."""

import csv
import io
import json
import re
from datetime import UTC, datetime
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient

from accounts.tenancy import tenant
from gateway import log_export
from gateway.log_export import COLUMNS, PAGE
from policies.engine.parse import parse_policy
from policies.models import DecisionRecord, PolicyVersion
from servers.models import Server
from tests.conftest import Cast, client_of
from tests.gateway.test_pages import log_of, make_grant, make_policy, make_record, make_server, page_of


def at(day: int, hour: int = 12) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=UTC)


def export_of(cast: Cast, server: Server, query: str = "?format=csv") -> Any:
    answer = client_of(cast.bob).get(f"/app/acme/servers/{server.id}/log/export/{query}")
    assert answer.status_code == 200
    return answer


def text_of(answer: Any) -> str:
    return b"".join(answer.streaming_content).decode()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?tool=tool", ["4", "3", "2", "1"]),
        ("?tool=tool3", ["3"]),
        ("?tool=ool", []),
        ("?tool=tool%25", []),
        ("?tool=TOOL", []),
        ("?rule=/tools", ["2", "1"]),
        ("?rule=(def", ["4", "3"]),
        ("?client=CLAUDE", ["2"]),
        ("?since=2026-11-20", ["4", "3"]),
        ("?until=2026-11-20", ["3", "2", "1"]),
        ("?since=2026-11-20&until=2026-11-20", ["3"]),
        ("?since=nonsense&until=9999-12-31", ["4", "3", "2", "1"]),
        ("?rule=/tools&client=claude&outcome=deny", []),
    ],
)
def test_the_log_is_searched(cast: Cast, query: str, found: list[str]) -> None:
    server = make_server(cast)
    make_record(server, 1, at=at(18), rule="/tools/a")
    make_record(server, 2, at=at(19), rule="/tools/b", client="Claude Code 2.1")
    make_record(server, 3, at=at(20, 23), rule="(default)")
    make_record(server, 4, at=at(21, 0), rule="(default)")
    page = page_of(cast, log_of(server, query))
    assert re.findall(r">tool(\d)<", page) == found
    assert [row["tool"][-1] for row in json.loads(text_of(export_of(cast, server, f"{query}&format=json")))] == found


@pytest.mark.parametrize("form", ["csv", "json"])
def test_an_export_holds_every_column(cast: Cast, form: str) -> None:
    server, grant = make_server(cast), uuid4()
    record = make_record(server, 1, at=at(18), grant=grant, argument_keys=["symbol", "qty"], reason='a "quote", ü')
    answer = export_of(cast, server, f"?format={form}")
    assert re.search(rf'attachment; filename="desk-[0-9-]+\.{form}"', answer["Content-Disposition"])
    text = text_of(answer)
    rows = json.loads(text) if form == "json" else list(csv.DictReader(io.StringIO(text)))
    [row] = rows
    assert tuple(row) == COLUMNS
    keys = ["symbol", "qty"] if form == "json" else "symbol qty"
    assert (row["id"], row["at"], row["argument_keys"]) == (str(record.id), "2026-11-18T12:00:00+00:00", keys)
    assert (row["grant"], row["reason"]) == (str(grant), 'a "quote", ü')


@pytest.mark.parametrize("form", ["csv", "json"])
def test_an_export_of_nothing_is_still_a_file(cast: Cast, form: str) -> None:
    text = text_of(export_of(cast, make_server(cast), f"?format={form}"))
    assert text == (",".join(COLUMNS) + "\r\n" if form == "csv" else "[\n\n]\n")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(cast: Cast, start: str) -> None:
    server = make_server(cast)
    evil = f'{start}HYPERLINK("http://evil.example")'
    make_record(server, 1, tool=evil, client=evil, reason=evil, rule=evil, argument_keys=[evil])
    text = text_of(export_of(cast, server))
    [row] = csv.DictReader(io.StringIO(text, newline=""))
    for name in ("tool", "client", "reason", "rule", "argument_keys"):
        assert row[name] == f"'{evil}"


def test_an_export_goes_on_page_by_page_and_stops_at_its_bound(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    server = make_server(cast)
    with tenant(server.organisation_id):
        first = make_record(server, 0)
        fields = {field.attname: getattr(first, field.attname) for field in DecisionRecord._meta.concrete_fields}
        DecisionRecord.objects.bulk_create(
            DecisionRecord(**{**fields, "id": uuid4(), "tool": f"more{number}"}) for number in range(PAGE + 20)
        )
    rows = json.loads(text_of(export_of(cast, server, "?format=json")))
    assert len({row["id"] for row in rows}) == PAGE + 21
    assert log_export.MAX_RECORDS == 10_000


def test_an_export_is_streamed_by_an_event_loop_too(cast: Cast) -> None:
    server = make_server(cast)
    make_record(server, 7)

    async def fetch() -> str:
        client = AsyncClient()
        await client.aforce_login(cast.bob)
        answer: Any = await client.get(f"/app/acme/servers/{server.id}/log/export/?format=json")
        return b"".join([part async for part in answer.streaming_content]).decode()

    assert [row["tool"] for row in json.loads(async_to_sync(fetch)())] == ["tool7"]


@pytest.mark.parametrize(("query", "status"), [("?format=csv", 200), ("", 200), ("?format=xlsx", 404)])
def test_only_known_formats_are_served(cast: Cast, query: str, status: int) -> None:
    server = make_server(cast)
    url = f"/app/acme/servers/{server.id}/log/export/{query}"
    assert client_of(cast.bob).get(url).status_code == status
    assert client_of(cast.charlie).get(url).status_code == 404


def test_where_nothing_is_found_nothing_is_exported(cast: Cast) -> None:
    server = make_server(cast)
    empty = page_of(cast, log_of(server))
    assert f"/mcp/{server.id}" in empty and "Export as" not in empty
    make_record(server, 1)
    nothing = page_of(cast, log_of(server, "?tool=zzz"))
    assert nothing.count("Clear the filter") == 1 and "Export as" not in nothing
    assert "Export as CSV" in page_of(cast, log_of(server))


def drafts_of(page: str) -> list[str]:
    return [unescape(text) for text in re.findall(r'<code id="draft-\w+">([^<]+)</code>', page)]


def test_a_rule_is_made_of_a_decision(cast: Cast) -> None:
    server = make_server(cast)
    policy = make_policy(server)
    record = make_record(server, 1, tool='odd "name" <b>', policy=policy.id, grant=make_grant(server, policy).id)
    address = f"/app/acme/decisions/{record.id}/"
    drafts = drafts_of(page_of(cast, address))
    assert len(drafts) == 3
    for draft in drafts:
        parsed = parse_policy(f'{{"version": "1", "default": "deny", "tools": {{{draft}}}}}', {})
        assert parsed.policy is not None
        assert list(parsed.policy.tools) == ['odd "name" <b>']
    link = f'action="/app/acme/policies/{policy.id}/review/"'
    assert link not in page_of(cast, address)
    assert link in client_of(cast.pam).get(address).content.decode()


@pytest.mark.parametrize(("document", "is_ruled"), [("{}", False), ('{"tools": {"tool1": {}}}', True), ("x", False)])
def test_a_rule_that_is_there_already_is_named(cast: Cast, document: str, is_ruled: bool) -> None:
    server = make_server(cast)
    policy = make_policy(server, current=2)
    with tenant(server.organisation_id):
        PolicyVersion.objects.create(
            organisation_id=server.organisation_id, policy=policy, number=2, document=document, author="alice"
        )
    record = make_record(server, 1, policy=policy.id)
    assert ("This replaces the rule of" in page_of(cast, f"/app/acme/decisions/{record.id}/")) is is_ruled


@pytest.mark.parametrize("fields", [{"method": "tools/list", "tool": ""}, {"tool": "get*"}, {"server": uuid4()}])
def test_what_is_no_call_of_one_tool_makes_no_rule(cast: Cast, fields: dict[str, Any]) -> None:
    record = make_record(make_server(cast), 1, **fields)
    assert drafts_of(page_of(cast, f"/app/acme/decisions/{record.id}/")) == []
