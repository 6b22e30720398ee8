"""Spot margin of the Unified account: switches, leverage, rates, tiers, loans at a fixed rate."""

from __future__ import annotations

from decimal import Decimal

from servers.simulator import lending, orders
from servers.simulator.account import UNIFIED
from servers.simulator.errors import SimulatorError, param_error
from servers.simulator.funds import find_row, known_coin, receive
from servers.simulator.instruments import COINS
from servers.simulator.interest import DAY_MS, HOUR_MS, rate_at
from servers.simulator.pages import listed, select
from servers.simulator.registry import Call, on_every_call, tool
from servers.simulator.tools.loans_fixed import term_interest
from servers.simulator.values import ZERO, Row, cut, text

_TINY = Decimal("0.000000000001")
_LEVELS = ("No VIP", "VIP-1", "VIP-2", "VIP-3", "VIP-4", "VIP-5", "PRO-1")


def _coins(call: Call, name: str = "currency") -> list[str]:
    return [known_coin(call.word(name), name)] if call.word(name) else list(COINS)


@tool("spotMarginSwitchMode")
def switch_mode(call: Call) -> Row:
    mode = call.word("spotMarginMode")
    if mode == "0" and call.account.state["borrowed"]:
        raise SimulatorError(176015, "Debts must be repaid before spot margin is switched off")
    call.account.settings["spotMargin"] = mode
    return {"spotMarginMode": mode}


@tool("spotMarginSetLeverage")
def set_leverage(call: Call) -> Row:
    settings = call.account.settings
    if settings["spotMargin"] != "1":
        raise SimulatorError(176015, "Spot margin trading has not been activated")
    leverage = call.number("leverage")
    if not 2 <= leverage <= 10:
        raise SimulatorError(3400214)
    if call.word("currency"):
        settings.setdefault("coinLeverage", {})[known_coin(call.word("currency"), "currency")] = text(leverage)
    else:
        settings["spotLeverage"] = text(leverage)
    return {}


@tool("getSpotMarginTradeState")
def state(call: Call) -> Row:
    settings = call.account.settings
    is_on = settings["spotMargin"] == "1"
    return {"spotLeverage": settings["spotLeverage"] if is_on else "", "spotMarginMode": settings["spotMargin"],
            "effectiveLeverage": settings["spotLeverage"] if is_on else ""}  # fmt: skip


@tool("getSpotMarginTradeCoinState")
def coin_state(call: Call) -> Row:
    settings = call.account.settings
    own = settings.get("coinLeverage", {})
    return {
        "list": [{"currency": coin, "spotLeverage": own.get(coin, settings["spotLeverage"])} for coin in _coins(call)]
    }


@tool("getSpotMarginTradeAutoRepayMode")
def auto_repay_mode(call: Call) -> Row:
    modes = call.account.settings.get("autoRepay", {})
    return {"data": [{"currency": coin, "autoRepayMode": modes.get(coin, "0")} for coin in _coins(call)]}


@tool("setAutoRepayMode")
def set_auto_repay_mode(call: Call) -> Row:
    modes = call.account.settings.setdefault("autoRepay", {})
    mode = call.word("autoRepayMode")
    for coin in _coins(call):
        modes[coin] = mode
    return {"data": [{"currency": coin, "autoRepayMode": mode} for coin in _coins(call)]}


@tool("getSpotMarginTradeMaxBorrowable")
def max_borrowable(call: Call) -> Row:
    coin = known_coin(call.word("currency"), "currency")
    return {"maxLoan": text(orders.max_borrowable(call.account, call.market, coin, call.now)), "currency": coin}


@tool("getSpotMarginTradeRepaymentAvailableAmount")
def repayment_available(call: Call) -> Row:
    coin = known_coin(call.word("currency"), "currency")
    amount = min(call.account.free(UNIFIED, coin), call.account.borrowed(coin))
    return {"lossLessRepaymentAmount": text(amount), "currency": coin}


