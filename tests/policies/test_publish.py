"""Publishing and restoring: numbered, immutable, judged against the server's tools, never over somebody else's work."""

import pytest
from django.db import Error, transaction
from django.http import Http404

from accounts.models import AdminAudit, Organisation, Role
from accounts.tenancy import tenant
from policies.access import current_version_for, versions_for
from policies.check import MAX_BYTES
from policies.errors import ConflictError, NameTakenError, PolicyInUseError, PolicyInvalidError
from policies.models import Policy, PolicyVersion
from policies.services import create_policy, delete_policy, publish_policy, restore_version, revoke_grant
from servers.models import Server, Tool
from tests.conftest import Cast
from tests.policies.conftest import (
    NOTHING,
    PACED,
    READS,
    WRONG,
    WRONG_AT,
    make_grant,
    make_policy,
    make_server,
    member_of,
    reload_grant,
)


def publish(cast: Cast, policy: Policy, document: str, *, expected: int | None = None, note: str = "") -> PolicyVersion:
    with tenant(cast.organisation.id):
        member = member_of(cast.organisation, cast.pam, Role.POLICY_MANAGER)
        return publish_policy(member=member, policy=policy, document=document, note=note, expected=expected)


def numbers_of(cast: Cast, policy: Policy) -> list[int]:
    with tenant(cast.organisation.id):
        return [version.number for version in versions_for(policy)]


def epoch_of(cast: Cast) -> int:
    with tenant(cast.organisation.id):
        return Organisation.objects.get(id=cast.organisation.id).epoch


def test_versions_are_numbered_from_one(cast: Cast, server: Server) -> None:
    policy = make_policy(cast, server)
    version = publish(cast, policy, PACED, note="slower")
    assert (version.number, version.author, version.note) == (2, "pam@example.com", "slower")
    assert numbers_of(cast, policy) == [2, 1]
    with tenant(cast.organisation.id):
        current = current_version_for(policy)
    assert current is not None
    assert current.document == PACED


def test_a_document_is_kept_letter_for_letter(cast: Cast, server: Server) -> None:
    text = READS.replace("{}", '{ "rate_limit":{"window"  :60,\t"max":10}}') + "\n\n"
    version = publish(cast, make_policy(cast, server), text)
    with tenant(cast.organisation.id):
        assert PolicyVersion.objects.get(id=version.id).document == text


def test_publishing_raises_the_epoch_and_is_audited(cast: Cast, server: Server) -> None:
    policy, before = make_policy(cast, server), epoch_of(cast)
    publish(cast, policy, PACED, note="slower")
    assert epoch_of(cast) == before + 1
    with tenant(cast.organisation.id):
        row = AdminAudit.objects.filter(action="policy.publish").latest("id")
    assert (row.actor, row.target) == ("pam@example.com", "Bybit / Agents")
    assert row.detail == {"id": str(policy.id), "version": 2, "note": "slower"}


def test_the_same_document_adds_no_version(cast: Cast, server: Server) -> None:
    policy = make_policy(cast, server)
    before = epoch_of(cast)
    assert publish(cast, policy, READS).number == 1
    assert (numbers_of(cast, policy), epoch_of(cast)) == ([1], before)
    assert publish(cast, policy, READS + " ").number == 2


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        (WRONG, WRONG_AT),
        ("", ""),
        ("{", ""),
        (READS.replace('"default": "deny", ', ""), ""),
        (READS.replace("{}", '{"deny_if": [], "deny_if": []}'), "/tools/getTickers"),
        (" " * MAX_BYTES + READS, ""),
    ],
)
def test_a_document_with_errors_leaves_nothing_behind(cast: Cast, server: Server, document: str, pointer: str) -> None:
    policy = make_policy(cast, server)
    before = epoch_of(cast)
    with pytest.raises(PolicyInvalidError) as caught:
        publish(cast, policy, document)
    assert caught.value.problems[0].pointer.startswith(pointer)
    assert (numbers_of(cast, policy), epoch_of(cast)) == ([1], before)
    with tenant(cast.organisation.id):
        assert Policy.objects.get(id=policy.id).current == 1
        assert AdminAudit.objects.filter(action="policy.publish").count() == 1
    assert publish(cast, policy, PACED).number == 2


