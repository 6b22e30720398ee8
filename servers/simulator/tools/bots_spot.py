"""Spot grid bots and recurring-purchase (DCA) bots."""

from __future__ import annotations

from decimal import Decimal

from servers.simulator import bots
from servers.simulator.account import UNIFIED
from servers.simulator.errors import param_error
from servers.simulator.funds import known_coin, pay, receive
from servers.simulator.instruments import Instrument
from servers.simulator.registry import Call, on_every_call, tool
from servers.simulator.values import ONE, ZERO, Row, cut, dec, text


def _pair(call: Call, symbol: str = "") -> Instrument:
    return call.market.instrument("spot", symbol or call.word("symbol"), call.now)


def _funding(call: Call, item: Instrument) -> dict[str, Decimal]:
    """Coins that the bot is given: quote coin, base coin or both, by the investment mode."""
    total = call.amount("total_investment")
    mode = call.word("invest_mode", "0")
    quote, base = call.word("quote_investment"), call.word("base_investment")
    if mode == "0":
        return {item.quote: total}
    if mode == "1":
        return {item.base: dec(base, "base_investment")}
    return {item.quote: dec(quote, "quote_investment"), item.base: dec(base, "base_investment")}


def _least(call: Call) -> Decimal:
    return Decimal(call.whole("cell_number", 2) * 6)


@tool("validateGridInput")
def validate_grid(call: Call) -> Row:
    item = _pair(call)
    price = call.market.last(item, call.now)
    code, least = 0, _least(call)
    low, high, cells = (dec(call.args[name], name) for name in ("min_price", "max_price", "cell_number"))
    if not 0 < low < high:
        code = 60003
    elif not 2 <= cells <= 400:
        code = 60004
    elif dec(call.args["total_investment"], "total_investment") < least:
        code = 60001
    return {
        "check_code": code, "investment": {"from": text(least), "to": "1000000"}, "cell_number": {"from": "2",
        "to": "400"},
        "min_price": {"from": text(cut(price / 10, item.tick)), "to": text(high)},
        "max_price": {"from": text(low), "to": text(cut(price * 10, item.tick))},
        "entry_price": {"from": text(low), "to": text(high)}, "stop_loss": {"from": text(item.tick), "to": text(low)},
        "take_profit": {"from": text(high), "to": text(cut(high * 10, item.tick))}, "ts_percent": {"from": "0.01",
        "to": "0.5"},
        "limit_up_price": {"from": text(high), "to": text(cut(high * 5, item.tick))}, "last_price": text(price),
    }  # fmt: skip


@tool("createGridBot")
def create_grid(call: Call) -> Row:
    item = _pair(call)
    low, high, cells = bots.ladder(call.args)
    coins = _funding(call, item)
    price = call.market.last(item, call.now)
    if any(amount <= 0 for amount in coins.values()):
        raise param_error("the investment must be greater than 0")
    invested = sum((amount * (ONE if coin == item.quote else price) for coin, amount in coins.items()), ZERO)
    if invested < _least(call):
        raise param_error(f"total_investment must be at least {_least(call)}")
    for coin, amount in coins.items():
        pay(call, UNIFIED, (coin, amount), "BOT_INVEST", code=170131)
    inside = min(max(price, low), high)
    bot = call.account.add_row("bots", {
        "kind": "grid", "id": call.account.next_number(), "symbol": item.symbol, "low": text(low), "high": text(high),
        "cells": cells, "cell": int((inside - low) / ((high - low) / cells)), "trips": 0, "seen": call.now,
        "invested": text(cut(invested)), "leverage": "1", "share": "0.5", "startPrice": text(price), "since": call.now,
        "closedAt": 0, "closeReason": "", "spec": call.args,
    })  # fmt: skip
    return {"grid_id": bot["id"], "status_code": 200, "debug_msg": ""}


@tool("queryGridDetail")
def grid_detail(call: Call) -> Row:
    bot = bots.find_bot(call, "grid", call.whole("grid_id"))
    item = _pair(call, bot["symbol"])
    arbitrage, value = bots.grid_profit(call, item, bot), bots.worth(call, item, bot)
    profit = value - Decimal(bot["invested"])
    spec = bot["spec"]
    return {"detail": {
        "grid_id": bot["id"], "symbol": bot["symbol"], "base_token": item.base, "quote_token": item.quote,
        "min_price": bot["low"], "max_price": bot["high"], "cell_number": bot["cells"],
        "total_investment": bot["invested"], "status": "COMPLETED" if bot["closedAt"] else "RUNNING",
        "total_profit": text(profit), "grid_profit": text(arbitrage), "unrealized_profit": text(profit - arbitrage),
        "total_apr": bots.yearly(profit, bot, call.now), "grid_apr": bots.yearly(arbitrage, bot, call.now),
        "arbitrage_num": bot["trips"] // 2, "current_price": text(bots.price_at_end(call, item, bot)),
        "entry_price": bot["startPrice"], "stop_loss_price": spec.get("stop_loss_price", ""),
        "take_profit_price": spec.get("take_profit_price", ""), "ts_percent": spec.get("ts_percent", ""),
        "enable_trailing": spec.get("enable_trailing", False), "create_time": str(bot["since"]),
        "end_time": str(bot["closedAt"] or ""), "close_reason": bot["closeReason"],
    }}  # fmt: skip


