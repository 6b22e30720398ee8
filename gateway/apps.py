"""The gateway app; tells the host's pages what the gateway knows."""

from django.apps import AppConfig

from gateway.hints import tell_publication
from policies.signals import version_published


class GatewayConfig(AppConfig):
    name = "gateway"

    def ready(self) -> None:
        version_published.connect(tell_publication, dispatch_uid="gateway.hints")
        # Models are not there before this.
        from accounts.operator.registry import register_check
        from gateway.health import check_dependencies, check_log_writer

        register_check("Dependencies", check_dependencies)
        register_check("Log writer", check_log_writer)
