"""Positions: lists, leverage, margin, mode and protection."""

from __future__ import annotations

from decimal import Decimal

from servers.simulator import margin, positions, protection
from servers.simulator.errors import SimulatorError, param_error
from servers.simulator.instruments import Instrument
from servers.simulator.market import Market
from servers.simulator.pages import between, listed, page, select
from servers.simulator.registry import Call, tool
from servers.simulator.values import ZERO, Row, cut, dec, is_multiple, text

_EMPTY: Row = {"side": "", "size": "0", "cost": "0", "extraMargin": "0", "realised": "0", "takeProfit": "",
               "stopLoss": "", "trailingStop": "0", "activePrice": "0", "autoAddMargin": 0, "openFee": "0",
               "tpslMode": "Full", "createdTime": "0", "updatedTime": "0"}  # fmt: skip


def show_position(call: Call, item: Instrument, held: Row) -> Row:
    """A position as Bybit shows it, valued at the mark price of the moment."""
    mark = call.market.mark(item, call.now)
    is_open = bool(held["side"])
    initial, maintenance = positions.margins(call.account, call.market, held, call.now) if is_open else (ZERO, ZERO)
    side = held["side"] or "Buy"
    return {
        "positionIdx": held["positionIdx"],
        "riskId": 1,
        "riskLimitValue": text(item.max_qty),
        "symbol": item.symbol,
        "side": held["side"],
        "size": held["size"],
        "avgPrice": text(positions.entry_price(item, held)) if is_open else "0",
        "positionValue": held["cost"],
        "tradeMode": int(call.account.settings["marginMode"] == "ISOLATED_MARGIN"),
        "positionStatus": "Normal",
        "autoAddMargin": held["autoAddMargin"],
        "adlRankIndicator": 2 if is_open else 0,
        "leverage": text(positions.leverage_of(call.account, item, side)),
        "positionBalance": text(initial),
        "markPrice": text(mark),
        "liqPrice": _liquidation_price(call, item, held) if is_open else "",
        "bustPrice": "",
        "positionMM": text(maintenance),
        "positionIM": text(initial),
        "tpslMode": held["tpslMode"],
        "takeProfit": held["takeProfit"] or "0",
        "stopLoss": held["stopLoss"] or "0",
        "trailingStop": held["trailingStop"],
        "sessionAvgPrice": "",
        "unrealisedPnl": text(positions.unrealised(item, held, mark)) if is_open else "0",
        "curRealisedPnl": held["realised"],
        "cumRealisedPnl": held["realised"],
        "isReduceOnly": False,
        "mmrSysUpdatedTime": "",
        "leverageSysUpdatedTime": "",
        "createdTime": held["createdTime"],
        "updatedTime": held["updatedTime"],
        "seq": -1 if not is_open else int(held["updatedTime"]) % 10**9,
    }


def _liquidation_price(call: Call, item: Instrument, held: Row) -> str:
    """Price at which what stands behind the position is used up; empty when no price reaches that."""
    if item.is_option or item.is_inverse:
        return ""
    size, entry = Decimal(held["size"]), positions.entry_price(item, held)
    initial, maintenance = positions.margins(call.account, call.market, held, call.now)
    behind = initial - maintenance
    if call.account.settings["marginMode"] != "ISOLATED_MARGIN":
        behind += margin.summarise(call.account, call.market, call.now).available
    price = entry - positions.SIGNS[held["side"]] * behind / size
    return text(price.quantize(item.tick)) if price > 0 else ""


def _wanted(call: Call) -> list[tuple[Instrument, Row]]:
    category, symbol = call.word("category"), call.word("symbol")
    held = [row for row in positions.open_positions(call.account) if row["category"] == category]
    found = [(positions.instrument_of(call.market, row), row) for row in held]
    if symbol:
        item = call.market.instrument(category, symbol, call.now)
        found = [(other, row) for other, row in found if row["symbol"] == symbol]
        indexes = (1, 2) if positions.is_hedged(call.account, item) else (0,)
        open_indexes = {row["positionIdx"] for _, row in found}
        if category != "option":
            found += [(item, {**_EMPTY, "positionIdx": index}) for index in indexes if index not in open_indexes]
    base, settle = call.word("baseCoin"), call.word("settleCoin")
    return [pair for pair in found if base in ("", pair[0].base) and settle in ("", pair[0].settle)]


