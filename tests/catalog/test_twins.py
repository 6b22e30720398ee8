"""The JSON twins: the contract's fields, the data file's values, validators and queries."""

import pytest
from django.test import Client

from tests.catalog.conftest import DATA, SLUG, TOOLS

pytestmark = pytest.mark.usefixtures("catalogue")
SERVER_URL = f"/catalog/{SLUG}.json"
TOOL_URL = f"/catalog/{SLUG}/wsBatchCancelOrders.json"
FIELDS = [*TOOLS[0], "recommended_policy"]


def test_the_servers_twin_holds_the_data_file_and_a_policy_for_each_tool(client: Client) -> None:
    answer = client.get(SERVER_URL)
    document = answer.json()
    assert answer["Content-Type"] == "application/json"
    assert document["server"] == DATA["server"]
    assert [list(tool) for tool in document["tools"]] == [FIELDS] * 326
    for tool in document["tools"]:
        del tool["recommended_policy"]
    assert document["tools"] == TOOLS


def test_schemas_keep_the_order_of_their_parameters(client: Client) -> None:
    for sent, known in zip(client.get(SERVER_URL).json()["tools"], TOOLS, strict=True):
        assert list(sent["input_schema"].get("properties", {})) == list(known["input_schema"].get("properties", {}))


def test_a_tools_twin_is_its_entry_in_the_servers_twin(client: Client) -> None:
    document = client.get(TOOL_URL).json()
    assert document.pop("server") == SLUG
    entries = {tool["name"]: tool for tool in client.get(SERVER_URL).json()["tools"]}
    assert document == entries["wsBatchCancelOrders"]
    assert document["recommended_policy"] == {"version": "1", "default": "deny", "hide": ["wsBatchCancelOrders"]}


@pytest.mark.parametrize("url", [SERVER_URL, TOOL_URL])
def test_a_reader_who_has_it_already_gets_304(url: str, client: Client) -> None:
    first = client.get(url)
    assert first["Cache-Control"] == "public, max-age=300"
    assert "Cookie" not in first.get("Vary", "")
    again = client.get(url, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(url, headers={"If-None-Match": '"another"'}).status_code == 200


def test_a_tools_twin_redirects_to_the_names_own_spelling(client: Client) -> None:
    answer = client.get(f"/catalog/{SLUG}/WSBATCHCANCELORDERS.json")
    assert (answer.status_code, answer["Location"]) == (301, TOOL_URL)


@pytest.mark.parametrize("url", ["/catalog/nobody.json", f"/catalog/{SLUG}/nothing.json", "/catalog/nobody/x.json"])
def test_what_is_not_known_is_404(url: str, client: Client) -> None:
    assert client.get(url).status_code == 404


@pytest.mark.parametrize("url", [SERVER_URL, TOOL_URL])
def test_a_twin_cannot_be_written_to(url: str, client: Client) -> None:
    assert client.post(url).status_code == 405
