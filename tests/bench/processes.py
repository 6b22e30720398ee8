"""Starts what is measured and what loads it, each on its own core, and reads their CPU time."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

HERE = Path(__file__).parent
MEASURED_CORE, LOADING_CORE = 0, 1
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Load:
    """What one round of wrk saw: calls a second, the 99th percentile in ms, and CPU time of the server in µs a call."""

    calls_per_second: float
    p99_ms: float
    cpu_us: float


def pick_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def started(command: list[str], *, core: int, port: int, environment: Mapping[str, str] = os.environ) -> Iterator[int]:
    """Run a command on one core until it listens on its port; yields its process id and ends it afterwards."""
    process = subprocess.Popen(["taskset", "-c", str(core), *command], env=dict(environment))
    try:
        _wait_for(process, port)
        yield process.pid
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait_for(process: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"{process.args!r} ended with {process.returncode} before it listened.")
        with socket.socket() as probe:
            probe.settimeout(0.2)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit(f"{process.args!r} did not listen within 30 s.")


@contextmanager
def serving(application: str, *, core: int = MEASURED_CORE) -> Iterator[tuple[int, int]]:
    """One uvicorn process with one ASGI application; yields its process id and port."""
    port = pick_port()
    uvicorn = [sys.executable, "-m", "uvicorn", application, "--port", str(port), "--loop", "uvloop"]
    uvicorn += ["--http", "httptools", "--no-access-log", "--log-level", "warning", "--no-server-header"]
    with started(uvicorn, core=core, port=port) as pid:
        yield pid, port


def build_upstream(folder: Path) -> Path:
    """Compile the C upstream; it is quick enough not to be what is measured."""
    program = folder / "upstream"
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise SystemExit("No C compiler. Install one: apt-get install gcc")
    subprocess.run([compiler, "-O2", "-o", str(program), str(HERE / "upstream.c")], check=True)
    return program


def find_wrk() -> str:
    """Where wrk is; ends the run when it is nowhere."""
    program = shutil.which("wrk")
    if program is None:
        raise SystemExit("No wrk. Install it: apt-get install wrk")
    return program


@contextmanager
def flooding(url: str, *, connections: int, variables: Mapping[str, str], fills: bool) -> Iterator[None]:
    """Call without a pause on so many connections; the block begins once the tenant's quota refuses, where they are to
    fill it, else once all of them are open."""
    command = ["taskset", "-c", str(LOADING_CORE), find_wrk(), "-t1", f"-c{connections}", "-d600s", "--timeout", "60s"]
    flood = subprocess.Popen(
        [*command, "-s", str(HERE / "call.lua"), url], env={**os.environ, **variables}, stdout=subprocess.DEVNULL
    )
    try:
        check = partial(_wait_for_quota, flood, url, variables["MCP_AUTH"]) if fills else partial(time.sleep, 1)
        check()
        yield
        check()
    finally:
        flood.terminate()
        flood.wait(timeout=20)


def _wait_for_quota(flood: "subprocess.Popen[bytes]", url: str, authorization: str) -> None:
    # A place may be free for a moment, between a call that ended and the next.
    deadline = time.monotonic() + 30
    while not _is_over_quota(url, authorization):
        if flood.poll() is not None or time.monotonic() > deadline:
            raise SystemExit("The flood does not fill its tenant's quota.")


def _is_over_quota(url: str, authorization: str) -> bool:
    arguments = {"name": "echo", "arguments": {"symbol": "BTCUSDT"}}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": arguments}
    headers = {"Authorization": authorization, "Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(message).encode(), headers)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
        return b'"(quota)"' in answer.read()


def load(url: str, pid: int, *, seconds: int, connections: int, variables: Mapping[str, str]) -> Load:
    """One round of wrk against a URL; refuses to report a round in which anything failed."""
    command = ["taskset", "-c", str(LOADING_CORE), find_wrk(), "-t1", f"-c{connections}", f"-d{seconds}s"]
    before = cpu_seconds(pid)
    answer = subprocess.run(
        [*command, "-s", str(HERE / "call.lua"), url],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    spent = cpu_seconds(pid) - before
    line = next(line for line in answer.stdout.splitlines() if line.startswith("JSON "))
    seen = json.loads(line.removeprefix("JSON "))
    failed = {name: count for name, count in seen.items() if name.startswith("e_") and count}
    if failed or not seen["requests"]:
        raise SystemExit(f"The round at {url} does not count, there were failures: {failed or 'no answers'}")
    return Load(
        calls_per_second=seen["requests"] / seen["duration_us"] * 1e6,
        p99_ms=seen["p99"] / 1000,
        cpu_us=spent / seen["requests"] * 1e6,
    )


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far, in seconds (proc(5), /proc/pid/stat fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS
