"""The catalogue app: what is known in public about servers and their tools. It imports no other app."""

from django.apps import AppConfig


class CatalogConfig(AppConfig):
    name = "catalog"
    default_auto_field = "django.db.models.BigAutoField"
