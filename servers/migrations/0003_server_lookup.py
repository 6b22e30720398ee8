"""What the gateway may ask across organisations of a server: whose it is, to tell them of calls that did not come in."""

from django.db import migrations

from accounts.rls import let_owner_read

FUNCTION = """
CREATE FUNCTION policylayer_server(server uuid) RETURNS TABLE (organisation_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
$$ SELECT organisation_id FROM servers_server WHERE id = server $$;

REVOKE ALL ON FUNCTION policylayer_server(uuid) FROM PUBLIC;
"""


class Migration(migrations.Migration):
    dependencies = [("servers", "0002_tenancy")]

    operations = [
        let_owner_read("servers_server"),
        migrations.RunSQL(FUNCTION, "DROP FUNCTION policylayer_server(uuid);"),
    ]
