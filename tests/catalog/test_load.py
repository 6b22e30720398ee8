"""Loading the catalogue: what it reports, what repeating it does, and that a bad file leaves nothing behind."""

import copy
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client

from catalog.access import list_servers
from catalog.services import LoadReport, load_catalog
from tests.catalog.conftest import DATA, SLUG

pytestmark = pytest.mark.django_db
SERVER_URL = f"/catalog/{SLUG}.json"


def write(folder: Path, document: Any, name: str = "bybit.json") -> None:
    (folder / name).write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")


def small() -> dict[str, Any]:
    return {"server": dict(DATA["server"]), "tools": copy.deepcopy(DATA["tools"][:3])}


def names(client: Client) -> list[str]:
    return [tool["name"] for tool in client.get(SERVER_URL).json()["tools"]]


def test_the_command_loads_the_shipped_files() -> None:
    output = StringIO()
    call_command("load_catalog", stdout=output)
    assert output.getvalue() == "Catalogue: 1 servers; tools: 326 added, 0 changed, 0 unchanged, 0 removed\n"


def test_loading_again_changes_nothing() -> None:
    load_catalog()
    before = list_servers()
    assert load_catalog() == LoadReport(servers=1, added=0, changed=0, unchanged=326, removed=0, servers_removed=0)
    assert list_servers() == before


def test_it_reports_added_changed_and_removed_tools(tmp_path: Path, client: Client) -> None:
    document = small()
    write(tmp_path, document)
    assert load_catalog(tmp_path).added == 3
    document["tools"][0]["summary"] = "Another summary."
    document["tools"][1] = DATA["tools"][7]
    write(tmp_path, document)
    report = load_catalog(tmp_path)
    assert (report.added, report.changed, report.unchanged, report.removed) == (1, 1, 1, 1)
    assert names(client) == [tool["name"] for tool in document["tools"]]
    assert client.get(SERVER_URL).json()["tools"][0]["summary"] == "Another summary."


def test_a_new_order_in_the_file_is_the_order_of_the_pages(tmp_path: Path, client: Client) -> None:
    document = small()
    write(tmp_path, document)
    load_catalog(tmp_path)
    document["tools"].reverse()
    write(tmp_path, document)
    load_catalog(tmp_path)
    assert names(client) == [tool["name"] for tool in document["tools"]]


def test_a_server_without_a_file_goes(tmp_path: Path) -> None:
    load_catalog()
    document = small()
    document["server"]["slug"] = "another"
    write(tmp_path, document)
    report = load_catalog(tmp_path)
    assert (report.servers_removed, report.removed, report.added) == (1, 326, 3)
    assert [entry.server.slug for entry in list_servers()] == ["another"]


def change(path: str, value: Any) -> dict[str, Any]:
    """A small document with one place changed; `path` is field names and positions between slashes."""
    document = small()
    *parents, last = [int(step) if step.isdigit() else step for step in path.split("/")]
    target: Any = document
    for step in parents:
        target = target[step]
    target[last] = value
    return document


BROKEN = {
    "no JSON": ("{", "bybit.json: not readable as JSON"),
    "a duplicate key": ('{"server": {}, "server": {}}', "duplicate key 'server'"),
    "NaN": ('{"server": NaN}', "NaN is no JSON number"),
    "a list": ([], "bybit.json: should be an object"),
    "no tools": (change("tools", []), "field tools: should be a list that is not empty"),
    "an odd slug": (change("server/slug", "Bybit MCP"), "server: field slug: should match"),
    "a list of the wrong things": (change("server/requires_env", [1]), "field requires_env: should be a list of texts"),
    "an unknown level": (change("tools/1/risk", "severe"), "tool accountNoConvertRepay: field risk: should be one of"),
    "an unknown category": (change("tools/1/category", "io"), "tool accountNoConvertRepay: field category"),
    "an unknown signal": (change("tools/1/signals", ["x"]), "field signals: does not know 'x'"),
    "an unknown attack": (change("tools/1/attacks", ["x"]), "field attacks: does not know 'x'"),
    "an empty text": (change("tools/1/summary", " "), "field summary: should be a text that is not empty"),
    "a NUL": (change("tools/1/title", "a\x00"), "field title: holds a NUL"),
    "a long title": (change("tools/1/title", "a" * 201), "field title: longer than 200 characters"),
    "a flag that is a text": (change("tools/1/requires_auth", "yes"), "field requires_auth: should be true or false"),
    "a name that no URL can carry": (change("tools/1/name", "a/b"), "tool a/b: field name: should match"),
    "a name twice": (
        change("tools/1/name", "ACCOUNTBORROW"),
        "tool ACCOUNTBORROW: field name: the same as accountBorrow",
    ),
    "no name": (change("tools/1/name", 7), "tool number 2: field name"),
    "a schema that is none": (change("tools/1/input_schema", []), "field input_schema: should be a JSON schema"),
    "a field too many": (
        change("tools/1/colour", "red"),
        "tool accountNoConvertRepay: field colour: not a known field",
    ),
    "no tool at all": (change("tools/1", "accountBorrow"), "tool number 2: should be an object"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_refused_by_name_and_leaves_nothing(case: str, tmp_path: Path) -> None:
    document, message = BROKEN[case]
    write(tmp_path, small() | {"server": small()["server"] | {"slug": "a-first-one"}}, "a-good-one.json")
    write(tmp_path, document)
    with pytest.raises(CommandError) as caught:
        call_command("load_catalog", folder=tmp_path)
    assert message in str(caught.value)
    assert str(caught.value).endswith("Nothing was changed.")
    assert list_servers() == []
    write(tmp_path, small())
    call_command("load_catalog", folder=tmp_path, stdout=StringIO())
    assert len(list_servers()) == 2


def test_a_missing_field_is_named(tmp_path: Path) -> None:
    document = small()
    del document["tools"][2]["endpoint"]
    write(tmp_path, document)
    with pytest.raises(CommandError, match="tool accountRepay: field endpoint: missing"):
        call_command("load_catalog", folder=tmp_path)


def test_two_files_of_one_release_are_refused(tmp_path: Path) -> None:
    write(tmp_path, small(), "one.json")
    write(tmp_path, small(), "two.json")
    with pytest.raises(CommandError, match=r"two\.json: server: field release: .* are in one\.json"):
        call_command("load_catalog", folder=tmp_path)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    load_catalog()
    with pytest.raises(CommandError, match="no data file there"):
        call_command("load_catalog", folder=tmp_path)
    assert len(list_servers()) == 1
