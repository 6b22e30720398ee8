"""From a tool's public page to a draft with its rule: what is remembered, where it leads, and what it never does."""

import json
import re
import time
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core import signing
from django.test import Client
from django.urls import reverse

from accounts.models import Membership, Role
from accounts.tenancy import tenant
from catalog.restrictions import COOKIE, SALT, find_restriction
from catalog.services import load_catalog
from policies.models import PolicyVersion
from servers.models import DiscoveryStatus, Kind, Server
from tests.accounts.pages import confirm, new_email, sign_up, visitor
from tests.conftest import Cast, client_of
from tests.policies.conftest import PACED, make_policy, make_server

SLUG = "bybit-exchange-trading-mcp"
TOOL = "wsBatchCancelOrders"
KEY = f"{SLUG}/{TOOL}/recommended"
HUB = f"/restrict/{KEY}/"


@pytest.fixture(autouse=True)
def catalogue(db: None, settings: Any) -> None:
    settings.EMBEDDED = True
    settings.EMAIL_BACKEND = "accounts.outbox.OutboxBackend"
    load_catalog()


def page_in(organisation: str, key: str = KEY) -> str:
    return f"/app/{organisation}/restrict/?{urlencode({'restrict': key})}"


def text_of(answer: Any) -> str:
    assert answer.status_code == 200
    return str(unescape(answer.content.decode()))


def draft_of(answer: Any) -> str:
    (found,) = re.findall(r"<textarea[^>]*data-editor[^>]*>\r?\n?(.*?)</textarea>", answer.content.decode(), re.DOTALL)
    return unescape(str(found))


def versions(cast: Cast) -> int:
    with tenant(cast.organisation.id):
        return PolicyVersion.objects.count()


@pytest.mark.parametrize("way", ["recommended", "block", "limit", "approve"])
def test_each_policy_of_a_tools_page_has_its_way_in(way: str, client: Client) -> None:
    address = f"/restrict/{SLUG}/{TOOL}/{way}/"
    page = text_of(client.get(f"/catalog/{SLUG}/{TOOL}/"))
    assert f'href="{address}"' in page
    shown = text_of(client.get(address))
    found = find_restriction(f"{SLUG}/{TOOL}/{way}")
    assert found is not None
    assert found.snippet.sentence in shown and found.snippet.policy in shown
    assert found.snippet.sentence in page and found.snippet.policy in page
    assert 'content="noindex"' in shown


def test_it_survives_sign_up_confirmation_and_the_first_organisation() -> None:
    client = visitor()
    assert "What comes next" in text_of(client.get(HUB))
    sign_up(client, new_email())
    confirm(client)
    assert TOOL in text_of(client.get("/app/new/"))
    landed = client.post("/app/new/", {"name": "Harbour"}, follow=True)
    assert [address for address, _ in landed.redirect_chain] == [HUB, page_in("harbour")]
    assert f"/app/harbour/servers/new/?{urlencode({'restrict': KEY})}".replace("%2F", "/") in text_of(landed)
    # It is done with: the next visit goes where it always does.
    assert client.get("/app/")["Location"] == "/app/harbour/"


def test_it_survives_signing_in_and_out() -> None:
    client, email = visitor(), new_email()
    sign_up(client, email)
    confirm(client)
    client.post("/app/new/", {"name": "Quay"})
    client.post("/accounts/logout/")
    client.get(HUB)
    answer = client.post("/accounts/login/", {"login": email, "password": "a long enough password"}, follow=True)
    assert answer.redirect_chain[-1][0] == page_in("quay")


def test_registration_goes_on_to_the_draft(cast: Cast, settings: Any) -> None:
    settings.SIMULATOR_URL = "http://127.0.0.1:9"
    client = client_of(cast.alice)
    address = f"/app/acme/servers/new/?{urlencode({'restrict': KEY})}"
    assert TOOL in text_of(client.get(address))
    answer = client.post(address, {"kind": "simulator", "name": "Simulator"})
    assert answer["Location"] == page_in("acme")
    with tenant(cast.organisation.id):
        server = Server.objects.get()
        assert (server.kind, server.discovery) == (Kind.SIMULATOR, DiscoveryStatus.RUNNING)
    assert "are being read" in text_of(client.get(page_in("acme")))


def test_a_server_without_policies_leads_straight_to_a_new_one(cast: Cast) -> None:
    server = make_server(cast.organisation)
    client = client_of(cast.pam)
    answer = client.get(page_in("acme"), follow=True)
    assert answer.redirect_chain[-1][0].startswith(reverse("policies:create", args=["acme", server.id]))
    assert json.loads(draft_of(answer)) == {"version": "1", "default": "deny", "hide": [TOOL]}
    assert f'value="Restrict {TOOL}"' in text_of(answer)
    assert " data-unsaved" in text_of(answer)
    assert versions(cast) == 0


