"""Liquidity mining: pools, leveraged positions, their interest and orders."""

from __future__ import annotations

from decimal import Decimal

from servers.simulator.account import FUND
from servers.simulator.errors import SimulatorError, param_error
from servers.simulator.funds import find_row, pay, receive, refuse_repeat, wallet_named
from servers.simulator.interest import accrued, percent
from servers.simulator.pages import between, listed, select
from servers.simulator.registry import Call, on_every_call, tool
from servers.simulator.values import ONE, ZERO, Row, cut, dec, text

# product id: base coin, yearly rate, highest leverage
POOLS = {
    "501": ("BTC", "0.048", "5"),
    "502": ("ETH", "0.061", "5"),
    "503": ("SOL", "0.093", "3"),
    "504": ("XRP", "0.087", "3"),
}
_MAINTENANCE = Decimal("0.1")


def _pool(call: Call) -> tuple[str, str, str]:
    found = POOLS.get(call.word("productId"))
    if found is None:
        raise SimulatorError(180012)
    return found


@tool("getLiquidityMiningProducts")
def products(call: Call) -> Row:
    rows = []
    for number, (base, rate, leverage) in POOLS.items():
        if call.word("baseCoin", base) == base and call.word("quoteCoin", "USDT") == "USDT":
            rows.append({
                "productId": number, "baseCoin": base, "quoteCoin": "USDT", "apy": percent(Decimal(rate)),
                "apyE8": int(Decimal(rate) * 10**8), "maxLeverage": leverage, "minInvestmentQuote": "20",
                "minInvestmentBase": text(cut(20 / call.market.usd(base, call.now), Decimal("0.0001"))),
                "poolLiquidityValue": str(4_000_000 + int(number) * 1000), "dailyYield": text(cut(Decimal(rate) / 365)),
                "status": "Available", "price": text(call.market.usd(base, call.now)),
            })  # fmt: skip
    return {"list": rows}


def _value(call: Call, row: Row) -> tuple[Decimal, Decimal, Decimal]:
    """Base and quote now in the pool for a position (constant product), and its dollar value before debt."""
    price = call.market.usd(row["baseCoin"], call.now)
    # Liquidity L holds L/sqrt(p) base and L*sqrt(p) quote: value moves with the square root of the price.
    root = (price / Decimal(row["entryPrice"])).sqrt()
    gross = cut(Decimal(row["gross"]) * root)
    return cut(gross / 2 / price), cut(gross / 2), gross


def _equity(call: Call, row: Row) -> Decimal:
    return _value(call, row)[2] - Decimal(row["debt"]) + Decimal(row["margin"])


def _interest(call: Call, row: Row) -> Decimal:
    fresh = accrued(Decimal(row["gross"]), Decimal(POOLS[row["productId"]][1]), row["since"], call.now)
    return fresh + Decimal(row["unclaimed"])


@on_every_call
def _alive(call: Call) -> list[Row]:
    """Open positions after those that ran out of margin have been closed."""
    kept = []
    for row in call.account.table("pools"):
        if Decimal(row["debt"]) and _equity(call, row) < Decimal(row["debt"]) * _MAINTENANCE:
            left = max(_equity(call, row), ZERO)
            receive(call, FUND, ("USDT", left), "LIQUIDITY_LIQUIDATION")
            call.account.add_row("poolLiquidations", {
                "positionId": row["positionId"], "productId": row["productId"], "baseCoin": row["baseCoin"],
                "quoteCoin": "USDT", "liquidationPrice": text(call.market.usd(row["baseCoin"], call.now)),
                "returnedAmount": text(left), "createdTime": str(call.now),
            })  # fmt: skip
        else:
            kept.append(row)
    call.account.state["tables"]["pools"] = kept
    return kept


def _note(call: Call, row: Row, kind: str, amounts: tuple[Decimal, Decimal]) -> Row:
    order = call.account.add_row("poolOrders", {
        "orderId": call.account.next_id(), "orderLinkId": call.word("orderLinkId"), "orderType": kind,
        "productId": row["productId"], "positionId": row["positionId"], "baseCoin": row["baseCoin"],
        "quoteCoin": "USDT", "baseAmount": text(amounts[0]), "quoteAmount": text(amounts[1]), "status": "Success",
        "createdTime": str(call.now), "updatedTime": str(call.now),
    })  # fmt: skip
    return {"orderId": order["orderId"], "orderLinkId": order["orderLinkId"]}


@tool("addLiquidity")
def add_liquidity(call: Call) -> Row:
    base, _, most = _pool(call)
    refuse_repeat(call.account.table("poolOrders"), call.word("orderLinkId"))
    quote_in = dec(call.word("quoteAmount", "0"), "quoteAmount")
    base_in = dec(call.word("baseAmount", "0"), "baseAmount")
    leverage = dec(call.word("leverage", "1"), "leverage")
    if quote_in < 0 or base_in < 0 or not ONE <= leverage <= Decimal(most):
        raise SimulatorError(180001)
    price = call.market.usd(base, call.now)
    own = quote_in + base_in * price
    if own < 20:
        raise SimulatorError(180016)
    for coin, amount, name in (("USDT", quote_in, "quoteAccountType"), (base, base_in, "baseAccountType")):
        if amount:
            pay(call, wallet_named(call.word(name, FUND), name), (coin, amount), "LIQUIDITY_ADD", code=180011)
    row = call.account.add_row("pools", {
        "positionId": str(call.account.next_number()), "productId": call.word("productId"), "baseCoin": base,
        "leverage": text(leverage), "gross": text(cut(own * leverage)), "debt": text(cut(own * (leverage - 1))),
        "margin": "0", "entryPrice": text(price), "since": call.now, "unclaimed": "0", "principal": text(cut(own)),
    })  # fmt: skip
    return _note(call, row, "AddLiquidity", (base_in, quote_in))


