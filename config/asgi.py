"""The switchboard: gateway calls go to a plain ASGI callable, sockets of pages to a consumer, the rest to Django."""

import os
from importlib import import_module
from typing import Any

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator, WebsocketDenier
from django.core.asgi import get_asgi_application
from django.urls import re_path


def build_application() -> ProtocolTypeRouter:
    """Django is set up first: what is imported after it reads its settings and models."""
    # Any: the stubs of the routers know views and consumers, not plain ASGI callables.
    pages: Any = get_asgi_application()
    import_module("config.celery")
    from gateway.endpoint import GatewayEndpoint
    from gateway.lifespan import Lifespan
    from gateway.live import LiveConsumer

    gateway: Any = GatewayEndpoint()
    live: Any = LiveConsumer.as_asgi()
    denier: Any = WebsocketDenier.as_asgi()
    # Clients look below a server's address too, and take anything but 404 for an answer of an authorisation server.
    well_known: Any = re_path(r"^(?:.+/)?\.well-known(?:/|$)", pages)
    routes: Any = [re_path(r"^ws/live/(?P<organisation>[-a-zA-Z0-9_]+)/$", live), re_path(r"", denier)]
    return ProtocolTypeRouter(
        {
            # Longer paths too: the gateway refuses them, and tells who waits for a call that came to the wrong one.
            "http": URLRouter([well_known, re_path(r"^mcp/(?P<server>.+?)/?$", gateway), re_path(r"", pages)]),
            "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(routes))),
            "lifespan": Lifespan(gateway),
        }
    )


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = build_application()
