"""Futures bots: grid, Martingale and combo; each is given margin in USDT and answers with what became of it."""

from __future__ import annotations

from decimal import Decimal

from servers.simulator import bots
from servers.simulator.account import UNIFIED
from servers.simulator.errors import param_error
from servers.simulator.funds import pay, receive
from servers.simulator.instruments import Instrument
from servers.simulator.positions import maintenance_rate
from servers.simulator.registry import Call, tool
from servers.simulator.values import ONE, ZERO, Row, cut, dec, text

_LEAST = Decimal(10)
_LONG = "F_MART_MODE_MARTINGALE_MODE_LONG"


def _contract(call: Call, symbol: str) -> Instrument:
    return call.market.instrument("linear", symbol, call.now)


def _leverage(call: Call, item: Instrument) -> Decimal:
    leverage = call.amount("leverage")
    if not ONE <= leverage <= item.max_leverage:
        raise param_error(f"leverage must lie between 1 and {text(item.max_leverage)}")
    return leverage


def _start(call: Call, kind: str, item: Instrument, members: Row) -> Row:
    """Set margin apart and store the bot with the members that its kind needs."""
    invested = members["invested"]
    if invested < _LEAST:
        raise param_error(f"the investment must be at least {_LEAST} USDT")
    pay(call, UNIFIED, ("USDT", invested), "BOT_INVEST", code=110007)
    price = call.market.last(item, call.now)
    blank = {"low": text(price / 2), "high": text(price * 2), "cells": 2, "cell": 0, "trips": 0, "share": "0"}
    return call.account.add_row("bots", {
        **blank, **members, "kind": kind, "id": call.account.next_number(), "symbol": item.symbol, "since": call.now,
        "invested": text(invested), "startPrice": text(price), "seen": call.now, "closedAt": 0, "closeReason": "",
        "spec": call.args,
    })  # fmt: skip


def _close(call: Call, kind: str, reason: str) -> Row:
    bot = bots.running_bot(call, kind, call.whole("bot_id"))
    receive(call, UNIFIED, ("USDT", _value(call, bot)), "BOT_CLOSE")
    bot["closedAt"], bot["closeReason"] = call.now, reason
    return {"status_code": 200, "debug_msg": ""}


def _value(call: Call, bot: Row) -> Decimal:
    if bot["kind"] == "combo":
        return max(Decimal(bot["invested"]) + sum((leg["profit"] for leg in _legs(call, bot)), ZERO), ZERO)
    item = _contract(call, bot["symbol"])
    if bot["kind"] == "mart":
        return max(Decimal(bot["invested"]) + Decimal(_martingale(call, item, bot)["profit"]), ZERO)
    return bots.worth(call, item, bot)


def _margins(bot: Row, value: Decimal) -> Row:
    used = cut(value * Decimal("0.8"))
    return {"total_margin": text(value), "position_margin": text(used), "available_margin": text(value - used),
            "init_margin": bot["invested"], "leverage": bot["leverage"]}  # fmt: skip


@tool("createFGridBot")
def create_grid(call: Call) -> Row:
    item = _contract(call, call.word("symbol"))
    low, high, cells = bots.ladder(call.args)
    leverage, price = _leverage(call, item), call.market.last(item, call.now)
    share = {"0": "0", "1": "0.5", "2": "-0.5", "3": "0"}[call.word("grid_mode")]
    inside = min(max(price, low), high)
    bot = _start(call, "fgrid", item, {
        "low": text(low), "high": text(high), "cells": cells, "cell": int((inside - low) / ((high - low) / cells)),
        "trips": 0, "leverage": text(leverage), "share": share, "invested": call.amount("total_investment"),
    })  # fmt: skip
    return {"bot_id": bot["id"], "status_code": 200, "debug_msg": ""}


@tool("getFGridDetail")
def grid_detail(call: Call) -> Row:
    bot = bots.find_bot(call, "fgrid", call.whole("bot_id"))
    item = _contract(call, bot["symbol"])
    arbitrage, value = bots.grid_profit(call, item, bot), _value(call, bot)
    profit = value - Decimal(bot["invested"])
    share = Decimal(bot["share"])
    size = cut(Decimal(bot["invested"]) * Decimal(bot["leverage"]) * abs(share) / Decimal(bot["startPrice"]), item.step)
    return {"detail": {
        "bot_id": bot["id"], "symbol": bot["symbol"], "min_price": bot["low"], "max_price": bot["high"],
        "cell_number": bot["cells"], "grid_mode": bot["spec"]["grid_mode"], "grid_type": bot["spec"]["grid_type"],
        "status": "COMPLETED" if bot["closedAt"] else "RUNNING", "pnl": text(profit), "realized_pnl": text(arbitrage),
        "unrealized_pnl": text(profit - arbitrage), "funding_fee": "0", "total_apr": bots.yearly(profit, bot, call.now),
        "arbitrage_num": bot["trips"] // 2, "entry_price": bot["startPrice"], "position_size": text(size),
        "position_side": "Buy" if share > 0 else "Sell" if share < 0 else "",
        "mark_price": text(bots.price_at_end(call, item, bot)), **_margins(bot, value),
        "create_time": str(bot["since"]),
        "end_time": str(bot["closedAt"] or ""), "close_reason": bot["closeReason"],
    }}  # fmt: skip


