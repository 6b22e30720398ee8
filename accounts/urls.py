"""Addresses of the accounts app."""

from django.urls import path

from accounts import views
from accounts.contact import views as contact
from accounts.operator import views as operator

app_name = "accounts"
urlpatterns = [
    path("contact/", contact.contact, name="contact"),
    path("contact/sent/", contact.contact_sent, name="contact_sent"),
    path("operator/", operator.start, name="operator"),
    path("operator/messages/", operator.inbox, name="contact_messages"),
    path("operator/messages/<uuid:message>/", operator.message, name="contact_message"),
    path("operator/messages/<uuid:message>/mark/", operator.mark, name="mark_contact_message"),
    path("operator/organisations/", operator.organisations, name="operator_organisations"),
    path("operator/organisations/<uuid:tenant_id>/", operator.organisation, name="operator_organisation"),
    path("operator/health/", operator.health, name="operator_health"),
    path("outbox/", views.outbox, name="outbox"),
    path("app/", views.app, name="app"),
    path("app/new/", views.create, name="create_organisation"),
    path("app/<slug:organisation>/settings/", views.organisation_settings, name="settings"),
    path("app/<slug:organisation>/members/", views.members, name="members"),
    path("app/<slug:organisation>/members/<uuid:person>/role/", views.change_member_role, name="change_role"),
    path("app/<slug:organisation>/members/<uuid:person>/remove/", views.remove, name="remove_member"),
    path("app/<slug:organisation>/audit/", views.audit, name="audit"),
    path("app/<slug:organisation>/keys/", views.api_keys, name="api_keys"),
    path("app/<slug:organisation>/keys/<uuid:key>/revoke/", views.revoke_key, name="revoke_api_key"),
    path("app/<slug:organisation>/stop/", views.stop, name="stop"),
    path("app/<slug:organisation>/resume/", views.resume, name="resume"),
]