@tool("getPositionInfo")
def position_info(call: Call) -> Row:
    if call.word("category") == "linear" and not call.word("symbol") and not call.word("settleCoin"):
        raise param_error("symbol or settleCoin is required")
    rows = [show_position(call, item, held) for item, held in _wanted(call)]
    chosen, cursor = page(call, rows)
    return {"category": call.word("category"), "list": chosen, "nextPageCursor": cursor}


def held_position(call: Call) -> tuple[Instrument, Row]:
    """The open position that symbol and positionIdx name; refused when there is none."""
    item = call.market.instrument(call.word("category"), call.word("symbol"), call.now)
    held = positions.find(call.account, item, call.whole("positionIdx"))
    if held is None:
        raise param_error("can not set tp/sl/ts or margin for zero position")
    return item, held


@tool("setLeverage")
def set_leverage(call: Call) -> Row:
    item = call.market.instrument(call.word("category"), call.word("symbol"), call.now)
    buy, sell = call.number("buyLeverage"), call.number("sellLeverage")
    for value in (buy, sell):
        if not 1 <= value <= item.max_leverage or not is_multiple(value, Decimal("0.01")):
            raise SimulatorError(110013)
    is_isolated = call.account.settings["marginMode"] == "ISOLATED_MARGIN"
    if buy != sell and not (is_isolated and positions.is_hedged(call.account, item)):
        raise param_error("buy leverage not equal sell leverage")
    present = [positions.leverage_of(call.account, item, side) for side in ("Buy", "Sell")]
    if present == [buy, sell]:
        raise SimulatorError(110043)
    call.account.settings["leverage"][f"{item.category}:{item.symbol}"] = [text(buy), text(sell)]
    summary = margin.summarise(call.account, call.market, call.now)
    if summary.initial > summary.margin_balance:
        raise SimulatorError(110012)
    return {}


@tool("setTradingStop")
def set_trading_stop(call: Call) -> Row:
    item, held = held_position(call)
    names = ("takeProfit", "stopLoss", "trailingStop")
    if not any(call.word(name) for name in names):
        raise param_error("takeProfit, stopLoss or trailingStop is required")
    if call.word("tpslMode") == "Partial" and call.word("tpSize") != call.word("slSize"):
        raise param_error("tpSize and slSize must be equal in Partial mode")
    last, is_long = call.market.last(item, call.now), held["side"] == "Buy"
    for name in ("takeProfit", "stopLoss"):
        _check_stop(call, item, (name, last), is_above=is_long == (name == "takeProfit"))
    if call.word("trailingStop"):
        held["trailingStop"], held["trailBest"] = text(dec(call.args["trailingStop"], "trailingStop")), ""
        held["activePrice"] = call.word("activePrice", "0")
    protection.set_protection(call.account, item, call.whole("positionIdx"), call.args, call.now)
    return {}


def _check_stop(call: Call, item: Instrument, level: tuple[str, Decimal], *, is_above: bool) -> None:
    name, last = level
    price = dec(call.args.get(name) or "0", name)
    if not price:
        return
    if price < 0 or not is_multiple(price, item.tick):
        raise param_error(f"{name} invalid")
    if (price <= last) if is_above else (price >= last):
        raise param_error(f"{name} should be {'higher' if is_above else 'lower'} than base_price: {text(last)}")


@tool("switchPositionMode")
def switch_mode(call: Call) -> Row:
    name = call.word("symbol") or call.word("coin")
    if not name:
        raise param_error("symbol or coin is required")
    if call.word("symbol"):
        call.market.instrument("linear", name, call.now)
    elif name not in ("USDT", "USDC"):
        raise param_error("coin invalid")
    if name == "USDC" or name.endswith("PERP"):
        raise SimulatorError(110029)
    used = [*positions.open_positions(call.account), *call.account.state["orders"]]
    if any(row["category"] == "linear" and name in (row["symbol"], "USDT") for row in used):
        raise SimulatorError(110028)
    modes = call.account.settings.setdefault("hedge", {})
    is_hedge = str(call.args["mode"]) == "3"
    if modes.get(name, modes.get("USDT", False)) == is_hedge:
        raise SimulatorError(110025)
    modes[name] = is_hedge
    return {}


