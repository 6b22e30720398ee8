"""Keeps the services of one instance alive while it lives, and ends every one of them with it."""

import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from config.launcher.data_folder import DataFolder, State
from config.launcher.errors import LaunchError
from config.launcher.processes import (
    Child,
    Service,
    interrupts,
    say,
    signal_group,
    start_service,
    started_at,
    stop_services,
    wait_until,
)

READY_SECONDS = 60.0
RESTARTS = 3
STEADY_SECONDS = 60.0


class Supervisor:
    """A context: whatever was started inside has ended when it is left, applications before databases."""

    def __init__(self, data: DataFolder) -> None:
        self.data = data
        self.state = State()
        self.running: dict[str, tuple[Service, Child]] = {}
        self.deaths: dict[str, list[float]] = {}

    def __enter__(self) -> "Supervisor":
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        with interrupts.deferred():
            for is_database in (False, True):
                stop_services([pair for pair in self.running.values() if pair[0].is_database is is_database])
            self.data.forget(self.state)

    def start(self, service: Service) -> None:
        with interrupts.deferred():
            self.running[service.name] = (service, start_service(service))
            self.state.children = [
                (child.pid, started_at(child.pid), int(service.stop_signal)) for service, child in self.running.values()
            ]
            self.data.save_state(self.state)

    def wait_for(self, name: str, is_ready: Callable[[], bool]) -> None:
        """Until it is ready; LaunchError when that takes too long, or when anything dies meanwhile."""
        dead: list[Service] = []

        def is_settled() -> bool:
            dead.extend(service for service, child in self.running.values() if child.poll() is not None)
            return bool(dead) or is_ready()

        if not wait_until(is_settled, READY_SECONDS):
            raise LaunchError(f"{name} is not ready after {READY_SECONDS:.0f} s: read {self.running[name][0].log}.")
        if dead:
            raise LaunchError(f"{dead[0].name} stopped at its start{last_words(dead[0].log)}; read {dead[0].log}.")

    def tend(self) -> None:
        """Starts again what has died; LaunchError when it keeps dying."""
        for service, child in list(self.running.values()):
            if child.poll() is not None:
                signal_group(child.pid, signal.SIGKILL)  # whatever it had started itself
                self.revive(service, child.returncode)

    def revive(self, service: Service, code: int) -> None:
        now = time.monotonic()
        deaths = [then for then in self.deaths.get(service.name, []) if now - then < STEADY_SECONDS] + [now]
        self.deaths[service.name] = deaths
        cause = f"signal {-code}" if code < 0 else f"exit code {code}"
        story = f"{service.name} stopped by itself ({cause}){last_words(service.log)}"
        if len(deaths) > RESTARTS:
            raise LaunchError(f"{story}; {len(deaths)} times within a minute, so this is the end: read {service.log}.")
        say(f"{story}; starting it again.")
        time.sleep(0.5 * 2 ** (len(deaths) - 1))
        self.start(service)

    def watch(self) -> None:
        """Returns never: it is left by a signal or by an error."""
        while True:
            self.tend()
            time.sleep(0.2)


def last_words(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return f": {lines[-1][:300]}" if lines else ""
