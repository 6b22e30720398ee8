"""Addresses of the policies app: its pages below /app/, and the REST API below /api/v1/."""

from django.urls import URLPattern, URLResolver, include, path

from policies import grant_views, restrict_views, review_views, survey_views, trial_views, views

app_name = "policies"
urlpatterns: list[URLPattern | URLResolver] = [
    path("restrict/<slug:known>/<str:tool>/<slug:way>/", restrict_views.restrict, name="restrict"),
    path("app/<slug:organisation>/restrict/", restrict_views.restrict_in, name="restrict_in"),
    path("app/<slug:organisation>/servers/<uuid:server>/policies/", views.list_policies, name="list"),
    path("app/<slug:organisation>/servers/<uuid:server>/policies/new/", views.create, name="create"),
    path("app/<slug:organisation>/servers/<uuid:server>/policies/validate/", views.validate, name="validate"),
    path("app/<slug:organisation>/servers/<uuid:server>/policies/tools.json", views.tools_data, name="tools_data"),
    path("app/<slug:organisation>/policies/<uuid:policy>/", views.detail, name="detail"),
    path("app/<slug:organisation>/policies/<uuid:policy>/publish/", views.publish, name="publish"),
    path("app/<slug:organisation>/policies/<uuid:policy>/current.json", views.current, name="current"),
    path("app/<slug:organisation>/policies/<uuid:policy>/delete/", views.delete, name="delete"),
    path("app/<slug:organisation>/policies/<uuid:policy>/versions/<int:number>/", views.show_version, name="version"),
    path(
        "app/<slug:organisation>/policies/<uuid:policy>/versions/<int:number>/restore/", views.restore, name="restore"
    ),
    path("app/<slug:organisation>/policies/<uuid:policy>/test/", trial_views.panel, name="test"),
    path("app/<slug:organisation>/policies/<uuid:policy>/tests/", trial_views.run_tests, name="tests"),
    path("app/<slug:organisation>/policies/<uuid:policy>/tests/new/", trial_views.keep_test, name="keep_test"),
    path(
        "app/<slug:organisation>/policies/<uuid:policy>/tests/<uuid:test>/delete/",
        trial_views.drop_test,
        name="drop_test",
    ),
    path("app/<slug:organisation>/policies/<uuid:policy>/review/", review_views.review, name="review"),
    path("app/<slug:organisation>/policies/<uuid:policy>/compare/", review_views.compare_versions, name="compare"),
    path("app/<slug:organisation>/policies/<uuid:policy>/export/", review_views.export, name="export"),
    path("app/<slug:organisation>/policies/<uuid:policy>/duplicate/", review_views.duplicate, name="duplicate"),
    path("app/<slug:organisation>/servers/<uuid:server>/grants/", grant_views.list_grants, name="grants"),
    path("app/<slug:organisation>/servers/<uuid:server>/grants/mint/", grant_views.mint, name="mint"),
    path("app/<slug:organisation>/grants/<uuid:grant>/", grant_views.show_grant, name="grant"),
    path("app/<slug:organisation>/grants/<uuid:grant>/revoke/", grant_views.revoke, name="revoke"),
    path("app/<slug:organisation>/grants/<uuid:grant>/stop/", grant_views.stop, name="stop"),
    path("app/<slug:organisation>/grants/<uuid:grant>/resume/", grant_views.resume, name="resume"),
    path("app/<slug:organisation>/grants/<uuid:grant>/rotate/", grant_views.rotate, name="rotate"),
    path("app/<slug:organisation>/grants/<uuid:grant>/tools/", survey_views.show_tools, name="grant_tools"),
    path("app/<slug:organisation>/grants/<uuid:grant>/policy/", grant_views.attach, name="attach"),
    path("app/<slug:organisation>/grants/<uuid:grant>/expiry/", grant_views.expire, name="expire"),
    path("api/v1/", include("policies.api.urls")),
]
