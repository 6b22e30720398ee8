"""An attack pattern as people and programs read it: its page, its JSON twin and its Markdown twin, made once."""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.urls import reverse

from catalog.attacks import Attack, ExampleCall, find_attack, list_attacks
from catalog.judged import Judged, judge, read_arguments, read_policy
from catalog.rendering import render_line, render_text
from catalog.shipped import EXAMPLE_SERVER, ServedTool, example_tools, tools_with
from policies.engine.explain import explain_policy


@dataclass(frozen=True, slots=True)
class ShownCall:
    call: ExampleCall
    judged: Judged
    note: str


@dataclass(frozen=True, slots=True)
class AttackPage:
    """Texts are HTML here; `sentences` is what the engine says of the policy."""

    attack: Attack
    how: str
    needs: tuple[str, ...]
    story: str
    effect: str
    gaps: tuple[str, ...]
    calls: tuple[ShownCall, ...]
    sentences: tuple[str, ...]
    tools: tuple[ServedTool, ...]


def attack_page(slug: str) -> AttackPage | None:
    """The page of the pattern with this slug, or None. Its calls are judged by the engine, not told by the file."""
    attack = find_attack(slug)
    return _show(attack) if attack is not None else None


@cache
def _show(attack: Attack) -> AttackPage:
    policy = read_policy(attack.policy)
    return AttackPage(
        attack=attack,
        how=render_text(attack.how),
        needs=tuple(map(render_line, attack.needs)),
        story=render_text(attack.story),
        effect=render_text(attack.effect),
        gaps=tuple(map(render_line, attack.gaps)),
        calls=tuple(
            ShownCall(
                call,
                judge(policy, call.tool, read_arguments(call.arguments), earlier=call.earlier),
                render_line(call.note),
            )
            for call in attack.calls
        ),
        sentences=tuple(sentence.text for sentence in explain_policy(policy, example_tools())),
        tools=tuple(tools_with(attack.slug)),
    )


def list_pages() -> list[AttackPage]:
    """Every pattern's page, in reading order."""
    return [_show(attack) for attack in list_attacks()]


def describe_attack(page: AttackPage) -> dict[str, Any]:
    """A pattern as its JSON twin spells it."""
    attack = page.attack
    return {
        "slug": attack.slug,
        "title": attack.title,
        "summary": attack.summary,
        "how": attack.how,
        "needs": list(attack.needs),
        "example": {
            "server": EXAMPLE_SERVER,
            "story": attack.story,
            "calls": [
                {
                    "tool": shown.call.tool,
                    "arguments": json.loads(shown.call.arguments),
                    "earlier_calls": shown.call.earlier,
                    "note": shown.call.note,
                    "outcome": shown.judged.outcome.value,
                    "rule": shown.judged.rule,
                    "agent_reads": shown.judged.text,
                }
                for shown in page.calls
            ],
        },
        "policy": json.loads(attack.policy),
        "effect": attack.effect,
        "not_stopped": list(attack.gaps),
        "tools": [
            {
                "server": served.server,
                "name": served.tool.name,
                "category": served.tool.category,
                "risk": served.tool.risk,
            }
            for served in page.tools
        ],
    }


def write_markdown(page: AttackPage, origin: str) -> str:
    """A pattern as its Markdown twin; `origin` stands before the addresses of tools."""
    attack = page.attack
    calls = "\n\n".join(_write_call(shown) for shown in page.calls)
    tools = "\n".join(
        f"- [{served.tool.name}]({origin}{reverse('catalog:tool', args=[served.server, served.tool.name])}): "
        f"{served.tool.category}, {served.tool.risk}"
        for served in page.tools
    )
    parts = [
        f"# {attack.title}",
        attack.summary,
        f"## How it works\n\n{attack.how}",
        f"## What it needs\n\n{_write_list(attack.needs)}",
        f"## Worked example\n\n{attack.story}",
        f"## The policy that stops it\n\n```json\n{attack.policy}\n```\n\n{attack.effect}",
        f"## What it decides\n\n{calls}",
        f"## What it does not stop\n\n{_write_list(attack.gaps)}",
        f"## Tools it concerns\n\n{tools}",
    ]
    return "\n\n".join(parts) + "\n"


def write_index(origin: str) -> str:
    """The list of patterns as the Markdown twin of the index."""
    lines = [
        f"- [{attack.title}]({origin}{reverse('catalog:attack', args=[attack.slug])}): {attack.summary}"
        for attack in list_attacks()
    ]
    return "# Attack patterns\n\n" + "\n".join(lines) + "\n"


def _write_call(shown: ShownCall) -> str:
    answer = f"\n\nThe agent reads:\n\n```\n{shown.judged.text}\n```" if shown.judged.text else ""
    return (
        f"{shown.call.note}\n\n```json\n{shown.call.tool} {shown.call.arguments}\n```\n\n"
        f"**{shown.judged.outcome.value}**, by `{shown.judged.rule}`{answer}"
    )


def _write_list(lines: tuple[str, ...]) -> str:
    return "\n".join(f"- {line}" for line in lines)