@tool("setAutoAddMargin")
def set_auto_add_margin(call: Call) -> Row:
    held_position(call)[1]["autoAddMargin"] = call.whole("autoAddMargin")
    return {}


@tool("addReduceMargin")
def add_reduce_margin(call: Call) -> Row:
    item, held = held_position(call)
    if call.account.settings["marginMode"] != "ISOLATED_MARGIN":
        raise SimulatorError(10001, "params error: margin can only be changed in isolated margin mode")
    change = cut(call.number("margin"), Decimal("0.0001"))
    total = Decimal(held["extraMargin"]) + change
    if total < 0 or change > margin.summarise(call.account, call.market, call.now).available:
        raise SimulatorError(110012)
    held["extraMargin"] = text(total)
    held["updatedTime"] = str(call.now)
    return {"category": item.category, **show_position(call, item, held)}


@tool("confirmNewRiskLimit")
def confirm_risk_limit(call: Call) -> Row:
    call.market.instrument(call.word("category"), call.word("symbol"), call.now)
    return {}


@tool("getClosedPnl", "getClosePosition")
def closed_pnl(call: Call) -> Row:
    rows = [row for row in call.account.state["closed_pnl"] if row["category"] == call.word("category")]
    rows = between(call, select(call, rows, symbol="symbol"), "updatedTime")
    return {"category": call.word("category"), **listed(call, rows, 50)}


@tool("movePosition")
def move_position(call: Call) -> Row:
    """Move legs to another account of the same master at the stated prices, free of fees."""
    source, target = call.word("fromUid"), call.word("toUid")
    if source == target or source != str(call.account.uid):
        raise param_error("fromUid must be this account and differ from toUid")
    legs = call.args["list"]
    if not 1 <= len(legs) <= 25:
        raise param_error("list must hold 1 to 25 legs")
    trade = call.account.next_id()
    moved = [_move_leg(call, leg, trade) for leg in legs]
    call.account.add_row("moves", {
        "blockTradeId": trade, "category": legs[0]["category"], "orderId": trade, "userId": call.account.uid,
        "symbol": legs[0]["symbol"], "side": legs[0]["side"], "price": legs[0]["price"], "qty": legs[0]["qty"],
        "execFee": "0", "status": "Filled", "execId": call.account.next_id(), "resultCode": 0, "resultMessage": "",
        "createdAt": call.now, "updatedAt": call.now, "rejectParty": "", "legs": moved,
    })  # fmt: skip
    return {"blockTradeId": trade, "status": "Filled", "rejectParty": ""}


def _move_leg(call: Call, leg: Row, trade: str) -> Row:
    if leg["category"] == "spot":
        raise param_error("spot holdings cannot be moved as a position")
    item = call.market.instrument(leg["category"], leg["symbol"], call.now)
    held = next((row for row in positions.open_positions(call.account)
                 if row["symbol"] == item.symbol and row["side"] != leg["side"]), None)  # fmt: skip
    qty, price = dec(leg["qty"], "qty"), dec(leg["price"], "price")
    if price <= 0 or qty <= 0 or held is None or Decimal(held["size"]) < qty:
        raise SimulatorError(3500002)
    order = {"orderId": trade, "orderLinkId": "", "side": leg["side"], "positionIdx": held["positionIdx"],
             "orderType": "Limit", "price": text(price), "execType": "MovePosition", "reduceOnly": True}  # fmt: skip
    positions.apply_fill(call.account, positions.Fill(order, item, price, qty, ZERO, call.now))
    protection.follow_fill(call.account, item, order, call.now)
    return dict(leg)


@tool("getMovePositionHistory")
def move_history(call: Call) -> Row:
    names = {"category": "category", "symbol": "symbol", "status": "status", "blockTradeId": "blockTradeId"}
    rows = select(call, call.account.table("moves"), **names)
    return listed(call, between(call, rows, "createdAt"))


def position_messages(call: Call, category: str, market: Market) -> list[Row]:
    """Every open position of a category as the private stream would push it."""
    held = [row for row in positions.open_positions(call.account) if category in ("", row["category"])]
    return [
        {**show_position(call, positions.instrument_of(market, row), row), "category": row["category"]} for row in held
    ]
