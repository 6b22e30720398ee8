"""Importing a server into the catalogue: from its live endpoint and from an export, unreviewed and guarded."""

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client

from catalog.access import known_tools_named, list_servers
from catalog.datafile import read_data_file
from catalog.services import load_catalog
from policies.engine.values import JSON
from servers.discovery import FoundTool
from servers.matching import judge_tool
from tests.servers.upstreams import App, Toolbox, Upstream, make_tool, with_bearer

pytestmark = pytest.mark.django_db
SCHEMA: dict[str, JSON] = {"type": "object", "properties": {"symbol": {"type": "string"}}, "required": ["symbol"]}
TOOLS = [make_tool("send_payment"), make_tool("get_tides", annotations={"readOnlyHint": True})]
Start = Callable[[App], Upstream]


def bring(*words: str) -> str:
    output = StringIO()
    call_command("import_server", *words, stdout=output, stderr=output)
    return output.getvalue()


def export(folder: Path, *servers: dict[str, Any]) -> str:
    path = folder / "export.json"
    path.write_text(json.dumps({"servers": [{"server": server} for server in servers]}), encoding="utf-8")
    return str(path)


def named(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "description": "Berths and cargo.", "version": "1.0.0", **fields}


def at(upstream: Upstream) -> list[dict[str, str]]:
    return [{"type": "streamable-http", "url": upstream.url}]


def test_a_live_server_is_added_with_its_tools_unreviewed(upstream: Start, client: Client, settings: Any) -> None:
    settings.ALLOW_PRIVATE_UPSTREAMS = True
    place = upstream(with_bearer(Toolbox(*TOOLS).app(), "secret-token"))
    told = bring(
        "--url",
        place.url,
        "--slug",
        "harbour-desk",
        "--release",
        "1.0",
        "--header",
        "Authorization: Bearer secret-token",
    )
    assert told == "harbour-desk 1.0: 2 tools, not reviewed yet; at /catalog/harbour-desk/\n"
    for address in ("/catalog/harbour-desk/", "/catalog/harbour-desk/send_payment/"):
        page = client.get(address).content.decode()
        assert "Not reviewed yet" in page
        assert "secret-token" not in page
    document = client.get("/catalog/harbour-desk.json").json()
    assert [(tool["name"], tool["category"], tool["is_reviewed"]) for tool in document["tools"]] == [
        ("send_payment", "financial", False),
        ("get_tides", "read", False),
    ]
    assert document["server"]["requires_env"] == ["Authorization"]
    assert "secret-token" not in json.dumps(document)


def test_an_imported_server_stays_when_the_files_are_loaded_again(upstream: Start, settings: Any) -> None:
    settings.ALLOW_PRIVATE_UPSTREAMS = True
    bring("--url", upstream(Toolbox(*TOOLS).app()).url, "--slug", "harbour-desk", "--release", "1.0")
    load_catalog()
    assert "harbour-desk" in [each.server.slug for each in list_servers()]


def test_a_further_import_is_a_further_release_with_a_page_of_changes(
    upstream: Start, client: Client, settings: Any
) -> None:
    settings.ALLOW_PRIVATE_UPSTREAMS = True
    tools = Toolbox(*TOOLS)
    place = upstream(tools.app())
    bring("--url", place.url, "--slug", "harbour-desk", "--release", "1.0")
    tools.tools.append(make_tool("cancel_berth"))
    bring("--url", place.url, "--slug", "harbour-desk", "--release", "1.1")
    assert client.get("/catalog/harbour-desk/changes/1.0..1.1.json").json()["added"] == ["cancel_berth"]


def test_a_tool_of_an_imported_server_is_not_taken_as_reviewed_when_somebody_registers_it(
    upstream: Start, settings: Any
) -> None:
    settings.ALLOW_PRIVATE_UPSTREAMS = True
    bring("--url", upstream(Toolbox(*TOOLS).app()).url, "--slug", "harbour-desk", "--release", "1.0")
    found = FoundTool("get_tides", {"name": "get_tides", "inputSchema": SCHEMA}, SCHEMA)
    assert judge_tool(found, known_tools_named("harbour-desk")).is_reviewed is False


