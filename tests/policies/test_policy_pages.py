"""The pages of a server's policies, through the door."""

import json
import re
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.urls import reverse

from accounts.models import Role, User
from accounts.tenancy import tenant
from policies.access import policies_for, versions_for
from policies.check import MAX_BYTES
from policies.models import Policy
from policies.services import publish_policy
from servers.models import Server, Tool
from tests.conftest import Cast, client_of
from tests.policies.conftest import NOTHING, PACED, READS, WRONG, WRONG_AT, make_grant, make_policy, member_of


def url_of(cast: Cast, name: str, *args: object) -> str:
    return reverse(f"policies:{name}", args=[cast.organisation.slug, *args])


def open_page(user: User, url: str, status: int = 200) -> str:
    answer = client_of(user).get(url)
    assert answer.status_code == status
    return unescape(answer.content.decode())


def send(user: User, url: str, body: Any = None, **options: Any) -> HttpResponse:
    answer = client_of(user).post(url, body or {}, **options)
    assert isinstance(answer, HttpResponse)
    return answer


def text_of(answer: Any) -> str:
    return unescape(answer.content.decode())


def plain_of(answer: Any) -> str:
    """The page without the CSRF token, which differs each time."""
    return re.sub(r"\b[0-9A-Za-z]{64}\b", "", text_of(answer))


def documents_of(cast: Cast, policy: Policy) -> list[str]:
    with tenant(cast.organisation.id):
        return [version.document for version in versions_for(policy)]


def test_a_server_without_policy_says_what_that_means(cast: Cast, server: Server) -> None:
    url = url_of(cast, "list", server.id)
    assert "so no agent may call anything" in open_page(cast.bob, url)
    assert url_of(cast, "create", server.id) not in open_page(cast.bob, url)
    assert url_of(cast, "create", server.id) in open_page(cast.pam, url)


def test_the_list_shows_version_grants_and_words(cast: Cast, server: Server) -> None:
    policy = make_policy(cast, server, document=PACED)
    make_grant(cast, server, policy)
    page = open_page(cast.bob, url_of(cast, "list", server.id))
    assert url_of(cast, "detail", policy.id) in page
    assert "getTickers" in page
    for column in ("Version", "Grants"):
        assert f'<td class="number" data-label="{column}">1</td>' in page


def test_the_list_says_when_a_policy_no_longer_fits(cast: Cast, server: Server) -> None:
    make_policy(cast, server, document=WRONG.replace("simbol", "symbol"))
    url = url_of(cast, "list", server.id)
    assert "No longer fits" not in open_page(cast.bob, url)
    with tenant(cast.organisation.id):
        Tool.objects.update(input_schema='{"type": "object", "properties": {}, "additionalProperties": false}')
    assert "No longer fits" in open_page(cast.bob, url)


@pytest.mark.parametrize(
    ("start", "inside", "outside"),
    [
        ("recommended", ['"risk"', '"cancelAllOrders"'], []),
        ("read-only", ['"getTickers": {}'], ["getNotes", "createOrder"]),
        ("deny", ['"default": "deny"'], ['"tools"']),
        ("paste", [], ['"version"']),
    ],
)
def test_starting_points_are_made_of_the_servers_tools(
    cast: Cast, server: Server, start: str, inside: list[str], outside: list[str]
) -> None:
    page = open_page(cast.pam, url_of(cast, "create", server.id) + f"?start={start}")
    document = page.split("</textarea>")[0].split("data-sentences")[1].split(">", 1)[1].removeprefix("\n")
    assert all(word in document for word in inside)
    assert not any(word in document for word in outside)
    if start == "paste":
        return
    answer = send(cast.pam, url_of(cast, "create", server.id), {"name": start, "document": document})
    assert answer.status_code == 302


def test_a_starting_point_names_the_policy_and_numbers_the_second(cast: Cast, server: Server) -> None:
    url = url_of(cast, "create", server.id)
    assert 'value="Deny everything"' in open_page(cast.pam, f"{url}?start=deny")
    make_policy(cast, server, name="Deny everything")
    assert 'value="Deny everything 2"' in open_page(cast.pam, f"{url}?start=deny")
    assert "Deny everything 2" not in open_page(cast.pam, f"{url}?start=paste")


