"""Row-level security of the tenant tables, and the functions that may look across organisations."""

from django.db import migrations

from accounts.rls import CURRENT, PERSON, let_owner_read, protect


def forced(table: str, using: str, check: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY; ALTER TABLE {table} FORCE ROW LEVEL SECURITY;"
        f"CREATE POLICY tenant ON {table} USING ({check}) WITH CHECK ({check});"
        f"CREATE POLICY person ON {table} FOR SELECT USING ({using});",
        f"DROP POLICY tenant ON {table}; DROP POLICY person ON {table};"
        f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY; ALTER TABLE {table} DISABLE ROW LEVEL SECURITY;",
    )


FUNCTIONS = """
CREATE FUNCTION policylayer_api_key(hash bytea) RETURNS TABLE (id uuid, organisation_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
$$ SELECT id, organisation_id FROM accounts_apikey WHERE token_hash = hash $$;

CREATE FUNCTION policylayer_epochs(ids uuid[]) RETURNS TABLE (id uuid, epoch bigint, is_killed boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
$$ SELECT id, epoch, is_killed FROM accounts_organisation WHERE id = ANY(ids) $$;

CREATE FUNCTION policylayer_organisations() RETURNS TABLE (id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
$$ SELECT id FROM accounts_organisation $$;

REVOKE ALL ON FUNCTION policylayer_api_key(bytea), policylayer_epochs(uuid[]), policylayer_organisations() FROM PUBLIC;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [
        forced(
            "accounts_organisation",
            f"EXISTS (SELECT 1 FROM accounts_membership m WHERE m.organisation_id = accounts_organisation.id"
            f" AND m.user_id = {PERSON})",
            f"id = {CURRENT}",
        ),
        forced("accounts_membership", f"user_id = {PERSON}", f"organisation_id = {CURRENT}"),
        protect("accounts_apikey"),
        protect("accounts_adminaudit"),
        let_owner_read("accounts_organisation"),
        let_owner_read("accounts_apikey"),
        migrations.RunSQL(
            FUNCTIONS,
            "DROP FUNCTION policylayer_api_key(bytea); DROP FUNCTION policylayer_epochs(uuid[]);"
            "DROP FUNCTION policylayer_organisations();",
        ),
    ]
