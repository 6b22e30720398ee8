"""Addresses of the public pages: home and the catalogue. Each page of the catalogue has a JSON and a Markdown twin."""

from django.urls import path, register_converter

from catalog import site_views, views


class ToolName:
    """What MCP allows in a tool's name, so that nothing odd reaches the database."""

    regex = r"[A-Za-z0-9_.-]{1,128}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class Release(ToolName):
    """A release as a data file may name it; never with two dots side by side, which stand between two releases."""

    regex = r"[0-9A-Za-z](?:[0-9A-Za-z_+-]|\.(?!\.)){0,59}"


register_converter(ToolName, "tool_name")
register_converter(Release, "release")

CHANGES = "catalog/<slug:server>/changes/<release:before>..<release:after>"

app_name = "catalog"
urlpatterns = [
    path("", site_views.home, name="home"),
    path("catalog/", views.index, name="index"),
    path("catalog.json", views.index_json, name="index_json"),
    path("catalog.md", views.index_markdown, name="index_markdown"),
    path("catalog/<slug:server>.json", views.server_json, name="server_json"),
    path("catalog/<slug:server>.md", views.server_markdown, name="server_markdown"),
    path("catalog/<slug:server>/", views.server, name="server"),
    path(f"{CHANGES}/", views.changes, name="changes"),
    path(f"{CHANGES}.json", views.changes_json, name="changes_json"),
    path(f"{CHANGES}.md", views.changes_markdown, name="changes_markdown"),
    path("catalog/<slug:server>/<tool_name:tool>.json", views.tool_json, name="tool_json"),
    path("catalog/<slug:server>/<tool_name:tool>.md", views.tool_markdown, name="tool_markdown"),
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