def test_the_tools_of_a_server_lead_to_its_first_policy(cast: Cast, server: Server) -> None:
    tools = reverse("servers:tools", args=[cast.organisation.slug, server.id])
    first = url_of(cast, "create", server.id)
    assert first in open_page(cast.alice, tools)
    assert first not in open_page(cast.bob, tools)
    make_policy(cast, server)
    assert first not in open_page(cast.alice, tools)


def test_an_unknown_starting_point_is_not_found(cast: Cast, server: Server) -> None:
    open_page(cast.pam, url_of(cast, "create", server.id) + "?start=allow", status=404)


def test_a_policy_is_created_with_its_first_version(cast: Cast, server: Server) -> None:
    answer = send(cast.pam, url_of(cast, "create", server.id), {"name": "Agents", "document": NOTHING})
    with tenant(cast.organisation.id):
        policy = policies_for(server).get()
    assert (answer.status_code, answer["Location"]) == (302, url_of(cast, "detail", policy.id))
    assert "allows nothing" in open_page(cast.bob, answer["Location"])
    taken = send(cast.pam, url_of(cast, "create", server.id), {"name": "Agents", "document": READS})
    assert taken.status_code == 422
    assert "already has a policy named" in text_of(taken)


@pytest.mark.parametrize("name", ["", " ", "x" * 81, "a\x00b"])
def test_a_policy_needs_a_name(cast: Cast, server: Server, name: str) -> None:
    url = url_of(cast, "create", server.id)
    assert send(cast.pam, url, {"name": name, "document": READS}).status_code == 422
    assert send(cast.pam, url, {"name": "Agents", "document": READS}).status_code == 302


def test_a_nameless_policy_comes_back_at_its_name(cast: Cast, server: Server) -> None:
    page = text_of(send(cast.pam, url_of(cast, "create", server.id), {"name": "", "document": READS}))
    assert '<a href="#id_name">Give the policy a name.</a>' in page
    (focused,) = re.findall(r"<[^>]* autofocus[^>]*>", page)
    assert 'id="id_name"' in focused
    assert "autofocus" not in open_page(cast.pam, url_of(cast, "create", server.id))


def test_a_policy_without_a_text_offers_the_starting_points(cast: Cast, server: Server) -> None:
    url = url_of(cast, "detail", make_policy(cast, server, document=None).id)
    assert 'href="?start=cautious"' in open_page(cast.pam, url)
    assert "?start=" not in open_page(cast.bob, url)
    started = open_page(cast.pam, f"{url}?start=deny")
    assert "Nothing is allowed yet" in started and " data-unsaved" in started
    open_page(cast.pam, f"{url}?start=allow", status=404)
    written = url_of(cast, "detail", make_policy(cast, server, name="Other").id)
    assert "getTickers" in open_page(cast.pam, f"{written}?start=deny")
    assert "?start=" not in open_page(cast.pam, written)


def test_wrong_text_comes_back_with_its_problems(cast: Cast, server: Server) -> None:
    answer = send(cast.pam, url_of(cast, "create", server.id), {"name": "Agents", "document": WRONG})
    page = text_of(answer)
    assert answer.status_code == 422
    assert WRONG in page
    assert WRONG_AT in page
    assert 'Did you mean "args.symbol"?' in page
    with tenant(cast.organisation.id):
        assert not policies_for(server).exists()


def test_markup_in_a_document_stays_text(cast: Cast, server: Server) -> None:
    text = READS.replace('"version"', '"description": "</textarea><script>", "version"')
    answer = send(cast.pam, url_of(cast, "create", server.id), {"name": "<b>Agents", "document": text}, follow=True)
    assert answer.status_code == 200
    assert b"<script>" not in answer.content
    assert b"<b>Agents" not in answer.content
    assert b"&lt;/textarea&gt;" in answer.content


def test_publishing_from_the_page_keeps_the_text_but_for_line_ends(cast: Cast, server: Server) -> None:
    policy = make_policy(cast, server)
    typed = PACED.replace(", ", ",\r\n  ")
    body = {"document": typed, "note": "slower", "expected": "1"}
    answer = send(cast.pam, url_of(cast, "publish", policy.id), body, follow=True)
    page = text_of(answer)
    assert "Version 2 is published" in page
    assert "slower" in page
    assert documents_of(cast, policy) == [typed.replace("\r\n", "\n"), READS]


