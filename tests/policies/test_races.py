"""Two people or two requests at once: threads with connections of their own, and real commits."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar
from uuid import uuid4

import pytest
from django.db import connections
from django.http import Http404

from accounts.models import Role
from accounts.tenancy import tenant
from policies.access import grants_for, policy_for, versions_for
from policies.errors import ConflictError, FormUsedError, PolicyInUseError
from policies.models import Grant, Policy
from policies.services import attach_policy, delete_policy, mint_grant, publish_policy
from servers.models import Server
from tests.conftest import Cast
from tests.policies.conftest import READS, ApiOf, body_of, make_grant, make_policy, member_of

pytestmark = pytest.mark.django_db(transaction=True)
T = TypeVar("T")
CROWD = 6


def at_once(*works: Callable[[], T]) -> list[T]:
    barrier = Barrier(len(works))

    def run(work: Callable[[], T]) -> T:
        try:
            barrier.wait()
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def publish(cast: Cast, policy: Policy, document: str, expected: int | None) -> int:
    with tenant(cast.organisation.id):
        try:
            member = member_of(cast.organisation, cast.pam)
            own = policy_for(policy.id)
            return publish_policy(member=member, policy=own, document=document, expected=expected).number
        except ConflictError:
            return 0


@pytest.mark.parametrize(("expected", "numbers"), [(None, [2, 3, 4, 5, 6, 7]), (1, [0, 0, 0, 0, 0, 2])])
def test_publishers_take_turns(cast: Cast, server: Server, expected: int | None, numbers: list[int]) -> None:
    policy = make_policy(cast, server)
    works = [lambda n=n: publish(cast, policy, READS + " " * n, expected) for n in range(1, CROWD + 1)]
    assert sorted(at_once(*works)) == numbers
    with tenant(cast.organisation.id):
        newest = versions_for(policy)[0]
        assert (newest.number, policy_for(policy.id).current) == (max(numbers), max(numbers))


def test_one_form_sent_at_once_mints_one_grant(cast: Cast, server: Server) -> None:
    form_id = uuid4()

    def mint() -> int:
        with tenant(cast.organisation.id):
            try:
                mint_grant(member=member_of(cast.organisation, cast.alice), server=server, label="A", grant_id=form_id)
            except FormUsedError:
                return 0
        return 1

    assert sum(at_once(*[mint] * CROWD)) == 1
    with tenant(cast.organisation.id):
        assert grants_for(server).count() == 1


def test_one_idempotency_key_sent_at_once_creates_once(cast: Cast, api_of: ApiOf, server: Server) -> None:
    api, key = api_of(Role.ADMIN), str(uuid4())
    body = {"server": str(server.id), "label": "Laptop"}
    answers = at_once(*[lambda: api.post("grants", body=body, key=key)] * CROWD)
    minted = [body_of(answer)["token"] for answer in answers if answer.status_code == 201]
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len([token for token in minted if token is not None]) == 1
    with tenant(cast.organisation.id):
        assert grants_for(server).count() == 1


def test_a_policy_is_not_deleted_while_it_is_attached(cast: Cast, server: Server) -> None:
    policy, grant = make_policy(cast, server), make_grant(cast, server).grant
    member = member_of(cast.organisation, cast.alice)

    def attach() -> bool:
        with tenant(cast.organisation.id):
            try:
                attach_policy(member=member, grant=Grant.objects.get(id=grant.id), policy=policy_for(policy.id))
            except Http404:
                return False
        return True

    def delete() -> bool:
        with tenant(cast.organisation.id):
            try:
                delete_policy(member=member, policy=policy_for(policy.id))
            except PolicyInUseError:
                return False
        return True

    is_attached, is_deleted = at_once(attach, delete)
    with tenant(cast.organisation.id):
        kept = Grant.objects.get(id=grant.id)
        assert is_attached != is_deleted
        assert (kept.policy_id is None) == is_deleted
