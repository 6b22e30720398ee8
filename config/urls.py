"""Every address of the web site and the API; the gateway's own address is in config/asgi.py."""

from django.urls import include, path

urlpatterns = [
    path("", include("catalog.urls")),
    path("accounts/", include("allauth.urls")),
    path("", include("accounts.urls")),
    path("", include("servers.urls")),
    path("", include("policies.urls")),
    path("", include("gateway.urls")),
]
