"""The Unified account: balances, collateral, fees, ledger."""

from __future__ import annotations

from decimal import Decimal

from servers.simulator import margin, matching, orders, positions
from servers.simulator.account import UNIFIED
from servers.simulator.errors import param_error
from servers.simulator.instruments import COINS
from servers.simulator.pages import between, listed, page, select
from servers.simulator.registry import Call, tool
from servers.simulator.tools.instruments import show_instrument
from servers.simulator.values import ONE, ZERO, Row, cut, text

DAY_MS = 86_400_000


def show_wallet(call: Call, names: list[str]) -> Row:
    """The wallet as Bybit shows it, with the named coins or all of them."""
    summary = margin.summarise(call.account, call.market, call.now)
    balance = max(summary.margin_balance, Decimal("0.00000001"))
    views = [view for view in summary.coins if not names or view.coin in names]
    return {
        "accountType": UNIFIED,
        "accountLTV": "0",
        "accountIMRate": text(cut(summary.initial / balance, Decimal("0.0001"))),
        "accountMMRate": text(cut(summary.maintenance / balance, Decimal("0.0001"))),
        "totalEquity": text(summary.equity),
        "totalWalletBalance": text(summary.wallet),
        "totalMarginBalance": text(summary.margin_balance),
        "totalAvailableBalance": text(summary.available),
        "totalPerpUPL": text(summary.open_profit),
        "totalInitialMargin": text(summary.initial),
        "totalMaintenanceMargin": text(summary.maintenance),
        "coin": [_show_coin(call, view) for view in views],
    }


def _show_coin(call: Call, view: margin.CoinView) -> Row:
    return {
        "coin": view.coin,
        "equity": text(view.equity),
        "usdValue": text(cut(view.equity * view.usd)),
        "walletBalance": text(view.cash - view.borrowed),
        "free": text(max(view.cash - view.locked, ZERO)),
        "locked": text(view.locked),
        "spotHedgingQty": "0",
        "borrowAmount": text(view.borrowed),
        "availableToBorrow": "",
        "availableToWithdraw": "",
        "accruedInterest": "0",
        "totalOrderIM": text(view.order_margin),
        "totalPositionIM": text(view.position_margin),
        "totalPositionMM": text(view.maintenance),
        "unrealisedPnl": text(view.open_profit),
        "cumRealisedPnl": call.account.state["realised"].get(view.coin, "0"),
        "bonus": "0",
        "collateralSwitch": call.account.settings.get("collateral", {}).get(view.coin, "ON") == "ON",
        "marginCollateral": view.coin in COINS,
    }


def coin_list(call: Call, name: str) -> list[str]:
    """Coins of a comma separated argument; an unknown one is refused."""
    names = [part.strip() for part in call.word(name).split(",") if part.strip()]
    for coin in names:
        if coin not in COINS:
            raise param_error(f"{name} {coin} is not supported")
    return names


@tool("getWalletBalance")
def wallet_balance(call: Call) -> Row:
    return {"list": [show_wallet(call, coin_list(call, "coin"))]}


@tool("getAccountWithdrawalInfo")
def withdrawal_info(call: Call) -> Row:
    names = coin_list(call, "coinName")
    if not 1 <= len(names) <= 20:
        raise param_error("coinName must name 1 to 20 coins")
    amounts = {coin: text(margin.withdrawable(call.account, call.market, coin, call.now)) for coin in names}
    return {"availableWithdrawal": amounts[names[0]], "availableWithdrawalMap": amounts}


@tool("getCollateralInfo")
def collateral_info(call: Call) -> Row:
    names = coin_list(call, "currency") or list(COINS)
    return {"list": [_show_collateral(call, coin) for coin in names]}


def _show_collateral(call: Call, name: str) -> Row:
    coin = COINS[name]
    limit = cut(Decimal(3_000_000) / call.market.usd(name, call.now), Decimal("0.0001"))
    switch = call.account.settings.get("collateral", {}).get(name, "ON")
    owed = call.account.borrowed(name)
    return {
        "currency": name,
        "hourlyBorrowRate": text(cut(coin.rate / 8760, Decimal("0.000000000001"))),
        "maxBorrowingAmount": text(limit),
        "freeBorrowingLimit": "",
        "freeBorrowAmount": "0",
        "freeBorrowingAmount": "0",
        "borrowAmount": text(owed),
        "otherBorrowAmount": "0",
        "availableToBorrow": text(min(limit, orders.max_borrowable(call.account, call.market, name, call.now))),
        "borrowable": True,
        "borrowUsageRate": text(cut(owed / limit, Decimal("0.0001"))),
        "marginCollateral": True,
        "collateralSwitch": switch == "ON",
        "collateralRatio": text(coin.collateral),
    }


