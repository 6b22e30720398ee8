"""Reviewing a draft, comparing versions, export, import and duplicate, through the door."""

import json
import re
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse

from accounts.tenancy import tenant
from policies.access import policies_for, saved_tests_for, versions_for
from policies.check import MAX_BYTES
from policies.models import Policy
from servers.models import Server, Tool
from tests.conftest import Cast, client_of
from tests.policies.bybit import make_bybit, read_catalogue
from tests.policies.conftest import NOTHING, PACED, READS, WRONG, WRONG_AT, make_policy
from tests.policies.test_policy_pages import documents_of, open_page, send, text_of, url_of
from tests.policies.test_trial_pages import add_test

BEFORE = """{
  "version": "1",
  "default": "deny",
  "hide": ["wsBatchCancelOrders"],
  "tools": {
    "getTickers": {"rate_limit": {"max": 10, "window": 60}},
    "createOrder": {}
  }
}"""
AFTER = """{
  "version": "1",
  "default": "deny",
  "tools": {
    "getTickers": {"rate_limit": {"max": 5, "window": 60}},
    "getNotes": {},
    "createOrder": {"action": "require_approval"}
  }
}"""


def review(cast: Cast, policy: Policy, document: str, **more: str) -> HttpResponse:
    return send(cast.pam, url_of(cast, "review", policy.id), {"document": document, "expected": "1", **more})


def upload(cast: Cast, server: Server, content: bytes, **more: str) -> HttpResponse:
    file = SimpleUploadedFile("policy.json", content)
    return send(cast.pam, url_of(cast, "create", server.id), {"name": "Imported", "document": "", "file": file, **more})


def test_a_review_says_what_changes_in_words_tools_and_json(cast: Cast, server: Server) -> None:
    policy = make_policy(cast, server, document=BEFORE)
    page = text_of(review(cast, policy, AFTER))
    for sentence in (
        "1 tool becomes denied (before: hidden).",
        "1 tool becomes allowed (before: denied).",
        "1 tool becomes waiting for a person (before: allowed).",
        "1 tool stays allowed within conditions or limits, and its reason, conditions or limits change.",
        "<ins>getNotes: allowed.</ins>",
        "<del>wsBatchCancelOrders: hidden.</del>",
        "<del>getTickers: allowed; 10 a minute.</del> <ins>getTickers: allowed; 5 a minute.</ins>",
        '<del>-   "hide": [',
        '<ins>+     "getNotes": {},',
    ):
        assert sentence in page
    assert "cancelAllOrders" not in page
    assert documents_of(cast, policy) == [BEFORE]
    # What lets more through comes first.
    assert re.findall(r'<summary><span class="badge badge-\w+">(\w+)</span> (.*?)\. <', page) == [
        ("wider", "1 tool becomes allowed (before: denied)"),
        ("changed", "1 tool becomes denied (before: hidden)"),
        ("tighter", "1 tool becomes waiting for a person (before: allowed)"),
        ("tighter", "1 tool stays allowed within conditions or limits, and its reason, conditions or limits change"),
    ]


def test_documents_are_compared_as_if_printed_alike(cast: Cast, server: Server) -> None:
    policy = make_policy(cast, server, document=PACED)
    spaced = PACED.replace(", ", ",\n\t").replace("{", "{ ")
    page = text_of(review(cast, policy, spaced))
    assert "Only the layout differs." in page and "<del>" not in page
    assert "Publish version 2" in page
    page = text_of(review(cast, policy, spaced.replace("10", "1e1")))
    assert page.count("<del>") == page.count("<ins>") == 1
    assert '<ins>+         "max": 1e1,' in page


def test_one_publishes_from_the_review_with_a_note(cast: Cast, server: Server) -> None:
    policy = make_policy(cast, server, document=BEFORE)
    page = text_of(review(cast, policy, AFTER, note="slower"))
    assert "Publish version 2" in page
    assert AFTER in page
    assert 'value="slower"' in page
    body = {"document": AFTER, "expected": "1", "note": "slower"}
    assert send(cast.pam, url_of(cast, "publish", policy.id), body).status_code == 302
    assert documents_of(cast, policy) == [AFTER, BEFORE]


def test_tools_that_change_alike_are_counted_together(cast: Cast) -> None:
    policy = make_policy(cast, make_bybit(cast.organisation), document='{"version": "1", "default": "deny"}')
    page = text_of(review(cast, policy, '{"version": "1", "default": "deny", "risk": {"low": {}}}'))
    low = sum(tool["risk"] == "low" for tool in read_catalogue())
    assert f"{low} tools become allowed (before: denied)." in page
    assert page.count("(before:") == 1