RULES = {
    "recommended": {"action": "hide"},
    "block": {"action": "hide"},
    "limit": {"action": "allow", "rate_limit": {"max": 5, "window": 60}},
    "approve": {"action": "require_approval"},
}


@pytest.mark.parametrize("way", RULES)
def test_a_policy_takes_the_rule_into_its_draft_and_nothing_is_published(way: str, cast: Cast) -> None:
    policy = make_policy(cast, make_server(cast.organisation), document=PACED)
    client = client_of(cast.pam)
    key = f"{SLUG}/{TOOL}/{way}"
    choice = text_of(client.get(page_in("acme", key)))
    (link,) = re.findall(r'href="(/app/acme/policies/[^"]+)"', choice)
    opened = client.get(link)
    draft = json.loads(draft_of(opened))
    assert draft == {**json.loads(PACED), "tools": {TOOL: RULES[way], **json.loads(PACED)["tools"]}}
    assert "not in force" in text_of(opened) and " data-unsaved" in text_of(opened)
    assert versions(cast) == 1
    client.post(
        reverse("policies:publish", args=["acme", policy.id]),
        {"document": json.dumps(draft), "expected": 1, "note": ""},
    )
    assert versions(cast) == 2


def test_it_says_when_the_policy_hides_the_tool_whatever_the_rule_says(cast: Cast) -> None:
    policy = make_policy(
        cast, make_server(cast.organisation), document='{"version": "1", "default": "deny", "hide": ["ws*"]}'
    )
    address = reverse("policies:detail", args=["acme", policy.id])
    wins = "which wins over the rule"
    for way, said in (("limit", True), ("approve", True), ("block", False)):
        text = text_of(client_of(cast.pam).get(address, {"restrict": f"{SLUG}/{TOOL}/{way}"}))
        assert (wins in text) is said, way


BUYING: dict[str, Any] = {"conditions": [{"path": "args.symbol", "op": "eq", "value": "BTC"}]}
# The policy's rule for a tool, the way to restrict it, and the rule in the draft.
MET: list[tuple[dict[str, Any], str, dict[str, Any]]] = [
    ({}, "limit", {"rate_limit": {"max": 5, "window": 60}}),
    ({"require": [BUYING]}, "limit", {"rate_limit": {"max": 5, "window": 60}, "require": [BUYING]}),
    ({"require": [BUYING]}, "approve", {"action": "require_approval", "require": [BUYING]}),
    ({"rate_limit": {"max": 90, "window": "minute"}}, "limit", {"rate_limit": {"max": 5, "window": 60}}),
    ({"rate_limit": {"max": 10, "window": "hour"}}, "limit", {"rate_limit": {"max": 10, "window": "hour"}}),
    ({"action": "deny"}, "approve", {"action": "deny"}),
    ({"action": "require_approval"}, "limit", {"action": "require_approval", "rate_limit": {"max": 5, "window": 60}}),
    ({"action": "allow", "require": [BUYING]}, "block", {"action": "hide", "require": [BUYING]}),
]


@pytest.mark.parametrize(("own", "way", "drafted"), MET)
def test_a_rule_that_the_tool_has_keeps_what_is_stricter(
    own: dict[str, Any], way: str, drafted: dict[str, Any], cast: Cast
) -> None:
    document = json.dumps({"version": "1", "default": "deny", "tools": {"getTickers": own}})
    policy = make_policy(cast, make_server(cast.organisation), document=document)
    address = reverse("policies:detail", args=["acme", policy.id])
    opened = client_of(cast.pam).get(address, {"restrict": f"{SLUG}/getTickers/{way}"})
    assert json.loads(draft_of(opened))["tools"]["getTickers"] == drafted
    text = text_of(opened)
    assert ("Its conditions stay" in text) is (own != drafted)
    assert ("Nothing changes" in text) is (own == drafted)
    assert "It lets more through" not in text


# A policy that serves the tool by another rule, the way, and what the page says of it.
LOOSENED: list[tuple[dict[str, Any], str, list[str]]] = [
    ({}, "limit", ["It lets more through", "Before: All other tools: denied.", "Now: getTickers: allowed; 5 a"]),
    ({"tools": {"get*": {"require": [BUYING]}}}, "limit", ["It lets more through", "Only when symbol is BTC."]),
    ({"risk": {"low": {"action": "require_approval"}}}, "limit", ["It lets more through", "asks a person."]),
    ({"risk": {"low": {}}}, "limit", ["Before: Low risk tools not named: allowed."]),
    ({"default": "allow"}, "approve", ["Before: All other tools: allowed.", "Now: getTickers: asks a person."]),
]


