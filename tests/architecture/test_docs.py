"""What the documents say is there: settings, links, and policies that the engine accepts."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from config.launcher.settings_names import SETTINGS
from gateway import exchange, relay
from policies.engine.parse import parse_policy
from policies.engine.tools import ToolFacts
from policies.engine.values import Level
from servers.upstream import http

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
# Set by ./run for its own processes, and read by them only.
OWN = {"EMBEDDED", "POLICYLAYER_DATA"}


def test_every_setting_is_documented_and_every_documented_one_is_read() -> None:
    sources = [*ROOT.glob("config/*.py"), *ROOT.glob("config/launcher/*.py")]
    text = "".join(path.read_text(encoding="utf-8") for path in sources)
    read = set(re.findall(r"(?:env\.(?:get|require|raw)|read_mail|Env\(\)\.raw)\(\s*\"([A-Z_]+)\"", text))
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs" / "configuration.md").read_text(), re.MULTILINE))
    assert read | OWN == documented == SETTINGS


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)[^)]*\)", document.read_text(encoding="utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_the_declared_times_are_those_of_the_gateway() -> None:
    rows = re.findall(r"^\| [^|]+ \| (\d+) \| [^|]+ \|$", (ROOT / "docs" / "protocol.md").read_text(), re.MULTILINE)
    patience = http.Patience()
    times = (exchange.BODY_SECONDS, http.CONNECT_SECONDS, patience.head, patience.body)
    assert [int(row) for row in rows] == [*times, relay.KEEP_ALIVE_SECONDS, patience.idle]


def test_the_architecture_fits_on_its_page() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    folders = re.findall(r"^\| `(\w+)/`", text, re.MULTILINE)
    assert folders and all((ROOT / folder).is_dir() for folder in folders)


def test_policies_in_the_documents_are_accepted() -> None:
    tools = bybit_tools()
    blocks = [
        block
        for document in DOCUMENTS
        for block in re.findall(r"```json\n(.*?)```", document.read_text(encoding="utf-8"), re.DOTALL)
        if '"version"' in block
    ]
    assert blocks
    for block in blocks:
        assert parse_policy(block, tools).errors == ()


def bybit_tools() -> dict[str, ToolFacts]:
    path = ROOT / "catalog" / "data" / "bybit-exchange-trading-mcp-2.1.8.json"
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return {tool["name"]: ToolFacts(tool["name"], Level(tool["risk"]), tool["input_schema"]) for tool in data["tools"]}
