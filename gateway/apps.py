"""The gateway app."""

from django.apps import AppConfig

from gateway.hints import tell_publication
from policies.signals import version_published


class GatewayConfig(AppConfig):
    name = "gateway"

    def ready(self) -> None:
        version_published.connect(tell_publication, dispatch_uid="gateway.hints")
