"""Rotating a grant: a new token beside the old one, which ends by itself."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AdminAudit, User
from accounts.tenancy import tenant
from accounts.tokens import TOKEN_PATTERN, hash_token
from policies.access import find_grant, grant_facts_for, grants_for
from policies.models import Grant
from policies.services import revoke_grant, set_expiry
from servers.models import Server
from tests.conftest import Cast, client_of
from tests.policies.conftest import Api, body_of, make_grant, make_policy, member_of, pointers_of, reload_grant
from tests.policies.test_policy_pages import open_page, send, text_of, url_of

LENGTHS = {"none": 0, "hour": 3600, "day": 86_400, "week": 604_800}


def form_of(cast: Cast, grant: Grant, overlap: str = "day", user: User | None = None) -> dict[str, str]:
    page = open_page(user or cast.alice, url_of(cast, "grant", grant.id))
    found = re.search(r'name="form_id" value="([^"]+)"', page)
    assert found is not None
    return {"overlap": overlap, "form_id": found[1]}


def line_of(cast: Cast, server: Server) -> list[Grant]:
    with tenant(cast.organisation.id):
        return list(grants_for(server).order_by("created_at"))


@pytest.mark.parametrize("overlap", list(LENGTHS))
def test_the_old_token_ends_after_the_overlap_and_the_new_one_takes_its_place(
    cast: Cast, server: Server, overlap: str
) -> None:
    policy = make_policy(cast, server)
    old = make_grant(cast, server, policy).grant
    before = timezone.now()
    answer = client_of(cast.alice).post(url_of(cast, "rotate", old.id), form_of(cast, old, overlap))
    (token,) = set(TOKEN_PATTERN.findall(text_of(answer)))
    assert (answer.status_code, "no-store" in answer["Cache-Control"]) == (200, True)
    first, second = line_of(cast, server)
    found = find_grant(hash_token(token))
    assert found is not None and found.grant_id == second.id
    assert (second.policy, second.label, second.expires_at) == (policy, first.label, None)
    assert (second.replaces, second.counts_as) == (first, first.id)
    assert first.expires_at is not None
    length = timedelta(seconds=LENGTHS[overlap])
    assert before + length <= first.expires_at <= timezone.now() + length
    listed = open_page(cast.bob, url_of(cast, "grants", server.id))
    assert token not in listed
    assert first.last_four in listed and second.last_four in listed
    assert ("Expired" in listed) == (overlap == "none")


def test_an_earlier_end_is_kept_on_both(cast: Cast, server: Server) -> None:
    old, end = make_grant(cast, server).grant, timezone.now() + timedelta(minutes=5)
    with tenant(cast.organisation.id):
        set_expiry(member=member_of(cast.organisation, cast.alice), grant=old, expires_at=end)
    assert send(cast.alice, url_of(cast, "rotate", old.id), form_of(cast, old)).status_code == 200
    assert [grant.expires_at for grant in line_of(cast, server)] == [end, end]


def test_the_whole_line_charges_the_counters_of_its_first_grant(cast: Cast, server: Server) -> None:
    first = make_grant(cast, server).grant
    send(cast.alice, url_of(cast, "rotate", first.id), form_of(cast, first))
    second = line_of(cast, server)[-1]
    send(cast.alice, url_of(cast, "rotate", second.id), form_of(cast, second))
    with tenant(cast.organisation.id):
        assert {grant_facts_for(grant.id).counts_as for grant in grants_for(server)} == {first.id}


def test_a_grant_has_one_successor_until_that_is_revoked(cast: Cast, server: Server) -> None:
    old = make_grant(cast, server).grant
    form = form_of(cast, old)
    url = url_of(cast, "rotate", old.id)
    assert send(cast.alice, url, form).status_code == 200
    second = line_of(cast, server)[-1]
    again = send(cast.alice, url, form)
    assert (again.status_code, "already minted" in text_of(again)) == (409, True)
    other = send(cast.alice, url, form_of(cast, second))
    assert (other.status_code, second.last_four in text_of(other)) == (409, True)
    assert "form_id" not in open_page(cast.alice, url_of(cast, "grant", old.id))
    with tenant(cast.organisation.id):
        revoke_grant(member=member_of(cast.organisation, cast.alice), grant=second)
    assert send(cast.alice, url, form_of(cast, old)).status_code == 200
    assert len(line_of(cast, server)) == 3


def test_what_is_over_is_not_rotated(cast: Cast, server: Server) -> None:
    old = make_grant(cast, server).grant
    form = form_of(cast, old)
    member = member_of(cast.organisation, cast.alice)
    with tenant(cast.organisation.id):
        set_expiry(member=member, grant=old, expires_at=timezone.now() - timedelta(seconds=1))
    expired = send(cast.alice, url_of(cast, "rotate", old.id), form)
    assert (expired.status_code, "has expired" in text_of(expired)) == (409, True)
    with tenant(cast.organisation.id):
        revoke_grant(member=member, grant=old)
    revoked = send(cast.alice, url_of(cast, "rotate", old.id), form)
    assert (revoked.status_code, "is revoked" in text_of(revoked)) == (409, True)
    assert len(line_of(cast, server)) == 1


@pytest.mark.parametrize("change", [{"overlap": "year"}, {"overlap": ""}, {"form_id": "forged"}])
def test_wrong_input_rotates_nothing(cast: Cast, server: Server, change: dict[str, str]) -> None:
    old = make_grant(cast, server).grant
    form = form_of(cast, old)
    answer = send(cast.alice, url_of(cast, "rotate", old.id), {**form, **change})
    assert (answer.status_code, len(line_of(cast, server))) == (422, 1)
    assert send(cast.alice, url_of(cast, "rotate", old.id), form).status_code == 200


def test_a_rotation_is_in_the_audit_without_its_token(cast: Cast, server: Server) -> None:
    old = make_grant(cast, server).grant
    answer = send(cast.alice, url_of(cast, "rotate", old.id), form_of(cast, old))
    (token,) = set(TOKEN_PATTERN.findall(text_of(answer)))
    with tenant(cast.organisation.id):
        row = AdminAudit.objects.get(action="grant.rotate")
    assert row.detail["replaces"] == str(old.id)
    assert (token in str(row.detail), token[-4:] == row.detail["last_four"]) == (False, True)


def test_a_script_rotates_too(cast: Cast, admin: Api, server: Server) -> None:
    old = make_grant(cast, server).grant
    wrong = admin.post("rotate", old.id, body={"overlap": 5})
    assert (wrong.status_code, pointers_of(wrong)) == (400, ["/overlap"])
    answer = admin.post("rotate", old.id, body={"overlap": 3600})
    minted = body_of(answer)
    assert (answer.status_code, answer["Cache-Control"]) == (201, "no-store")
    assert (minted["grant"]["replaces"], minted["grant"]["label"]) == (str(old.id), old.label)
    found = find_grant(hash_token(minted["token"]))
    assert found is not None and str(found.grant_id) == minted["grant"]["id"]
    assert admin.post("rotate", old.id, body={"overlap": 0}).status_code == 409
    end = reload_grant(cast, old).expires_at
    assert end is not None and end > timezone.now()
