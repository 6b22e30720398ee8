"""Contract and option positions: what a fill does to them and to the cash; no order is placed or judged here."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from servers.simulator.account import KEPT, UNIFIED, Account
from servers.simulator.instruments import Instrument
from servers.simulator.market import Market
from servers.simulator.values import EIGHT, ONE, ZERO, Row, cut, text

DEFAULT_LEVERAGE: Final = Decimal(10)
SIGNS: Final = {"Buy": ONE, "Sell": -ONE}


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution to book. `fee` is in the settle coin of a contract, `rate` what it was reckoned with."""

    order: Row
    item: Instrument
    price: Decimal
    qty: Decimal
    fee: Decimal
    at: int
    rate: Decimal = ZERO


def key_of(item: Instrument, index: int) -> str:
    return f"{item.category}:{item.symbol}:{index}"


def is_hedged(account: Account, item: Instrument) -> bool:
    modes = account.settings.get("hedge", {})
    return item.category == "linear" and bool(modes.get(item.symbol, modes.get(item.settle, False)))


def leverage_of(account: Account, item: Instrument, side: str = "Buy") -> Decimal:
    pair = account.settings["leverage"].get(f"{item.category}:{item.symbol}")
    if pair is None:
        return min(DEFAULT_LEVERAGE, item.max_leverage)
    return Decimal(pair[0 if side == "Buy" else 1])


def worth(item: Instrument, price: Decimal, qty: Decimal) -> Decimal:
    """Value of `qty` at `price` in the settle coin."""
    return cut(qty / price) if item.is_inverse else price * qty


def find(account: Account, item: Instrument, index: int) -> Row | None:
    return account.state["positions"].get(key_of(item, index))


def open_positions(account: Account) -> list[Row]:
    return [held for _, held in sorted(account.state["positions"].items())]


def size_against(account: Account, item: Instrument, index: int, side: str) -> Decimal:
    """How much of an opposite position an order of `side` could close."""
    held = find(account, item, index)
    return Decimal(held["size"]) if held is not None and held["side"] != side else ZERO


def _fresh(fill: Fill, index: int) -> Row:
    return {
        "category": fill.item.category,
        "symbol": fill.item.symbol,
        "positionIdx": index,
        "side": fill.order["side"],
        "size": "0",
        "cost": "0",
        "openFee": "0",
        "extraMargin": "0",
        "realised": "0",
        "takeProfit": "",
        "stopLoss": "",
        "trailingStop": "0",
        "activePrice": "0",
        "trailBest": "",
        "tpslMode": "Full",
        "autoAddMargin": 0,
        "createdTime": str(fill.at),
        "updatedTime": str(fill.at),
    }


def apply_fill(account: Account, fill: Fill) -> Decimal:
    """Book one contract or option execution: position, cash, fee, closed profit. Returns the closed quantity."""
    index = int(fill.order["positionIdx"])
    closing = min(size_against(account, fill.item, index, fill.order["side"]), fill.qty)
    profit = ZERO
    close_fee = cut(fill.fee * closing / fill.qty) if closing != fill.qty else fill.fee
    if closing:
        profit = _reduce(account, fill, closing, close_fee)
    if closing < fill.qty:
        _increase(account, fill, fill.qty - closing, fill.fee - close_fee)
    flow = -SIGNS[fill.order["side"]] * worth(fill.item, fill.price, fill.qty) if fill.item.is_option else profit
    account.book_cash(UNIFIED, fill.item.settle, flow - fill.fee, _ledger_entry(fill))
    account.add_realised(fill.item.settle, profit - fill.fee)
    return closing


def _ledger_entry(fill: Fill) -> Row:
    order = fill.order
    return {
        "type": "TRADE",
        "time": fill.at,
        "symbol": fill.item.symbol,
        "category": fill.item.category,
        "side": order["side"],
        "orderId": order["orderId"],
        "orderLinkId": order["orderLinkId"],
        "fee": text(fill.fee),
        "feeRate": text(fill.rate),
        "qty": text(fill.qty),
        "tradePrice": text(fill.price),
    }


def _increase(account: Account, fill: Fill, qty: Decimal, fee: Decimal) -> None:
    index = int(fill.order["positionIdx"])
    held = find(account, fill.item, index) or _fresh(fill, index)
    held["size"] = text(Decimal(held["size"]) + qty)
    held["cost"] = text(Decimal(held["cost"]) + worth(fill.item, fill.price, qty))
    held["openFee"] = text(Decimal(held["openFee"]) + fee)
    held["realised"] = text(Decimal(held["realised"]) - fee)
    held["updatedTime"] = str(fill.at)
    account.state["positions"][key_of(fill.item, index)] = held