@pytest.mark.parametrize(("rest", "way", "said"), LOOSENED)
def test_it_says_what_served_the_tool_before_and_warns_where_that_was_stricter(
    rest: dict[str, Any], way: str, said: list[str], cast: Cast
) -> None:
    document = json.dumps({"version": "1", "default": "deny", **rest})
    policy = make_policy(cast, make_server(cast.organisation), document=document)
    address = reverse("policies:detail", args=["acme", policy.id])
    text = text_of(client_of(cast.pam).get(address, {"restrict": f"{SLUG}/getTickers/{way}"}))
    assert all(words in text for words in said)
    assert ("It lets more through" in text) is ("It lets more through" in said)
    assert 'class="notice notice-warn"' in text or "It lets more through" not in said


def test_a_viewer_is_told_who_can_and_sees_no_way_to_write(cast: Cast) -> None:
    policy = make_policy(cast, make_server(cast.organisation))
    text = text_of(client_of(cast.bob).get(page_in("acme")))
    assert "A policy manager or an admin can put this rule in" in text
    assert "Add it to" not in text and "New policy" not in text
    detail = client_of(cast.bob).get(reverse("policies:detail", args=["acme", policy.id]), {"restrict": KEY})
    assert TOOL not in draft_of(detail)


def test_who_may_register_no_server_is_told_who_can(cast: Cast) -> None:
    assert "An admin can add one that does" in text_of(client_of(cast.pam).get(page_in("acme")))
    assert "Add a server that has it" in text_of(client_of(cast.alice).get(page_in("acme")))


def test_another_organisation_of_the_same_person_can_be_chosen(cast: Cast) -> None:
    with tenant(cast.other.id):
        Membership.objects.create(organisation=cast.other, user=cast.alice, role=Role.ADMIN.value)
    assert page_in("other").replace("%2F", "/") in text_of(client_of(cast.alice).get(page_in("acme")))
    assert client_of(cast.bob).get(page_in("other")).status_code == 404


ODD = [
    f"{SLUG}/{TOOL}/publish",
    f"{SLUG}/noSuchTool/block",
    f"no-such-server/{TOOL}/block",
    f"{SLUG}/{TOOL.lower()}/block",
    f"{SLUG}/{TOOL}",
    f"{SLUG}/{TOOL}/block/more",
    f"{SLUG}/{TOOL}/block\n",
    "https://example.com/",
    "//example.com/x/block",
    "../../admin/block",
    "\x00/\x00/block",
    "x" * 5000,
    "",
]


@pytest.mark.parametrize("key", ODD)
def test_what_the_catalogue_does_not_have_is_no_rule(key: str, cast: Cast) -> None:
    make_server(cast.organisation)
    assert find_restriction(key) is None
    assert client_of(cast.alice).get(page_in("acme", key)).status_code == 404
    # Signed or not, it leads nowhere.
    client = client_of(cast.alice)
    client.cookies[COOKIE] = signing.get_cookie_signer(salt=COOKIE + SALT).sign(key)
    assert client.get("/app/")["Location"] == "/app/acme/"


class TwoDaysAgo(signing.TimestampSigner):
    """Signs as the product did two days ago."""

    def timestamp(self) -> str:
        return signing.b62_encode(int(time.time()) - 2 * 86_400)


def test_a_cookie_that_we_did_not_sign_or_that_is_old_is_not_believed(cast: Cast) -> None:
    client = client_of(cast.alice)
    client.cookies[COOKIE] = KEY
    assert client.get("/app/")["Location"] == "/app/acme/"
    signed = signing.get_cookie_signer(salt=COOKIE + SALT).sign(KEY)
    client.cookies[COOKIE] = signed
    assert client.get("/app/")["Location"] == HUB
    client.cookies[COOKIE] = signed[:-1] + ("A" if signed[-1] != "A" else "B")
    assert client.get("/app/")["Location"] == "/app/acme/"
    client.cookies[COOKIE] = TwoDaysAgo(key=signing.get_cookie_signer().key, salt=COOKIE + SALT).sign(KEY)
    assert client.get("/app/")["Location"] == "/app/acme/"


def test_a_member_is_not_led_there_twice(cast: Cast) -> None:
    make_server(cast.organisation)
    client = client_of(cast.alice)
    client.get(HUB)
    assert client.get("/app/")["Location"] == "/app/acme/"
