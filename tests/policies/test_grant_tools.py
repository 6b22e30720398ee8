"""What a grant can do: every tool with its outcome and the line that says it."""

import json
import re
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.tenancy import tenant
from policies.services import set_expiry
from servers.models import Server, Tool, ToolState
from tests.conftest import Cast, client_of
from tests.policies.conftest import WRONG, make_grant, make_policy, member_of
from tests.policies.test_policy_pages import open_page, url_of

DOCUMENT = json.dumps(
    {
        "version": "1",
        "default": "deny",
        "hide": ["ws*"],
        "risk": {"high": {"action": "require_approval"}},
        "tools": {"getTickers": {}, "createOrder": {"rate_limit": {"max": 3, "window": 60}}},
    }
)


def tools_of(page: str) -> dict[str, str]:
    """The outcome word of each tool in the table."""
    plain = page.replace("<wbr>", "")
    rows = re.findall(r'<th scope="row" class="mono">(\w+)</th>.*?</td>.*?badge-\w+">([\w ]+)</span>', plain, re.S)
    return dict(rows)


@pytest.fixture
def page_url(cast: Cast, server: Server) -> str:
    grant = make_grant(cast, server, make_policy(cast, server, document=DOCUMENT)).grant
    with tenant(cast.organisation.id):
        Tool.objects.filter(name="cancelAllOrders").update(state=ToolState.CHANGED.value)
    return url_of(cast, "grant_tools", grant.id)


def test_each_tool_has_its_outcome_and_its_line(cast: Cast, page_url: str) -> None:
    page = open_page(cast.bob, page_url)
    assert tools_of(page) == {
        "cancelAllOrders": "changed",
        "createOrder": "allowed with conditions",
        "getNotes": "asks a person",
        "getTickers": "allowed",
        "wsBatchCancelOrders": "hidden",
    }
    for pointer in ("/tools/createOrder", "/risk/high", "/tools/getTickers", "/hide/0"):
        assert f">{pointer}</a>" in page
    assert "createOrder: allowed; 3 a minute." in page
    assert "5 tools." in page


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("?outcome=hidden", ["wsBatchCancelOrders"]),
        ("?level=low", ["getTickers"]),
        ("?q=ORDER+create", ["createOrder"]),
        ("?outcome=allowed&level=critical", []),
        (
            "?outcome=nonsense&level=nonsense",
            ["cancelAllOrders", "createOrder", "getNotes", "getTickers", "wsBatchCancelOrders"],
        ),
    ],
)
def test_the_list_is_filtered(cast: Cast, page_url: str, query: str, names: list[str]) -> None:
    assert list(tools_of(open_page(cast.bob, page_url + query))) == names


def test_a_grant_without_policy_can_do_nothing(cast: Cast, server: Server) -> None:
    grant = make_grant(cast, server).grant
    page = open_page(cast.bob, url_of(cast, "grant_tools", grant.id))
    assert set(tools_of(page).values()) == {"denied"}
    assert "It carries no policy" in page


def test_a_policy_that_no_longer_fits_denies_everything(cast: Cast, server: Server) -> None:
    document = WRONG.replace("simbol", "symbol")
    grant = make_grant(cast, server, make_policy(cast, server, document=document)).grant
    url = url_of(cast, "grant_tools", grant.id)
    assert tools_of(open_page(cast.bob, url))["createOrder"] == "allowed with conditions"
    with tenant(cast.organisation.id):
        Tool.objects.update(input_schema='{"type": "object", "properties": {}, "additionalProperties": false}')
    page = open_page(cast.bob, url)
    assert "no longer fits" in page
    assert set(tools_of(page).values()) == {"denied"}


def test_an_expired_grant_says_so(cast: Cast, server: Server, page_url: str) -> None:
    grant = make_grant(cast, server, make_policy(cast, server, name="Two")).grant
    url = url_of(cast, "grant_tools", grant.id)
    assert "can do nothing any more" not in open_page(cast.bob, url)
    with tenant(cast.organisation.id):
        at = timezone.now() - timedelta(days=1)
        set_expiry(member=member_of(cast.organisation, cast.alice), grant=grant, expires_at=at)
    assert "can do nothing any more" in open_page(cast.bob, url)


def test_a_limit_on_an_amount_is_said_not_to_be_counted_yet(cast: Cast, server: Server) -> None:
    limit = {"counter": "n", "window": "day", "max": 9, "amount": "args.qty"}
    document = json.dumps({"version": "1", "default": "deny", "tools": {"createOrder": {"limits": [limit]}}})
    grant = make_grant(cast, server, make_policy(cast, server, document=document)).grant
    assert "Amounts are not counted yet" in open_page(cast.bob, url_of(cast, "grant_tools", grant.id))


def test_what_holds_for_many_tools_is_said_once(cast: Cast, server: Server) -> None:
    limit = {"counter": "calls", "window": "hour", "max": 600}
    document = json.dumps({"version": "1", "default": "allow", "all_tools": {"limits": [limit]}})
    grant = make_grant(cast, server, make_policy(cast, server, document=document)).grant
    page = open_page(cast.bob, url_of(cast, "grant_tools", grant.id))
    assert set(tools_of(page).values()) == {"allowed with conditions"}
    assert page.count("All tools: at most 600 calls an hour.") == page.count(">/all_tools/limits/0</a>") == 1


def test_another_organisation_sees_nothing_of_it(cast: Cast, page_url: str) -> None:
    assert client_of(cast.charlie).get(page_url).status_code == 404
