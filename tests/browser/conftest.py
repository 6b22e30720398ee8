"""A whole installation as ./run makes it, and a browser to use it with."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.launcher.instance import Instance, running

# Five times what Playwright waits of itself: these run beside everything else on machines with two cores.
expect.set_options(timeout=25_000)


@pytest.fixture(scope="session")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with running(tmp_path_factory.mktemp("browser") / "data") as started:
        yield started


@pytest.fixture(scope="session")
def browser_type_launch_args(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
    quiet += ["--disable-background-networking", "--disable-component-update"]
    return {"executable_path": os.environ["CHROMIUM"], "args": quiet, "headless": True}


@pytest.fixture
def screenshots(tmp_path: Path) -> Path:
    """Where pictures of the pages go: SCREENSHOTS, to be looked at, else a folder that is thrown away."""
    return Path(os.environ.get("SCREENSHOTS", tmp_path))
