"""Addresses of the servers app."""

from django.urls import path

from servers import views

app_name = "servers"
urlpatterns = [
    path("app/<slug:organisation>/servers/", views.list_servers, name="list"),
    path("app/<slug:organisation>/servers/new/", views.create, name="create"),
    path("app/<slug:organisation>/servers/<uuid:server>/", views.detail, name="detail"),
    path("app/<slug:organisation>/servers/<uuid:server>/tools/", views.tools, name="tools"),
    path("app/<slug:organisation>/servers/<uuid:server>/tools/accept/", views.accept, name="accept"),
    path("app/<slug:organisation>/servers/<uuid:server>/tools/review/", views.review, name="review"),
    path("app/<slug:organisation>/servers/<uuid:server>/status/", views.status, name="status"),
    path("app/<slug:organisation>/servers/<uuid:server>/settings/", views.settings, name="settings"),
    path("app/<slug:organisation>/servers/<uuid:server>/discover/", views.discover, name="discover"),
    path("app/<slug:organisation>/servers/<uuid:server>/check/", views.check, name="check"),
    path("app/<slug:organisation>/servers/<uuid:server>/stop/", views.stop, name="stop"),
    path("app/<slug:organisation>/servers/<uuid:server>/resume/", views.resume, name="resume"),
    path("app/<slug:organisation>/servers/<uuid:server>/delete/", views.delete, name="delete"),
]