def _reduce(account: Account, fill: Fill, qty: Decimal, close_fee: Decimal) -> Decimal:
    index = int(fill.order["positionIdx"])
    held = account.state["positions"][key_of(fill.item, index)]
    size, cost, open_fee = Decimal(held["size"]), Decimal(held["cost"]), Decimal(held["openFee"])
    is_whole = qty == size
    entry = cost if is_whole else cut(cost * qty / size)
    entry_fee = open_fee if is_whole else cut(open_fee * qty / size)
    closing = worth(fill.item, fill.price, qty)
    gain = (entry - closing) if fill.item.is_inverse else (closing - entry)
    profit = gain * SIGNS[held["side"]]
    _record_close(account, fill, held, {"qty": qty, "entry": entry, "fees": (entry_fee, close_fee), "profit": profit})
    if is_whole:
        del account.state["positions"][key_of(fill.item, index)]
    else:
        held["size"], held["cost"] = text(size - qty), text(cost - entry)
        held["openFee"] = text(open_fee - entry_fee)
        held["realised"] = text(Decimal(held["realised"]) + profit - close_fee)
        held["updatedTime"] = str(fill.at)
    return profit


def _record_close(account: Account, fill: Fill, held: Row, parts: Row) -> None:
    entry_fee, close_fee = parts["fees"]
    qty = parts["qty"]
    average = cut(qty / parts["entry"] if fill.item.is_inverse else parts["entry"] / qty)
    account.state["closed_pnl"].append(
        {
            "category": fill.item.category,
            "symbol": fill.item.symbol,
            "orderType": fill.order["orderType"],
            "leverage": text(leverage_of(account, fill.item, held["side"])),
            "updatedTime": str(fill.at),
            "side": fill.order["side"],
            "orderId": fill.order["orderId"],
            "closedPnl": text(parts["profit"] - entry_fee - close_fee),
            "avgEntryPrice": text(average),
            "qty": text(qty),
            "cumEntryValue": text(parts["entry"]),
            "createdTime": str(fill.at),
            "orderPrice": fill.order["price"],
            "closedSize": text(qty),
            "avgExitPrice": text(fill.price),
            "execType": fill.order.get("execType", "Trade"),
            "fillCount": "1",
            "cumExitValue": text(worth(fill.item, fill.price, qty)),
            "openFee": text(entry_fee),
            "closeFee": text(close_fee),
            "openedTime": held["createdTime"],
        }
    )
    del account.state["closed_pnl"][:-KEPT]


def entry_price(item: Instrument, held: Row) -> Decimal:
    size, cost = Decimal(held["size"]), Decimal(held["cost"])
    return cut(size / cost if item.is_inverse else cost / size)


def unrealised(item: Instrument, held: Row, mark: Decimal) -> Decimal:
    """Open profit at the mark price, in the settle coin."""
    present = worth(item, mark, Decimal(held["size"]))
    gain = (Decimal(held["cost"]) - present) if item.is_inverse else (present - Decimal(held["cost"]))
    return gain * SIGNS[held["side"]]


def maintenance_rate(item: Instrument) -> Decimal:
    return ONE / (item.max_leverage * 2)


def margins(account: Account, market: Market, held: Row, now: int) -> tuple[Decimal, Decimal]:
    """Initial and maintenance margin of a position at the mark price, in its settle coin."""
    item = instrument_of(market, held)
    mark = market.mark(item, now)
    size = Decimal(held["size"])
    if item.is_option:
        if held["side"] == "Buy":
            return ZERO, ZERO
        basis = market.usd(item.base, now) * size
        return basis * Decimal("0.1") + mark * size, basis * Decimal("0.03") + mark * size
    value = worth(item, mark, size)
    initial = (value / leverage_of(account, item, held["side"])).quantize(EIGHT)
    return initial + Decimal(held["extraMargin"]), (value * maintenance_rate(item)).quantize(EIGHT)


def instrument_of(market: Market, row: Row) -> Instrument:
    """The instrument of a stored order or position, also after its delivery."""
    item = market.find(row["category"], row["symbol"])
    if item is None:
        raise RuntimeError(f"no instrument {row['symbol']}")
    return item
