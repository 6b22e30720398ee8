"""The official conformance suite, straight at a server and through the gateway: the same verdict for every check."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.conformance.fixture import make_app
from tests.gateway.conformance.suite import Run, run_suite, scored_scenarios, write_table
from tests.gateway.test_clients import tools_of
from tests.gateway.upstream import serve
from tests.gateway.world import ALLOW, make_world

pytestmark = pytest.mark.slow
# Scenarios: those that count, and all that there are.
SCORED = {"2025-11-25": 30, "2026-07-28": 37}
OLDER = {"2025-03-26": 1, "2025-06-18": 27}


@pytest.fixture(scope="module")
def fixture_url() -> Iterator[str]:
    with serve(make_app(), lifespan="on") as port:
        yield f"http://127.0.0.1:{port}/mcp"


@pytest.mark.parametrize("revision", SCORED)
def test_the_suite_finds_the_same_through_the_gateway(
    rows: None, gateway: str, fixture_url: str, settings: Any, tmp_path: Path, revision: str
) -> None:
    straight = run_suite(fixture_url, ("--requirements", revision), tmp_path / "straight")
    scored = scored_scenarios(revision)
    failed = {scenario for scenario, _, status in straight.verdicts if status == "FAILURE"} & set(scored)
    assert straight.code == 0 and not failed, straight.output
    assert len(scored) == SCORED[revision] and set(scored) <= {scenario for scenario, _, _ in straight.verdicts}
    settings.GATEWAY_ORIGINS = {gateway}
    through = run_through(gateway, fixture_url, ("--requirements", revision), tmp_path)
    table = write_table(straight.verdicts, through.verdicts)
    assert not table, f"scenario, check, straight, through the gateway:\n{table}"
    assert through.code == 0, through.output


@pytest.mark.parametrize("version", OLDER)
def test_older_versions_are_the_same_too(
    rows: None, gateway: str, fixture_url: str, settings: Any, tmp_path: Path, version: str
) -> None:
    straight = run_suite(fixture_url, ("--spec-version", version), tmp_path / "straight")
    assert straight.code == 0 and len({scenario for scenario, _, _ in straight.verdicts}) == OLDER[version]
    settings.GATEWAY_ORIGINS = {gateway}
    through = run_through(gateway, fixture_url, ("--spec-version", version), tmp_path)
    table = write_table(straight.verdicts, through.verdicts)
    assert not table, f"scenario, check, straight, through the gateway:\n{table}"


def run_through(gateway: str, fixture_url: str, which: tuple[str, str], folder: Path) -> Run:
    """The gateway's own origin must be let in by then: the suite plays a page of it, and one of another."""
    world = make_world(fixture_url, ALLOW, tools_of(fixture_url))
    return run_suite(f"{gateway}/mcp/{world.server.id}", which, folder / "through", token=world.token)
