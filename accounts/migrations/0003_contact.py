"""Contact messages: anyone may add one, the host's block shows them; and the host's list of organisations."""

import django.utils.timezone
from django.db import migrations, models

from accounts.rls import HOST, let_owner_read

TABLE = "accounts_contactmessage"
# What a visitor may write: a message that nobody has handled, mailed or judged.
FRESH = "state IN ('new', 'spam') AND mailed_at IS NULL AND mail_attempts = 0 AND mail_error = '' AND state_by = '' AND state_at IS NULL"

PROTECTION = f"""
ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY; ALTER TABLE {TABLE} FORCE ROW LEVEL SECURITY;
CREATE POLICY visitor ON {TABLE} FOR INSERT WITH CHECK ({FRESH});
CREATE POLICY host ON {TABLE} USING ({HOST}) WITH CHECK ({HOST});
CREATE POLICY host ON accounts_organisation FOR SELECT USING ({HOST});
"""
NO_PROTECTION = f"""
DROP POLICY host ON accounts_organisation;
DROP POLICY host ON {TABLE}; DROP POLICY visitor ON {TABLE};
ALTER TABLE {TABLE} NO FORCE ROW LEVEL SECURITY; ALTER TABLE {TABLE} DISABLE ROW LEVEL SECURITY;
"""

FUNCTIONS = """
CREATE FUNCTION policylayer_contact_count(mark text, since timestamptz) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
$$ SELECT count(*) FROM accounts_contactmessage m WHERE m.at > $2 AND (m.address_mark = $1 OR m.network_mark = $1) $$;

CREATE FUNCTION policylayer_contact_form(form uuid) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
$$ SELECT m.id FROM accounts_contactmessage m WHERE m.form = $1 $$;

REVOKE ALL ON FUNCTION policylayer_contact_count(text, timestamptz), policylayer_contact_form(uuid) FROM PUBLIC;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_tenancy")]

    operations = [
        migrations.CreateModel(
            name="ContactMessage",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("form", models.UUIDField(unique=True)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("name", models.CharField(max_length=80)),
                ("email", models.CharField(max_length=254)),
                ("text", models.TextField()),
                (
                    "state",
                    models.CharField(
                        choices=[("new", "New"), ("read", "Read"), ("answered", "Answered"), ("spam", "Spam")],
                        max_length=10,
                    ),
                ),
                ("suspicion", models.CharField(blank=True, max_length=100)),
                ("address_mark", models.CharField(max_length=64)),
                ("network_mark", models.CharField(max_length=64)),
                ("state_by", models.CharField(blank=True, max_length=254)),
                ("state_at", models.DateTimeField(null=True)),
                ("mailed_at", models.DateTimeField(null=True)),
                ("mail_attempts", models.PositiveIntegerField(default=0)),
                ("mail_due_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("mail_error", models.CharField(blank=True, max_length=200)),
            ],
            options={
                "ordering": ("-at", "-id"),
                "indexes": [
                    models.Index(fields=["state", "-at"], name="contact_state"),
                    models.Index(fields=["-at"], name="contact_at"),
                    models.Index(
                        condition=models.Q(("mailed_at", None), ("state", "new")),
                        fields=["mail_due_at"],
                        name="contact_due",
                    ),
                ],
            },
        ),
        migrations.RunSQL(PROTECTION, NO_PROTECTION),
        let_owner_read(TABLE),
        migrations.RunSQL(
            FUNCTIONS,
            "DROP FUNCTION policylayer_contact_count(text, timestamptz); DROP FUNCTION policylayer_contact_form(uuid);",
        ),
    ]
