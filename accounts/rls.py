"""Row-level security for tenant tables, used by migrations; a table that this does not name has no tenant."""

from django.db import migrations

CURRENT = "nullif(current_setting('policylayer.organisation', true), '')::uuid"
PERSON = "nullif(current_setting('policylayer.person', true), '')::uuid"
HOST = "coalesce(current_setting('policylayer.host', true), '') = 'on'"


def protect(table: str, column: str = "organisation_id") -> migrations.RunSQL:
    """FORCE row-level security on `table`: rows are seen and written only inside their organisation's block."""
    return migrations.RunSQL(
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY; ALTER TABLE {table} FORCE ROW LEVEL SECURITY;"
        f"CREATE POLICY tenant ON {table} USING ({column} = {CURRENT}) WITH CHECK ({column} = {CURRENT});",
        f"DROP POLICY tenant ON {table}; ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY;"
        f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY;",
    )


def let_owner_read(table: str) -> migrations.RunSQL:
    """Let the owner's definer functions, and nothing of the serving role, read `table` across organisations."""
    return migrations.RunSQL(
        f"CREATE POLICY definer ON {table} FOR SELECT TO CURRENT_USER USING (true);",
        f"DROP POLICY definer ON {table};",
    )
