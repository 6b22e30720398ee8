"""Policies as a trader writes them for Bybit's server: the language document's own example, and twelve more."""

from typing import Any

EXAMPLE = """{
  "version": "1",
  "description": "Market data free, orders small and approved",
  "default": "deny",
  "hide": ["wsBatchCancelOrders", "close*Bot"],
  "methods": {"resources": "deny"},
  "risk": {
    "low": {},
    "medium": {"rate_limit": {"max": 30, "window": 60}},
    "critical": {"action": "require_approval", "reason": "Real money: a person decides."}
  },
  "all_tools": {
    "require": [{"except": ["get*", "cancel*"], "conditions": [{"path": "call.time", "op": "within", "value": {
      "days": ["mon", "tue", "wed", "thu", "fri"], "from": "08:00", "to": "18:00", "tz": "Europe/London"}}],
      "on_deny": "Trading hours are over."}],
    "limits": [{"counter": "calls", "window": "minute", "max": 120, "scope": "grant"}]
  },
  "tools": {
    "createOrder": {
      "require": [{"conditions": [{"path": "args.symbol", "op": "in", "value": ["BTCUSDT", "ETHUSDT"]}],
        "on_deny": "BTC and ETH only."}],
      "deny_if": [{"conditions": [{"amount": {"product": ["args.qty", "args.price"]}, "op": "gt", "value": 5000}],
        "on_deny": "At most 5,000 an order."}],
      "rate_limit": {"max": 10, "window": 60},
      "limits": [{"counter": "notional", "window": "day", "max": 20000, "scope": "grant",
        "amount": [{"when": [{"path": "args.marketUnit", "op": "eq", "value": "quoteCoin"}], "amount": "args.qty"},
                   {"amount": {"product": ["args.qty", "args.price"]}}]}]
    },
    "batchCreateOrders": {
      "deny_if": [{"each": "args.request[*]", "conditions": [
        {"path": "item.orderType", "op": "eq", "value": "Market"},
        {"path": "item.reduceOnly", "op": "neq", "value": true}],
        "on_deny": "Market orders in a batch must only reduce."}],
      "limits": [{"counter": "orders", "window": "hour", "max": 100, "amount": {"count": "args.request[*]"}}]
    }
  }
}"""

HOSTED = """{
  "version": "1",
  "default": "deny",
  "hide": ["movePosition", "setDcp"],
  "all_tools": {"limits": [{"counter": "calls", "window": "hour", "max": 500, "scope": "session"}]},
  "tools": {
    "getTickers": {},
    "accountBorrow": {
      "require": [{"conditions": [{"path": "args.coin", "op": "in", "value": ["USDT", "USDC"]}],
        "on_deny": "Stablecoins only."}],
      "deny_if": [{"conditions": [{"path": "args.amount", "op": "gt", "value": 1000}],
        "on_deny": "At most 1,000 a loan."}],
      "limits": [{"counter": "borrowed", "window": "day", "max": 5000, "amount": "args.amount", "scope": "grant"}]
    }
  }
}"""


