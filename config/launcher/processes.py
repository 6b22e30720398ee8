"""Starts, watches and ends child processes, each the leader of its own process group; knows no service by name."""

import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from config.launcher.errors import LaunchError

STOP_SECONDS = 10.0
Child = subprocess.Popen[bytes]


class Interrupts:
    """Turns the first SIGINT, SIGTERM or SIGHUP into SystemExit, but never between starting and remembering a child."""

    def __init__(self) -> None:
        self.is_requested = False
        self.is_deferred = False
        self.exit_code = 130

    def __call__(self, _signum: int, _frame: FrameType | None) -> None:
        if self.is_requested:
            return
        self.is_requested = True
        if not self.is_deferred:
            raise SystemExit(self.exit_code)

    @contextmanager
    def deferred(self) -> Iterator[None]:
        before, self.is_deferred = self.is_deferred, True
        try:
            yield
        finally:
            self.is_deferred = before


interrupts = Interrupts()


def catch_signals() -> None:
    signal.signal(signal.SIGINT, interrupts)
    signal.signal(signal.SIGTERM, interrupts)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup means it
        signal.signal(signal.SIGHUP, interrupts)


def say(text: str) -> None:
    """Progress goes to standard error; standard output is for what the contracts promise."""
    print(text, file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Service:
    """One long-running child; `owner` is the user and group to become when root must not run it."""

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str]
    cwd: Path
    log: Path
    text: str = ""  # given on standard input, where secrets are not seen in a list of processes
    owner: int | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    descriptors: tuple[int, ...] = ()
    is_database: bool = False


def group_of(owner: int | None) -> int | None:
    if owner is None:
        return None
    return next((user.pw_gid for user in pwd.getpwall() if user.pw_uid == owner), owner)


def start_service(service: Service) -> Child:
    with service.log.open("ab") as log:
        child = subprocess.Popen(
            service.argv,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=service.environment,
            cwd=service.cwd,
            user=service.owner,
            group=group_of(service.owner),
            extra_groups=None if service.owner is None else [],
            pass_fds=service.descriptors,
            start_new_session=True,
        )
    if child.stdin is not None:
        with suppress(BrokenPipeError), child.stdin:
            child.stdin.write(service.text.encode())
    return child


def signal_group(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def wait_until(is_done: Callable[[], bool], seconds: float) -> bool:
    """Polls a promise until it is kept, or the time is up."""
    deadline = time.monotonic() + seconds
    while not is_done():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def stop_services(children: Sequence[tuple[Service, Child]]) -> None:
    """Asks all of them at once, waits, and kills what is left of each group."""
    for service, child in children:
        signal_group(child.pid, service.stop_signal)
    wait_until(lambda: all(child.poll() is not None for _, child in children), STOP_SECONDS)
    for _, child in children:
        signal_group(child.pid, signal.SIGKILL)
        child.wait()


def run_step(
    argv: Sequence[str],
    *,
    what: str,
    environment: Mapping[str, str],
    cwd: Path,
    text: str = "",
    owner: int | None = None,
) -> str:
    """Runs a command to its end and returns its output; a failure is one sentence with its last line."""
    child = subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        cwd=cwd,
        user=owner,
        group=group_of(owner),
        extra_groups=None if owner is None else [],
        start_new_session=True,
        text=True,
    )
    try:
        output, _ = child.communicate(text)
    except BaseException:
        signal_group(child.pid, signal.SIGKILL)
        child.wait()
        raise
    if child.returncode == 0:
        return output
    if "No space left on device" in output:
        raise LaunchError(f"{what} failed because the disk is full: free some space and start again.")
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    story = lines[-1] if lines else f"exit code {child.returncode}"
    raise LaunchError(f"{what} failed: {story}" if what else story)


def started_at(pid: int) -> str:
    """When the process began, which tells it from a later one with the same number; empty when there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return "" if fields[0] == "Z" else fields[19]
    except OSError:
        if Path("/proc/self/stat").exists():
            return ""
    answer = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return answer.stdout.strip()


def end_predecessor(pid_file: Path, number: signal.Signals) -> None:
    """Ends the server that works in the pid file's folder; forgets one whose number another process has by now."""
    if not pid_file.exists() or not Path("/proc/self/cwd").exists():
        return
    pid = int(pid_file.read_text(encoding="utf-8").split()[0])
    cwd = Path(f"/proc/{pid}/cwd")
    if not (os.access(cwd, os.X_OK) and cwd.samefile(pid_file.parent)):
        pid_file.unlink()
        return
    os.kill(pid, number)
    if not wait_until(lambda: not pid_file.exists(), STOP_SECONDS):
        raise LaunchError(f"another server holds {pid_file.parent} and does not stop: end process {pid}.")
