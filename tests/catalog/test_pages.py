"""The public pages: everything the data knows is on them, filters have addresses, odd input is answered calmly."""

import re
from html import escape
from pathlib import Path
from typing import Any

import pytest
from django.test import Client, RequestFactory
from django.views.defaults import server_error
from pytest_django import DjangoAssertNumQueries

from catalog.services import load_catalog
from tests.catalog.conftest import DATA, SLUG, TOOLS, write_release
from tests.conftest import Cast, client_of

pytestmark = pytest.mark.usefixtures("catalogue")
SERVER_URL = f"/catalog/{SLUG}/"


def page(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200, url
    return answer.content.decode()


def listed(client: Client, query: str) -> list[str]:
    return re.findall(r'<tr><th scope=row><a href="([^"]+)/">', page(client, f"{SERVER_URL}?{query}"))


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
            assert attack.replace("-", " ") in text


def test_the_tool_page_shows_the_recommended_rule_to_copy(client: Client) -> None:
    text = page(client, f"{SERVER_URL}wsBatchCancelOrders/")
    assert escape('"hide": [\n    "wsBatchCancelOrders"\n  ]') in text
    assert 'data-copy="#recommended-rule"' in text


def test_the_tool_page_names_nested_parameters_as_policies_do(client: Client) -> None:
    text = page(client, f"{SERVER_URL}batchCreateOrders/")
    assert "args.request[*].symbol" in text.replace("<wbr>", "")


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
        ("q=xyzzy", []),
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


@pytest.mark.parametrize(
    ("referrer", "back"),
    [
        ("http://testserver/contact/?a=1", "/contact/?a=1"),
        ("https://elsewhere.example/x", "/app/"),
        ("http://testserver//elsewhere.example/", "/app/"),
        ("", "/app/"),
    ],
)
def test_a_form_that_expired_leads_back_to_its_page_and_to_no_other_site(referrer: str, back: str) -> None:
    client = Client(enforce_csrf_checks=True, headers={"Referer": referrer} if referrer else {})
    assert f'href="{back}">Back</a>' in client.post("/accounts/login/").content.decode()


def test_public_pages_set_no_cookie_and_hold_nothing_inline(client: Client) -> None:
    for url in ("/", "/catalog/", SERVER_URL, f"{SERVER_URL}createOrder/"):
        answer = client.get(url)
        text = answer.content.decode()
        assert not answer.cookies, url
        assert "<style" not in text and " style=" not in text and " onclick=" not in text
        assert re.findall(r'<script(?![^>]* src=)(?! type="application/ld\+json")', text) == []
        # The canonical address is a name, and a link is for readers: no browser fetches either.
        fetched = re.sub(r'<link rel="canonical" [^>]*>|<a rel="nofollow noopener" [^>]*>', "", text)
        assert re.findall(r'(?:src|href)="(?:https?:)?//', fetched) == []


KEPT = [
    "/catalog/",
    "/catalog.json",
    "/catalog.md",
    SERVER_URL,
    f"{SERVER_URL}?level=critical&category=financial&module=trade",
    f"{SERVER_URL[:-1]}.json",
    f"{SERVER_URL[:-1]}.md",
    f"{SERVER_URL}createOrder/",
    f"{SERVER_URL}createOrder.json",
    f"{SERVER_URL}createOrder.md",
]


def test_a_page_that_was_asked_for_before_costs_no_query_until_the_catalogue_is_another(
    client: Client, tmp_path: Path, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    first = {url: client.get(url).content for url in KEPT}
    with django_assert_num_queries(0):
        assert {url: client.get(url).content for url in KEPT} == first
    write_release(tmp_path, DATA["server"]["release"], name="Another Name")
    load_catalog(tmp_path)
    # The one twin that does not name its server is the same.
    assert [url for url in KEPT if client.get(url).content == first[url]] == [f"{SERVER_URL}createOrder.json"]


def test_a_reader_who_has_the_page_already_is_told_so(client: Client) -> None:
    for url in KEPT:
        first = client.get(url)
        assert first["Cache-Control"] == "public, max-age=300"
        assert client.get(url, headers={"If-None-Match": first["ETag"]}).status_code == 304
        assert client.get(url, headers={"If-Modified-Since": first["Last-Modified"]}).status_code == 304
        assert client.get(url, headers={"If-Modified-Since": "Thu, 01 Jan 2026 00:00:00 GMT"}).status_code == 200


def test_a_signed_in_person_gets_a_page_of_their_own_that_nobody_else_is_given(cast: Cast) -> None:
    stranger = client_of(None).get(SERVER_URL)
    signed_in = client_of(cast.bob).get(SERVER_URL)
    assert "bob@example.com" in signed_in.content.decode()
    assert "private" in signed_in["Cache-Control"]
    assert client_of(None).get(SERVER_URL).content == stranger.content
    assert "Cookie" in stranger["Vary"]


def test_pages_are_served_when_redis_is_away(client: Client, settings: Any) -> None:
    place = {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}
    settings.CACHES = {"default": place}
    for _ in range(2):
        assert client.get(SERVER_URL).status_code == 200
    load_catalog()


def test_the_page_for_our_own_faults_needs_no_context() -> None:
    answer = server_error(RequestFactory().get("/"))
    assert answer.status_code == 500
    assert "Something broke on our side" in answer.content.decode()
