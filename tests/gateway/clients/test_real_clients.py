"""Real clients by version: each lists tools and makes an allowed, a denied, a hidden and a limited call."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from config.launcher.front_end import find_node
from config.launcher.packages import ROOT, VENV, building, install_lock
from tests.gateway.test_clients import serve_sdk, tools_of
from tests.gateway.world import VERSION, World, make_world, records_of, wait_until

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
OTHERS = VENV / "clients"
POLICY = {
    "version": "1",
    "default": "allow",
    "hide": ["secret"],
    "tools": {
        "echo": {"rate_limit": {"max": 1, "window": 3600}},
        "spend": {
            "deny_if": [{"conditions": [{"path": "args.amount", "op": "gt", "value": 5}], "on_deny": "At most 5."}]
        },
    },
}
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("echo", {"text": "hello"}),
    ("spend", {"amount": 6}),
    ("secret", {}),
    ("echo", {"text": "again"}),
    ("spend", {"amount": 1}),
]
OUTCOMES = ("allow", "deny", "hide", "limit", "allow")


@dataclass(frozen=True)
class Kind:
    """A client: its program, and what it is recorded as."""

    program: str
    era: str
    mode: str = ""


KINDS = {
    "Python SDK 2, legacy": Kind("python_sdk.py", "legacy", "legacy"),
    "Python SDK 2, modern": Kind("python_sdk.py", "modern", VERSION),
    "Python SDK 2, by itself": Kind("python_sdk.py", "modern", "auto"),
    "Python SDK 1": Kind("python_sdk_one.py", "legacy"),
    "FastMCP": Kind("fastmcp_client.py", "legacy"),
    "TypeScript SDK": Kind("typescript_sdk.mjs", "legacy"),
}


@dataclass(frozen=True)
class Run:
    """What one client saw; `text` is its error's output when it saw nothing."""

    world: World
    seen: dict[str, Any]
    text: str = ""


@pytest.fixture(scope="module")
def runs(rows: None, gateway: str) -> Iterator[dict[str, Run]]:
    """All of them at once, each with a grant of its own: most of their time is spent on starting."""
    others = install_others()
    with serve_sdk(is_json=False) as url, ThreadPoolExecutor() as pool:
        worlds = {name: make_world(url, POLICY, tools_of(url)) for name in KINDS}
        begun = {name: pool.submit(run_client, kind, others, gateway, worlds[name]) for name, kind in KINDS.items()}
        yield {name: future.result() for name, future in begun.items()}


def install_others() -> Path:
    """The Python of an environment with the clients that want another SDK than PolicyLayer's tests."""
    with building():
        install_lock(HERE / "requirements-clients.lock", OTHERS)
    return OTHERS / "bin" / "python"


def run_client(kind: Kind, others: Path, gateway: str, world: World) -> Run:
    is_own = kind.program == "python_sdk.py"
    interpreter = find_node() if kind.program.endswith(".mjs") else sys.executable if is_own else others
    url = f"{gateway}/mcp/{world.server.id}"
    task = json.dumps({"url": url, "token": world.token, "mode": kind.mode, "calls": CALLS})
    done = subprocess.run(
        [str(interpreter), str(HERE / kind.program)],
        input=task,
        env={**os.environ, "NO_PROXY": "127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return Run(world, json.loads(done.stdout)) if done.returncode == 0 else Run(world, {}, done.stderr)


@pytest.mark.parametrize("name", KINDS)
def test_a_client_lives_with_every_kind_of_answer(runs: dict[str, Run], log_writer: None, name: str) -> None:
    run = runs[name]
    assert run.seen, run.text
    assert f"| {name} | {run.seen['version']} |" in (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    allowed, denied, hidden, limited, after = run.seen["answers"]
    assert run.seen["tools"] == ["echo", "spend"], run.seen
    assert allowed == {"is_error": False, "text": "echo hello"}
    assert denied["is_error"] and denied["text"].startswith("[POLICY DENIED] At most 5."), run.seen
    assert hidden["code"] == -32602 and "Unknown tool: secret" in hidden["text"], run.seen
    assert limited["is_error"] and "Next: Wait " in limited["text"], run.seen
    assert after == {"is_error": False, "text": "spent 1"}
    wait_until(lambda: len(calls_of(run.world)) == len(CALLS))
    assert calls_of(run.world) == [
        (KINDS[name].era, outcome) for outcome in ("allow", "deny", "hide", "limit", "allow")
    ]


def calls_of(world: World) -> list[tuple[str, str]]:
    return [(record.era, record.outcome) for record in records_of(world) if record.tool]
