"""The official conformance suite, straight at a server and through the gateway: the same verdict for every check."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.conformance.fixture import make_app
from tests.gateway.conformance.suite import run_suite, scored_scenarios, write_table
from tests.gateway.test_clients import tools_of
from tests.gateway.upstream import serve
from tests.gateway.world import ALLOW, make_world

pytestmark = pytest.mark.slow
SCORED = {"2025-11-25": 30, "2026-07-28": 37}


@pytest.fixture(scope="module")
def fixture_url() -> Iterator[str]:
    with serve(make_app(), lifespan="on") as port:
        yield f"http://127.0.0.1:{port}/mcp"


@pytest.mark.parametrize("revision", SCORED)
def test_the_suite_finds_the_same_through_the_gateway(
    rows: None, gateway: str, fixture_url: str, settings: Any, tmp_path: Path, revision: str
) -> None:
    straight = run_suite(fixture_url, revision, tmp_path / "straight")
    scored = scored_scenarios(revision)
    failed = {scenario for scenario, _, status in straight.verdicts if status == "FAILURE"} & set(scored)
    assert straight.code == 0 and not failed, straight.output
    assert len(scored) == SCORED[revision] and set(scored) <= {scenario for scenario, _, _ in straight.verdicts}

    world = make_world(fixture_url, ALLOW, tools_of(fixture_url))
    # As an installation that is reached by this name: the suite's page of the same origin is let in, others are not.
    settings.GATEWAY_ORIGINS = {gateway}
    through = run_suite(f"{gateway}/mcp/{world.server.id}", revision, tmp_path / "through", token=world.token)
    table = write_table(straight.verdicts, through.verdicts)
    assert not table, f"scenario, check, straight, through the gateway:\n{table}"
    assert through.code == 0, through.output
