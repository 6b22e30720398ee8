"""What the gateway reads of grants, and what anybody reads of records."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.http import Http404
from django.utils import timezone

from accounts.ids import new_uuid7
from accounts.models import Organisation
from accounts.tenancy import tenant
from accounts.tokens import hash_token
from policies.access import find_grant, grant_facts_for, record_for, records_for
from policies.models import DecisionRecord, Grant
from policies.services import attach_policy, publish_policy, revoke_grant, set_expiry, touch_grants
from servers.models import Server
from tests.conftest import Cast
from tests.policies.conftest import PACED, READS, make_grant, make_policy, member_of, reload_grant

NOON = datetime(2026, 11, 22, 12, 0, 41, tzinfo=UTC)


def make_record(organisation: Organisation, server: UUID, *, grant: UUID | None = None, **fields: object) -> UUID:
    values = {"outcome": "allow", "tool": "getTickers", **fields}
    with tenant(organisation.id):
        record = DecisionRecord.objects.create(
            id=new_uuid7(),
            at=timezone.now(),
            organisation=organisation,
            server=server,
            grant=grant or uuid4(),
            era="modern",
            method="tools/call",
            rule="/tools/getTickers",
            status="ok",
            **values,
        )
    return record.id


def test_a_grant_is_found_by_its_hash_outside_any_organisation(cast: Cast, server: Server) -> None:
    minted = make_grant(cast, server)
    found = find_grant(hash_token(minted.token))
    assert found is not None
    assert (found.grant_id, found.organisation_id, found.server_id) == (
        minted.grant.id,
        cast.organisation.id,
        server.id,
    )
    assert find_grant(hash_token(minted.token + "x")) is None


def test_facts_carry_the_document_in_force(cast: Cast, server: Server) -> None:
    policy = make_policy(cast, server)
    grant = make_grant(cast, server, policy).grant
    with tenant(cast.organisation.id):
        facts = grant_facts_for(grant.id)
        assert (facts.policy_id, facts.policy_version, facts.document) == (policy.id, 1, READS)
        publish_policy(member=member_of(cast.organisation, cast.pam), policy=policy, document=PACED)
        assert grant_facts_for(grant.id) == replace(facts, policy_version=2, document=PACED)


def test_facts_of_a_grant_without_published_policy_have_no_document(cast: Cast, server: Server) -> None:
    bare = make_grant(cast, server).grant
    waiting = make_grant(cast, server, make_policy(cast, server, document=None)).grant
    with tenant(cast.organisation.id):
        assert grant_facts_for(bare.id).document is None
        facts = grant_facts_for(waiting.id)
    assert (facts.policy_id, facts.policy_version, facts.document) == (waiting.policy_id, None, None)


def test_facts_show_the_end_of_a_grant(cast: Cast, server: Server) -> None:
    grant, end = make_grant(cast, server).grant, timezone.now() + timedelta(days=1)
    with tenant(cast.organisation.id):
        member = member_of(cast.organisation, cast.alice)
        set_expiry(member=member, grant=grant, expires_at=end)
        assert grant_facts_for(grant.id).expires_at == end
        assert not grant_facts_for(grant.id).is_revoked
        revoke_grant(member=member, grant=grant)
        assert grant_facts_for(grant.id).is_revoked


def test_facts_of_a_foreign_grant_are_not_found(cast: Cast, server: Server) -> None:
    grant = make_grant(cast, server).grant
    with tenant(cast.other.id), pytest.raises(Http404):
        grant_facts_for(grant.id)


def test_every_change_of_a_grant_raises_the_epoch(cast: Cast, server: Server) -> None:
    policy, grant = make_policy(cast, server), make_grant(cast, server).grant
    member = member_of(cast.organisation, cast.alice)
    with tenant(cast.organisation.id):
        epochs = [Organisation.objects.get().epoch]
        attach_policy(member=member, grant=grant, policy=policy)
        epochs.append(Organisation.objects.get().epoch)
        set_expiry(member=member, grant=grant, expires_at=None)
        epochs.append(Organisation.objects.get().epoch)
        revoke_grant(member=member, grant=grant)
        epochs.append(Organisation.objects.get().epoch)
    assert [epoch - epochs[0] for epoch in epochs] == [0, 1, 2, 3]


def test_use_is_noted_to_the_minute_and_never_moved_back(cast: Cast, server: Server) -> None:
    used, unused = make_grant(cast, server).grant, make_grant(cast, server).grant
    for at in (NOON, NOON + timedelta(seconds=10), NOON - timedelta(hours=1)):
        with tenant(cast.organisation.id):
            touch_grants([used.id, used.id], at)
    assert reload_grant(cast, used).last_used_at == NOON.replace(second=0)
    assert reload_grant(cast, unused).last_used_at is None
    with tenant(cast.organisation.id):
        touch_grants([used.id], NOON + timedelta(minutes=1))
    assert reload_grant(cast, used).last_used_at == NOON.replace(minute=1, second=0)


def test_use_is_noted_in_the_own_organisation_only(cast: Cast, server: Server) -> None:
    grant = make_grant(cast, server).grant
    with tenant(cast.other.id):
        touch_grants([grant.id], NOON)
    assert reload_grant(cast, grant).last_used_at is None


def test_records_are_read_newest_first_and_by_filter(cast: Cast, server: Server) -> None:
    grant = uuid4()
    first = make_record(cast.organisation, server.id, grant=grant)
    second = make_record(cast.organisation, server.id, outcome="deny", tool="createOrder")
    third = make_record(cast.organisation, uuid4(), grant=grant)
    with tenant(cast.organisation.id):
        assert [record.id for record in records_for()] == [third, second, first]
        assert [record.id for record in records_for(server)] == [second, first]
        assert [record.id for record in records_for(outcome="deny")] == [second]
        assert [record.id for record in records_for(tool="createOrder")] == [second]
        assert [record.id for record in records_for(grant=grant)] == [third, first]
        assert [record.id for record in records_for(before=third, limit=1)] == [second]
        assert record_for(first).id == first


def test_another_organisations_records_are_not_there(cast: Cast, server: Server) -> None:
    record = make_record(cast.organisation, server.id)
    with tenant(cast.other.id):
        assert records_for() == []
        with pytest.raises(Http404):
            record_for(record)


def test_only_the_hash_of_a_token_is_kept(cast: Cast, server: Server) -> None:
    minted = make_grant(cast, server)
    with tenant(cast.organisation.id):
        row = Grant.objects.filter(id=minted.grant.id).values().get()
    assert bytes(row["token_hash"]) == hash_token(minted.token)
    assert row["last_four"] == minted.token[-4:]
    assert minted.token not in repr([*row.values(), minted])