@tool("closeFGridBot")
def close_grid(call: Call) -> Row:
    return _close(call, "fgrid", "CANCELED_MANUALLY")


def _range(low: object, high: object) -> Row:
    return {"from": str(low), "to": str(high)}


@tool("validateFGridInput")
def validate_grid(call: Call) -> Row:
    item = _contract(call, call.word("symbol"))
    price = call.market.last(item, call.now)
    low, high = call.number("min_price"), call.number("max_price")
    leverage = call.number("leverage")
    least = max(_LEAST, Decimal(call.whole("cell_number")) * 5 / max(leverage, ONE)).quantize(Decimal("0.01"))
    code = 0
    if not 0 < low < high:
        code = 60003
    elif not 2 <= call.whole("cell_number") <= 400:
        code = 60004
    elif not ONE <= leverage <= item.max_leverage:
        code = 60010
    elif call.word("init_margin") and call.number("init_margin") < least:
        code = 60001
    return {
        "check_code": code, "investment": _range(text(least), 1_000_000), "cell_number": _range(2, 400),
        "min_price": _range(text(cut(price / 10, item.tick)), text(high)),
        "leverage": _range(1, text(item.max_leverage)),
        "max_price": _range(text(low), text(cut(price * 10, item.tick))), "entry_price": _range(text(low), text(high)),
        "stop_loss_price": _range(text(item.tick), text(low)), "take_profit_per": _range("0.01", "10"),
        "take_profit_price": _range(text(high), text(cut(price * 20, item.tick))), "stop_loss_per": _range("0.01",
        "0.99"),
        "last_price": text(price),
    }  # fmt: skip


@tool("createFMartBot")
def create_martingale(call: Call) -> Row:
    item = _contract(call, call.word("symbol"))
    if call.word("martingale_mode").endswith("UNSPECIFIED"):
        raise param_error("martingale_mode must be long or short")
    for name in ("price_float_percent", "add_position_percent", "round_tp_percent"):
        call.amount(name)
    if not 1 <= call.whole("add_position_num") <= 15:
        raise param_error("add_position_num must lie between 1 and 15")
    bot = _start(call, "mart", item, {"leverage": text(_leverage(call, item)), "invested": call.amount("init_margin")})
    return {"bot_id": bot["id"], "status_code": 200, "debug_msg": ""}


def _martingale(call: Call, item: Instrument, bot: Row) -> Row:
    """Adds made and profit, from how far the price has gone against the bot since its start."""
    spec, start = bot["spec"], Decimal(bot["startPrice"])
    end, is_long = bots.price_at_end(call, item, bot), spec["martingale_mode"] == _LONG
    first, last = bot["since"] // 1000, int(bot["closedAt"] or call.now) // 1000
    low, high = call.market.extremes(item, first, max(first, last))
    against = (start - low if is_long else high - start) / start
    step = dec(spec["price_float_percent"], "price_float_percent")
    step = step / 100 if step >= ONE else step
    adds = min(int(against / step), spec["add_position_num"])
    entry = start * (1 - step * adds / 2) if is_long else start * (1 + step * adds / 2)
    used = Decimal(bot["invested"]) * (adds + 1) / (spec["add_position_num"] + 1)
    gain = (end - entry if is_long else entry - end) / entry
    return {"adds": adds, "entry": entry.quantize(item.tick), "profit": cut(used * Decimal(bot["leverage"]) * gain),
            "size": cut(used * Decimal(bot["leverage"]) / entry, item.step)}  # fmt: skip


@tool("getFMartDetail")
def martingale_detail(call: Call) -> Row:
    bot = bots.find_bot(call, "mart", call.whole("bot_id"))
    item = _contract(call, bot["symbol"])
    now_held, spec = _martingale(call, item, bot), bot["spec"]
    settings = {name: spec[name] for name in ("martingale_mode", "price_float_percent", "add_position_percent",
                "add_position_num", "round_tp_percent")}  # fmt: skip
    return {"detail": {
        "bot_id": bot["id"], "symbol": bot["symbol"], **settings, "auto_cycle_toggle": spec.get("auto_cycle_toggle",
        ""),
        "sl_percent": spec.get("sl_percent", ""), "status": "COMPLETED" if bot["closedAt"] else "RUNNING",
        "position_size": text(now_held["size"]), "avg_price": text(now_held["entry"]), "finished_round": 0,
        "current_add_num": now_held["adds"], "pnl": text(now_held["profit"]), "realized_pnl": "0",
        "unrealized_pnl": text(now_held["profit"]), **_margins(bot, _value(call, bot)),
        "create_time": str(bot["since"]),
        "mark_price": text(bots.price_at_end(call, item, bot)), "end_time": str(bot["closedAt"] or ""),
        "close_reason": bot["closeReason"],
    }}  # fmt: skip


@tool("closeFMartBot")
def close_martingale(call: Call) -> Row:
    return _close(call, "mart", call.word("stop_type", "F_MART_BOT_STOP_TYPE_STOP_TYPE_BY_USER"))


