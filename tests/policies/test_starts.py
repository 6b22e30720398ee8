"""Each starting point does to market, limit and quote-coin orders what its summary says, on Bybit's own schemas."""

from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.tenancy import tenant
from policies.check import judge_text
from policies.engine.decision import Call
from policies.engine.policy import Policy
from policies.engine.tools import ToolFacts
from policies.engine.values import Outcome
from policies.starts import Start, list_choices, write_start
from policies.trial import judge_call
from servers.access import tool_facts_for
from servers.models import Server
from tests.conftest import Cast
from tests.policies.bybit import LIMIT, MARKET, QUOTE, make_bybit, read_catalogue

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
SELL = {**LIMIT, "side": "Sell"}
ALLOW, DENY, APPROVE, HIDE = Outcome.ALLOW, Outcome.DENY, Outcome.APPROVE, Outcome.HIDE


def read_start(start: Start, server: Server) -> tuple[Policy, dict[str, ToolFacts]]:
    with tenant(server.organisation_id):
        tools, text = tool_facts_for(server), write_start(start, server)
    judged = judge_text(text, tools)
    assert judged.policy is not None, judged.checked.errors
    assert judged.checked.warnings == () or start is Start.DENY
    return judged.policy, tools


def decide_all(start: Start, server: Server, calls: list[tuple[str, dict[str, Any]]]) -> list[Outcome]:
    policy, tools = read_start(start, server)
    return [judge_call(policy, tools, Call(tool, arguments, NOW)).outcome for tool, arguments in calls]


@pytest.mark.parametrize(
    ("start", "limit", "market", "quote"),
    [
        (Start.RECOMMENDED, APPROVE, APPROVE, APPROVE),
        (Start.READ_ONLY, DENY, DENY, DENY),
        (Start.MARKET, DENY, DENY, DENY),
        (Start.CAUTIOUS, APPROVE, DENY, DENY),
        (Start.SMALL, ALLOW, DENY, ALLOW),
        (Start.MONEY, APPROVE, APPROVE, APPROVE),
        (Start.DENY, DENY, DENY, DENY),
    ],
)
def test_orders_fare_as_the_summary_says(
    cast: Cast, start: Start, limit: Outcome, market: Outcome, quote: Outcome
) -> None:
    server = make_bybit(cast.organisation)
    with tenant(cast.organisation.id):
        assert start in [choice.start for choice in list_choices(server)]
    calls = [("createOrder", LIMIT), ("createOrder", MARKET), ("createOrder", QUOTE)]
    assert decide_all(start, server, calls) == [limit, market, quote]


@pytest.mark.parametrize(
    ("start", "public", "own", "cancel", "batch", "transfer"),
    [
        (Start.READ_ONLY, ALLOW, ALLOW, DENY, DENY, DENY),
        (Start.MARKET, ALLOW, DENY, DENY, DENY, DENY),
        (Start.CAUTIOUS, ALLOW, ALLOW, ALLOW, DENY, DENY),
        (Start.SMALL, ALLOW, ALLOW, ALLOW, DENY, DENY),
        (Start.MONEY, ALLOW, ALLOW, APPROVE, APPROVE, APPROVE),
    ],
)
def test_other_tools_fare_as_the_summary_says(
    cast: Cast, start: Start, public: Outcome, own: Outcome, cancel: Outcome, batch: Outcome, transfer: Outcome
) -> None:
    calls: list[tuple[str, dict[str, Any]]] = [
        ("getTickers", {"category": "spot"}),
        ("getWalletBalance", {"accountType": "UNIFIED"}),
        ("cancelOrder", {"category": "spot", "symbol": "BTCUSDT", "orderId": "1"}),
        ("batchCreateOrders", {"category": "spot", "request": [LIMIT]}),
        ("accountBorrow", {"coin": "USDT", "amount": "1"}),
    ]
    found = decide_all(start, make_bybit(cast.organisation), calls)
    assert found == [public, own, cancel, batch, transfer]


