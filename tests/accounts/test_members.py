import re
from uuid import UUID

import pytest
from django.db import connections

from accounts.access import member_for
from accounts.models import AdminAudit, Membership, Role, User
from accounts.services import LastAdminError, mint_api_key, remove_member
from accounts.tenancy import tenant
from tests.accounts.pages import text_of
from tests.conftest import Cast, client_of, make_member, make_organisation


def roles(cast: Cast) -> dict[UUID, str]:
    with tenant(cast.organisation.id):
        return {row.user_id: row.role for row in Membership.objects.all()}


def address(person: User, what: str) -> str:
    return f"/app/acme/members/{person.id}/{what}/"


def test_every_member_sees_who_is_in(cast: Cast) -> None:
    page = text_of(client_of(cast.bob).get("/app/acme/members/"))
    assert "alice@example.com" in page
    assert "Policy manager" in page
    assert "charlie@example.com" not in page
    assert "/remove/" not in page


def test_an_admin_changes_a_role(cast: Cast) -> None:
    answer = client_of(cast.alice).post(address(cast.bob, "role"), {"role": "policy_manager"}, follow=True)
    assert "bob@example.com has the role Policy manager now." in text_of(answer)
    assert roles(cast)[cast.bob.id] == Role.POLICY_MANAGER
    with tenant(cast.organisation.id):
        row = AdminAudit.objects.get()
    assert (row.actor, row.action, row.target) == ("alice@example.com", "member.role", "bob@example.com")
    assert row.detail == {"from": "viewer", "to": "policy_manager"}


def test_an_unknown_role_changes_nothing(cast: Cast) -> None:
    client_of(cast.alice).post(address(cast.bob, "role"), {"role": "owner"})
    assert roles(cast)[cast.bob.id] == Role.VIEWER


def test_an_admin_removes_a_member_who_then_sees_nothing(cast: Cast) -> None:
    client_of(cast.alice).post(address(cast.bob, "remove"))
    assert cast.bob.id not in roles(cast)
    assert client_of(cast.bob).get("/app/acme/").status_code == 404


@pytest.mark.parametrize("what", ["role", "remove"])
def test_the_last_admin_stays_an_admin(cast: Cast, what: str) -> None:
    answer = client_of(cast.alice).post(address(cast.alice, what), {"role": "viewer"}, follow=True)
    assert "keeps at least one admin" in text_of(answer)
    assert roles(cast)[cast.alice.id] == Role.ADMIN


def test_what_the_only_admin_cannot_do_is_not_offered(cast: Cast) -> None:
    def count_dead() -> int:
        page = text_of(client_of(cast.alice).get("/app/acme/members/"))
        return len(re.findall("<(?:select|button)[^>]* disabled", page))

    assert count_dead() == 3
    make_member(cast.organisation, "anna", Role.ADMIN)
    assert count_dead() == 0


@pytest.mark.parametrize("what", ["role", "remove"])
def test_one_of_two_admins_may_go(cast: Cast, what: str) -> None:
    make_member(cast.organisation, "anna", Role.ADMIN)
    answer = client_of(cast.alice).post(address(cast.alice, what), {"role": "viewer"})
    assert answer["Location"] == ("/app/" if what == "remove" else "/app/acme/members/")
    assert roles(cast).get(cast.alice.id) != Role.ADMIN


def test_removing_somebody_names_the_keys_that_they_leave(cast: Cast) -> None:
    anna = make_member(cast.organisation, "anna", Role.ADMIN)
    with tenant(cast.organisation.id):
        mint_api_key(member=member_for(anna, "acme"), label="deploy", role=Role.ADMIN)
    answer = client_of(cast.alice).post(address(anna, "remove"), follow=True)
    assert "API keys that they minted still work: deploy." in text_of(answer)


@pytest.mark.parametrize("what", ["role", "remove"])
def test_a_foreign_person_cannot_be_touched(cast: Cast, what: str) -> None:
    answer = client_of(cast.alice).post(address(cast.charlie, what), {"role": "viewer"})
    assert answer.status_code == 404
    with tenant(cast.other.id):
        assert Membership.objects.get().role == Role.ADMIN


@pytest.mark.django_db(transaction=True)
def test_two_admins_who_remove_each_other_at_once_leave_one() -> None:
    # A second removal would wait for the first: another connection sees every admin's row locked meanwhile.
    organisation = make_organisation("Duo")
    alice, anna = (make_member(organisation, name, Role.ADMIN) for name in ("alice", "anna"))
    with tenant(organisation.id):
        remove_member(member=member_for(alice, "duo"), person=anna)
        other = connections["default"].copy()
        try:
            with other.cursor() as cursor:
                cursor.execute("BEGIN")
                cursor.execute("SELECT set_config('policylayer.organisation', %s, true)", [str(organisation.id)])
                cursor.execute("SELECT user_id FROM accounts_membership FOR UPDATE SKIP LOCKED")
                assert cursor.fetchall() == []
                cursor.execute("ROLLBACK")
        finally:
            other.close()
    with pytest.raises(LastAdminError), tenant(organisation.id):
        remove_member(member=member_for(alice, "duo"), person=alice)
