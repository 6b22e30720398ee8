"""How each MCP client is pointed at a gateway URL; texts only. A token is filled in at minting and at no other time.

Links that open a client have schemes of their own, which no browser sends to a server: what is in one reaches that
client only. Even so the token is in none where the client can ask for it instead, as VS Code does and Cursor does not;
so Cursor's link is on the page that shows the token once, and on no other.
"""

import json
from base64 import b64encode
from dataclasses import dataclass
from urllib.parse import quote
from uuid import UUID

from django.conf import settings
from django.utils.http import urlencode
from django.utils.text import slugify

from servers.models import Server

PLACEHOLDER = "YOUR_TOKEN"


@dataclass(frozen=True, slots=True)
class Snippet:
    """What to paste for one client, and where."""

    client: str
    place: str
    text: str
    has_token: bool = True
    link: str = ""

    @property
    def key(self) -> str:
        return f"snippet-{slugify(self.client)}"


def gateway_url_of(server_id: UUID) -> str:
    """The address that an agent's client is given instead of the server's own."""
    return f"{settings.PUBLIC_URL}/mcp/{server_id}"


def write_snippets(server: Server, token: str = PLACEHOLDER) -> tuple[Snippet, ...]:
    """One snippet a client. Nothing in them needs escaping: the name is a slug, the address and token are plain."""
    name, url = slugify(server.name) or "policylayer", gateway_url_of(server.id)
    return (*_write_configurations(name, url, token), *_write_programs(name, url, token))


def _write_configurations(name: str, url: str, token: str) -> tuple[Snippet, ...]:
    bearer = f"Bearer {token}"
    desktop = {
        "command": "npx",
        "args": ["-y", "mcp-remote", url, "--header", "Authorization:${AUTH}"],
        "env": {"AUTH": bearer},
    }
    cursor = {"url": url, "headers": {"Authorization": bearer}}
    asking: dict[str, object] = {"type": "http", "url": url, "headers": {"Authorization": "Bearer ${input:token}"}}
    inputs = [{"type": "promptString", "id": "token", "description": "Grant token", "password": True}]
    return (
        Snippet(
            "Claude Code",
            "in a shell",
            f'claude mcp add --transport http {name} {url} --header "Authorization: {bearer}"',
        ),
        Snippet("Claude Desktop", "claude_desktop_config.json", _dump({"mcpServers": {name: desktop}})),
        Snippet(
            "Cursor",
            ".cursor/mcp.json",
            _dump({"mcpServers": {name: cursor}}),
            link="" if token == PLACEHOLDER else _link_to_cursor(name, cursor),
        ),
        Snippet(
            "VS Code",
            ".vscode/mcp.json, which asks for the token once",
            _dump({"servers": {name: asking}, "inputs": inputs}),
            has_token=False,
            link=_link_to_code({"name": name, **asking, "inputs": inputs}),
        ),
        Snippet(
            "Codex",
            "~/.codex/config.toml, with the token in the environment as POLICYLAYER_TOKEN",
            f'[mcp_servers.{name}]\nurl = "{url}"\nbearer_token_env_var = "POLICYLAYER_TOKEN"',
            has_token=False,
        ),
    )


def _write_programs(name: str, url: str, token: str) -> tuple[Snippet, ...]:
    header = f'{{"Authorization": "Bearer {token}"}}'
    agents = f'MCPServerStreamableHttp(name="{name}", params={{"url": "{url}", "headers": {header}}})'
    chain = f'MultiServerMCPClient({{"{name}": {{"transport": "http", "url": "{url}", "headers": {header}}}}})'
    script = f'{{requestInit: {{headers: {{Authorization: "Bearer {token}"}}}}}}'
    inspector = f'--cli {url} --transport http --header "Authorization: Bearer {token}" --method tools/list'
    return (
        Snippet("OpenAI Agents SDK", "in Python", agents),
        Snippet("LangChain", "in Python", chain),
        Snippet("FastMCP", "in Python", f'Client("{url}", auth="{token}")'),
        Snippet("TypeScript SDK", "in TypeScript", f'new StreamableHTTPClientTransport(new URL("{url}"), {script})'),
        Snippet("Inspector", "in a shell", f"npx @modelcontextprotocol/inspector {inspector}"),
    )


def _link_to_cursor(name: str, configuration: object) -> str:
    """As cursor.com/docs/mcp/install-links has it."""
    config = b64encode(json.dumps(configuration).encode()).decode()
    return f"cursor://anysphere.cursor-deeplink/mcp/install?{urlencode({'name': name, 'config': config})}"


def _link_to_code(configuration: object) -> str:
    """As VS Code's URL handler for MCP takes it: the whole query is one JSON text."""
    return f"vscode:mcp/install?{quote(json.dumps(configuration), safe='')}"


def _dump(configuration: object) -> str:
    return json.dumps(configuration, indent=2)
