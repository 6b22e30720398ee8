"""The search over all servers and tools: names in any spelling, typing mistakes, order, and odd input."""

from pathlib import Path

import pytest
from django.test import Client

from catalog.services import load_catalog
from tests.catalog.conftest import SLUG, TOOLS, write_release

pytestmark = pytest.mark.usefixtures("catalogue")


def names(client: Client, query: str) -> list[str]:
    answer = client.get("/catalog.json", {"q": query})
    assert answer.status_code == 200
    return [tool["name"] for tool in answer.json()["tools"]]


def test_a_tools_own_name_finds_it_first_in_any_case(client: Client) -> None:
    for tool in TOOLS[::5]:
        for query in (tool["name"], tool["name"].lower(), tool["name"].upper()):
            assert names(client, query)[0] == tool["name"], query


MEANT = {
    "batch cancel": "batchCancelOrders",
    "ws batch cancel orders": "wsBatchCancelOrders",
    "wsbatchcancel": "wsBatchCancelOrders",
    "wsbatchcancelordres": "wsBatchCancelOrders",
    "cancel all orders": "cancelAllOrders",
    "set_leverage": "setLeverage",
    "setlevrage": "setLeverage",
    "levrage": "setLeverage",
    "cancle all ordrs": "cancelAllOrders",
    "withdraw adresses": "queryWithdrawAddresses",
    "bybit set leverage": "setLeverage",
}


def test_words_mistyped_or_not_find_the_tool_that_they_name(client: Client) -> None:
    missed = {query: names(client, query)[:3] for query, tool in MEANT.items() if tool not in names(client, query)[:3]}
    assert missed == {}


def test_it_says_what_it_looked_for_instead(client: Client) -> None:
    assert "leverage" in client.get("/catalog.json", {"q": "levrage"}).json()["corrected"]
    page = client.get("/catalog/", {"q": "levrage"}).content.decode()
    assert "Looked for words spelled like it: leverage" in page
    assert 'href="/catalog.json?q=levrage"' in page
    assert client.get("/catalog.json", {"q": "leverage"}).json()["corrected"] == []


def test_a_name_weighs_more_than_a_summary(client: Client) -> None:
    found = names(client, "leverage")
    in_name = [("leverage" in name.lower()) for name in found]
    assert in_name == sorted(in_name, reverse=True)
    assert True in in_name
    assert False in in_name


def test_it_finds_servers_and_tells_tools_of_two_servers_apart(client: Client, tmp_path: Path) -> None:
    write_release(tmp_path, "2.1.8")
    write_release(tmp_path, "0.1", tools=TOOLS[:3], slug="harbour-desk", name="Harbour Desk", publisher="harbour")
    load_catalog(tmp_path)
    document = client.get("/catalog.json", {"q": "harbur"}).json()
    assert [server["slug"] for server in document["servers"]] == ["harbour-desk"]
    assert {tool["server"] for tool in document["tools"]} == {"harbour-desk"}
    both = client.get("/catalog.json", {"q": TOOLS[0]["name"]}).json()["tools"]
    assert {tool["server"] for tool in both} == {SLUG, "harbour-desk"}
    page = client.get("/catalog/", {"q": "harbour borrow"}).content.decode()
    assert 'href="/catalog/harbour-desk/accountBorrow/"' in page


def test_words_that_go_with_a_load_are_no_longer_known(client: Client, tmp_path: Path) -> None:
    write_release(tmp_path, "1", tools=[{**TOOLS[0], "summary": "Zebras."}])
    load_catalog(tmp_path)
    assert names(client, "zebras") == ["accountBorrow"]
    load_catalog()
    assert client.get("/catalog.json", {"q": "zebras"}).json()["tools"] == []


def test_at_most_fifty_are_shown_and_it_says_that_there_are_more(client: Client) -> None:
    assert len(names(client, "get")) == 50
    assert "The first 50 tools" in client.get("/catalog/", {"q": "get"}).content.decode()


ODD = ["%", "_", "'; --", "a & b | ! (", ":*", "\\", "²", "🦊", "\x00", "the", "a" * 5000, "İstanbul", "\uff57\uff53"]


def test_odd_searches_are_answered_calmly(client: Client) -> None:
    for query in ODD:
        for address in ("/catalog/", "/catalog.json", "/catalog.md", f"/catalog/{SLUG}/"):
            assert client.get(address, {"q": query}).status_code == 200, (query, address)


def test_what_was_typed_is_never_markup(client: Client) -> None:
    for address in ("/catalog/", "/catalog.md", f"/catalog/{SLUG}/"):
        assert "<b>" not in client.get(address, {"q": "<b>x</b>"}).content.decode()


def test_a_page_of_results_is_not_for_search_engines_and_the_catalogue_is(client: Client) -> None:
    assert 'content="noindex"' in client.get("/catalog/", {"q": "cancel"}).content.decode()
    assert 'content="noindex"' in client.get(f"/catalog/{SLUG}/", {"q": "cancel"}).content.decode()
    assert 'content="noindex"' not in client.get("/catalog/").content.decode()
    assert 'content="noindex"' not in client.get(f"/catalog/{SLUG}/").content.decode()
