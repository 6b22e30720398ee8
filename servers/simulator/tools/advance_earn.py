"""Structured earn: dual assets, smart leverage, double win, discount buy; quoted from the index price of the moment."""

from __future__ import annotations

from decimal import Decimal

from servers.simulator.errors import SimulatorError, param_error
from servers.simulator.funds import find_row, pay, receive, refuse_repeat, wallet_named
from servers.simulator.interest import DAY_MS, HOUR_MS
from servers.simulator.pages import between, listed, select
from servers.simulator.registry import Call, on_every_call, tool
from servers.simulator.values import ZERO, Row, cut, dec, text

_CATEGORIES = {"DualAssets": 1000, "SmartLeverage": 2000, "DoubleWin": 3000, "DiscountBuy": 4000}
_COINS = ("BTC", "ETH")
_DAYS = (1, 7)
_EIGHT = 10**8


def _catalogue(category: str) -> dict[int, tuple[str, int]]:
    base = _CATEGORIES[category]
    return {base + place: (coin, days) for place, (coin, days) in enumerate((c, d) for c in _COINS for d in _DAYS)}


def _product(call: Call) -> tuple[int, str, int]:
    number = call.whole("productId")
    found = _catalogue(call.word("category")).get(number)
    if found is None:
        raise SimulatorError(180012)
    return number, *found


