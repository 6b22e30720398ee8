"""Starting points for a server with Bybit's order tool: who may place which order. Documents only; the sizes that they
bound must hold for every argument that the exchange would act on, not only for honest ones."""

from collections.abc import Mapping
from typing import Any, Final

from policies.engine.tools import ToolFacts

ORDER: Final = "createOrder"
CANCEL: Final = "cancelOrder"
# What the rules below look at, and what would make them say less than they seem to.
ARGUMENTS: Final = frozenset(
    {
        "category",
        "symbol",
        "side",
        "orderType",
        "qty",
        "price",
        "marketUnit",
        "isLeverage",
        "timeInForce",
        "bboSideType",
    }
)
LARGEST: Final = 100


def can_size_orders(tools: Mapping[str, ToolFacts]) -> bool:
    """Whether the server has an order tool with the arguments that these rules look at, and the tool to cancel."""
    order = tools.get(ORDER)
    properties = order.input_schema.get("properties") if order is not None else None
    return isinstance(properties, dict) and set(properties) >= ARGUMENTS and CANCEL in tools


def write_cautious(reads: list[str], *, has_orders: bool) -> dict[str, Any]:
    """Reads go through; of what trades, only spot limit orders, each held for a person."""
    if not has_orders:
        return {
            "version": "1",
            "description": "Reads go through, everything else waits for a person",
            "default": "deny",
            "risk": {level: _hold("It changes something.") for level in ("low", "medium", "high", "critical")},
            "tools": {name: {"action": "allow"} for name in reads},
        }
    order = {
        **_hold("An order."),
        "require": [
            _entry(_cond("category", "eq", "spot"), on_deny="Spot orders only."),
            _entry(_cond("orderType", "eq", "Limit"), on_deny="Limit orders only."),
        ],
        "deny_if": [
            _entry(_cond("isLeverage", "neq", "0"), on_deny="Nothing is borrowed for an order."),
            _entry(_cond("bboSideType", "exists", True), on_deny="An order names its own price."),
        ],
        "rate_limit": {"max": 10, "window": 60},
    }
    return _write_trader("Reads and cancelling go through, spot limit orders wait for a person", reads, order)


def write_small(reads: list[str], *, has_orders: bool) -> dict[str, Any]:
    """Reads go through, and orders of a bounded size. Without an order tool there is nothing to bound: reads only."""
    if not has_orders:
        return _write_policy("Reads only", {name: {} for name in reads})
    in_quote_coin = [
        _cond("orderType", "eq", "Market"),
        _cond("category", "eq", "spot"),
        _cond("marketUnit", "eq", "quoteCoin"),
    ]
    size = [
        # marketUnit means something to spot market orders only: elsewhere it must not choose how the size is counted.
        {"when": in_quote_coin, "amount": "args.qty"},
        {"when": [_cond("orderType", "eq", "Limit")], "amount": {"product": ["args.qty", "args.price"]}},
    ]
    order = {
        "require": [
            _entry(_cond("category", "in", ["spot", "linear"]), on_deny="Spot and linear contracts only."),
            _entry(
                _cond("symbol", "matches", "[A-Z0-9]+(USDT|USDC)"),
                on_deny="Only what is priced in USDT or USDC, so that the size can be told.",
            ),
            _entry({"amount": size, "op": "lte", "value": LARGEST}, on_deny=f"At most {LARGEST} USDT an order."),
        ],
        "deny_if": [
            _entry(_cond("isLeverage", "neq", "0"), on_deny="Nothing is borrowed for an order."),
            _entry(_cond("bboSideType", "exists", True), on_deny="An order names its own price."),
            # A sell far below the market is filled at the market's price, which can be far more than the limit says.
            _entry(
                _cond("side", "neq", "Buy"),
                _cond("orderType", "neq", "Market"),
                _cond("timeInForce", "neq", "PostOnly"),
                on_deny="A limit order that sells must be PostOnly, or its price says nothing about its size.",
            ),
        ],
        "limits": [
            {"counter": "small_orders", "window": "hour", "max": 20, "on_deny": "At most 20 orders an hour."},
        ],
    }
    return _write_trader(f"Reads and cancelling go through, orders up to {LARGEST} USDT", reads, order)


def _write_trader(description: str, reads: list[str], order: dict[str, Any]) -> dict[str, Any]:
    cancel = {"rate_limit": {"max": 30, "window": 60}}
    return _write_policy(description, {ORDER: order, CANCEL: cancel, **{name: {} for name in reads}})


def _write_policy(description: str, tools: dict[str, Any]) -> dict[str, Any]:
    return {"version": "1", "description": description, "default": "deny", "tools": tools}


def _hold(what: str) -> dict[str, Any]:
    return {"action": "require_approval", "reason": f"{what} A person decides."}


def _cond(argument: str, op: str, value: Any) -> dict[str, Any]:
    return {"path": f"args.{argument}", "op": op, "value": value}


def _entry(*conditions: dict[str, Any], on_deny: str) -> dict[str, Any]:
    return {"conditions": list(conditions), "on_deny": on_deny}
