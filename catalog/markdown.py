"""The Markdown twins of the catalogue's pages, for agents and readers of plain text; the same facts as the pages."""

import json
from collections.abc import Iterable, Sequence

from django.conf import settings
from django.urls import reverse

from catalog.access import Found, ServerOverview
from catalog.answers import (
    Answer,
    answers_on_server,
    answers_on_tool,
    dangerous_groups,
    rate,
    rating_reasons,
    recommended,
    ways_to_restrict,
)
from catalog.models import KnownServer, KnownTool
from catalog.parameters import list_parameters
from catalog.recommend import recommend_policy
from catalog.releases import ReleaseChanges

UNREVIEWED = "Not reviewed yet: judged by its definition alone."


def write_index(overviews: Sequence[ServerOverview]) -> str:
    lines = ["# Catalogue", "", "Known MCP servers and their tools."]
    rows = [
        (_link(each.server.name, _server_path(each.server)), each.server.publisher, each.server.release, each.total)
        for each in overviews
    ]
    return _join(lines, _table(("Server", "Publisher", "Release", "Tools"), rows))


def write_found(text: str, found: Found) -> str:
    lines = [f"# Search: {_cell(text)}"]
    if found.corrected:
        lines += ["", f"Looked for words spelled alike: {', '.join(found.corrected)}."]
    servers = [f"- {_link(server.name, _server_path(server))}" for server in found.servers]
    rows = [(_tool_link(tool), tool.server.name, tool.risk, tool.category, tool.title) for tool in found.tools]
    body = _table(("Tool", "Server", "Level", "Category", "Title"), rows) if rows else ["Nothing was found."]
    return _join(lines, servers, body)


def write_server(server: KnownServer, tools: Sequence[KnownTool]) -> str:
    facts = [
        f"# {_cell(server.name)}",
        "",
        *([_cell(server.summary), ""] if server.summary else []),
        f"- Publisher: {_cell(server.publisher)}",
        f"- Repository: {_cell(server.repository)}",
        f"- Package: {_cell(server.package)}",
        f"- Release: {server.release}",
        f"- Transport: {_cell(server.transport)}",
        f"- Needs: {_cell(', '.join(server.requires_env)) or 'nothing'}",
    ]
    policy = json.dumps(recommend_policy(rate(tool) for tool in tools), indent=2, ensure_ascii=False)
    groups = [f"- {group.title} ({group.count} tools): {group.could}." for group in dangerous_groups(tools)]
    rows = [(_tool_link(tool), tool.risk, tool.category, tool.module, tool.title) for tool in tools]
    return _join(
        facts,
        ["## Recommended policy", "", *_code(policy)],
        ["## What the dangerous tools could do", "", *groups],
        ["## Questions and answers", *_answers(answers_on_server(server, tools))],
        ["## Tools", "", *_table(("Tool", "Level", "Category", "Module", "Title"), rows)],
    )


def write_tool(tool: KnownTool, server: KnownServer, related: Sequence[KnownTool]) -> str:
    head = [f"# {tool.name}", "", _cell(tool.title), "", f"- Server: {_link(server.name, _server_path(server))}"]
    head += [f"- Level: {tool.risk}", f"- Category: {tool.category}", f"- Module: {_cell(tool.module)}"]
    head += [f"- Call: {_cell(tool.method)} {_cell(tool.endpoint)}"]
    head += [f"- Attack patterns: {', '.join(tool.attacks)}"] if tool.attacks else []
    head += [] if tool.is_reviewed else ["", UNREVIEWED]
    restrict: list[str] = []
    for snippet in (recommended(tool), *ways_to_restrict(tool)):
        restrict += [f"### {snippet.title}", "", snippet.sentence, "", *_code(snippet.policy), ""]
    parameters = [
        (f"`{each.path}`", each.type, "required" if each.is_required else "optional", ", ".join(each.values))
        for each in list_parameters(json.loads(tool.input_schema))
    ]
    return _join(
        head,
        ["## What it does", "", _cell(tool.summary)],
        ["## Why it needs a policy", "", _cell(tool.rationale)],
        ["## Why this level", "", *(f"- {reason}" for reason in rating_reasons(tool))],
        ["## Policies", "", *restrict],
        ["## Parameters", "", *(_table(("Path", "Type", "Needed", "Values"), parameters) or ["None."])],
        ["## Related tools", "", *(f"- {_tool_link(other)}" for other in related)] if related else [],
        ["## Questions and answers", *_answers(answers_on_tool(tool, server))],
    )


def write_changes(server: KnownServer, before: str, after: str, changes: ReleaseChanges) -> str:
    changed = [
        f"- {tool.name}: " + ", ".join(_change(each.field, each.before, each.after) for each in tool.fields)
        for tool in changes.changed
    ]
    return _join(
        [f"# {_cell(server.name)}: from {before} to {after}"],
        [f"## Added ({len(changes.added)})", "", *(f"- {tool['name']} ({tool['risk']})" for tool in changes.added)],
        [f"## Removed ({len(changes.removed)})", "", *(f"- {tool['name']}" for tool in changes.removed)],
        [f"## Changed ({len(changed)})", "", *changed],
        [f"{changes.unchanged} tools are the same."],
    )


def _change(field: str, before: str, after: str) -> str:
    return f"{field} {before} → {after}" if before else field


def _answers(answers: Iterable[Answer]) -> list[str]:
    lines: list[str] = []
    for each in answers:
        lines += ["", f"### {_cell(each.question)}", "", _cell(each.answer)]
    return lines


def _code(text: str) -> list[str]:
    return ["```json", text, "```"]


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    body = [f"| {' | '.join(_cell(str(cell)) for cell in row)} |" for row in rows]
    return [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *body] if body else []


def _cell(text: str) -> str:
    """One line in which nothing opens HTML or ends a table's cell; the texts of imported servers are not ours."""
    return " ".join(text.split()).replace("<", "&lt;").replace("|", "\\|")


def _join(*parts: Sequence[str]) -> str:
    return "\n\n".join("\n".join(part).strip() for part in parts if part) + "\n"


def _link(words: str, path: str) -> str:
    return f"[{_cell(words)}]({settings.PUBLIC_URL}{path})"


def _tool_link(tool: KnownTool) -> str:
    return _link(tool.name, reverse("catalog:tool_markdown", args=[tool.server.slug, tool.name]))


def _server_path(server: KnownServer) -> str:
    return reverse("catalog:server_markdown", args=[server.slug])
