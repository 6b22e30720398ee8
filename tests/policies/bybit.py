"""A server with Bybit's 326 tools as the catalogue has them, every one reviewed."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from accounts.models import Organisation
from accounts.tenancy import tenant
from servers.models import Kind, Server, Tool

CATALOG = Path(__file__).resolve().parents[2] / "catalog" / "data" / "bybit-exchange-trading-mcp-2.1.8.json"

LIMIT = {
    "category": "spot",
    "symbol": "BTCUSDT",
    "side": "Buy",
    "orderType": "Limit",
    "qty": "0.001",
    "price": "60000",
}
MARKET = {"category": "spot", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Market", "qty": "0.001"}
QUOTE = {**MARKET, "qty": "50", "marketUnit": "quoteCoin"}


@cache
def read_catalogue() -> list[dict[str, Any]]:
    tools: list[dict[str, Any]] = json.loads(CATALOG.read_text(encoding="utf-8"))["tools"]
    return tools


def make_bybit(organisation: Organisation) -> Server:
    with tenant(organisation.id):
        server = Server.objects.create(organisation=organisation, name="Bybit", kind=Kind.SIMULATOR.value)
        Tool.objects.bulk_create(
            Tool(
                organisation=organisation,
                server=server,
                name=tool["name"],
                title=tool["title"],
                module=tool["module"],
                input_schema=json.dumps(tool["input_schema"]),
                definition=json.dumps({"name": tool["name"]}),
                fingerprint="0" * 64,
                category=tool["category"],
                level=tool["risk"],
                is_reviewed=True,
            )
            for tool in read_catalogue()
        )
    return server
