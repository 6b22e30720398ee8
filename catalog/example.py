"""The example on the home page: a policy and a call that the engine judges, once, when the page is first asked for."""

from dataclasses import dataclass
from functools import cache

from catalog.judged import Judged, judge, read_arguments, read_policy


@dataclass(frozen=True, slots=True)
class Example:
    policy: str
    tool: str
    arguments: str


EXAMPLE = Example(
    policy="""\
{
  "version": "1",
  "default": "deny",
  "hide": ["cancelAllOrders"],
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
      "rate_limit": {
        "max": 10,
        "window": 60
      }
    }
  }
}""",
    tool="createOrder",
    arguments="""\
{"category": "linear", "symbol": "DOGEUSDT", "side": "Buy",
 "orderType": "Market", "qty": "5000"}""",
)


@cache
def judge_example() -> Judged:
    """What the gateway's engine decides about the example's call."""
    return judge(read_policy(EXAMPLE.policy), EXAMPLE.tool, read_arguments(EXAMPLE.arguments))
