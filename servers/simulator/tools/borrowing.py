"""Loans of the Unified account at a floating rate, and their repayment."""

from __future__ import annotations

from decimal import Decimal

from servers.simulator import orders
from servers.simulator.account import UNIFIED
from servers.simulator.errors import SimulatorError, param_error
from servers.simulator.instruments import COINS
from servers.simulator.registry import Call, tool
from servers.simulator.values import ZERO, Row, cut, text


@tool("accountBorrow")
def account_borrow(call: Call) -> Row:
    coin, amount = call.word("coin"), call.amount("amount")
    if coin not in COINS:
        raise param_error(f"coin {coin} is not supported")
    if amount > orders.max_borrowable(call.account, call.market, coin, call.now):
        raise SimulatorError(176003)
    orders.borrow(call.account, coin, amount, call.now)
    return {"coin": coin, "amount": text(amount)}


def repay_from_balance(call: Call, coin: str, most: Decimal) -> Decimal:
    """Pay back up to `most` of a debt from the free balance of the same coin; returns what was paid."""
    paid = min(call.account.borrowed(coin), call.account.free(UNIFIED, coin), most)
    if paid > 0:
        call.account.book_cash(UNIFIED, coin, -paid, {"type": "SPOT_REPAYMENT", "time": call.now})
        call.account.set_borrowed(coin, call.account.borrowed(coin) - paid)
    return max(paid, ZERO)


def _convert_to_repay(call: Call, coin: str, most: Decimal) -> Decimal:
    """Sell other free assets at index price and pay the rest of a debt with the proceeds."""
    paid, price = ZERO, call.market.usd(coin, call.now)
    for asset in ("USDT", "USDC", *COINS):
        owed = min(call.account.borrowed(coin), most - paid)
        usable = call.account.free(UNIFIED, asset)
        if owed <= 0 or asset == coin or not usable:
            continue
        rate = call.market.usd(asset, call.now)
        sold = min(usable, cut(owed * price / rate) + Decimal("0.00000001"))
        part = min(owed, cut(sold * rate / price))
        call.account.book_cash(UNIFIED, asset, -sold, {"type": "CURRENCY_SELL", "time": call.now})
        call.account.set_borrowed(coin, call.account.borrowed(coin) - part)
        paid += part
    return paid


def _wanted(call: Call) -> list[tuple[str, Decimal]]:
    coin = call.word("coin")
    if not coin:
        if call.word("amount"):
            raise param_error("coin is required when amount is sent")
        return [(name, call.account.borrowed(name)) for name in sorted(call.account.state["borrowed"])]
    if coin not in COINS:
        raise param_error(f"coin {coin} is not supported")
    owed = call.account.borrowed(coin)
    if not owed:
        raise SimulatorError(176003, "There is no debt in this coin")
    return [(coin, min(owed, call.amount("amount")) if call.word("amount") else owed)]


@tool("accountRepay")
def account_repay(call: Call) -> Row:
    for coin, most in _wanted(call):
        paid = repay_from_balance(call, coin, most)
        _convert_to_repay(call, coin, most - paid)
    return {"resultStatus": "SU"}


@tool("accountNoConvertRepay")
def account_no_convert_repay(call: Call) -> Row:
    minute, second = divmod(call.now // 1000 % 3600, 60)
    if (4, 0) <= (minute, second) < (5, 30):
        raise SimulatorError(10001, "Repayment is not available between minutes 4:00 and 5:30 of each hour")
    for coin, most in _wanted(call):
        repay_from_balance(call, coin, most)
    return {"resultStatus": "SU"}


@tool("quickRepayment")
def quick_repayment(call: Call) -> Row:
    rows = []
    for coin, owed in _wanted(call):
        paid = repay_from_balance(call, coin, owed)
        paid += _convert_to_repay(call, coin, owed - paid)
        rows.append({"coin": coin, "repaymentQty": text(paid)})
    return {"list": rows}
