"""Spread trading: two legs bought and sold together at the difference of their prices."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from servers.simulator import blocks
from servers.simulator.account import UNIFIED
from servers.simulator.errors import SimulatorError, param_error
from servers.simulator.instruments import Instrument, dated_symbols
from servers.simulator.market import Market
from servers.simulator.pages import between, page, select
from servers.simulator.paths import seed_of, unit
from servers.simulator.registry import Call, on_every_call, tool
from servers.simulator.values import Row, cut, dec, floor_to, is_multiple, text

DAY_MS = 86_400_000
_TICKS = {"BTC": Decimal("0.1"), "ETH": Decimal("0.01"), "SOL": Decimal("0.001")}
_MOST_OPEN = 50


@dataclass(frozen=True, slots=True)
class Spread:
    """A pair of legs; its price is the first leg's price less the second's."""

    symbol: str
    contract: str
    near: Instrument
    far: Instrument
    tick: Decimal
    step: Decimal


def spreads(market: Market, now: int) -> dict[str, Spread]:
    """Every spread on offer: perpetual against spot, and the dated future against the perpetual."""
    pairs = [(f"{base}USDT_{base}/USDT", "FundingRateArb", ("linear", f"{base}USDT"), ("spot", f"{base}USDT"))
             for base in _TICKS]  # fmt: skip
    for name in dated_symbols("linear", now):
        perpetual = name.split("-")[0]
        pairs.append((f"{name}_{perpetual}", "CarryTrade", ("linear", name), ("linear", perpetual)))
    found = {}
    for symbol, contract, near, far in pairs:
        first, second = market.instrument(*near, now), market.instrument(*far, now)
        step = max(first.step, second.step)
        found[symbol] = Spread(symbol, contract, first, second, _TICKS[first.base], step)
    return found


def _spread(call: Call) -> Spread:
    found = spreads(call.market, call.now).get(call.word("symbol"))
    if found is None:
        raise param_error("symbol invalid")
    return found


def price_of(market: Market, spread: Spread, at: int) -> Decimal:
    """The best bid of a spread; its best ask is one tick above."""
    raw = market.last(spread.near, at) - market.last(spread.far, at)
    return (raw / spread.tick).to_integral_value() * spread.tick


@tool("getSpreadInstrumentsInfo")
def instruments_info(call: Call) -> Row:
    rows = [
        {
            "symbol": one.symbol, "contractType": one.contract, "status": "Trading", "baseCoin": one.near.base,
            "quoteCoin": "USDT", "settleCoin": "USDT", "tickSize": text(one.tick), "minPrice": "-10000",
            "maxPrice": "10000",
            "lotSize": text(one.step), "minSize": text(one.step), "maxSize": text(one.step * 50_000),
            "launchTime": str(one.near.launch), "deliveryTime": str(one.near.delivery),
            "legs": [{"symbol": leg.symbol, "contractType": leg.contract} for leg in (one.near, one.far)],
        }
        for one in spreads(call.market, call.now).values()
    ]  # fmt: skip
    chosen, cursor = page(call, select(call, rows, symbol="symbol", baseCoin="baseCoin"), 200)
    return {"list": chosen, "nextPageCursor": cursor}


def show_spread_book(market: Market, spread: Spread, now: int, depth: int) -> Row:
    best = price_of(market, spread, now)
    key = seed_of("spread book", spread.symbol) ^ (now // 1000 * 64)
    bids: list[list[str]] = []
    asks: list[list[str]] = []
    for level in range(depth):
        for side, levels in ((0, bids), (1, asks)):
            size = max(floor_to(spread.step * int(200 + 900 * unit(key + level * 2 + side)), spread.step), spread.step)
            price = best + spread.tick * (level + 1) if side else best - spread.tick * level
            levels.append([text(price), text(size)])
    return {"s": spread.symbol, "b": bids, "a": asks, "u": now // 1000, "ts": now, "seq": now // 100, "cts": now - 2}


@tool("getSpreadOrderbook")
def orderbook(call: Call) -> Row:
    return show_spread_book(call.market, _spread(call), call.now, call.whole("limit", 1))


def show_spread_ticker(market: Market, spread: Spread, now: int) -> Row:
    book = show_spread_book(market, spread, now, 1)
    hours = [price_of(market, spread, now - hour * 3_600_000) for hour in range(25)]
    return {
        "symbol": spread.symbol, "bidPrice": book["b"][0][0], "bidSize": book["b"][0][1], "askPrice": book["a"][0][0],
        "askSize": book["a"][0][1], "lastPrice": text(hours[0]), "highPrice24h": text(max(hours)),
        "lowPrice24h": text(min(hours)), "prevPrice24h": text(hours[-1]),
        "volume24h": text(cut(market.volume(spread.near, now // 1000 - 86_400, now // 1000) / 200, Decimal("0.001"))),
    }  # fmt: skip


@tool("getSpreadTickers")
def tickers(call: Call) -> Row:
    return {"list": [show_spread_ticker(call.market, _spread(call), call.now)]}


def spread_trade(market: Market, spread: Spread, slot: int) -> Row:
    """The one public trade of a five-second slot."""
    key = seed_of("spread trade", spread.symbol) ^ (slot * 16)
    is_buy = unit(key) < 0.5
    price = price_of(market, spread, slot * 5000) + (spread.tick if is_buy else 0)
    return {"execId": f"{seed_of(spread.symbol, slot):016x}", "symbol": spread.symbol, "price": text(price),
            "size": text(spread.step * int(1 + 40 * unit(key + 1))), "side": "Buy" if is_buy else "Sell",
            "time": str(slot * 5000), "seq": str(slot)}  # fmt: skip


@tool("getSpreadRecentTrades")
def recent_trades(call: Call) -> Row:
    spread, newest = _spread(call), call.now // 5000 - 1
    return {"list": [spread_trade(call.market, spread, newest - place) for place in range(call.whole("limit", 500))]}


@tool("getSpreadMaxQty")
def max_qty(call: Call) -> Row:
    spread, price = _spread(call), call.number("orderPrice")
    near = call.market.last(spread.near, call.now)
    is_buy = call.word("side") == "1"
    # Buying sells the second leg: a spot leg needs the coin itself, or USDT when it is bought.
    if spread.far.is_spot and is_buy:
        most = call.account.free(UNIFIED, spread.far.base)
    else:
        most = call.account.free(UNIFIED, "USDT") / max(near - price, spread.tick)
    return {"ab": text(cut(most)), "symbol": spread.symbol, "side": call.word("side")}


def _legs(call: Call, spread: Spread, deal: tuple[str, Decimal, Decimal, int]) -> list[blocks.Leg]:
    """The first leg trades at its market price, the second makes the agreed difference exact."""
    side, qty, price, at = deal
    near = call.market.last(spread.near, at)
    far = near - price
    if far <= 0:
        raise param_error("price invalid")
    return [
        blocks.Leg(spread.near.category, spread.near.symbol, side, qty, near),
        blocks.Leg(spread.far.category, spread.far.symbol, blocks.flip(side), qty, far),
    ]


@tool("createSpreadOrder")
def create_order(call: Call) -> Row:
    spread, qty, link = _spread(call), call.amount("qty"), call.word("orderLinkId")
    rows = call.account.table("spreadOrders")
    if not is_multiple(qty, spread.step):
        raise param_error(f"qty invalid, step is {text(spread.step)}")
    if link and any(row["orderLinkId"] == link for row in rows):
        raise SimulatorError(110072)
    if sum(row["orderStatus"] == "New" for row in rows) >= _MOST_OPEN:
        raise SimulatorError(110020)
    best = price_of(call.market, spread, call.now)
    limit = _limit(call, spread, best)
    legs = _legs(call, spread, (call.word("side"), qty, limit, call.now))
    for leg in legs:
        blocks.draft_leg(call, leg)
    order = call.account.add_row("spreadOrders", {
        "symbol": spread.symbol, "baseCoin": spread.near.base, "orderType": call.word("orderType"), "orderId":
        call.account.next_id(), "orderLinkId": link, "timeInForce": call.word("timeInForce", "GTC"),
        "side": call.word("side"),
        "price": text(limit), "qty": text(qty), "leavesQty": text(qty), "cumExecQty": "0", "avgPrice": "",
        "orderStatus": "New",
        "cancelType": "UNKNOWN", "rejectReason": "", "legs": [], "seen": call.now, "contractType": spread.contract,
        "createdAt": str(call.now), "updatedAt": str(call.now), "settleCoin": "USDT",
    })  # fmt: skip
    _try_fill(call, spread, order, call.now)
    if order["orderStatus"] == "New" and order["timeInForce"] in ("IOC", "FOK"):
        _end(order, "Cancelled", call.now)
    return {"orderId": order["orderId"], "orderLinkId": link}


def _limit(call: Call, spread: Spread, best: Decimal) -> Decimal:
    if call.word("orderType") == "Market":
        return best + spread.tick if call.word("side") == "Buy" else best
    if not call.word("price"):
        raise param_error("price is required for a Limit order")
    price = call.number("price")
    if not is_multiple(price, spread.tick):
        raise param_error(f"price invalid, tick size is {text(spread.tick)}")
    return price


def _end(order: Row, status: str, at: int, reason: str = "") -> None:
    order["orderStatus"], order["rejectReason"], order["updatedAt"] = status, reason, str(at)
    order["leavesQty"] = "0"


def _try_fill(call: Call, spread: Spread, order: Row, at: int) -> None:
    best, limit = price_of(call.market, spread, at), Decimal(order["price"])
    ask = best + spread.tick
    is_met = limit >= ask if order["side"] == "Buy" else limit <= best
    if not is_met:
        return
    is_new = at == int(order["createdAt"])
    if order["timeInForce"] == "PostOnly" and is_new:
        _end(order, "Cancelled", at, "EC_PostOnlyWillTakeLiquidity")
        return
    price = limit
    if is_new:
        price = ask if order["side"] == "Buy" else best
    qty = Decimal(order["qty"])
    legs = _legs(call, spread, (order["side"], qty, price, at))
    if not blocks.can_trade(call, legs):
        _end(order, "Rejected", at, "EC_NoEnoughBalance")
        return
    done = blocks.trade_block(call, legs, at)
    shown = [{"symbol": leg.symbol, "side": leg.side, "execPrice": text(leg.price), "execQty": text(leg.qty),
              "execTime": str(at), "execValue": text(leg.price * leg.qty), "execType": "BlockTrade",
              "category": leg.category, "orderId": child["orderId"],
              "execFee": "" if leg.category == "spot" else child["cumExecFee"], "execFeeV2": child["cumExecFee"]}
             for leg, child in zip(legs, done, strict=True)]  # fmt: skip
    order |= {"cumExecQty": order["qty"], "avgPrice": text(price), "legs": shown}
    _end(order, "Filled", at)
    call.account.add_row("spreadTrades", {
        "symbol": spread.symbol, "orderId": order["orderId"], "orderLinkId": order["orderLinkId"],
        "side": order["side"],
        "orderPrice": order["price"], "execPrice": text(price), "execQty": order["qty"], "execType": "Trade",
        "execTime": str(at), "execId": call.account.next_id(), "legs": shown,
    })  # fmt: skip


@on_every_call
def follow_spreads(call: Call) -> list[Row]:
    """Fill resting orders whose price has come; looked at once a minute and now."""
    rows = call.account.table("spreadOrders")
    waiting = [row for row in rows if row["orderStatus"] == "New"]
    if not waiting:
        return rows
    known = spreads(call.market, call.now)
    for order in waiting:
        spread = known.get(order["symbol"])
        if spread is None:
            _end(order, "Cancelled", call.now, "EC_Others")
            continue
        stride = max(60_000, (call.now - order["seen"]) // 300)
        moments = [*range(order["seen"] + stride, call.now, stride), call.now]
        for at in moments:
            if order["orderStatus"] == "New" and at > order["seen"]:
                _try_fill(call, spread, order, at)
        order["seen"] = call.now
    return rows


def _open(call: Call) -> Row:
    field = "orderId" if call.word("orderId") else "orderLinkId"
    if not call.word(field):
        raise param_error("orderId or orderLinkId is required")
    for row in call.account.table("spreadOrders"):
        if row[field] == call.word(field) and row["orderStatus"] == "New":
            return row
    raise SimulatorError(110001)


@tool("amendSpreadOrder")
def amend_order(call: Call) -> Row:
    spread, order = _spread(call), _open(call)
    if order["symbol"] != spread.symbol:
        raise SimulatorError(110001)
    if not call.word("qty") and not call.word("price"):
        raise param_error("qty or price is required")
    if call.word("price"):
        price = call.number("price")
        if not is_multiple(price, spread.tick):
            raise param_error(f"price invalid, tick size is {text(spread.tick)}")
        order["price"] = text(price)
    if call.word("qty"):
        qty = call.amount("qty")
        if not is_multiple(qty, spread.step):
            raise param_error(f"qty invalid, step is {text(spread.step)}")
        order["qty"] = order["leavesQty"] = text(qty)
    order["updatedAt"] = str(call.now)
    _try_fill(call, spread, order, call.now)
    return {"orderId": order["orderId"], "orderLinkId": order["orderLinkId"]}


@tool("cancelSpreadOrder")
def cancel_order(call: Call) -> Row:
    order = _open(call)
    _end(order, "Cancelled", call.now)
    return {"orderId": order["orderId"], "orderLinkId": order["orderLinkId"]}


@tool("cancelAllSpreadOrders")
def cancel_all(call: Call) -> Row:
    if not call.word("symbol") and not call.flag("cancelAll"):
        raise param_error("symbol or cancelAll is required")
    rows = [row for row in call.account.table("spreadOrders") if row["orderStatus"] == "New"]
    rows = [row for row in rows if call.word("symbol") in ("", row["symbol"])]
    for row in rows:
        _end(row, "Cancelled", call.now)
    return {"list": [{"orderId": row["orderId"], "orderLinkId": row["orderLinkId"]} for row in rows], "success": "1"}


_FIELDS = {"symbol": "symbol", "baseCoin": "baseCoin", "orderId": "orderId", "orderLinkId": "orderLinkId"}


@tool("getSpreadOpenOrders", "getSpreadOrderHistory")
def orders(call: Call) -> Row:
    is_open = call.tool == "getSpreadOpenOrders"
    rows = [row for row in call.account.table("spreadOrders") if (row["orderStatus"] == "New") == is_open]
    rows = between(call, select(call, rows, **_FIELDS), "createdAt")
    if not is_open and not call.whole("startTime"):
        rows = [row for row in rows if dec(row["createdAt"]) >= call.now - 7 * DAY_MS]
    chosen, cursor = page(call, list(reversed(rows)))
    shown = [{name: value for name, value in row.items() if name != "seen"} for row in chosen]
    return {"list": shown, "nextPageCursor": cursor}


@tool("getSpreadTradeHistory")
def trade_history(call: Call) -> Row:
    rows = select(
        call, call.account.table("spreadTrades"), symbol="symbol", orderId="orderId", orderLinkId="orderLinkId"
    )
    chosen, cursor = page(call, list(reversed(between(call, rows, "execTime"))))
    return {"list": chosen, "nextPageCursor": cursor}
