"""The project's own files, as the checks of this folder see them: what git tracks or would track."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APPS = ("accounts", "catalog", "config", "gateway", "policies", "servers")


def list_files() -> list[Path]:
    argv = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found = sorted({ROOT / name for name in names.split("\0") if name})
    assert found, "git lists no files"
    return [path for path in found if path.is_file()]


def list_python() -> list[Path]:
    return [path for path in list_files() if path.suffix == ".py"]


def is_test(path: Path) -> bool:
    return "tests" in path.relative_to(ROOT).parts


def is_migration(path: Path) -> bool:
    return "migrations" in path.parts


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def read_texts() -> Iterator[tuple[str, str]]:
    """Name and content of each file that is text."""
    for path in list_files():
        content = path.read_bytes()
        if b"\0" not in content:
            yield name_of(path), content.decode()
