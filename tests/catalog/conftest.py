"""The catalogue as it ships, loaded into the test's database."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache

from catalog.services import DATA_FOLDER, load_catalog
from catalog.stamp import stamp_key

SLUG = "bybit-exchange-trading-mcp"
DATA_FILE = DATA_FOLDER / "bybit-exchange-trading-mcp-2.1.8.json"
DATA: dict[str, Any] = json.loads(DATA_FILE.read_text(encoding="utf-8"))
TOOLS: list[dict[str, Any]] = DATA["tools"]


def write_release(folder: Path, release: str, *, tools: list[dict[str, Any]] = TOOLS, **facts: Any) -> None:
    """A data file of the server as it is shipped, or as another release of it, or with other facts."""
    server = {**DATA["server"], "release": release, **facts}
    path = folder / f"{server['slug']}-{release}.json"
    path.write_text(json.dumps({"server": server, "tools": tools}), encoding="utf-8")


@pytest.fixture
def catalogue(db: None) -> None:
    load_catalog()


@pytest.fixture(autouse=True)
def forgotten_stamp() -> None:
    """A rolled back test leaves no rows, but Redis would still speak of its catalogue."""
    cache.delete(stamp_key())
