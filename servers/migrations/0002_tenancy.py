"""Row-level security of the tenant tables."""

from django.db import migrations

from accounts.rls import protect


class Migration(migrations.Migration):
    dependencies = [("servers", "0001_initial"), ("accounts", "0002_tenancy")]

    operations = [
        protect("servers_server"),
        protect("servers_serverheader"),
        protect("servers_tool"),
        protect("servers_simulatoraccount"),
    ]
