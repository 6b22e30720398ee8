"""The catalogue as it ships, loaded into the test's database."""

import json
from typing import Any

import pytest

from catalog.services import DATA_FOLDER, load_catalog

SLUG = "bybit-exchange-trading-mcp"
DATA_FILE = DATA_FOLDER / "bybit-exchange-trading-mcp-2.1.8.json"
DATA: dict[str, Any] = json.loads(DATA_FILE.read_text(encoding="utf-8"))
TOOLS: list[dict[str, Any]] = DATA["tools"]


@pytest.fixture
def catalogue(db: None) -> None:
    load_catalog()
