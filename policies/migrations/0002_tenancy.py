"""Row-level security of the tenant tables, and what may look across organisations: a grant by its token's hash, and
which organisations have old intents, for the log writer."""

from django.db import migrations

from accounts.rls import let_owner_read, protect

FUNCTION = """
CREATE FUNCTION policylayer_grant(hash bytea) RETURNS TABLE (id uuid, organisation_id uuid, server_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
$$ SELECT id, organisation_id, server_id FROM policies_grant WHERE token_hash = hash $$;

CREATE FUNCTION policylayer_open_organisations(before timestamptz) RETURNS TABLE (id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
$$ SELECT DISTINCT organisation_id FROM policies_decisionrecord WHERE status = 'intent' AND at < before $$;

REVOKE ALL ON FUNCTION policylayer_grant(bytea), policylayer_open_organisations(timestamptz) FROM PUBLIC;
"""


class Migration(migrations.Migration):
    dependencies = [("policies", "0001_initial"), ("accounts", "0002_tenancy")]

    operations = [
        protect("policies_policy"),
        protect("policies_policyversion"),
        protect("policies_grant"),
        protect("policies_decisionrecord"),
        let_owner_read("policies_grant"),
        let_owner_read("policies_decisionrecord"),
        migrations.RunSQL(
            FUNCTION,
            "DROP FUNCTION policylayer_grant(bytea); DROP FUNCTION policylayer_open_organisations(timestamptz);",
        ),
    ]
