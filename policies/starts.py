"""Documents to start a policy from, made of the server's own tools: texts for an editor, nothing is published here."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from catalog.recommend import RatedTool, recommend_policy
from catalog.rubric import Category
from catalog.rubric import Level as CatalogueLevel
from policies.engine.tools import ToolFacts
from policies.engine.values import Level
from policies.trader_starts import can_size_orders, write_cautious, write_small
from servers.access import facts_of, offered_tools_for
from servers.models import Server, Tool

MARKET_MODULE: Final = "market"


class Start(StrEnum):
    """What a new policy's editor holds at first."""

    RECOMMENDED = "recommended"
    READ_ONLY = "read-only"
    MARKET = "market"
    CAUTIOUS = "cautious"
    SMALL = "small"
    MONEY = "money"
    DENY = "deny"
    PASTE = "paste"


@dataclass(frozen=True, slots=True)
class StartChoice:
    """One starting point as the page offers it."""

    start: Start
    title: str
    summary: str


@dataclass(frozen=True, slots=True)
class Stock:
    """A server's offered tools, by name in `facts`; `reads` are those that a person has reviewed as readers."""

    tools: list[Tool]
    facts: Mapping[str, ToolFacts]
    reads: list[str]

    @property
    def has_orders(self) -> bool:
        return can_size_orders(self.facts)

    @property
    def has_market(self) -> bool:
        return any(tool.module == MARKET_MODULE for tool in self.tools if tool.name in self.reads)


def list_choices(server: Server) -> list[StartChoice]:
    """The starting points that fit this server's tools, each with what it does to them."""
    stock = _take_stock(server)
    choices = [
        StartChoice(
            Start.RECOMMENDED,
            "Recommended by level",
            "Low risk goes through, settings are paced; what moves money or cannot be undone waits or is hidden.",
        ),
        StartChoice(
            Start.READ_ONLY,
            "Read only",
            "Every reviewed tool that only reads, by name. Nothing else, and nothing that appears tomorrow.",
        ),
        StartChoice(
            Start.MARKET,
            "Market data" if stock.has_market else "Low-risk reads",
            "Public prices, order books and instruments. Nothing of your account can be read or changed."
            if stock.has_market
            else "Every reviewed tool that only reads, at low risk. Nothing else.",
        ),
        *_list_trader_choices(stock),
        StartChoice(
            Start.MONEY,
            "Approval for what moves money",
            "Tools of low and medium risk go through. Whatever moves money, and all else of high or critical risk,"
            " waits for a person.",
        ),
        StartChoice(Start.DENY, "Deny everything", "Allows nothing, until you add to it."),
        StartChoice(Start.PASTE, "Paste or import", "An empty editor for a document that you already have."),
    ]
    return choices


def write_start(start: Start, server: Server) -> str:
    """The text of a starting point for this server's tools; empty for a document to paste."""
    if start == Start.PASTE:
        return ""
    stock = _take_stock(server)
    writers: dict[Start, Callable[[Stock], dict[str, Any]]] = {
        Start.RECOMMENDED: lambda stock: recommend_policy(_rate_tools(stock)),
        Start.READ_ONLY: _write_reads,
        Start.MARKET: _write_market,
        Start.CAUTIOUS: lambda stock: write_cautious(stock.reads, has_orders=stock.has_orders),
        Start.SMALL: lambda stock: write_small(stock.reads, has_orders=stock.has_orders),
        Start.MONEY: _write_money,
        Start.DENY: lambda _: {"version": "1", "description": "Nothing is allowed yet", "default": "deny"},
    }
    document = writers[start](stock)
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _take_stock(server: Server) -> Stock:
    tools = offered_tools_for(server)
    facts = {tool.name: facts_of(tool) for tool in tools}
    # An unreviewed tool is a reader by its own word only.
    reads = [tool.name for tool in tools if tool.category == Category.READ and tool.is_reviewed]
    return Stock(tools, facts, reads)


def _list_trader_choices(stock: Stock) -> list[StartChoice]:
    if not stock.has_orders:
        return [
            StartChoice(
                Start.CAUTIOUS,
                "Cautious",
                "Every reviewed tool that only reads goes through. Everything else waits for a person.",
            )
        ]
    return [
        StartChoice(
            Start.CAUTIOUS,
            "Cautious trader",
            "Reads and cancelling go through. A limit order on the spot market waits for a person; market and"
            " quote-coin orders are denied, and so is every other way to trade.",
        ),
        StartChoice(
            Start.SMALL,
            "Small-size trader",
            "Reads and cancelling go through, and orders of up to 100 USDT or USDC, 20 an hour: limit orders by"
            " quantity times price, spot market orders by their quote coin. An order whose size cannot be told is"
            " denied.",
        ),
    ]


def _rate_tools(stock: Stock) -> list[RatedTool]:
    return [
        RatedTool(
            tool.name,
            Category(tool.category),
            CatalogueLevel(stock.facts[tool.name].level.value),
            is_reviewed=tool.is_reviewed,
        )
        for tool in stock.tools
    ]


def _write_reads(stock: Stock) -> dict[str, Any]:
    return {
        "version": "1",
        "description": "Reads only: nothing can be changed or spent",
        "default": "deny",
        "tools": {name: {} for name in stock.reads},
    }


def _write_market(stock: Stock) -> dict[str, Any]:
    reads = [tool for tool in stock.tools if tool.name in set(stock.reads)]
    if stock.has_market:
        names = [tool.name for tool in reads if tool.module == MARKET_MODULE]
        what = "Market data only: nothing of the account"
    else:
        names = [tool.name for tool in reads if tool.level == Level.LOW]
        what = "Reads of low risk only"
    return {"version": "1", "description": what, "default": "deny", "tools": {name: {} for name in names}}


def _write_money(stock: Stock) -> dict[str, Any]:
    held = {"action": "require_approval", "reason": "This moves money or has a high risk: a person decides."}
    calm = (Level.LOW, Level.MEDIUM)
    # Levels hold for what appears tomorrow too; a tool that moves money is held by name where its level would not.
    named = [t.name for t in stock.tools if t.category == Category.FINANCIAL and stock.facts[t.name].level in calm]
    document: dict[str, Any] = {
        "version": "1",
        "description": "What moves money waits for a person",
        "default": "deny",
        "risk": {"low": {}, "medium": {"rate_limit": {"max": 60, "window": 60}}, "high": held, "critical": held},
    }
    if named:
        document["tools"] = dict.fromkeys(named, held)
    return document
