"""Addresses of the gateway app's pages; calls of agents come in through config/asgi.py."""

from django.urls import path

from gateway import views, waiting_views

app_name = "gateway"
urlpatterns = [
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("app/<slug:organisation>/", views.start, name="start"),
    path("app/<slug:organisation>/places.json", views.places, name="places"),
    path("app/<slug:organisation>/servers/<uuid:server>/log/", views.log, name="log"),
    path("app/<slug:organisation>/servers/<uuid:server>/log/export/", views.export, name="export"),
    path("app/<slug:organisation>/servers/<uuid:server>/waiting/", waiting_views.show_waiting, name="waiting"),
    path("app/<slug:organisation>/decisions/<uuid:record>/", views.decision, name="decision"),
]