@tool("getFMartLimit")
def martingale_limit(call: Call) -> Row:
    item = _contract(call, call.word("symbol"))
    price, leverage = call.market.last(item, call.now), call.number("leverage")
    code = 0 if ONE <= leverage <= item.max_leverage else 60010
    if not code and call.word("init_margin") and call.number("init_margin") < _LEAST:
        code = 60001
    return {
        "check_code": code, "price_float_percent": _range("0.1", "25"), "add_position_percent": _range("50", "400"),
        "add_position_num": _range(1, 15), "init_margin": _range(text(_LEAST), 1_000_000),
        "round_tp_percent": _range("0.1", "1000"), "sl_percent": _range("0.1", "99"),
        "entry_price": _range(text(cut(price / 2, item.tick)), text(cut(price * 2, item.tick))),
        "leverage": _range(1, text(item.max_leverage)), "maintenance_margin_rate": text(maintenance_rate(item)),
    }  # fmt: skip


def _weights(call: Call) -> list[tuple[Instrument, Decimal, int]]:
    """Contract, share of the money and direction of each leg of a combo."""
    entries = call.args["symbol_settings"]
    if not 2 <= len(entries) <= 20:
        raise param_error("symbol_settings must hold 2 to 20 contracts")
    legs = []
    for entry in entries:
        symbol = entry.get("symbol") or f"{entry.get('base_token', '')}{entry.get('quote_token', '')}"
        share = dec(entry.get("target_position_percent", "0"), "target_position_percent")
        legs.append((_contract(call, symbol), share, -1 if str(entry.get("side", 1)) == "2" else 1))
    total = sum((share for _, share, _ in legs), ZERO)
    if total not in (ONE, Decimal(100)):
        raise param_error("the target_position_percent of all contracts must sum to 100%")
    return [(item, share / total, sign) for item, share, sign in legs]


@tool("createComboBot")
def create_combo(call: Call) -> Row:
    legs = _weights(call)
    leverage = min(_leverage(call, item) for item, _, _ in legs)
    stored = [{"symbol": item.symbol, "weight": text(cut(share)), "sign": sign,
               "startPrice": text(call.market.last(item, call.now))} for item, share, sign in legs]  # fmt: skip
    members = {"leverage": text(leverage), "invested": call.amount("init_margin"), "legs": stored}
    bot = _start(call, "combo", legs[0][0], members)
    return {"bot_id": bot["id"], "status_code": 200, "debug_msg": ""}


def _legs(call: Call, bot: Row) -> list[Row]:
    legs = []
    for leg in bot["legs"]:
        item = _contract(call, leg["symbol"])
        start, end = Decimal(leg["startPrice"]), bots.price_at_end(call, item, bot)
        value = Decimal(bot["invested"]) * Decimal(bot["leverage"]) * Decimal(leg["weight"])
        legs.append({**leg, "size": cut(value / start, item.step), "mark": end,
                     "profit": cut(value * (end - start) / start * leg["sign"])})  # fmt: skip
    return legs


@tool("getComboDetail")
def combo_detail(call: Call) -> Row:
    bot = bots.find_bot(call, "combo", call.whole("bot_id"))
    legs, value = _legs(call, bot), _value(call, bot)
    shown = [{"symbol": leg["symbol"], "side": "Buy" if leg["sign"] > 0 else "Sell", "position_size": text(leg["size"]),
              "target_position_percent": leg["weight"], "entry_price": leg["startPrice"],
              "mark_price": text(leg["mark"]),
              "unrealized_pnl": text(leg["profit"])} for leg in legs]  # fmt: skip
    return {"detail": {
        "bot_id": bot["id"], "status": "COMPLETED" if bot["closedAt"] else "RUNNING", "symbol_positions": shown,
        "adjust_position_mode": bot["spec"]["adjust_position_mode"], "pnl": text(value - Decimal(bot["invested"])),
        **_margins(bot, value), "create_time": str(bot["since"]), "end_time": str(bot["closedAt"] or ""),
        "close_reason": bot["closeReason"],
    }}  # fmt: skip


@tool("closeComboBot")
def close_combo(call: Call) -> Row:
    return _close(call, "combo", f"STOP_TYPE_{call.word('stop_type', '2')}")


@tool("getComboLimit")
def combo_limit(call: Call) -> Row:
    legs = _weights(call)
    most = min(item.max_leverage for item, _, _ in legs)
    code = 0 if ONE <= call.number("leverage") <= most else 60010
    if not code and call.number("init_margin") < _LEAST * len(legs):
        code = 60001
    return {
        "check_code": code, "init_margin": _range(text(_LEAST * len(legs)), 1_000_000),
        "leverage": _range(1, text(most)),
        "adjust_position_percent": _range("0.01", "0.3"), "adjust_position_time_interval": _range(3600, 2_592_000),
        "sl_percent": _range("0.01", "0.99"), "tp_percent": _range("0.01", "10"),
        "trailing_stop_percent": _range("0.01", "0.5"),
    }  # fmt: skip
