"""The virtual environment and what is installed in it, from locks with hashes, again only when a lock has changed."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.launcher.errors import LaunchError
from config.launcher.processes import run_step, say

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCKS = Path(__file__).parent
DROPPED = (
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONDONTWRITEBYTECODE",
    "DJANGO_SETTINGS_MODULE",
    "VIRTUAL_ENV",
    "__PYVENV_LAUNCHER__",
)


def base_environment() -> dict[str, str]:
    """What every child gets: the person's environment without what would lead Python astray."""
    kept = {name: value for name, value in os.environ.items() if name not in DROPPED}
    return kept | {"PYTHONUNBUFFERED": "1"}


def tool_environment() -> dict[str, str]:
    """For installers, which keep a cache under HOME: where that cannot be written to, they use the environment's."""
    environment = base_environment() | {"VIRTUAL_ENV": str(VENV)}
    home = environment.get("HOME", "")
    return environment if home and os.access(home, os.W_OK) else environment | {"HOME": str(VENV)}


def find_installed(pattern: str) -> Path:
    """The one file or folder of an installed package that fits the pattern."""
    found = sorted(VENV.glob(f"lib/python3*/site-packages/{pattern}"))
    if not found:
        raise LaunchError(f"{pattern} is missing from {VENV}: remove that folder and start again.")
    return found[-1]


@contextmanager
def building() -> Iterator[None]:
    """One installer or builder at a time in this copy of the project."""
    descriptor = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def fingerprint(paths: list[Path]) -> str:
    """Changes when a file's name or content does."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def is_current(stamp: Path, value: str) -> bool:
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == value


def install_lock(lock: Path, venv: Path = VENV) -> None:
    """Installs exactly what the lock names, each file checked against its hash; elsewhere than in .venv for tests."""
    make_venv(venv)
    stamp, value = venv / f".{lock.stem}", fingerprint([lock])
    if is_current(stamp, value):
        return
    say(f"Installing Python packages from {lock.name}...")
    environment = tool_environment()
    if venv != VENV:
        # By the one uv goes, by the other pip.
        environment |= {"VIRTUAL_ENV": str(venv), "PIP_PYTHON": str(venv / "bin" / "python")}
    argv = [*installer(), "install", "--require-hashes", "--quiet", "--requirement", str(lock)]
    run_step(argv, what="Installing Python packages", environment=environment, cwd=ROOT)
    stamp.write_text(value, encoding="utf-8")


def make_venv(venv: Path) -> None:
    """Without pip: it comes only when uv is not there to do its work."""
    python = venv / "bin" / "python"
    if python.exists() and (sys.prefix == str(venv) or runs(python)):
        return
    argv = [sys.executable, "-m", "venv", "--clear", "--without-pip", str(venv)]
    run_step(argv, what=f"Making {venv.name}", environment=base_environment(), cwd=ROOT)


def runs(python: Path) -> bool:
    code = "import sys; sys.exit(sys.version_info < (3, 11))"
    try:
        return subprocess.run([python, "-c", code], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def installer() -> list[str]:
    """uv from PATH or .venv; it is brought there by pip, which does the work itself where uv cannot be had."""
    inside = VENV / "bin" / "uv"
    uv = shutil.which("uv") or (str(inside) if inside.exists() else "")
    if not uv:
        pip = [str(PYTHON), "-m", "pip"]
        ensure_pip()
        argv = [*pip, "install", "--require-hashes", "--quiet", "--requirement", str(LOCKS / "requirements-uv.lock")]
        try:
            run_step(argv, what="Installing uv", environment=tool_environment(), cwd=ROOT)
        except LaunchError as error:
            say(f"{error}; going on with pip, which is slower.")
            return pip
        uv = str(inside)
    return [uv, "pip"]


def ensure_pip() -> None:
    if (VENV / "bin" / "pip3").exists():
        return
    try:
        run_step([str(PYTHON), "-m", "ensurepip"], what="ensurepip", environment=tool_environment(), cwd=ROOT)
    except LaunchError as error:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise LaunchError(
            f"Python {version} lacks its venv module: apt-get install python{version}-venv ({error})"
        ) from None