def test_the_address_guard_stands_before_an_import(upstream: Start, settings: Any, tmp_path: Path) -> None:
    settings.ALLOW_PRIVATE_UPSTREAMS = False
    place = upstream(Toolbox(*TOOLS).app())
    with pytest.raises(CommandError, match="Nothing was changed"):
        bring("--url", place.url, "--slug", "harbour-desk", "--release", "1.0")
    with pytest.raises(CommandError, match="1 of 1 servers were not imported"):
        bring("--registry", export(tmp_path, named("io.example/harbour", remotes=at(place))))
    assert place.seen == []
    assert list_servers() == []


def test_an_export_is_imported_from_the_addresses_and_tools_that_it_names(
    upstream: Start, client: Client, settings: Any, tmp_path: Path
) -> None:
    settings.ALLOW_PRIVATE_UPSTREAMS = True
    asked = named("io.example/harbour", remotes=at(upstream(Toolbox(*TOOLS).app())))
    provided = {"io.modelcontextprotocol.registry/publisher-provided": {"tools": TOOLS[:1]}}
    told = bring("--registry", export(tmp_path, asked, named("io.example/quay", _meta=provided)))
    assert told.splitlines() == [
        "io-example-harbour 1.0.0: 2 tools, not reviewed yet; at /catalog/io-example-harbour/",
        "io-example-quay 1.0.0: 1 tools, not reviewed yet; at /catalog/io-example-quay/",
    ]
    assert "Berths and cargo." in client.get("/catalog/io-example-quay/").content.decode()


def test_a_server_that_names_no_tools_needs_a_list_of_them(tmp_path: Path) -> None:
    path = export(tmp_path, named("io.example/harbour"), named("io.example/quay"))
    with pytest.raises(CommandError, match="2 of 2 servers were not imported"):
        bring("--registry", path)
    tools = tmp_path / "tools.json"
    tools.write_text(json.dumps({"tools": TOOLS}), encoding="utf-8")
    with pytest.raises(CommandError, match="name it with --only"):
        bring("--registry", path, "--tools", str(tools))
    with pytest.raises(CommandError, match="no server named"):
        bring("--registry", path, "--only", "io.example/nothing")
    bring("--registry", path, "--only", "io.example/quay", "--tools", str(tools))
    assert [each.server.slug for each in list_servers()] == ["io-example-quay"]


def test_what_people_reviewed_is_not_written_over(tmp_path: Path) -> None:
    load_catalog()
    tools = tmp_path / "tools.json"
    tools.write_text(json.dumps(TOOLS), encoding="utf-8")
    path = export(tmp_path, named("bybit-exchange/trading-mcp"))
    with pytest.raises(CommandError, match="1 of 1 servers were not imported"):
        bring("--registry", path, "--tools", str(tools))
    assert [each.total for each in list_servers()] == [326]


def test_a_data_file_can_be_written_for_people_to_review(tmp_path: Path) -> None:
    tools = tmp_path / "tools.json"
    tools.write_text(json.dumps(TOOLS), encoding="utf-8")
    bring("--registry", export(tmp_path, named("io.example/quay")), "--tools", str(tools), "--output", str(tmp_path))
    file = read_data_file(tmp_path / "io-example-quay-1.0.0.json")
    assert [tool.is_reviewed for tool in file.tools] == [False, False]
    assert list_servers() == []


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--url", "https://mcp.example.com/"],
        ["--url", "https://a.example/", "--registry", "x"],
        ["--registry", "x"],
    ],
)
def test_what_is_not_said_is_asked_for(words: list[str], settings: Any) -> None:
    settings.ALLOW_PRIVATE_UPSTREAMS = False
    with pytest.raises(CommandError):
        bring(*words)
