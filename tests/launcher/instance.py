"""Starts ./run the way a person does, with its own data folder and a port that the system chose, and watches it end."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

ROOT = Path(__file__).resolve().parents[2]
OURS = (
    "DATABASE_URL",
    "DATABASE_OWNER_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "ENCRYPTION_KEYS",
    "PUBLIC_URL",
    "ALLOWED_HOSTS",
)
READY_SECONDS = 300.0


def clean_environment() -> dict[str, str]:
    """What a person's shell has: nothing of what ./test sets."""
    ours = (*OURS, "EMBEDDED", "POLICYLAYER_DATA", "SIMULATOR_URL", "DJANGO_SETTINGS_MODULE")
    return {name: value for name, value in os.environ.items() if name not in ours}


def run_command(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """./run with these words, to its end."""
    argv = [str(ROOT / "run"), *words]
    environment = clean_environment() | more
    return subprocess.run(argv, capture_output=True, text=True, env=environment, timeout=120, check=False)


@dataclass
class Instance:
    """One ./run that has said that it is ready."""

    data: Path
    process: subprocess.Popen[str]
    mark: str
    url: str
    seconds: float

    def state(self) -> dict[str, object]:
        stored: dict[str, object] = json.loads((self.data / "state.json").read_text(encoding="utf-8"))
        return stored

    def leftovers(self) -> list[str]:
        """Processes that this instance started, or that work in its folder."""
        return [line for pid in list_pids() if (line := self.describe(pid))]

    def describe(self, pid: int) -> str:
        place = Path(f"/proc/{pid}")
        try:
            is_marked = self.mark.encode() in (place / "environ").read_bytes()
            is_inside = self.data in (place / "cwd").readlink().parents
            words = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            return ""
        return f"{pid} {words}" if words and (is_marked or is_inside) else ""


def list_pids() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


@contextmanager
def running(
    data: Path, *words: str, root: Path = ROOT, user: int | None = None, environment: dict[str, str] | None = None
) -> Iterator[Instance]:
    mark = f"LAUNCH_MARK={uuid4()}"
    name, _, value = mark.partition("=")
    began = time.monotonic()
    process = subprocess.Popen(
        [str(root / "run"), "--port", "0", "--data", str(data), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=(environment or clean_environment()) | {name: value},
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        story = f"not ready: {process.communicate()[1]}" if not line else ""
        assert line.startswith("Ready: http://localhost:"), story
        yield Instance(data, process, mark, line.removeprefix("Ready: "), time.monotonic() - began)
    finally:
        process.terminate()
        process.communicate(timeout=60)


def poll(is_kept: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not is_kept() and time.monotonic() < deadline:
        time.sleep(0.05)
    return is_kept()