@tool("getAdvanceEarnProduct")
def products(call: Call) -> Row:
    rows = []
    for number, (coin, days) in _catalogue(call.word("category")).items():
        if call.word("coin", coin) not in (coin, "USDT") or call.word("duration", f"{days}d") != f"{days}d":
            continue
        settle = (call.now // DAY_MS + days) * DAY_MS + 8 * HOUR_MS
        rows.append({
            "category": call.word("category"), "productId": str(number), "baseCoin": coin, "quoteCoin": "USDT",
            "underlyingAsset": coin, "investCoin": "USDT", "duration": f"{days}d", "status": "Available",
            "minPurchaseQuoteAmount": "20", "maxPurchaseQuoteAmount": "200000", "precision": "4",
            "subscribeStartAt": str(call.now // DAY_MS * DAY_MS), "subscribeEndAt": str(settle - HOUR_MS),
            "applyRedeemAt": str(settle - HOUR_MS), "settlementTime": str(settle), "isRfqProduct": days == 7,
            "interestAccrualTime": str(call.now // HOUR_MS * HOUR_MS + HOUR_MS),
            "expectReceiveAt": str(settle + HOUR_MS),
        })  # fmt: skip
    return {"list": rows}


def _index(call: Call, coin: str) -> Decimal:
    """Index price at the start of the minute: quotes hold for that long."""
    return call.market.usd(coin, call.now // 60_000 * 60_000)


def offers(call: Call, number: int, coin: str, days: int) -> Row:
    """Dual-asset quotes: target prices on both sides of the index with their yields."""
    index = _index(call, coin)
    step = Decimal(1000 if coin == "BTC" else 50)
    middle = (index / step).to_integral_value() * step

    def quote(place: int, side: int) -> Row:
        apy = Decimal("1.1") / (place + 1) / days.bit_length()
        price = middle + side * (place + 1) * step
        return {"selectPrice": text(price), "apyE8": int(apy * _EIGHT), "maxInvestmentAmount": "200000"}

    return {
        "productId": str(number), "baseCoin": coin, "quoteCoin": "USDT", "currentPrice": text(index),
        "buyLowPrice": [quote(place, -1) for place in range(4)],
        "sellHighPrice": [quote(place, 1) for place in range(4)],
        "expiredAt": str(call.now // 60_000 * 60_000 + 60_000),
    }  # fmt: skip


@tool("getAdvanceEarnProductExtraInfo")
def extra_info(call: Call) -> Row:
    category = call.word("category")
    known = _catalogue(category)
    if call.args.get("productId") is not None:
        number, coin, days = _product(call)
        known = {number: (coin, days)}
    rows = []
    for number, (coin, days) in known.items():
        if category == "DualAssets":
            rows.append(offers(call, number, coin, days))
            continue
        index = _index(call, coin)
        rows.append({
            "productId": str(number), "underlyingAsset": coin, "currentPrice": text(index), "initialPrice": text(index),
            "breakevenPrice": text(cut(index * Decimal("1.012"))), "lowerPrice": text(cut(index * Decimal("0.95"))),
            "upperPrice": text(cut(index * Decimal("1.05"))), "leverage": "10",
            "purchasePrice": text(cut(index * Decimal("0.97"))), "knockoutPrice": text(cut(index * Decimal("1.03"))),
            "knockoutCouponE8": 2_400_000, "instUid": 88_001, "expiredAt": str(call.now // 60_000 * 60_000 + 60_000),
        })  # fmt: skip
    return {"list": rows}


@tool("getDoubleWinLeverage")
def double_win_leverage(call: Call) -> Row:
    number = call.whole("productId")
    if number not in _catalogue("DoubleWin"):
        raise SimulatorError(180012)
    initial, low, high = call.amount("initialPrice"), call.amount("lowerPrice"), call.amount("upperPrice")
    if not low < initial < high:
        raise param_error("lowerPrice and upperPrice must enclose initialPrice")
    leverage = (initial / (high - low) / 2).quantize(Decimal("0.01"))
    return {"productId": str(number), "leverage": text(leverage), "expiredAt": str(call.now + 60_000)}


_EXTRAS = {
    ("SmartLeverage", "Stake"): "smartLeverageStakeExtra",
    ("SmartLeverage", "Redeem"): "smartLeverageRedeemExtra",
    ("DoubleWin", "Stake"): "doubleWinStakeExtra",
    ("DoubleWin", "Redeem"): "doubleWinRedeemExtra",
    ("DualAssets", "Stake"): "dualAssetsExtra",
    ("DiscountBuy", "Stake"): "discountBuyExtra",
}


@tool("placeAdvanceEarnOrder")
def place_order(call: Call) -> Row:
    number, base, days = _product(call)
    category, kind, link = call.word("category"), call.word("orderType"), call.word("orderLinkId")
    extra = call.args.get(_EXTRAS.get((category, kind), ""))
    if extra is None:
        raise param_error(f"the details of a {category} {kind} order are required")
    refuse_repeat(call.account.table("advanceOrders"), link)
    if kind == "Stake":
        _check_quote(call, category, base, extra)
        position = _stake(call, (number, base, days), extra)
    else:
        position = _redeem(call, category, extra)
    order = call.account.add_row("advanceOrders", {
        "category": category, "productId": str(number), "orderId": call.account.next_id(), "orderLinkId": link,
        "orderType": kind, "coin": call.word("coin"), "amount": call.word("amount"), "status": "Success",
        "positionId": position, "createdTime": str(call.now), "updatedTime": str(call.now), "extra": extra,
    })  # fmt: skip
    return {"orderId": order["orderId"], "orderLinkId": link}


def _check_quote(call: Call, category: str, base: str, extra: Row) -> None:
    if category == "DualAssets":
        quotes = offers(call, 0, base, 1)["buyLowPrice" if extra["orderDirection"] == "BuyLow" else "sellHighPrice"]
        wanted = dec(extra["selectPrice"], "selectPrice")
        if all(Decimal(quote["selectPrice"]) != wanted for quote in quotes):
            raise SimulatorError(790000)
    elif dec(extra["initialPrice"], "initialPrice") != _index(call, base):
        raise SimulatorError(790000)


def _stake(call: Call, product: tuple[int, str, int], extra: Row) -> str:
    number, base, days = product
    coin, amount = call.word("coin"), call.amount("amount")
    sells = extra.get("orderDirection") == "SellHigh"
    if coin != (base if sells else "USDT"):
        raise param_error(f"coin must be {base if sells else 'USDT'}")
    dollars = amount * call.market.usd(coin, call.now)
    if not 20 <= dollars <= 200_000:
        raise SimulatorError(180016)
    wallet = wallet_named(call.word("accountType"))
    pay(call, wallet, (coin, amount), "EARN_ADVANCE_STAKE", code=180011)
    row = call.account.add_row("advancePositions", {
        "positionId": str(call.account.next_number()), "category": call.word("category"), "productId": str(number),
        "base": base, "coin": coin, "amount": text(amount), "wallet": wallet, "since": call.now, "extra": extra,
        "price": text(_index(call, base)), "until": (call.now // DAY_MS + days) * DAY_MS + 8 * HOUR_MS,
    })  # fmt: skip
    return str(row["positionId"])


def estimate(call: Call, row: Row, at: int) -> Decimal:
    """What a position would pay at an instant, in its own coin; held for ten minutes."""
    at = at // 600_000 * 600_000
    amount, start = Decimal(row["amount"]), Decimal(row["price"])
    move = (call.market.usd(row["base"], max(at, row["since"])) - start) / start
    if row["category"] == "SmartLeverage":
        return cut(max(amount * (1 + move * 5), ZERO))
    if row["category"] == "DoubleWin":
        return cut(max(amount * (Decimal("0.97") + abs(move) * 3), ZERO))
    if row["category"] == "DualAssets":
        rate = Decimal(row["extra"]["apyE8"]) / _EIGHT * (row["until"] - row["since"]) / (365 * DAY_MS)
        return cut(amount * (1 + min(max(rate, ZERO), Decimal("0.05"))))
    return amount


@on_every_call
def _matured(call: Call) -> list[Row]:
    kept = []
    for row in call.account.table("advancePositions"):
        if row["until"] > call.now:
            kept.append(row)
            continue
        receive(call, row["wallet"], (row["coin"], estimate(call, row, row["until"])), "EARN_ADVANCE_SETTLED")
    call.account.state["tables"]["advancePositions"] = kept
    return kept


def _redeem(call: Call, category: str, extra: Row) -> str:
    row = find_row(_matured(call), "positionId", extra["positionId"], 180013)
    value = estimate(call, row, call.now)
    if row["category"] != category:
        raise SimulatorError(180013)
    if dec(extra["estRedeemAmount"], "estRedeemAmount") != value:
        raise SimulatorError(790000)
    receive(call, row["wallet"], (row["coin"], value), "EARN_ADVANCE_REDEEM")
    call.account.state["tables"]["advancePositions"] = [one for one in _matured(call) if one is not row]
    return str(row["positionId"])


@tool("getSmartLeverageRedeemEstAmountList")
def redeem_estimates(call: Call) -> Row:
    numbers = call.args["positionIds"]
    if not 1 <= len(numbers) <= 5:
        raise param_error("positionIds must hold 1 to 5 ids")
    known = [row for row in _matured(call) if row["category"] == call.word("category")]
    rows = []
    for number in numbers:
        row = find_row(known, "positionId", number, 180013)
        rows.append({"positionId": row["positionId"], "estRedeemAmount": text(estimate(call, row, call.now)),
                     "expireTime": str((call.now // 600_000 + 1) * 600_000)})  # fmt: skip
    return {"list": rows}


@tool("getAdvanceEarnPosition")
def positions(call: Call) -> Row:
    rows = []
    for row in _matured(call):
        if row["category"] == call.word("category"):
            rows.append({
                "category": row["category"], "positionId": row["positionId"], "productId": row["productId"],
                "underlyingAsset": row["base"], "coin": row["coin"], "amount": row["amount"], "status": "Active",
                "initialPrice": row["price"], "estimatedValue": text(estimate(call, row, call.now)),
                "settlementTime": str(row["until"]), "createdTime": str(row["since"]), "details": row["extra"],
            })  # fmt: skip
    coin_field = "underlyingAsset" if call.word("category") == "DiscountBuy" else "coin"
    return listed(call, select(call, rows, productId="productId", coin=coin_field))


@tool("getAdvanceEarnOrder")
def orders(call: Call) -> Row:
    _matured(call)
    fields = {name: name for name in ("category", "productId", "orderId", "orderLinkId")}
    return listed(call, between(call, select(call, call.account.table("advanceOrders"), **fields), "createdTime"))
