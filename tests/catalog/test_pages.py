"""The public pages: everything the data knows is on them, filters have addresses, odd input is answered calmly."""

import re
from html import escape

import pytest
from django.test import Client, RequestFactory
from django.views.defaults import server_error
from pytest_django import DjangoAssertNumQueries

from tests.catalog.conftest import SLUG, TOOLS

pytestmark = pytest.mark.usefixtures("catalogue")
SERVER_URL = f"/catalog/{SLUG}/"


def page(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200, url
    return answer.content.decode()


def listed(client: Client, query: str) -> list[str]:
    return re.findall(r'<tr><td><a href="([^"]+)/">', page(client, f"{SERVER_URL}?{query}"))


def test_the_index_leads_to_the_server(client: Client) -> None:
    text = page(client, "/catalog/")
    assert f'href="{SERVER_URL}"' in text
    assert "326" in text


def test_the_home_page_leads_to_catalogue_and_sign_up(client: Client) -> None:
    text = page(client, "/")
    assert 'href="/catalog/"' in text
    assert 'href="/accounts/signup/"' in text


def test_the_server_page_lists_every_tool(client: Client) -> None:
    assert listed(client, "") == [tool["name"] for tool in TOOLS]


def test_the_server_page_stays_under_100_kb(client: Client) -> None:
    assert len(client.get(SERVER_URL).content) < 100_000


def test_every_tool_has_a_page_with_its_texts(client: Client) -> None:
    for tool in TOOLS:
        text = page(client, f"{SERVER_URL}{tool['name']}/")
        for field in ("title", "summary", "rationale", "endpoint", "module"):
            # Django writes the apostrophe as &#x27; as escape() does.
            assert escape(tool[field]) in text, (tool["name"], field)
        assert f'badge-{tool["risk"]}">{tool["risk"]}</span>' in text
        assert f'badge-{tool["category"]}">{tool["category"]}</span>' in text
        for attack in tool["attacks"]:
            assert f"<li>{attack.replace('-', ' ')}</li>" in text


def test_the_tool_page_shows_the_recommended_rule_to_copy(client: Client) -> None:
    text = page(client, f"{SERVER_URL}wsBatchCancelOrders/")
    assert escape('"hide": [\n    "wsBatchCancelOrders"\n  ]') in text
    assert 'data-copy="#recommended-rule"' in text


def test_the_tool_page_names_nested_parameters_as_policies_do(client: Client) -> None:
    text = page(client, f"{SERVER_URL}batchCreateOrders/")
    assert "args.request[*].symbol" in text


def test_the_tool_page_names_related_tools(client: Client) -> None:
    text = page(client, f"{SERVER_URL}wsBatchCancelOrders/")
    related = text[text.index('id="related"') :]
    assert f'href="{SERVER_URL}batchCancelOrders/"' in related


def test_a_tools_name_is_matched_without_case_and_redirected(client: Client) -> None:
    answer = client.get(f"{SERVER_URL}wsbatchcancelORDERS/")
    assert (answer.status_code, answer["Location"]) == (301, f"{SERVER_URL}wsBatchCancelOrders/")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("category=destructive&level=medium", ["removeAd", "cancelRfq"]),
        ("module=smartleverage", ["getSmartLeverageRedeemEstAmountList"]),
        ("q=wsbatch+CANCEL", ["wsBatchCancelOrders"]),
        ("q=dust&category=financial", ["SmallAssetConvert"]),
        ("q=no+such+thing+anywhere", []),
    ],
)
def test_filters_and_search_have_addresses(query: str, expected: list[str], client: Client) -> None:
    assert sorted(listed(client, query)) == sorted(expected)


@pytest.mark.parametrize(
    "query", ["level=severe", "category=%00", "q=%00", "q=%20%20", "level=", "unknown=1", "module=" + "%20" * 0]
)
def test_a_filter_that_says_nothing_filters_nothing(query: str, client: Client) -> None:
    assert len(listed(client, query)) == 326


@pytest.mark.parametrize("query", ["q=%25%25", "q=" + "x" * 5000, "q=%F0%9F%A6%8A", "q=%ff%fe", "q='--", "module=%00"])
def test_odd_searches_find_nothing_and_break_nothing(query: str, client: Client) -> None:
    assert listed(client, query) == []


def test_a_search_is_shown_escaped(client: Client) -> None:
    text = page(client, f"{SERVER_URL}?q=%22%3E%3Cscript%3E")
    assert "<script>" not in text
    assert 'value="&quot;&gt;&lt;script&gt;"' in text


@pytest.mark.parametrize(
    "url", ["/catalog/nobody/", f"{SERVER_URL}nothing/", f"{SERVER_URL}%00/", f"{SERVER_URL}a%2Fb/", "/catalog/a%20b/"]
)
def test_what_is_not_known_is_404_on_a_page_of_ours(url: str, client: Client) -> None:
    answer = client.get(url)
    assert answer.status_code == 404
    assert "Nothing at this address" in answer.content.decode()


def test_a_form_without_its_token_is_403_on_a_page_of_ours() -> None:
    answer = Client(enforce_csrf_checks=True).post("/accounts/login/", {"login": "a@example.com"})
    assert answer.status_code == 403
    assert "This form could not be accepted" in answer.content.decode()


def test_public_pages_set_no_cookie_and_hold_nothing_inline(client: Client) -> None:
    for url in ("/", "/catalog/", SERVER_URL, f"{SERVER_URL}createOrder/"):
        answer = client.get(url)
        text = answer.content.decode()
        assert not answer.cookies, url
        assert "<style" not in text and " style=" not in text and " onclick=" not in text
        assert re.findall(r"<script(?![^>]* src=)", text) == []
        assert re.findall(r'(?<!rel="canonical" )(?:src|href)="(?:https?:)?//', text) == []


def test_pages_for_strangers_cost_few_queries(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for url, queries in (("/", 0), ("/catalog/", 2), (SERVER_URL, 2), (f"{SERVER_URL}createOrder/", 3)):
        with django_assert_num_queries(queries):
            client.get(url)


def test_titles_differ_from_page_to_page(client: Client) -> None:
    urls = ["/", "/catalog/", SERVER_URL, *(f"{SERVER_URL}{tool['name']}/" for tool in TOOLS[:40])]
    titles = [re.findall(r"<title>(.*?)</title>", page(client, url))[0] for url in urls]
    assert len(set(titles)) == len(titles)


def test_the_page_for_our_own_faults_needs_no_context() -> None:
    answer = server_error(RequestFactory().get("/"))
    assert answer.status_code == 500
    assert "Something broke on our side" in answer.content.decode()