@tool("queryBorrowLiability")
def borrow_liability(call: Call) -> Row:
    coin = known_coin(call.word("currency"), "currency")
    fixed = sum((Decimal(row["principal"]) + Decimal(row["interest"])
                 for row in call.account.table("marginLoans") if row["orderCurrency"] == coin), ZERO)  # fmt: skip
    flexible = call.account.borrowed(coin)
    return {"currency": coin, "fixedLiability": text(fixed), "flexibleLiability": text(flexible),
            "spotLiability": text(flexible), "derivativesLiability": "0",
            "totalLiability": text(fixed + flexible)}  # fmt: skip


@tool("accountFixedBorrow")
def fixed_borrow(call: Call) -> Row:
    coin, amount = known_coin(call.word("orderCurrency"), "orderCurrency"), call.amount("orderAmount")
    term, rate = lending.check_term(call.word("term")), lending.yearly_rate(call)
    if amount > orders.max_borrowable(call.account, call.market, coin, call.now):
        raise SimulatorError(176003)
    is_met = rate >= lending.market_rate(coin, term, call.now)
    is_full = call.word("strategyType") == "FULL"
    order = str(call.account.next_number())
    call.account.add_row("marginLoanOrders", {
        "orderId": order, "orderCurrency": coin, "orderQty": text(amount), "filledQty": text(amount) if is_met else "0",
        "annualRate": text(rate), "term": term, "repayType": call.word("repayType", "1"), "orderTime": str(call.now),
        "state": 3 if is_met else 4 if is_full else 1, "strategyType": call.word("strategyType", "PARTIAL"),
    })  # fmt: skip
    if is_met:
        _open_contract(call, order, (coin, amount), (rate, term))
        receive(call, UNIFIED, (coin, amount), "FIXED_BORROW")
    return {"orderId": order}


def _open_contract(call: Call, order: str, money: tuple[str, Decimal], terms: tuple[Decimal, str]) -> Row:
    coin, amount = money
    rate, term = terms
    return call.account.add_row("marginLoans", {
        "loanId": str(call.account.next_number()), "orderId": order, "orderCurrency": coin, "principal": text(amount),
        "interest": text(term_interest(amount, rate, int(term))), "annualRate": text(rate), "term": term, "status": 1,
        "borrowTime": str(call.now), "repaymentTime": str(call.now + int(term) * DAY_MS),
    })  # fmt: skip


@on_every_call
def turn_matured_into_flexible(call: Call) -> None:
    """A fixed-rate loan that has run its term goes on as debt at the floating rate."""
    kept = []
    for loan in call.account.table("marginLoans"):
        if int(loan["repaymentTime"]) > call.now:
            kept.append(loan)
            continue
        coin = loan["orderCurrency"]
        owed = Decimal(loan["principal"]) + Decimal(loan["interest"])
        call.account.set_borrowed(coin, call.account.borrowed(coin) + owed)
    call.account.state["tables"]["marginLoans"] = kept


@tool("renewFixedBorrow")
def renew_fixed_borrow(call: Call) -> Row:
    loan = find_row(call.account.table("marginLoans"), "loanId", call.word("loanId"), 148011)
    owed = Decimal(loan["principal"]) + Decimal(loan["interest"])
    part = min(call.amount("qty"), owed) if call.word("qty") else owed
    rate = lending.market_rate(loan["orderCurrency"], loan["term"], call.now)
    order = str(call.account.next_number())
    interest = min(Decimal(loan["interest"]), part)
    loan["interest"] = text(Decimal(loan["interest"]) - interest)
    loan["principal"] = text(Decimal(loan["principal"]) - (part - interest))
    if loan["principal"] == "0":
        rows = call.account.table("marginLoans")
        call.account.state["tables"]["marginLoans"] = [row for row in rows if row is not loan]
    fresh = _open_contract(call, order, (loan["orderCurrency"], part), (rate, loan["term"]))
    return {"orderId": order, "loanId": fresh["loanId"], "qty": text(part)}


@tool("queryFixedBorrowContracts")
def fixed_contracts(call: Call) -> Row:
    fields = {"orderId": "orderId", "orderCurrency": "orderCurrency", "term": "term"}
    return listed(call, select(call, call.account.table("marginLoans"), **fields), 10)


@tool("queryFixedBorrowOrders")
def fixed_orders(call: Call) -> Row:
    fields = {"orderId": "orderId", "orderCurrency": "orderCurrency", "state": "state", "term": "term"}
    return listed(call, select(call, call.account.table("marginLoanOrders"), **fields), 10)