def entry(*conditions: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return {"conditions": list(conditions), **rest}


def cond(path: str, op: str, value: Any) -> dict[str, Any]:
    return {"path": path, "op": op, "value": value}


NOTIONAL = {"product": ["args.qty", "args.price"]}
SYMBOLS = ["BTCUSDT", "ETHUSDT"]

SYMBOLS_IN_BATCHES = {
    "createOrder": {"require": [entry(cond("args.symbol", "in", SYMBOLS))]},
    "batchCreateOrders": {
        "require": [entry(cond("args.request[*].symbol", "in", SYMBOLS), on_deny="BTC and ETH only.")]
    },
    "batchAmendOrders": {"deny_if": [entry(cond("args.request[*].symbol", "not_in", SYMBOLS))]},
}
REDUCE_ONLY = {
    "createOrder": {"require": [entry(cond("args.reduceOnly", "eq", True), on_deny="Only close positions.")]},
    "batchCreateOrders": {"require": [entry(cond("item.reduceOnly", "eq", True), each="args.request[*]")]},
}
LEVERAGE_CAP = {
    "setLeverage": {
        "require": [
            entry(cond("args.buyLeverage", "lte", 3), cond("args.sellLeverage", "lte", 3), on_deny="At most 3x.")
        ]
    },
    "createOrder": {"deny_if": [entry(cond("args.isLeverage", "neq", "0"), on_deny="No borrowing.")]},
}
NOTIONAL_CAP = {
    "createOrder": {
        "require": [
            entry(
                {
                    "amount": [
                        {"when": [cond("args.marketUnit", "eq", "quoteCoin")], "amount": "args.qty"},
                        {"when": [cond("args.orderType", "eq", "Limit")], "amount": NOTIONAL},
                    ],
                    "op": "lte",
                    "value": 5000,
                },
                on_deny="At most 5,000 USDT an order.",
            )
        ]
    }
}
STOP_BELOW_ENTRY = {
    "createOrder": {
        "require": [entry(cond("args.stopLoss", "exists", True), on_deny="Every order needs a stop.")],
        "deny_if": [
            entry(
                cond("args.side", "eq", "Buy"),
                cond("args.stopLoss", "gte", {"path": "args.price"}),
                on_deny="Stop too high.",
            ),
            entry(cond("args.side", "eq", "Sell"), cond("args.stopLoss", "lte", {"path": "args.price"})),
            entry(cond("args.price", "exists", False), on_deny="Limit orders only."),
        ],
    }
}
NIGHT_SHIFT = [
    entry(
        cond(
            "call.time", "within", {"days": ["sun", "mon", "tue"], "from": "22:00", "to": "06:00", "tz": "Asia/Tokyo"}
        ),
        **{"except": ["get*", "cancel*", "batchCancelOrders"]},
        on_deny="Outside the shift.",
    )
]
NO_OPTIONS = {"*Order": {"deny_if": [entry(cond("args.category", "eq", "option"), on_deny="No options.")]}}
DAILY_NOTIONAL = {
    "createOrder": {"limits": [{"counter": "notional", "window": "day", "max": 20000, "amount": NOTIONAL}]},
    "batchCreateOrders": {
        "limits": [
            {
                "counter": "notional",
                "window": "day",
                "max": "20000",
                "amount": {"product": ["args.request[*].qty", "args.request[*].price"]},
            }
        ]
    },
}
BATCH_SIZE = {
    "batchCreateOrders": {
        "deny_if": [entry({"amount": {"count": "args.request[*]"}, "op": "gt", "value": 5}, on_deny="Five at a time.")],
        "limits": [{"counter": "orders", "window": "hour", "max": 20, "amount": {"count": "args.request[*]"}}],
    }
}
APPROVAL_ABOVE = {
    "createOrder": {
        "require": [entry(cond("args.price", "exists", True))],
        "approve_if": [entry({"amount": NOTIONAL, "op": "gt", "value": 1000}, on_deny="Above 1,000 a person decides.")],
        "rate_limit": {"max": 10, "window": 60},
    }
}
ACCOUNT_ALLOW_LIST = {
    "movePosition": {
        "action": "require_approval",
        "require": [
            entry(cond("args.toUid", "in", ["1001", "1002"]), cond("args.toUid", "matches", "[0-9]+")),
            entry(
                cond("item.category", "eq", "linear"), cond("item.symbol", "regex", "^(BTC|ETH)"), each="args.list[*]"
            ),
        ],
    },
    "queryWithdrawAddresses": {"action": "hide"},
}
GRID_BOT = {
    "createGridBot": {
        "require": [
            entry(
                cond("args.min_price", "lt", {"path": "args.max_price"}),
                cond("args.total_investment", "lte", "500"),
                cond("args.cell_number", "lte", 50),
                cond("args.followed_grid_id", "eq", 0),
                cond("args.stop_loss_price", "exists", True),
            )
        ]
    },
    "addReduceMargin": {
        "limits": [{"counter": "margin", "window": "day", "max": 1000, "amount": {"abs": "args.margin"}}]
    },
}