@pytest.mark.parametrize(
    ("order", "outcome"),
    [
        ({**LIMIT, "qty": "0.0016"}, ALLOW),
        ({**LIMIT, "qty": "0.0017"}, DENY),
        ({**QUOTE, "qty": "100"}, ALLOW),
        ({**QUOTE, "qty": "100.01"}, DENY),
        # A limit order ignores marketUnit, and so does a contract.
        ({**LIMIT, "qty": "100", "marketUnit": "quoteCoin"}, DENY),
        ({**QUOTE, "category": "linear"}, DENY),
        ({**LIMIT, "category": "linear"}, ALLOW),
        ({**LIMIT, "category": "inverse"}, DENY),
        ({**LIMIT, "category": "option"}, DENY),
        ({**LIMIT, "symbol": "ETHBTC"}, DENY),
        ({**LIMIT, "isLeverage": "1"}, DENY),
        ({**LIMIT, "isLeverage": "0"}, ALLOW),
        ({**LIMIT, "bboSideType": "Counterparty"}, DENY),
        ({**SELL, "qty": "1", "price": "1"}, DENY),
        ({**SELL, "timeInForce": "PostOnly"}, ALLOW),
        ({**QUOTE, "side": "Sell"}, ALLOW),
        ({**LIMIT, "qty": "-1"}, DENY),
        ({**LIMIT, "qty": "many"}, DENY),
        ({key: value for key, value in LIMIT.items() if key != "price"}, DENY),
    ],
)
def test_no_way_round_the_size_of_a_small_order(cast: Cast, order: dict[str, Any], outcome: Outcome) -> None:
    assert decide_all(Start.SMALL, make_bybit(cast.organisation), [("createOrder", order)]) == [outcome]


def test_a_small_trader_is_charged_for_each_order(cast: Cast) -> None:
    policy, tools = read_start(Start.SMALL, make_bybit(cast.organisation))
    (limit,) = judge_call(policy, tools, Call("createOrder", LIMIT, NOW)).limits
    # Counted by calls, which every gateway counts; a limit on amounts would deny until those are counted.
    assert (limit.counter, int(limit.max), limit.is_count) == ("small_orders", 20, True)


def test_every_tool_that_moves_money_waits_for_a_person(cast: Cast) -> None:
    server = make_bybit(cast.organisation)
    names = [tool["name"] for tool in read_catalogue() if tool["category"] == "financial"]
    assert len(names) > 50
    assert set(decide_all(Start.MONEY, server, [(name, {}) for name in names])) == {APPROVE}


def test_reads_never_include_a_tool_that_does_more(cast: Cast) -> None:
    server = make_bybit(cast.organisation)
    names = [tool["name"] for tool in read_catalogue() if tool["category"] != "read"]
    for start in (Start.READ_ONLY, Start.MARKET):
        assert set(decide_all(start, server, [(name, {}) for name in names])) == {DENY}


def test_a_server_without_orders_gets_what_fits_it(cast: Cast, server: Server) -> None:
    with tenant(cast.organisation.id):
        choices = {choice.start: choice for choice in list_choices(server)}
    assert Start.SMALL not in choices
    assert "waits for a person" in choices[Start.CAUTIOUS].summary
    assert choices[Start.MARKET].title == "Low-risk reads"
    calls: list[tuple[str, dict[str, Any]]] = [
        ("getTickers", {}), ("getNotes", {}), ("createOrder", {}), ("cancelAllOrders", {}),
    ]  # fmt: skip
    assert decide_all(Start.CAUTIOUS, server, calls) == [ALLOW, APPROVE, APPROVE, APPROVE]
    assert decide_all(Start.MARKET, server, calls) == [ALLOW, DENY, DENY, DENY]
    # Whoever writes the address by hand gets no order rules for a server without such orders.
    assert decide_all(Start.SMALL, server, calls) == [ALLOW, DENY, DENY, DENY]