def test_a_first_version_is_reviewed_against_nothing(cast: Cast, server: Server) -> None:
    policy = make_policy(cast, server, document=None)
    page = text_of(review(cast, policy, READS, expected="0"))
    assert "1 tool becomes allowed (before: denied)." in page
    assert "stay denied" not in page
    assert "Publish version 1" in page


def test_a_draft_with_errors_is_reviewed_by_its_errors(cast: Cast, server: Server) -> None:
    policy = make_policy(cast, server)
    answer = review(cast, policy, WRONG)
    page = text_of(answer)
    assert WRONG_AT in page
    assert WRONG in page
    assert "Publish version" not in page
    assert review(cast, policy, "").status_code == 422


def test_a_review_shows_warnings_and_the_results_of_saved_tests(cast: Cast, server: Server) -> None:
    policy = make_policy(cast, server)
    add_test(cast, policy)
    page = text_of(review(cast, policy, NOTHING))
    assert "It cannot be published: 1 saved test fails." in page
    assert "expected allow, got deny, since no rule speaks of it." in page
    assert "This policy allows nothing." in page
    assert "Publish version" not in page
    passing = text_of(review(cast, policy, PACED))
    assert "badge-allow" in passing.split('id="results"')[1]
    assert "Publish version 2" in passing


def test_a_review_after_somebody_else_published_compares_with_theirs(cast: Cast, server: Server) -> None:
    policy = make_policy(cast, server)
    send(cast.alice, url_of(cast, "publish", policy.id), {"document": PACED, "expected": "1"})
    page = text_of(review(cast, policy, NOTHING))
    assert "alice@example.com published version 2 on" in page
    assert 'name="expected" value="2"' in page
    assert "getTickers: allowed; 10 a minute." in page


def test_the_same_text_has_nothing_to_review(cast: Cast, server: Server) -> None:
    policy = make_policy(cast, server)
    page = text_of(review(cast, policy, READS))
    assert "version 1 already says exactly this" in page
    assert "No tool fares otherwise." in page


def test_a_draft_goes_back_to_the_editor_as_it_is(cast: Cast, server: Server) -> None:
    policy = make_policy(cast, server)
    page = text_of(review(cast, policy, AFTER, do="edit", note="mine"))
    assert AFTER in page.split("<textarea")[1]
    assert 'value="mine"' in page
    assert 'name="expected" value="1"' in page


def test_a_large_rewrite_is_shown_as_one_block(cast: Cast, server: Server) -> None:
    values = [f"symbol-{number}" for number in range(3000)]
    condition = {"path": "args.symbol", "op": "in", "value": values}
    rule = {"require": [{"conditions": [condition]}]}
    long = json.dumps({"version": "1", "default": "deny", "tools": {"createOrder": rule}})
    policy = make_policy(cast, server, document=long)
    page = text_of(review(cast, policy, long.replace("symbol-", "other-")))
    assert "Publish version 2" in page
    assert page.count("<del>") > 3000


def test_two_versions_are_compared(cast: Cast, server: Server) -> None:
    policy = make_policy(cast, server, document=BEFORE)
    send(cast.pam, url_of(cast, "publish", policy.id), {"document": AFTER, "expected": "1"})
    url = url_of(cast, "compare", policy.id)
    latest = open_page(cast.bob, url)
    assert "1 tool becomes allowed (before: denied)." in latest
    back = open_page(cast.bob, url + "?before=2&after=1")
    assert "1 tool becomes hidden (before: denied)." in back
    # Restoring asks, with what is restored beside what is in force.
    page = open_page(cast.pam, url)
    assert 'data-confirm="Publish version 1 again, as version 3? 4 tools change."' in page
    assert "Restore version 1 as version 3" not in latest
    assert "The texts are the same" in open_page(cast.bob, url + "?before=1&after=1")
    for query in ("?before=1&after=9", "?before=x&after=1", "?before=1"):
        open_page(cast.bob, url + query, status=404)


def test_a_version_that_no_longer_fits_counts_as_denying(cast: Cast, server: Server) -> None:
    policy = make_policy(cast, server, document=WRONG.replace("simbol", "symbol"))
    send(cast.pam, url_of(cast, "publish", policy.id), {"document": READS, "expected": "1"})
    with tenant(cast.organisation.id):
        Tool.objects.update(input_schema='{"type": "object", "properties": {}, "additionalProperties": false}')
    page = open_page(cast.bob, url_of(cast, "compare", policy.id))
    assert "Version 1 no longer fits" in page
    assert "1 tool becomes allowed (before: denied)." in page


