"""Addresses of the REST API, below /api/v1/."""

from django.urls import URLPattern, path, re_path
from drf_spectacular.views import SpectacularAPIView

from policies.api import decisions, grants, nowhere, organisation, policies, saved_tests, servers

app_name = "api"
urlpatterns: list[URLPattern] = [
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("organisation/", organisation.OrganisationView.as_view(), name="organisation"),
    path("organisation/stop/", organisation.StopView.as_view(), name="stop"),
    path("organisation/resume/", organisation.ResumeView.as_view(), name="resume"),
    path("servers/", servers.ServersView.as_view(), name="servers"),
    path("servers/<uuid:server>/", servers.ServerView.as_view(), name="server"),
    path("servers/<uuid:server>/discover/", servers.DiscoverView.as_view(), name="discover"),
    path("servers/<uuid:server>/stop/", servers.StopView.as_view(), name="stop_server"),
    path("servers/<uuid:server>/resume/", servers.ResumeView.as_view(), name="resume_server"),
    path("servers/<uuid:server>/tools/", servers.ToolsView.as_view(), name="tools"),
    path("policies/", policies.PoliciesView.as_view(), name="policies"),
    path("policies/validate/", policies.ValidateView.as_view(), name="validate"),
    path("policies/import/", policies.ImportView.as_view(), name="import"),
    path("policies/<uuid:policy>/", policies.PolicyView.as_view(), name="policy"),
    path("policies/<uuid:policy>/export/", policies.ExportView.as_view(), name="export"),
    path("policies/<uuid:policy>/duplicate/", policies.DuplicateView.as_view(), name="duplicate"),
    path("policies/<uuid:policy>/publish/", policies.PublishView.as_view(), name="publish"),
    path("policies/<uuid:policy>/versions/", policies.VersionsView.as_view(), name="versions"),
    path("policies/<uuid:policy>/versions/<int:number>/", policies.VersionView.as_view(), name="version"),
    path("policies/<uuid:policy>/versions/<int:number>/restore/", policies.RestoreView.as_view(), name="restore"),
    path("policies/<uuid:policy>/tests/", saved_tests.SavedTestsView.as_view(), name="tests"),
    path("policies/<uuid:policy>/tests/run/", saved_tests.RunView.as_view(), name="run_tests"),
    path("policies/<uuid:policy>/tests/<uuid:test>/", saved_tests.SavedTestView.as_view(), name="test"),
    path("grants/", grants.GrantsView.as_view(), name="grants"),
    path("grants/<uuid:grant>/", grants.GrantView.as_view(), name="grant"),
    path("grants/<uuid:grant>/rotate/", grants.RotateView.as_view(), name="rotate"),
    path("grants/<uuid:grant>/revoke/", grants.RevokeView.as_view(), name="revoke"),
    path("grants/<uuid:grant>/stop/", grants.StopView.as_view(), name="stop_grant"),
    path("grants/<uuid:grant>/resume/", grants.ResumeView.as_view(), name="resume_grant"),
    path("grants/<uuid:grant>/attach/", grants.AttachView.as_view(), name="attach"),
    path("decisions/", decisions.DecisionsView.as_view(), name="decisions"),
    path("decisions/<uuid:record>/", decisions.DecisionView.as_view(), name="decision"),
    re_path(r"^.*$", nowhere.NowhereView.as_view(), name="nowhere"),
]
