"""Addresses of the public pages: home and the catalogue."""

from django.urls import path, register_converter

from catalog import site_views, views


class ToolName:
    """What MCP allows in a tool's name, so that nothing odd reaches the database."""

    regex = r"[A-Za-z0-9_.-]{1,128}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(ToolName, "tool_name")

app_name = "catalog"
urlpatterns = [
    path("", site_views.home, name="home"),
    path("catalog/", views.index, name="index"),
    path("catalog/<slug:server>.json", views.server_json, name="server_json"),
    path("catalog/<slug:server>/", views.server, name="server"),
    path("catalog/<slug:server>/<tool_name:tool>.json", views.tool_json, name="tool_json"),
    path("catalog/<slug:server>/<tool_name:tool>/", views.tool, name="tool"),
    path("attacks/", site_views.attacks, name="attacks"),
    path("attacks.json", site_views.attacks_json, name="attacks_json"),
    path("attacks.md", site_views.attacks_markdown, name="attacks_markdown"),
    path("attacks/<slug:attack>/", site_views.attack, name="attack"),
    path("attacks/<slug:attack>.json", site_views.attack_json, name="attack_json"),
    path("attacks/<slug:attack>.md", site_views.attack_markdown, name="attack_markdown"),
    path("docs/", site_views.document_index, name="documents"),
    path("docs/<slug:document>/", site_views.document, name="document"),
    path("docs/<slug:document>.md", site_views.document_markdown, name="document_markdown"),
    path("privacy/", site_views.privacy, name="privacy"),
    path("terms/", site_views.terms, name="terms"),
    path("robots.txt", site_views.robots, name="robots"),
    path("sitemap.xml", site_views.sitemap, name="sitemap"),
    path(".well-known/security.txt", site_views.security_txt, name="security_txt"),
]
