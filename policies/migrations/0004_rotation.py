"""Rotation of grants: which grant a new one replaces, and whose counters it charges."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("policies", "0003_saved_tests")]

    operations = [
        migrations.AddField(
            model_name="grant",
            name="replaces",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="replacements",
                to="policies.grant",
            ),
        ),
        migrations.AddField(model_name="grant", name="counts_as", field=models.UUIDField(null=True)),
    ]
