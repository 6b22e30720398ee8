"""Addresses of the public pages: home and the catalogue."""

from django.urls import path, register_converter

from catalog import views


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
    path("", views.home, name="home"),
    path("catalog/", views.index, name="index"),
    path("catalog/<slug:server>.json", views.server_json, name="server_json"),
    path("catalog/<slug:server>/", views.server, name="server"),
    path("catalog/<slug:server>/<tool_name:tool>.json", views.tool_json, name="tool_json"),
    path("catalog/<slug:server>/<tool_name:tool>/", views.tool, name="tool"),
]
