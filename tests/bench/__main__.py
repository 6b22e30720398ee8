"""./bench: what a governed call and a search of the catalogue cost beside the least of the same run; prints ratios."""

import os
import statistics
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import django

from tests.bench.processes import LOADING_CORE, Load, build_upstream, flooding, load, pick_port, serving, started
from tests.bench.tools import write_tools

if TYPE_CHECKING:
    from tests.bench.scene import Scene

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
SECONDS = int(os.environ.get("BENCH_SECONDS", "4"))
CONNECTIONS = 16
QUIET_CONNECTIONS = (1, 4, 16)
TOOLS = 326
DESKS = (326, 2_000)


@dataclass
class Subject:
    """One row of the table and its rounds."""

    name: str
    pid: int
    url: str
    variables: dict[str, str]
    rounds: list[Load] = field(default_factory=list)

    def median(self, of: str) -> float:
        return float(statistics.median(getattr(each, of) for each in self.rounds))

    def summed(self) -> Load:
        return Load(self.median("calls_per_second"), self.median("p99_ms"), self.median("cpu_us"))


@dataclass(frozen=True)
class Flood:
    """What another tenant does: with slow calls its quota is full, and what is over it is refused over and over."""

    name: str
    scene: "Scene"
    fills_quota: bool


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    import_module("config.celery")
    from accounts.quotas import USUAL
    from tests.bench.scene import set_scene
    from tests.bench.search import measure_search

    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        tools = Path(folder) / "tools.json"
        write_tools(tools, TOOLS)
        program = build_upstream(Path(folder))

        def start_upstream(*options: str) -> str:
            port = pick_port()
            command = [str(program), str(port), str(tools), *options]
            stack.enter_context(started(command, core=LOADING_CORE, port=port))
            return f"http://127.0.0.1:{port}/mcp"

        upstream = start_upstream()
        low, high = set_scene(upstream, level="low"), set_scene(upstream, level="high")
        bare = stack.enter_context(serving("tests.bench.bare:application"))
        gateway = stack.enter_context(serving("config.asgi:application"))
        at = f"http://127.0.0.1:{gateway[1]}"
        subjects = [
            Subject("bare ASGI answer", bare[0], f"http://127.0.0.1:{bare[1]}/", {}),
            Subject("governed call, low tool", gateway[0], at + low.path, _variables(low.token)),
            Subject(
                "governed call, low tool, modern", gateway[0], at + low.path, _variables(low.token, MCP_MODERN="1")
            ),
            Subject("governed call, high tool", gateway[0], at + high.path, _variables(high.token)),
            Subject(
                f"tools/list of {TOOLS}", gateway[0], at + low.path, _variables(low.token, MCP_METHOD="tools/list")
            ),
        ]
        for subject in subjects:
            load(subject.url, subject.pid, seconds=1, connections=CONNECTIONS, variables=subject.variables)
        for _ in range(ROUNDS):
            for subject in subjects:
                seen = load(
                    subject.url, subject.pid, seconds=SECONDS, connections=CONNECTIONS, variables=subject.variables
                )
                subject.rounds.append(seen)
        floods = [
            Flood("calls of a second, its quota full", set_scene(start_upstream("-d", "1000"), level="low"), True),
            Flood("calls as quick as can be", set_scene(upstream, level="low"), False),
        ]
        _print_table(subjects)
        _print_floods(subjects[1], at, 2 * USUAL.calls, floods)
        _print_builder(stack, Path(folder), f"http://localhost:{gateway[1]}")
    measure_search()


def _print_floods(quiet: Subject, at: str, connections: int, floods: "list[Flood]") -> None:
    print()
    print(f"| beside {connections} connections of another tenant | c | p99 ms | beside | of alone | calls/s of alone |")
    print("|---|---|---|---|---|---|")
    for flood in floods:
        for few in QUIET_CONNECTIONS:
            alone, beside = _measure_beside(quiet, few, flood, at, connections)
            ratio, rate = beside.p99_ms / alone.p99_ms, beside.calls_per_second / alone.calls_per_second
            print(f"| {flood.name} | {few} | {alone.p99_ms:.2f} | {beside.p99_ms:.2f} | {ratio:.2f} | {rate:.2f} |")


def _measure_beside(quiet: Subject, few: int, flood: "Flood", at: str, connections: int) -> tuple[Load, Load]:
    """Medians of one tenant alone and while another floods, measured in turn."""
    alone, beside = (Subject(quiet.name, quiet.pid, quiet.url, quiet.variables) for _ in range(2))

    def measure(subject: Subject) -> None:
        options = {"seconds": SECONDS, "connections": few}
        subject.rounds.append(load(subject.url, subject.pid, **options, variables=subject.variables))

    variables = _variables(flood.scene.token)
    for _ in range(ROUNDS):
        measure(alone)
        with flooding(at + flood.scene.path, connections=connections, variables=variables, fills=flood.fills_quota):
            measure(beside)
    return alone.summed(), beside.summed()


def _variables(token: str, **more: str) -> dict[str, str]:
    return {"MCP_AUTH": f"Bearer {token}", **more}


def _print_table(subjects: list[Subject]) -> None:
    base = subjects[0].median("cpu_us")
    print(
        f"| medians of {ROUNDS} rounds of {SECONDS} s, c={CONNECTIONS} | calls/s | p99 ms | CPU µs a call | of bare |"
    )
    print("|---|---|---|---|---|")
    for subject in subjects:
        rate, p99, cpu = (subject.median(name) for name in ("calls_per_second", "p99_ms", "cpu_us"))
        print(f"| {subject.name} | {rate:,.0f} | {p99:.2f} | {cpu:.0f} | {cpu / base:.1f} |")


def _print_builder(stack: ExitStack, folder: Path, address: str) -> None:
    from tests.bench.builder import find_browser, measure_builder, write_rows
    from tests.bench.scene import set_desk

    print()
    program = find_browser()
    if program is None:
        print(
            "The policy builder was not measured: no Chromium. Install it (apt-get install chromium) or set CHROMIUM."
        )
        return
    desks = []
    for count in DESKS:
        tools, port = folder / f"desk-{count}.json", pick_port()
        write_tools(tools, count)
        stack.enter_context(started([str(folder / "upstream"), str(port), str(tools)], core=LOADING_CORE, port=port))
        desks.append(set_desk(f"http://127.0.0.1:{port}/mcp"))
    for row in write_rows(*measure_builder(program, address, desks)):
        print(row)


if __name__ == "__main__":
    main()
