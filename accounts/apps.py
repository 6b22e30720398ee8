"""Grants the serving role its rights after each migration; it owns nothing and may not touch what is append-only.

Tells the host's pages what accounts knows.
"""

from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.db import connections
from django.db.models.signals import post_migrate
from psycopg import sql

APPEND_ONLY = ("accounts_adminaudit", "policies_policyversion")


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        post_migrate.connect(grant_serving_role, sender=self)
        # Models are not there before this.
        from accounts.operator import access, checks, registry

        registry.register_count("Members", access.count_members)
        registry.register_check("Queue", checks.check_queue)
        registry.register_check("Scheduled work", checks.check_scheduled_work)
        registry.register_check("Contact mail", checks.check_contact_mail)


def grant_serving_role(using: str, **_: Any) -> None:
    """Give the serving role data rights on every table, less UPDATE where rows must never change."""
    connection = connections[using]
    if connection.settings_dict["USER"] == settings.SERVING_ROLE:
        return
    role = sql.Identifier(settings.SERVING_ROLE)
    with connection.cursor() as cursor:
        for text in (
            "GRANT USAGE ON SCHEMA public TO {}",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}",
            "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}",
            "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {}",
        ):
            cursor.execute(sql.SQL(text).format(role))
        for table in set(APPEND_ONLY) & set(connection.introspection.table_names(cursor)):
            cursor.execute(sql.SQL("REVOKE UPDATE ON {} FROM {}").format(sql.Identifier(table), role))
