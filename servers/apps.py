"""The servers app; tells the host's pages what servers knows."""

from django.apps import AppConfig


class ServersConfig(AppConfig):
    name = "servers"

    def ready(self) -> None:
        # Models are not there before this.
        from accounts.operator.registry import register_check, register_count
        from servers.access import count_servers
        from servers.health import check_discoveries

        register_count("Servers", count_servers)
        register_check("Discovery", check_discoveries)
