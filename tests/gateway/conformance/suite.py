"""Runs the official conformance suite and reads what it found: a verdict for each check."""

import json
import os
import re
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from config.launcher.front_end import MODULES, find_node

SUITE = MODULES / "@modelcontextprotocol" / "conformance"
# The suite needs it; the pages' build does with less.
NODE_MAJOR = 22
SECONDS = 120

# A scenario's check and what became of it; some checks are made more than once.
Verdicts = Counter[tuple[str, str, str]]


@dataclass(frozen=True)
class Run:
    """`code` is 0 when every scored scenario passed."""

    code: int
    verdicts: Verdicts
    output: str


def run_suite(url: str, which: tuple[str, str], folder: Path, *, token: str = "") -> Run:
    """`which` is --requirements or --spec-version, and the revision: what it requires, or all that applies to it."""
    argv = [str(find_node(NODE_MAJOR)), str(SUITE / "dist" / "index.js"), "server", "--url", url]
    argv += [*which, "--output-dir", str(folder)]
    environment = dict(os.environ)
    if token:
        argv[1:1] = ["--import", str(Path(__file__).with_name("bearer.mjs"))]
        parts = urlsplit(url)
        environment |= {"ORIGIN": f"{parts.scheme}://{parts.netloc}", "TOKEN": token}
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False)
    verdicts: Verdicts = Counter()
    for path in sorted(folder.glob("*/checks.json")):
        # server-NAME-2026-11-22T21-43-58-224Z
        scenario = re.sub(r"^server-|-\d{4}-\d\d-\d\dT[\d-]+Z$", "", path.parent.name)
        for check in json.loads(path.read_text(encoding="utf-8")):
            verdicts[scenario, f"{check['id']} {check['name']}", check["status"]] += 1
    return Run(done.returncode, verdicts, done.stdout + done.stderr)


def scored_scenarios(revision: str) -> list[str]:
    """The scenarios that count for a revision, by the suite's own frozen list."""
    text = (SUITE / "requirements" / f"{revision}.yaml").read_text(encoding="utf-8")
    section = re.search(r"^server:\n((?:  - .*\n)+)", text, re.MULTILINE)
    assert section is not None
    return re.findall(r"  - (\S+)", section[1])


def write_table(straight: Verdicts, through: Verdicts) -> str:
    """What differs, a line a check: scenario, check, verdict straight, verdict through the gateway."""
    names = sorted({(scenario, check) for scenario, check, _ in straight | through})
    rows = [(*name, verdict_of(straight, name), verdict_of(through, name)) for name in names]
    return "\n".join(f"{row[0]:45} {row[1]:70} {row[2]:20} {row[3]}" for row in rows if row[2] != row[3])


def verdict_of(verdicts: Verdicts, name: tuple[str, str]) -> str:
    found = sorted(status for scenario, check, status in verdicts.elements() if (scenario, check) == name)
    return " ".join(found) or "-"