@tool("closeGridBot")
def close_grid(call: Call) -> Row:
    bot = bots.running_bot(call, "grid", call.whole("grid_id"))
    item = _pair(call, bot["symbol"])
    value, price = bots.worth(call, item, bot), call.market.last(item, call.now)
    mode = call.word("close_mode")
    bot["closedAt"], bot["closeReason"] = call.now, "CANCELED_MANUALLY"
    _settle(call, item, (value, price), mode)
    return {"status_code": 200, "debug_msg": ""}


def _settle(call: Call, item: Instrument, worth: tuple[Decimal, Decimal], mode: str) -> None:
    """Pay out in MNT (1, once BIT), the base coin (2), the quote coin (3) or both as they stand (4)."""
    value, price = worth
    if mode == "1":
        receive(call, UNIFIED, ("MNT", cut(value / call.market.usd("MNT", call.now))), "BOT_CLOSE")
    elif mode == "2":
        receive(call, UNIFIED, (item.base, cut(value / price)), "BOT_CLOSE")
    elif mode == "3":
        receive(call, UNIFIED, (item.quote, value), "BOT_CLOSE")
    else:
        receive(call, UNIFIED, (item.base, cut(value / 2 / price)), "BOT_CLOSE")
        receive(call, UNIFIED, (item.quote, cut(value / 2)), "BOT_CLOSE")


@tool("createDCABot")
def create_dca(call: Call) -> Row:
    spec = call.args["parameters"]
    quote, pairs = known_coin(spec["quote_coin"], "quote_coin"), spec["pairs"]
    if not 1 <= len(pairs) <= 5:
        raise param_error("pairs must hold 1 to 5 coins")
    for entry in pairs:
        call.market.instrument("spot", entry["base"] + quote, call.now)
        if dec(entry["amount"], "amount") < 1:
            raise param_error("amount must be at least 1")
    bot = call.account.add_row("bots", {
        "kind": "dca", "id": call.account.next_number(), "quote": quote, "pairs": pairs, "rounds": 0, "since": call.now,
        "every": spec["frequency_in_second"] * 1000, "most": spec.get("max_invest_amount", ""), "spent": "0",
        "holdings": {}, "closedAt": 0, "next": call.now,
    })  # fmt: skip
    invest(call, bot)
    return {"bot_id": bot["id"], "status_code": 200, "debug_msg": ""}


def invest(call: Call, bot: Row) -> None:
    """Make the purchases that have come due, as long as the wallet and the cap allow; at most 200 rounds a call."""
    each = sum((dec(entry["amount"], "amount") for entry in bot["pairs"]), ZERO)
    for _ in range(200):
        cap = dec(bot["most"] or "0", "max_invest_amount")
        is_capped = bool(cap) and Decimal(bot["spent"]) + each > cap
        if bot["next"] > call.now or is_capped or call.account.free(UNIFIED, bot["quote"]) < each:
            return
        for entry in bot["pairs"]:
            item = call.market.instrument("spot", entry["base"] + bot["quote"], call.now)
            price = call.market.last(item, bot["next"]) + item.tick
            amount = dec(entry["amount"], "amount")
            call.account.book_cash(UNIFIED, bot["quote"], -amount, {"type": "BOT_INVEST", "time": bot["next"]})
            bought = cut(amount * (1 - bots.GRID_FEE) / price)
            held = Decimal(bot["holdings"].get(entry["base"], "0"))
            bot["holdings"][entry["base"]] = text(held + bought)
        bot["spent"] = text(Decimal(bot["spent"]) + each)
        bot["rounds"] += 1
        bot["next"] += bot["every"]


@on_every_call
def invest_all(call: Call) -> None:
    for bot in call.account.table("bots"):
        if bot["kind"] == "dca" and not bot["closedAt"]:
            invest(call, bot)


@tool("closeDCABot")
def close_dca(call: Call) -> Row:
    bot = bots.running_bot(call, "dca", call.whole("bot_id"))
    bot["closedAt"] = call.now
    mode = call.word("close_mode")
    for base, amount in bot["holdings"].items():
        item = call.market.instrument("spot", base + bot["quote"], call.now)
        value, price = Decimal(amount) * call.market.last(item, call.now), call.market.last(item, call.now)
        _settle(call, item, (cut(value), price), mode)
    return {"status_code": 200, "debug_msg": "", "rounds": bot["rounds"], "total_invested": bot["spent"]}
