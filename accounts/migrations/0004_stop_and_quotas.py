"""Who stopped an organisation, when and why; its quotas where they are not the usual ones."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_contact"),
    ]

    operations = [
        migrations.AddField(
            model_name="organisation",
            name="kill_reason",
            field=models.CharField(blank=True, db_default="", default="", max_length=200),
        ),
        migrations.AddField(
            model_name="organisation",
            name="killed_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="organisation",
            name="killed_by",
            field=models.CharField(blank=True, db_default="", default="", max_length=254),
        ),
        migrations.AddField(
            model_name="organisation",
            name="max_calls",
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="organisation",
            name="max_sessions",
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="organisation",
            name="max_streams",
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AlterField(
            model_name="organisation",
            name="is_killed",
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
