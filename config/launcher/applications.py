"""The processes of the product itself: web server, simulator, log writer, Celery worker and beat."""

import http.client
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from config.launcher.packages import PYTHON, ROOT
from config.launcher.processes import Service
from config.launcher.supervisor import Supervisor
from config.launcher.valkey import free_port

CELERY = ("-m", "celery", "-A", "config.celery")


def start_applications(supervisor: Supervisor, sockets: list[socket.socket], workers: int) -> None:
    """Starts what answers requests and waits for it; what works behind it comes after, to be out of its way."""
    port = free_port()
    supervisor.state.environment["SIMULATOR_URL"] = f"http://127.0.0.1:{port}"
    descriptors = tuple(opened.fileno() for opened in sockets)
    web = ("-m", "config.launcher.web", str(workers), *map(str, descriptors))
    supervisor.start(make_service(supervisor, "web", web, descriptors))
    supervisor.start(make_service(supervisor, "simulator", ("manage.py", "simulator")))
    host, web_port = sockets[0].getsockname()[:2]
    supervisor.wait_for("web", lambda: answers(host, web_port))
    supervisor.wait_for("simulator", lambda: accepts("127.0.0.1", port))
    schedule = supervisor.data.path / "beat-schedule"
    for name, words in {
        "log-writer": ("manage.py", "write_log"),
        "worker": (*CELERY, "worker", "--concurrency=2", "--loglevel=INFO", "--without-gossip", "--without-mingle"),
        "beat": (*CELERY, "beat", "--loglevel=INFO", "--pidfile=", f"--schedule={schedule}"),
    }.items():
        supervisor.start(make_service(supervisor, name, words))


def make_service(supervisor: Supervisor, name: str, words: Sequence[str], descriptors: tuple[int, ...] = ()) -> Service:
    return Service(
        name=name,
        argv=[str(PYTHON), *words],
        environment=serving_environment(supervisor.state.environment),
        cwd=ROOT,
        log=fresh_log(supervisor.data.logs / f"{name}.log"),
        descriptors=descriptors,
    )


def serving_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Nothing that serves is told how to reach the database as the owner of its tables."""
    return {name: value for name, value in environment.items() if not name.startswith("DATABASE_OWNER_URL")}


def fresh_log(log: Path) -> Path:
    """Each start begins its logs anew and keeps those of the one before."""
    if log.exists():
        log.replace(log.with_suffix(".log.1"))
    log.touch(mode=0o600)
    return log


def answers(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", "/readyz", headers={"Host": "localhost"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def accepts(host: str, port: int) -> bool:
    with suppress(OSError), socket.create_connection((host, port), timeout=1):
        return True
    return False
