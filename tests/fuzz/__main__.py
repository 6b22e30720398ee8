"""python -m tests.fuzz [--seconds N] [TARGET ...]: feeds what parses foreign input with mutated bytes until time is up.

Needs no database and no setting. Atheris, which does the mutating, is installed at the first run from its own lock,
into a folder of its own: nothing else needs it. Linux only, as Atheris is.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCK = Path(__file__).with_name("requirements-atheris.lock")
HOME = ROOT / ".data" / "fuzz"
NAMES = ("parser", "paths", "conditions", "events", "addresses", "tokens")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(NAMES)}; all when none is named")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    options = parser.parse_args()
    if unknown := sorted(set(options.targets) - set(NAMES)):
        parser.error(f"there is no target {', '.join(unknown)}")
    install_atheris()
    failed = [name for name in options.targets or NAMES if not is_sound(name, options.seconds)]
    sys.stdout.write(f"failed: {', '.join(failed)}\n" if failed else "all targets hold\n")
    return 1 if failed else 0


def install_atheris() -> None:
    stamp = HOME / "atheris" / ".lock"
    if stamp.is_file() and stamp.read_bytes() == LOCK.read_bytes():
        return
    from config.launcher.packages import installer, tool_environment

    argv = [*installer(), "install", "--require-hashes", "--quiet", "--target", str(stamp.parent)]
    argv += ["--requirement", str(LOCK)]
    subprocess.run(argv, check=True, cwd=ROOT, env=tool_environment())
    stamp.write_bytes(LOCK.read_bytes())


def is_sound(name: str, seconds: int) -> bool:
    """Whether a target held for so long; an input that breaks it is kept under .data/fuzz/ and named in the output."""
    corpus = HOME / name
    corpus.mkdir(parents=True, exist_ok=True)
    path = os.pathsep.join([str(ROOT), str(HOME / "atheris"), os.environ.get("PYTHONPATH", "")])
    with tempfile.TemporaryDirectory() as seeds:
        argv = [sys.executable, "-m", "tests.fuzz.run_target", name, seeds, str(corpus)]
        argv += [f"-max_total_time={seconds}", f"-artifact_prefix={HOME}/{name}-", "-max_len=4096", "-timeout=20"]
        return subprocess.run(argv, check=False, cwd=ROOT, env={**os.environ, "PYTHONPATH": path}).returncode == 0


if __name__ == "__main__":
    raise SystemExit(main())
