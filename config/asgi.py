"""The switchboard: gateway calls go to a plain ASGI callable, everything else to Django."""

import os
from importlib import import_module
from typing import Any

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import re_path


def build_application() -> ProtocolTypeRouter:
    """Django is set up first: what is imported after it reads its settings and models."""
    # Any: the stubs of the routers know views and consumers, not plain ASGI callables.
    pages: Any = get_asgi_application()
    import_module("config.celery")
    from gateway.endpoint import GatewayEndpoint
    from gateway.lifespan import Lifespan

    gateway: Any = GatewayEndpoint()
    return ProtocolTypeRouter(
        {
            "http": URLRouter([re_path(r"^mcp/(?P<server>[^/]+)/?$", gateway), re_path(r"", pages)]),
            "lifespan": Lifespan(gateway),
        }
    )


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = build_application()
