"""PostgreSQL itself keeps tenants apart, asked as the role that serves."""

from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import ProgrammingError, connection, transaction
from django.db.models import Model

from accounts.access import member_for
from accounts.models import AdminAudit, Membership, Organisation
from accounts.tenancy import TenancyError, person, tenant
from policies.models import PolicyVersion
from tests.accounts.rows import MAKERS, tenant_models
from tests.conftest import Cast, make_organisation

MODELS = tenant_models()
DEFINERS = {
    "policylayer_api_key",
    "policylayer_contact_count",
    "policylayer_contact_form",
    "policylayer_discoveries",
    "policylayer_epochs",
    "policylayer_grant",
    "policylayer_open_organisations",
    "policylayer_organisations",
    "policylayer_server",
}
by_model = pytest.mark.parametrize("model", MODELS, ids=[model.__name__ for model in MODELS])


def column(model: type[Model]) -> str:
    return "id" if model is Organisation else "organisation_id"


def ask(query: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return list(cursor.fetchall())


def fill(cast: Cast, model: type[Model]) -> None:
    for organisation in (cast.organisation, cast.other):
        with tenant(organisation.id):
            MAKERS[model](organisation)


def test_every_tenant_model_is_tried_here() -> None:
    assert set(MAKERS) == set(MODELS)


@pytest.mark.django_db
def test_the_serving_role_has_no_way_round() -> None:
    rights = "rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication"
    assert ask("SELECT current_user::text") == [(settings.SERVING_ROLE,)]
    assert ask(f"SELECT {rights} FROM pg_roles WHERE rolname = current_user") == [(False,) * 5]
    assert ask("SELECT relname FROM pg_class WHERE relowner = current_user::regrole") == []
    assert ask("SELECT roleid FROM pg_auth_members WHERE member = current_user::regrole") == []


@by_model
@pytest.mark.django_db
def test_each_tenant_table_forces_row_level_security(model: type[Model]) -> None:
    query = "SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = %s::regclass"
    assert ask(query, model._meta.db_table) == [(True, True)]


@by_model
def test_a_tenant_table_is_empty_without_an_organisation(cast: Cast, model: type[Model]) -> None:
    fill(cast, model)
    assert model._default_manager.count() == 0


@by_model
def test_a_tenant_sees_its_own_rows_and_no_others(cast: Cast, model: type[Model]) -> None:
    fill(cast, model)
    with tenant(cast.organisation.id):
        owners = set(model._default_manager.values_list(column(model), flat=True))
    assert owners == {cast.organisation.id}


@by_model
def test_a_row_for_another_organisation_is_refused(cast: Cast, model: type[Model]) -> None:
    if model is Organisation:
        foreign = Organisation(id=uuid4(), name="Third", slug=f"third-{uuid4().hex[:8]}")
        with pytest.raises(ProgrammingError, match="row-level security"), tenant(cast.organisation.id):
            foreign.save(force_insert=True)
        return
    with tenant(cast.organisation.id):
        MAKERS[model](cast.organisation)
    with pytest.raises(ProgrammingError, match="row-level security"), tenant(cast.organisation.id):
        MAKERS[model](cast.other)


@by_model
def test_a_foreign_row_cannot_be_deleted(cast: Cast, model: type[Model]) -> None:
    fill(cast, model)
    table = model._meta.db_table
    with tenant(cast.organisation.id), connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table} WHERE {column(model)} = %s", [cast.other.id])
        assert cursor.rowcount == 0


@pytest.mark.parametrize("model", [AdminAudit, PolicyVersion])
def test_an_append_only_row_cannot_be_changed(cast: Cast, model: type[Model]) -> None:
    with tenant(cast.organisation.id):
        MAKERS[model](cast.organisation)
    table = model._meta.db_table
    with pytest.raises(ProgrammingError, match="permission denied"), tenant(cast.organisation.id):
        ask(f"UPDATE {table} SET organisation_id = organisation_id")


def test_a_row_cannot_be_moved_to_another_organisation(cast: Cast) -> None:
    with pytest.raises(ProgrammingError, match="row-level security"), tenant(cast.organisation.id):
        Membership.objects.update(organisation=cast.other)


@pytest.mark.django_db
def test_only_the_listed_functions_look_across_organisations() -> None:
    rows = ask("SELECT proname, proconfig FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace")
    assert {row[0] for row in rows} == DEFINERS
    assert all(row[1] == ["search_path=public, pg_temp"] for row in rows)


@pytest.mark.django_db
def test_nobody_else_may_call_those_functions() -> None:
    rows = ask("SELECT oid::regprocedure::text, proacl::text FROM pg_proc WHERE proname = ANY(%s)", list(DEFINERS))
    assert len(rows) == len(DEFINERS)
    # An entry that starts with "=" is a right of PUBLIC.
    assert not [name for name, rights in rows if "{=" in rights or ",=" in rights]


def test_a_transaction_serves_one_organisation(cast: Cast) -> None:
    with tenant(cast.organisation.id):
        with tenant(cast.organisation.id):
            assert Membership.objects.count() == 3
        assert Membership.objects.count() == 3
        with pytest.raises(TenancyError), tenant(cast.other.id):
            pass
    assert Membership.objects.count() == 0


def test_an_exception_inside_a_block_leaves_nothing_open(cast: Cast) -> None:
    with pytest.raises(ProgrammingError), tenant(cast.organisation.id):
        ask("SELECT no_such_column FROM accounts_membership")
    assert Membership.objects.count() == 0


def test_a_person_sees_their_memberships_and_nothing_else(cast: Cast) -> None:
    third = make_organisation("Third")
    with tenant(third.id):
        Membership.objects.create(organisation=third, user=cast.bob, role="admin")
    with person(cast.bob.id):
        assert {row.user_id for row in Membership.objects.all()} == {cast.bob.id}
        assert {row.slug for row in Organisation.objects.all()} == {"acme", "third"}
        assert AdminAudit.objects.count() == 0
    assert member_for(cast.bob, "third").is_admin


@pytest.mark.django_db(transaction=True)
def test_the_setting_does_not_outlive_its_transaction() -> None:
    organisation = make_organisation("Lone")
    with transaction.atomic(), tenant(organisation.id):
        assert Organisation.objects.count() == 1
    assert Organisation.objects.count() == 0
    assert ask("SELECT coalesce(current_setting('policylayer.organisation', true), '')") == [("",)]