@tool("getFeeRate")
def fee_rate(call: Call) -> Row:
    category = call.word("category")
    items = call.market.listed(category, call.now)
    if call.word("symbol"):
        items = [call.market.instrument(category, call.word("symbol"), call.now)]
    if call.word("baseCoin"):
        items = [item for item in items if item.base == call.word("baseCoin")]
    rates = [
        {
            "symbol": "" if category == "option" else item.symbol,
            "baseCoin": item.base if category == "option" else "",
            "takerFeeRate": text(matching.fee_rate(item, False)),
            "makerFeeRate": text(matching.fee_rate(item, True)),
        }
        for item in items
    ]
    unique = {(rate["symbol"], rate["baseCoin"]): rate for rate in rates}
    return {"category": category, "list": list(unique.values())}


@tool("getTransactionLog")
def transaction_log(call: Call) -> Row:
    start, end = call.whole("startTime"), call.whole("endTime")
    if start and end and end - start > 7 * DAY_MS:
        raise param_error("the time range must not exceed 7 days")
    rows = between(call, call.account.state["ledger"], "transactionTime")
    if not start and not end:
        rows = [row for row in rows if int(row["transactionTime"]) >= call.now - DAY_MS]
    rows = select(call, rows, category="category", currency="currency", type="type", transSubType="transSubType")
    if call.word("baseCoin"):
        rows = [row for row in rows if row["symbol"].startswith(call.word("baseCoin"))]
    return listed(call, rows)


@tool("getBorrowHistory")
def borrow_history(call: Call) -> Row:
    rows = select(call, call.account.table("borrowHistory"), currency="currency")
    return listed(call, between(call, rows, "createdTime"))


@tool("getCoinGreeks")
def coin_greeks(call: Call) -> Row:
    return {"list": greeks(call, call.word("baseCoin"))}


def greeks(call: Call, base: str) -> list[Row]:
    """Summed Greeks of the open option positions for each base coin."""
    totals: dict[str, list[Decimal]] = {}
    for held in positions.open_positions(call.account):
        item = positions.instrument_of(call.market, held)
        if not item.is_option or base not in ("", item.base):
            continue
        quote = call.market.option(item, call.now)
        size = Decimal(held["size"]) * positions.SIGNS[held["side"]]
        row = totals.setdefault(item.base, [ZERO] * 4)
        for place, value in enumerate((quote.delta, quote.gamma, quote.vega, quote.theta)):
            row[place] += value * size
    names = ("totalDelta", "totalGamma", "totalVega", "totalTheta")
    wanted = totals or ({base: [ZERO] * 4} if base else {})
    return [{"baseCoin": coin, **dict(zip(names, map(text, row), strict=True))} for coin, row in wanted.items()]


@tool("getAccountInstruments")
def account_instruments(call: Call) -> Row:
    category = call.word("category")
    items = call.market.listed(category, call.now)
    if call.word("symbol"):
        items = [call.market.instrument(category, call.word("symbol"), call.now)]
    rows = [show_instrument(item, call.now) for item in items]
    chosen, cursor = (rows, "") if category == "spot" else page(call, rows, 200)
    return {"category": category, "list": chosen, "nextPageCursor": cursor}


@tool("getPortfolioMargin")
def portfolio_margin(call: Call) -> Row:
    summary = margin.summarise(call.account, call.market, call.now)
    bases = [call.word("baseCoin")] if call.word("baseCoin") else ["BTC", "ETH"]
    rows = []
    for base in bases:
        if base not in COINS:
            raise param_error(f"baseCoin {base} is not supported")
        held = [row for row in positions.open_positions(call.account)
                if positions.instrument_of(call.market, row).base == base]  # fmt: skip
        initial = sum((positions.margins(call.account, call.market, row, call.now)[0] for row in held), ZERO)
        rows.append({"baseCoin": base, "initialMargin": text(initial), "positions": len(held),
                     "worstScenarioPnl": text(-cut(initial / 2)),
                     "bestScenarioPnl": text(cut(initial / 2))})  # fmt: skip
    balance = max(summary.margin_balance, ONE)
    return {
        "walletBalance": text(summary.wallet),
        "totalMarginBalance": text(summary.margin_balance),
        "imRate": text(cut(summary.initial / balance, Decimal("0.0001"))),
        "mmRate": text(cut(summary.maintenance / balance, Decimal("0.0001"))),
        "list": rows,
    }