def _held(call: Call) -> Row:
    _pool(call)
    row = find_row(_alive(call), "positionId", call.word("positionId"), 180013)
    if row["productId"] != call.word("productId"):
        raise SimulatorError(180013)
    return row


@tool("addMargin")
def add_margin(call: Call) -> Row:
    row, amount = _held(call), call.amount("amount")
    refuse_repeat(call.account.table("poolOrders"), call.word("orderLinkId"))
    if not Decimal(row["debt"]):
        raise param_error("only leveraged positions take margin")
    pay(call, wallet_named(call.word("quoteAccountType")), ("USDT", amount), "LIQUIDITY_MARGIN", code=180011)
    row["margin"] = text(Decimal(row["margin"]) + amount)
    return _note(call, row, "AddMargin", (ZERO, amount))


@tool("removeLiquidity")
def remove_liquidity(call: Call) -> Row:
    row = _held(call)
    refuse_repeat(call.account.table("poolOrders"), call.word("orderLinkId"))
    share = Decimal(call.whole("removeRate") or 100) / 100
    base, quote, _ = _value(call, row)
    price = call.market.usd(row["baseCoin"], call.now)
    quote_out = (quote - Decimal(row["debt"]) + Decimal(row["margin"])) * share
    base_out = base * share
    kind = call.word("removeType", "Normal")
    if kind == "SingleQuoteCoin" or quote_out < 0:
        base_out, quote_out = ZERO, quote_out + base_out * price
    elif kind == "SingleBaseCoin":
        base_out, quote_out = base_out + quote_out / price, ZERO
    base_out, quote_out = cut(base_out), cut(max(quote_out, ZERO))
    _pay_interest(call, row)
    receive(call, FUND, (row["baseCoin"], base_out), "LIQUIDITY_REMOVE")
    receive(call, FUND, ("USDT", quote_out), "LIQUIDITY_REMOVE")
    for name in ("gross", "debt", "margin", "principal"):
        row[name] = text(cut(Decimal(row[name]) * (1 - share)))
    if share == 1:
        call.account.state["tables"]["pools"] = [one for one in call.account.table("pools") if one is not row]
    return _note(call, row, "RemoveLiquidity", (base_out, quote_out))


def _pay_interest(call: Call, row: Row) -> Decimal:
    earned = _interest(call, row)
    row["since"], row["unclaimed"] = call.now, "0"
    if earned:
        receive(call, FUND, ("USDT", earned), "LIQUIDITY_INTEREST")
        call.account.add_row("poolYields", {
            "positionId": row["positionId"], "productId": row["productId"], "baseCoin": row["baseCoin"],
            "quoteCoin": "USDT", "coin": "USDT", "amount": text(earned), "createdTime": str(call.now),
        })  # fmt: skip
    return earned


@tool("claimLiquidityInterest")
def claim_interest(call: Call) -> Row:
    if call.word("productId") != "-1":
        _pool(call)
    rows = [row for row in _alive(call) if call.word("productId") in ("-1", row["productId"])]
    return {"claimedAmount": text(sum((_pay_interest(call, row) for row in rows), ZERO)), "coin": "USDT"}


@tool("reinvestLiquidity")
def reinvest(call: Call) -> Row:
    row = _held(call)
    refuse_repeat(call.account.table("poolOrders"), call.word("orderLinkId"))
    earned = _interest(call, row)
    if not earned:
        raise SimulatorError(180016, "There is no interest to reinvest yet")
    row["gross"] = text(Decimal(row["gross"]) + earned)
    row["principal"] = text(Decimal(row["principal"]) + earned)
    row["since"], row["unclaimed"] = call.now, "0"
    return _note(call, row, "Reinvest", (ZERO, earned))


@tool("getLiquidityMiningPositions")
def positions(call: Call) -> Row:
    rows = []
    for row in select(call, _alive(call), productId="productId", baseCoin="baseCoin"):
        base, quote, gross = _value(call, row)
        rows.append({
            "positionId": row["positionId"], "productId": row["productId"], "baseCoin": row["baseCoin"],
            "quoteCoin": "USDT", "leverage": row["leverage"], "baseAmount": text(base), "quoteAmount": text(quote),
            "totalValue": text(gross), "borrowedAmount": row["debt"], "marginAmount": row["margin"],
            "principal": row["principal"], "equity": text(_equity(call, row)), "entryPrice": row["entryPrice"],
            "unclaimedInterest": text(_interest(call, row)), "status": "Active", "createdTime": str(row["since"]),
        })  # fmt: skip
    return {"list": rows}


@tool("getLiquidityMiningOrders")
def orders(call: Call) -> Row:
    fields = {name: name for name in ("orderId", "orderLinkId", "productId", "orderType", "status")}
    return listed(call, between(call, select(call, call.account.table("poolOrders"), **fields), "createdTime"))


@tool("getLiquidityMiningYieldRecords")
def yields(call: Call) -> Row:
    rows = select(call, call.account.table("poolYields"), baseCoin="baseCoin", quoteCoin="quoteCoin")
    return listed(call, between(call, rows, "createdTime"))


@tool("getLiquidityMiningLiquidationRecords")
def liquidations(call: Call) -> Row:
    _alive(call)
    rows = select(call, call.account.table("poolLiquidations"), baseCoin="baseCoin", quoteCoin="quoteCoin")
    return listed(call, between(call, rows, "createdTime"))