@tool("queryFixedBorrowMarket")
def fixed_market(call: Call) -> Row:
    coin = known_coin(call.word("orderCurrency"), "orderCurrency")
    terms = [lending.check_term(call.word("term"))] if call.word("term") else ["7", "14", "30", "90", "180"]
    rows = [row for term in terms for row in lending.market_quotes(call.market, coin, term, call.now, is_supply=True)]
    field = {"apy": "annualRate", "term": "term", "quantity": "qty"}[call.word("orderBy")]
    rows.sort(key=lambda row: Decimal(str(row[field])), reverse=call.word("sort") == "1")
    return {"list": rows[: max(min(call.whole("limit", 10), 100), 1)]}


def hourly_rate(coin: str, at: int, level: str = "No VIP") -> Decimal:
    discount = 1 - Decimal(_LEVELS.index(level)) / 50
    return cut(rate_at(COINS[coin].rate, f"margin{coin}", at) * discount / 8760, _TINY)


def _level(call: Call) -> str:
    level = call.word("vipLevel", "No VIP")
    if level not in _LEVELS:
        raise param_error("vipLevel invalid")
    return level


@tool("getHistoricalInterestRate")
def interest_history(call: Call) -> Row:
    coin, level = known_coin(call.word("currency"), "currency"), _level(call)
    if bool(call.word("startTime")) != bool(call.word("endTime")):
        raise param_error("startTime and endTime must be sent together")
    start, end = call.whole("startTime", call.now - 7 * DAY_MS), min(call.whole("endTime", call.now), call.now)
    if not 0 <= end - start <= 30 * DAY_MS:
        raise param_error("the time range must not exceed 30 days")
    newest = end // HOUR_MS * HOUR_MS
    rows = [{"timestamp": at, "currency": coin, "hourlyBorrowRate": text(hourly_rate(coin, at, level)),
    "vipLevel": level}
            for at in range(newest, start - 1, -HOUR_MS)]  # fmt: skip
    return {"list": rows}


@tool("getPositionTiers")
def position_tiers(call: Call) -> Row:
    rows = []
    for coin in _coins(call):
        most = cut(Decimal(1_000_000) / Decimal(COINS[coin].base), Decimal("0.0001"))
        tiers = [{"tier": str(tier), "borrowLimit": text(most * tier), "positionMMR": text(Decimal("0.04") * tier / 2),
                  "positionIMR": text(Decimal("0.1") * tier),
                  "maxLeverage": str(10 // tier)} for tier in (1, 2, 3)]  # fmt: skip
        rows.append({"currency": coin, "positionTiersRatioList": tiers})
    return {"list": rows}


@tool("getTieredCollateralRatio")
def tiered_collateral(call: Call) -> Row:
    rows = []
    for coin in _coins(call):
        most, ratio = cut(Decimal(1_000_000) / Decimal(COINS[coin].base), Decimal("0.0001")), COINS[coin].collateral
        tiers = [{"maxQty": text(most), "minQty": "0", "collateralRatio": text(ratio)},
                 {"maxQty": "", "minQty": text(most),
                 "collateralRatio": text(cut(ratio * Decimal("0.8")))}]  # fmt: skip
        rows.append({"currency": coin, "collateralRatioList": tiers})
    return {"list": rows}


@tool("getVipMarginData")
def vip_margin_data(call: Call) -> Row:
    levels = [_level(call)] if call.word("vipLevel") else list(_LEVELS)
    rows = []
    for level in levels:
        coins = [{"borrowable": True, "collateralRatio": text(COINS[coin].collateral), "currency": coin,
                  "hourlyBorrowRate": text(hourly_rate(coin, call.now, level)), "liquidationOrder": str(place),
                  "marginCollateral": True,
                  "maxBorrowingAmount": text(cut(Decimal(3_000_000) / Decimal(COINS[coin].base), Decimal("0.0001")))}
                 for place, coin in enumerate(_coins(call), 1)]  # fmt: skip
        rows.append({"list": coins, "vipLevel": level})
    return {"vipCoinList": rows}