def test_an_open_page_learns_which_version_is_in_force(cast: Cast, server: Server) -> None:
    policy = make_policy(cast, server)
    unpublished = make_policy(cast, server, name="Other", document=None)
    send(cast.pam, url_of(cast, "publish", policy.id), {"document": PACED, "expected": "1"})
    answer = client_of(cast.bob).get(url_of(cast, "current", policy.id))
    told = json.loads(answer.content)
    assert (told["number"], told["author"]) == (2, "pam@example.com")
    assert "no-cache" in answer["Cache-Control"]
    answer = client_of(cast.bob).get(url_of(cast, "current", unpublished.id))
    assert json.loads(answer.content) == {"number": 0}


def test_publishing_the_same_text_says_so(cast: Cast, server: Server) -> None:
    policy = make_policy(cast, server)
    answer = send(cast.pam, url_of(cast, "publish", policy.id), {"document": READS, "expected": "1"}, follow=True)
    assert "version 1 already says exactly this" in text_of(answer)
    assert documents_of(cast, policy) == [READS]


def test_a_conflict_keeps_the_text_and_names_who_published(cast: Cast, server: Server) -> None:
    policy = make_policy(cast, server)
    with tenant(cast.organisation.id):
        member = member_of(cast.organisation, cast.alice)
        publish_policy(member=member, policy=policy, document=PACED)
    body = {"document": NOTHING, "note": "mine", "expected": "1"}
    answer = send(cast.pam, url_of(cast, "publish", policy.id), body)
    page = text_of(answer)
    assert answer.status_code == 409
    assert "alice@example.com published version 2" in page
    assert NOTHING in page
    assert 'value="mine"' in page
    assert "Publish over version 2" in page
    assert 'name="expected" value="2"' in page
    assert documents_of(cast, policy) == [PACED, READS]
    again = send(cast.pam, url_of(cast, "publish", policy.id), {**body, "expected": "2"})
    assert again.status_code == 302
    assert documents_of(cast, policy) == [NOTHING, PACED, READS]


@pytest.mark.parametrize("change", [{"document": WRONG}, {"document": ""}, {"expected": ""}, {"expected": "-1"}])
def test_what_cannot_be_published_leaves_nothing(cast: Cast, server: Server, change: dict[str, str]) -> None:
    policy = make_policy(cast, server)
    body = {"document": PACED, "expected": "1"}
    answer = send(cast.pam, url_of(cast, "publish", policy.id), {**body, **change})
    assert answer.status_code == 422
    assert {**body, **change}["document"] in text_of(answer)
    assert documents_of(cast, policy) == [READS]
    assert send(cast.pam, url_of(cast, "publish", policy.id), body).status_code == 302


def test_an_old_version_is_shown_and_restored(cast: Cast, server: Server) -> None:
    policy = make_policy(cast, server)
    send(cast.pam, url_of(cast, "publish", policy.id), {"document": PACED, "expected": "1"})
    page = open_page(cast.pam, url_of(cast, "version", policy.id, 1))
    assert READS in page
    assert "Restore as version 3" in page
    late = send(cast.pam, url_of(cast, "restore", policy.id, 1), {"expected": "1"})
    assert (late.status_code, documents_of(cast, policy)) == (409, [PACED, READS])
    assert "published version 2" in text_of(late)
    send(cast.pam, url_of(cast, "restore", policy.id, 1), {"expected": "2"})
    assert documents_of(cast, policy) == [READS, PACED, READS]
    open_page(cast.pam, url_of(cast, "version", policy.id, 9), status=404)


def test_an_old_version_that_no_longer_fits_says_why(cast: Cast, server: Server) -> None:
    policy = make_policy(cast, server, document=WRONG.replace("simbol", "symbol"))
    send(cast.pam, url_of(cast, "publish", policy.id), {"document": READS, "expected": "1"})
    with tenant(cast.organisation.id):
        Tool.objects.update(input_schema='{"type": "object", "properties": {"pair": {}}}')
    answer = send(cast.pam, url_of(cast, "restore", policy.id, 1), {"expected": "2"})
    assert answer.status_code == 422
    assert "It was not restored" in text_of(answer)
    assert WRONG_AT in text_of(answer)
    assert len(documents_of(cast, policy)) == 2


def test_the_words_are_on_the_page_without_script(cast: Cast, server: Server) -> None:
    page = open_page(cast.bob, url_of(cast, "detail", make_policy(cast, server, document=PACED).id))
    assert "10 a minute" in page.split('id="sentences"')[1].split("</aside>")[0]
    assert " readonly" in page
    assert "Publish version" not in page


