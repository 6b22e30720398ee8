"""How discoveries go over the whole installation, in three figures, for the host's health page."""

from django.db import migrations

FUNCTION = """
CREATE FUNCTION policylayer_discoveries() RETURNS TABLE (last timestamptz, servers bigint, failed bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
$$ SELECT max(discovered_at), count(*), count(*) FILTER (WHERE discovery = 'failed') FROM servers_server $$;

REVOKE ALL ON FUNCTION policylayer_discoveries() FROM PUBLIC;
"""


class Migration(migrations.Migration):
    dependencies = [("servers", "0003_server_lookup")]

    operations = [migrations.RunSQL(FUNCTION, "DROP FUNCTION policylayer_discoveries();")]
