"""The policies app; tells the host's pages what policies knows."""

from django.apps import AppConfig


class PoliciesConfig(AppConfig):
    name = "policies"

    def ready(self) -> None:
        # Models are not there before this.
        from accounts.operator.registry import register_count
        from policies.access import count_grants

        register_count("Live grants", count_grants)