def test_the_editors_check_answers_places_warnings_and_words(cast: Cast, server: Server) -> None:
    url = url_of(cast, "validate", server.id)
    wrong = send(cast.bob, url, WRONG, content_type="application/json")
    (error,) = json.loads(wrong.content)["errors"]
    assert (error["pointer"], error["suggestion"], error["line"]) == (WRONG_AT, "args.symbol", 4)
    assert set(error) == {"pointer", "message", "suggestion", "line", "column"}
    right = json.loads(send(cast.bob, url, NOTHING, content_type="application/json").content)
    assert right["errors"] == []
    assert "This policy allows nothing." in [warning["message"] for warning in right["warnings"]]
    assert set(right["sentences"][0]) == {"pointer", "text"}


@pytest.mark.parametrize("text", [b"", b"\xff", b"\xef\xbb\xbf{}", b"[" * 5000, b" " * (MAX_BYTES + 1)])
def test_the_editors_check_answers_any_text(cast: Cast, server: Server, text: bytes) -> None:
    answer = send(cast.bob, url_of(cast, "validate", server.id), text, content_type="application/json")
    assert answer.status_code == 200
    assert json.loads(answer.content)["errors"]


def test_a_policy_is_deleted_from_its_page(cast: Cast, server: Server) -> None:
    policy = make_policy(cast, server)
    grant = make_grant(cast, server, policy).grant
    kept = send(cast.pam, url_of(cast, "delete", policy.id), follow=True)
    assert "Laptop" in text_of(kept)
    assert "1 grant carries it." in text_of(kept)
    send(cast.alice, reverse("policies:revoke", args=[cast.organisation.slug, grant.id]))
    gone = send(cast.pam, url_of(cast, "delete", policy.id))
    assert gone["Location"] == url_of(cast, "list", server.id)
    open_page(cast.pam, url_of(cast, "detail", policy.id), status=404)


def test_a_viewer_writes_nothing(cast: Cast, server: Server) -> None:
    policy = make_policy(cast, server)
    for user, publishes, creates in ((cast.bob, 403, 403), (cast.pam, 302, 302), (cast.alice, 409, 302)):
        body = {"document": PACED, "expected": "1"}
        assert send(user, url_of(cast, "publish", policy.id), body).status_code == publishes
        named = {"name": f"Of {user.email}", "document": READS}
        assert send(user, url_of(cast, "create", server.id), named).status_code == creates
    for name, args in (("restore", (policy.id, 1)), ("delete", (policy.id,))):
        assert send(cast.bob, url_of(cast, name, *args), {"expected": "2"}).status_code == 403
    open_page(cast.bob, url_of(cast, "create", server.id), status=403)


@pytest.mark.parametrize("user", ["charlie", "alice"])
def test_another_organisations_policy_is_the_404_of_none(
    cast: Cast, server: Server, foreign: Server, user: str
) -> None:
    # charlie asks in alice's organisation, where he is nobody; alice asks in her own for what is charlie's.
    with tenant(cast.other.id):
        member = member_of(cast.other, cast.charlie, Role.ADMIN)
        theirs = Policy.objects.create(organisation=cast.other, server=foreign, name="Theirs")
        publish_policy(member=member, policy=theirs, document=READS)
    policy = make_policy(cast, server) if user == "charlie" else theirs
    at = server if user == "charlie" else foreign
    client = client_of(getattr(cast, user))
    for name, args, nothing in (
        ("list", (at.id,), (uuid4(),)),
        ("create", (at.id,), (uuid4(),)),
        ("detail", (policy.id,), (uuid4(),)),
        ("version", (policy.id, 1), (uuid4(), 1)),
    ):
        seen, unknown = client.get(url_of(cast, name, *args)), client.get(url_of(cast, name, *nothing))
        assert (seen.status_code, plain_of(seen)) == (404, plain_of(unknown))
    for name, args in (
        ("create", (at.id,)),
        ("validate", (at.id,)),
        ("publish", (policy.id,)),
        ("restore", (policy.id, 1)),
        ("delete", (policy.id,)),
    ):
        assert client.post(url_of(cast, name, *args), {"document": PACED, "expected": "1"}).status_code == 404
