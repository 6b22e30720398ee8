"""The example on the home page: a policy, a call, and what the agent reads. A test runs it through the engine."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Example:
    policy: str
    tool: str
    arguments: str
    reason: str
    rule: str


EXAMPLE = Example(
    policy="""\
{
  "version": "1",
  "default": "deny",
  "hide": ["wsBatchCancelOrders"],
  "risk": {"low": {}},
  "tools": {
    "createOrder": {
      "require": [{
        "conditions": [{
          "path": "args.symbol",
          "op": "in",
          "value": ["BTCUSDT", "ETHUSDT"]
        }],
        "on_deny": "BTC and ETH only."
      }],
      "rate_limit": {"max": 10, "window": 60}
    }
  }
}""",
    tool="createOrder",
    arguments="""\
{"category": "linear", "symbol": "DOGEUSDT", "side": "Buy",
 "orderType": "Market", "qty": "5000"}""",
    reason="BTC and ETH only.",
    rule="/tools/createOrder/require/0",
)
