"""A grant can be stopped and resumed."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("policies", "0004_rotation"),
    ]

    operations = [
        migrations.AddField(
            model_name="grant",
            name="is_killed",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="grant",
            name="kill_reason",
            field=models.CharField(blank=True, db_default="", default="", max_length=200),
        ),
        migrations.AddField(
            model_name="grant",
            name="killed_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="grant",
            name="killed_by",
            field=models.CharField(blank=True, db_default="", default="", max_length=254),
        ),
    ]
