"""What the Unified account is worth and how much of it is free, in dollars; reads only."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from servers.simulator import positions
from servers.simulator.account import UNIFIED, Account
from servers.simulator.instruments import COINS
from servers.simulator.market import Market
from servers.simulator.values import EIGHT, ONE, ZERO, Row, dec


@dataclass(frozen=True, slots=True)
class CoinView:
    """One coin of the Unified wallet, in that coin; `usd` is the price of one."""

    coin: str
    usd: Decimal
    cash: Decimal
    borrowed: Decimal
    locked: Decimal
    open_profit: Decimal
    option_value: Decimal
    order_margin: Decimal
    position_margin: Decimal
    maintenance: Decimal

    @property
    def equity(self) -> Decimal:
        return self.cash - self.borrowed + self.open_profit + self.option_value


@dataclass(frozen=True, slots=True)
class Summary:
    """The whole Unified account in dollars."""

    coins: tuple[CoinView, ...]
    equity: Decimal
    wallet: Decimal
    open_profit: Decimal
    margin_balance: Decimal
    initial: Decimal
    maintenance: Decimal
    available: Decimal


def ratio_of(account: Account, coin: str) -> Decimal:
    """Share of the coin's value that counts as margin; none when its collateral switch is off."""
    if account.settings.get("collateral", {}).get(coin) == "OFF" or coin not in COINS:
        return ZERO
    return COINS[coin].collateral


def order_margin(account: Account, market: Market, order: Row) -> Decimal:
    """Margin that a resting contract order holds, in its settle coin."""
    item = positions.instrument_of(market, order)
    if item.is_spot or order["reduceOnly"] or order["orderStatus"] == "Untriggered":
        return ZERO
    value = positions.worth(item, dec(order["price"]), Decimal(order["leavesQty"]))
    if item.is_option:
        return value
    return (value / positions.leverage_of(account, item, order["side"])).quantize(EIGHT)


def view_coins(account: Account, market: Market, now: int) -> list[CoinView]:
    """Every coin that the Unified wallet holds, owes or settles in."""
    profits: dict[str, list[Decimal]] = {}
    for held in positions.open_positions(account):
        item = positions.instrument_of(market, held)
        row = profits.setdefault(item.settle, [ZERO] * 5)
        mark = market.mark(item, now)
        if item.is_option:
            row[1] += mark * Decimal(held["size"]) * positions.SIGNS[held["side"]]
        else:
            row[0] += positions.unrealised(item, held, mark)
        initial, maintenance = positions.margins(account, market, held, now)
        row[3] += initial
        row[4] += maintenance
    for order in account.state["orders"]:
        if order["category"] != "spot":
            settle = positions.instrument_of(market, order).settle
            profits.setdefault(settle, [ZERO] * 5)[2] += order_margin(account, market, order)
    names = {*account.state["cash"].get(UNIFIED, {}), *account.state["borrowed"], *profits}
    return [_view(account, market, now, (name, profits.get(name, [ZERO] * 5))) for name in sorted(names)]


def _view(account: Account, market: Market, now: int, entry: tuple[str, list[Decimal]]) -> CoinView:
    coin, (profit, options, orders, initial, maintenance) = entry
    return CoinView(
        coin=coin,
        usd=market.usd(coin, now),
        cash=account.cash(UNIFIED, coin),
        borrowed=account.borrowed(coin),
        locked=account.locked(coin),
        open_profit=profit,
        option_value=options,
        order_margin=orders,
        position_margin=initial,
        maintenance=maintenance,
    )


def summarise(account: Account, market: Market, now: int) -> Summary:
    """Totals over all coins. Borrowed coins need a tenth of their value as margin."""
    coins = view_coins(account, market, now)
    wallet = sum(((view.cash - view.borrowed) * view.usd for view in coins), ZERO)
    profit = sum((view.open_profit * view.usd for view in coins), ZERO)
    counted = sum((_counted(account, view) for view in coins), ZERO)
    initial = sum(((view.order_margin + view.position_margin) * view.usd for view in coins), ZERO)
    debt = sum((view.borrowed * view.usd for view in coins), ZERO) * Decimal("0.1")
    maintenance = sum((view.maintenance * view.usd for view in coins), ZERO) + debt * Decimal("0.4")
    return Summary(
        coins=tuple(coins),
        equity=sum((view.equity * view.usd for view in coins), ZERO),
        wallet=wallet,
        open_profit=profit,
        margin_balance=counted,
        initial=initial + debt,
        maintenance=maintenance,
        available=max(counted - initial - debt, ZERO),
    )


def _counted(account: Account, view: CoinView) -> Decimal:
    """What one coin adds to the margin balance: assets with their haircut, debts and losses in full."""
    value = (view.cash - view.borrowed + view.open_profit) * view.usd
    return value * ratio_of(account, view.coin) if value > 0 else value * ONE


def withdrawable(account: Account, market: Market, coin: str, now: int) -> Decimal:
    """How much of a coin may leave the Unified wallet without touching margin that is in use."""
    free = account.free(UNIFIED, coin)
    summary = summarise(account, market, now)
    if not summary.initial:
        return free
    ratio = ratio_of(account, coin)
    if not ratio:
        return free
    return min(free, (summary.available / ratio / market.usd(coin, now)).quantize(EIGHT))
