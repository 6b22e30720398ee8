"""Addresses of the accounts app."""

from django.urls import path

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("outbox/", views.outbox, name="outbox"),
    path("app/", views.app, name="app"),
    path("app/new/", views.create, name="create_organisation"),
    path("app/<slug:organisation>/members/", views.members, name="members"),
    path("app/<slug:organisation>/members/<uuid:person>/role/", views.change_member_role, name="change_role"),
    path("app/<slug:organisation>/members/<uuid:person>/remove/", views.remove, name="remove_member"),
    path("app/<slug:organisation>/audit/", views.audit, name="audit"),
    path("app/<slug:organisation>/keys/", views.api_keys, name="api_keys"),
    path("app/<slug:organisation>/keys/<uuid:key>/revoke/", views.revoke_key, name="revoke_api_key"),
    path("app/<slug:organisation>/stop/", views.stop, name="stop"),
]
