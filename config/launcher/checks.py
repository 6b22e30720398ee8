"""What ./test does: each check in turn, then the tests on databases of their own, and a summary at the end."""

import argparse
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from config.launcher.data_folder import DataFolder
from config.launcher.databases import start_databases
from config.launcher.errors import LaunchError
from config.launcher.front_end import build_front_end, install_modules, type_check_command
from config.launcher.packages import PYTHON, ROOT, VENV, building, install_lock
from config.launcher.processes import say, signal_group
from config.launcher.supervisor import Supervisor

PORT = 8000  # of no server: only for the addresses that pages print


@dataclass(frozen=True)
class Step:
    name: str
    argv: Sequence[str]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="./test", description="Checks and tests PolicyLayer.")
    parser.add_argument("--all", action="store_true", help="also the slow tests: races, faults, whole installations")
    parser.add_argument("paths", nargs="*", help="only these tests, and no other check; pytest's options after --")
    options = parser.parse_args(arguments)
    with building():
        install_lock(ROOT / "requirements-dev.lock")
        install_modules(for_tests=True)
    build_front_end()
    chromium = find_chromium()
    with tempfile.TemporaryDirectory(prefix="policylayer-test-") as folder:
        data = DataFolder(Path(folder))
        with data.locked(), Supervisor(data) as supervisor:
            environment = start_databases(supervisor, PORT, for_tests=True) | {"CHROMIUM": chromium}
            return run_all(choose_steps(options.paths, has_slow=options.all, has_browser=bool(chromium)), environment)


def find_chromium() -> str:
    """Its path, or nothing: then the browser tests are left out, which CI does not accept."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "")
    if not found and os.environ.get("CI"):
        raise LaunchError("there is no Chromium for the browser tests: apt-get install chromium")
    if not found:
        say("There is no Chromium, so no browser tests: apt-get install chromium")
    return found


def choose_steps(paths: list[str], *, has_slow: bool, has_browser: bool) -> list[Step]:
    python = str(PYTHON)
    pytest = [python, "-m", "pytest"]
    # Files stay whole, for what they share is made once a file.
    side_by_side = ["-n", "auto", "--maxprocesses", "4", "--dist", "loadfile"]
    if paths:
        return [Step("pytest", [*pytest, *([] if has_slow else ["-m", "not slow"]), *paths])]
    steps = [
        Step("ruff check", [python, "-m", "ruff", "check"]),
        Step("ruff format", [python, "-m", "ruff", "format", "--check", "--quiet"]),
        Step("mypy", [python, "-m", "mypy"]),
        Step("import contracts", [str(VENV / "bin" / "lint-imports"), "--no-cache"]),
        Step("type check of scripts", type_check_command()),
        Step("missing migrations", [python, "manage.py", "makemigrations", "--check", "--dry-run"]),
        Step("pytest", [*pytest, *side_by_side, "-m", "not browser and not slow"]),
    ]
    if has_slow:
        # One after another: each of them takes the whole machine.
        steps.append(Step("pytest, slow", [*pytest, "-m", "slow and not browser"]))
    if has_browser:
        # Apart, because Playwright leaves a running event loop behind in its process.
        steps.append(Step("pytest in the browser", [*pytest, "-m", "browser" if has_slow else "browser and not slow"]))
    return steps


def run_all(steps: list[Step], environment: Mapping[str, str]) -> int:
    """Runs every step, whatever became of those before it; 1 when any failed."""
    results = [(step.name, *run_one(step, environment)) for step in steps]
    say("")
    for name, is_passed, seconds in results:
        say(f"{'passed' if is_passed else 'FAILED'}  {seconds:7.1f} s  {name}")
    return 0 if all(is_passed for _, is_passed, _ in results) else 1


def run_one(step: Step, environment: Mapping[str, str]) -> tuple[bool, float]:
    say(f"== {step.name}")
    began = time.monotonic()
    child = subprocess.Popen(step.argv, env=environment, cwd=ROOT, start_new_session=True)
    try:
        code = child.wait()
    finally:
        signal_group(child.pid, signal.SIGTERM)
        child.wait()
    return code == 0, time.monotonic() - began
