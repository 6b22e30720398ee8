"""The data folder of one instance: its lock, its secrets, its logs, and the state that finds the running instance."""

import base64
import fcntl
import json
import os
import secrets
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from config.launcher.errors import LaunchError
from config.launcher.processes import STOP_SECONDS, say, signal_group, started_at, wait_until
from config.launcher.settings_names import only_settings


@dataclass
class State:
    """What a second process, or the start after a crash, must know; the environment holds secrets, so mode 0600."""

    url: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    children: list[tuple[int, str, int]] = field(default_factory=list)  # pid, start, stop signal
    run_folder: str = ""


def write_private(path: Path, text: str) -> None:
    """Replaces the file whole, readable by its owner alone."""
    temporary = path.with_name(f".{path.name}.new")
    with suppress(FileNotFoundError):
        temporary.unlink()
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)


class DataFolder:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.logs = path / "logs"
        self.state_file = path / "state.json"
        self.lock_file = path / "run.lock"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the folder for one instance; the lock dies with the process, however it ends, its children may not."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.logs.mkdir(mode=0o700, exist_ok=True)
            descriptor = os.open(self.lock_file, os.O_RDONLY | os.O_CREAT, 0o600)
        except (PermissionError, FileExistsError, NotADirectoryError) as error:
            raise LaunchError(
                f"{self.path} cannot be written to ({error.strerror}): name another with --data."
            ) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            at = f" at {self.state.url}" if self.state.url else ""
            raise LaunchError(
                f"PolicyLayer is already running on {self.path}{at}: stop it, or name another folder with --data."
            ) from None
        else:
            self.end_orphans()
            yield
        finally:
            os.close(descriptor)

    def is_locked(self) -> bool:
        if not self.lock_file.exists():
            return False
        descriptor = os.open(self.lock_file, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    @property
    def state(self) -> State:
        try:
            stored = json.loads(self.state_file.read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return State()
        return State(**stored)

    def save_state(self, state: State) -> None:
        kept = {**asdict(state), "environment": only_settings(state.environment)}
        write_private(self.state_file, json.dumps(kept))

    def forget(self, state: State) -> None:
        """Nothing runs here any more."""
        if state.run_folder:
            shutil.rmtree(state.run_folder, ignore_errors=True)
        self.state_file.unlink(missing_ok=True)

    def end_orphans(self) -> None:
        """Ends what an instance left behind that was killed; the lock must be held."""
        state = self.state
        orphans = [(pid, began, stop) for pid, began, stop in state.children if began and started_at(pid) == began]
        if orphans:
            say("Ending what an earlier run left behind...")
        for pid, _, stop in orphans:
            signal_group(pid, signal.Signals(stop))
        wait_until(lambda: all(started_at(pid) != began for pid, began, _ in orphans), STOP_SECONDS)
        for pid, began, _ in orphans:
            if started_at(pid) == began:
                signal_group(pid, signal.SIGKILL)
        self.forget(state)

    def secrets(self) -> dict[str, str]:
        """The secrets of this instance, made at its first start and the same ever after."""
        path = self.path / "secrets.json"
        try:
            stored: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
            return stored
        except FileNotFoundError:
            if (self.path / "postgres").exists():
                raise LaunchError(
                    f"{path} is gone, but its database is there: restore it, or remove {self.path}."
                ) from None
        made = {
            "SECRET_KEY": secrets.token_urlsafe(50),
            "ENCRYPTION_KEYS": "1:" + base64.b64encode(secrets.token_bytes(32)).decode(),
        }
        write_private(path, json.dumps(made))
        return made