def test_an_export_is_the_published_text_letter_for_letter(cast: Cast, server: Server) -> None:
    text = READS.replace("{}", '{ "rate_limit":{"window"  :60,\t"max":10}}') + "\n\n"
    policy = make_policy(cast, server, name="Agents & co", document=text)
    answer = client_of(cast.bob).get(url_of(cast, "export", policy.id))
    assert (answer.content.decode(), answer["Content-Type"]) == (text, "application/json; charset=utf-8")
    assert answer["Content-Disposition"] == 'attachment; filename="agents-co-v1.json"'
    unpublished = make_policy(cast, server, name="Later", document=None)
    assert client_of(cast.bob).get(url_of(cast, "export", unpublished.id)).status_code == 404


def test_an_export_is_imported_as_a_new_policy(cast: Cast, server: Server) -> None:
    exported = client_of(cast.bob).get(url_of(cast, "export", make_policy(cast, server).id)).content
    answer = upload(cast, server, exported)
    assert answer.status_code == 302
    with tenant(cast.organisation.id):
        policy = policies_for(server).get(name="Imported")
        assert [version.document for version in versions_for(policy)] == [READS]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (WRONG.encode(), WRONG_AT),
        (b"\xff\xfe", "not UTF-8"),
        (b" " * (MAX_BYTES + 1), "larger than 256 KiB"),
        (b"[]", "Error"),
    ],
)
def test_an_import_is_checked_like_everything_else(cast: Cast, server: Server, content: bytes, message: str) -> None:
    answer = upload(cast, server, content)
    assert (answer.status_code, message in text_of(answer)) == (422, True)
    with tenant(cast.organisation.id):
        assert not policies_for(server).exists()
    # Editors on Windows put a mark in front.
    assert upload(cast, server, b"\xef\xbb\xbf" + READS.encode()).status_code == 302


def test_a_duplicate_is_unpublished_until_it_is_published(cast: Cast, server: Server) -> None:
    policy = make_policy(cast, server)
    add_test(cast, policy)
    answer = send(cast.pam, url_of(cast, "duplicate", policy.id))
    with tenant(cast.organisation.id):
        copy = policies_for(server).get(name="Agents (copy)")
        assert (copy.current, [test.name for test in saved_tests_for(copy)]) == (0, ["Tickers"])
        assert saved_tests_for(policy).count() == 1
    assert answer["Location"] == url_of(cast, "detail", copy.id)
    page = open_page(cast.pam, answer["Location"])
    assert "Never published" in page
    assert READS in page.split("<textarea")[1]
    body = {"document": READS, "expected": "0"}
    assert send(cast.pam, url_of(cast, "publish", copy.id), body).status_code == 302
    send(cast.pam, url_of(cast, "duplicate", policy.id))
    with tenant(cast.organisation.id):
        assert policies_for(server).filter(name="Agents (copy 2)").exists()


def test_a_long_name_leaves_room_for_the_copys(cast: Cast, server: Server) -> None:
    policy = make_policy(cast, server, name="x" * 80)
    assert send(cast.pam, url_of(cast, "duplicate", policy.id)).status_code == 302
    with tenant(cast.organisation.id):
        assert policies_for(server).filter(name="x" * 73 + " (copy)").exists()


def test_what_was_never_published_is_not_duplicated(cast: Cast, server: Server) -> None:
    policy = make_policy(cast, server, document=None)
    answer = send(cast.pam, url_of(cast, "duplicate", policy.id), follow=True)
    assert "no published version yet" in text_of(answer)
    with tenant(cast.organisation.id):
        assert policies_for(server).count() == 1


def test_markup_in_a_draft_stays_text_in_its_review(cast: Cast, server: Server) -> None:
    policy = make_policy(cast, server)
    draft = READS.replace('"version"', '"description": "</textarea><script>", "version"')
    answer = review(cast, policy, draft)
    assert answer.status_code == 200
    assert b"<script>" not in answer.content


def test_another_organisations_policy_is_not_found(cast: Cast, server: Server) -> None:
    policy = make_policy(cast, server)
    client = client_of(cast.charlie)
    for name in ("test", "tests", "compare", "export"):
        assert client.get(url_of(cast, name, policy.id)).status_code == 404
    for name in ("test", "tests", "keep_test", "review", "duplicate"):
        assert client.post(url_of(cast, name, policy.id), {"document": READS}).status_code == 404
        assert client_of(cast.pam).post(url_of(cast, name, uuid4()), {"document": READS}).status_code == 404