def test_an_error_names_the_nearest_path(cast: Cast, server: Server) -> None:
    with pytest.raises(PolicyInvalidError) as caught:
        make_policy(cast, server, document=WRONG)
    assert caught.value.problems[0].suggestion == "args.symbol"


def test_a_policy_whose_first_document_is_wrong_does_not_come_to_be(cast: Cast, server: Server) -> None:
    with tenant(cast.organisation.id):
        member = member_of(cast.organisation, cast.pam)
        with pytest.raises(PolicyInvalidError):
            create_policy(member=member, server=server, name="Agents", document=WRONG)
        assert not Policy.objects.exists()
        assert not AdminAudit.objects.exists()
        assert create_policy(member=member, server=server, name="Agents", document=READS).current == 1


def test_a_policy_that_allows_nothing_is_accepted(cast: Cast, server: Server) -> None:
    assert make_policy(cast, server, document=NOTHING).current == 1


def test_names_are_unique_on_a_server_only(cast: Cast, server: Server) -> None:
    make_policy(cast, server)
    with pytest.raises(NameTakenError):
        make_policy(cast, server)
    assert make_policy(cast, make_server(cast.organisation, "Second")).name == "Agents"


def test_an_editor_opened_on_an_older_version_publishes_nothing(cast: Cast, server: Server) -> None:
    policy = make_policy(cast, server)
    assert publish(cast, policy, PACED, expected=1).number == 2
    with pytest.raises(ConflictError) as caught:
        publish(cast, policy, NOTHING, expected=1)
    assert caught.value.version is not None
    assert "pam@example.com published version 2" in str(caught.value)
    assert numbers_of(cast, policy) == [2, 1]
    assert publish(cast, policy, NOTHING, expected=2).number == 3


def test_restoring_publishes_the_old_document_anew(cast: Cast, server: Server) -> None:
    policy = make_policy(cast, server)
    publish(cast, policy, PACED)
    with tenant(cast.organisation.id):
        version = restore_version(member=member_of(cast.organisation, cast.alice), policy=policy, number=1)
    assert (version.number, version.document, version.author) == (3, READS, "alice@example.com")
    assert version.note == "Restored from version 1"
    assert numbers_of(cast, policy) == [3, 2, 1]


def test_an_old_version_that_no_longer_fits_is_not_restored(cast: Cast, server: Server) -> None:
    policy = make_policy(cast, server, document=WRONG.replace("simbol", "symbol"))
    publish(cast, policy, NOTHING)
    with tenant(cast.organisation.id):
        member = member_of(cast.organisation, cast.alice)
        schema = Tool.objects.get(name="createOrder").input_schema
        Tool.objects.update(input_schema=schema.replace("symbol", "pair"))
        with pytest.raises(PolicyInvalidError):
            restore_version(member=member, policy=policy, number=1)
        assert numbers_of(cast, policy) == [2, 1]
        Tool.objects.update(input_schema=schema)
        assert restore_version(member=member, policy=policy, number=1).number == 3


def test_a_version_that_never_was_cannot_be_restored(cast: Cast, server: Server) -> None:
    policy = make_policy(cast, server)
    with tenant(cast.organisation.id), pytest.raises(Http404):
        restore_version(member=member_of(cast.organisation, cast.alice), policy=policy, number=7)


def test_the_database_refuses_to_change_a_version(cast: Cast, server: Server) -> None:
    policy = make_policy(cast, server)
    with tenant(cast.organisation.id):
        with pytest.raises(Error, match="permission denied"), transaction.atomic():
            PolicyVersion.objects.filter(policy=policy).update(document=NOTHING)
        assert PolicyVersion.objects.get(policy=policy).document == READS


def test_a_policy_is_deleted_only_when_no_grant_carries_it(cast: Cast, server: Server) -> None:
    policy = make_policy(cast, server)
    grant = make_grant(cast, server, policy).grant
    with tenant(cast.organisation.id):
        member = member_of(cast.organisation, cast.alice)
        with pytest.raises(PolicyInUseError, match="Laptop"):
            delete_policy(member=member, policy=policy)
        revoke_grant(member=member, grant=grant)
        delete_policy(member=member, policy=policy)
        assert not Policy.objects.exists()
        assert not PolicyVersion.objects.exists()
    assert reload_grant(cast, grant).policy is None
