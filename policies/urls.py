"""Addresses of the policies app: its pages below /app/, and the REST API below /api/v1/."""

from django.urls import URLPattern, URLResolver, include, path

from policies import grant_views, views

app_name = "policies"
urlpatterns: list[URLPattern | URLResolver] = [
    path("app/<slug:organisation>/servers/<uuid:server>/policies/", views.list_policies, name="list"),
    path("app/<slug:organisation>/servers/<uuid:server>/policies/new/", views.create, name="create"),
    path("app/<slug:organisation>/servers/<uuid:server>/policies/validate/", views.validate, name="validate"),
    path("app/<slug:organisation>/servers/<uuid:server>/policies/tools.json", views.tools_data, name="tools_data"),
    path("app/<slug:organisation>/policies/<uuid:policy>/", views.detail, name="detail"),
    path("app/<slug:organisation>/policies/<uuid:policy>/publish/", views.publish, name="publish"),
    path("app/<slug:organisation>/policies/<uuid:policy>/delete/", views.delete, name="delete"),
    path("app/<slug:organisation>/policies/<uuid:policy>/versions/<int:number>/", views.show_version, name="version"),
    path(
        "app/<slug:organisation>/policies/<uuid:policy>/versions/<int:number>/restore/", views.restore, name="restore"
    ),
    path("app/<slug:organisation>/servers/<uuid:server>/grants/", grant_views.list_grants, name="grants"),
    path("app/<slug:organisation>/servers/<uuid:server>/grants/mint/", grant_views.mint, name="mint"),
    path("app/<slug:organisation>/grants/<uuid:grant>/", grant_views.show_grant, name="grant"),
    path("app/<slug:organisation>/grants/<uuid:grant>/revoke/", grant_views.revoke, name="revoke"),
    path("app/<slug:organisation>/grants/<uuid:grant>/policy/", grant_views.attach, name="attach"),
    path("app/<slug:organisation>/grants/<uuid:grant>/expiry/", grant_views.expire, name="expire"),
    path("api/v1/", include("policies.api.urls")),
]
