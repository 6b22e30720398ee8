"""Fiat to crypto and back: reference prices, quotes, conversions."""

from __future__ import annotations

from decimal import Decimal

from servers.simulator.account import FUND
from servers.simulator.errors import SimulatorError, param_error
from servers.simulator.funds import find_row, known_coin
from servers.simulator.instruments import COINS
from servers.simulator.pages import between
from servers.simulator.people import sub_accounts
from servers.simulator.registry import Call, tool
from servers.simulator.values import CENT, Row, cut, text

# Dollars for one unit of each fiat currency.
FIAT = {"EUR": Decimal("1.08"), "GBP": Decimal("1.27"), "GEL": Decimal("0.37"), "PLN": Decimal("0.25")}
_OPENING = {"EUR": Decimal(4000), "GBP": Decimal(1500), "GEL": Decimal(0), "PLN": Decimal(0)}
_LIFE_MS = 30_000


def _fiat_balance(call: Call, coin: str) -> Decimal:
    return Decimal(call.account.settings.setdefault("fiat", {}).get(coin, text(_OPENING[coin])))


def _change_fiat(call: Call, coin: str, change: Decimal) -> None:
    balance = _fiat_balance(call, coin) + change
    if balance < 0:
        raise SimulatorError(131212)
    call.account.settings["fiat"][coin] = text(balance)


def dollars(call: Call, coin: str) -> Decimal:
    return FIAT[coin] if coin in FIAT else call.market.usd(known_coin(coin), call.now)


@tool("queryCoinList")
def coin_list(call: Call) -> Row:
    fiats = [{"coin": coin, "fullName": coin, "precision": 2, "disable": False, "singleFromMinLimit": "5",
              "singleFromMaxLimit": "50000"} for coin in FIAT]  # fmt: skip
    cryptos = [{"coin": coin, "fullName": coin, "precision": COINS[coin].digits, "disable": False,
                "singleFromMinLimit": text(cut(5 / dollars(call, coin))),
                "singleFromMaxLimit": text(cut(50_000 / dollars(call, coin)))} for coin in COINS]  # fmt: skip
    # 0: what can be sold for crypto; 1: what can be sold for fiat.
    side = call.word("side")
    return {"fiats": [] if side == "1" else fiats, "cryptos": [] if side == "0" else cryptos}


@tool("getReferencePrice")
def reference_price(call: Call) -> Row:
    base, _, quote = call.word("symbol").partition("-")
    if quote not in FIAT or base not in COINS:
        raise param_error("symbol must look like BTC-EUR")
    fair = dollars(call, base) / FIAT[quote]
    method = call.word("paymentMethod", "Balance")
    prices = [{"paymentMethod": method, "unitPrice": text((fair * factor).quantize(CENT)), "side": side}
              for side, factor in (("buy", Decimal("1.004")), ("sell", Decimal("0.996")))]  # fmt: skip
    return {"symbol": call.word("symbol"), "fiat": quote, "crypto": base, "timestamp": str(call.now),
            "minQuota": "5", "maxQuota": "50000", "buys": prices[:1], "sells": prices[1:]}  # fmt: skip


@tool("queryBalance")
def balance(call: Call) -> Row:
    is_crypto = call.word("accountCategory", "fiat") == "crypto"
    known: list[str] = sorted(call.account.state["cash"][FUND]) if is_crypto else list(FIAT)
    names = [call.word("currency")] if call.word("currency") else known
    rows = []
    for name in names:
        if name not in (COINS if is_crypto else FIAT):
            raise param_error(f"currency {name[:20]} is not supported")
        amount = text(call.account.free(FUND, name) if is_crypto else _fiat_balance(call, name))
        rows.append({"currency": name, "totalBalance": amount, "availableBalance": amount, "frozenBalance": "0"})
    return {"accountCategory": "crypto" if is_crypto else "fiat", "balances": rows}


@tool("applyQuote")
def apply_quote(call: Call) -> Row:
    kinds = (call.word("fromCoinType"), call.word("toCoinType"))
    source, target = call.word("fromCoin"), call.word("toCoin")
    if kinds not in (("fiat", "crypto"), ("crypto", "fiat")):
        raise param_error("one coin must be fiat and the other crypto")
    if (source in FIAT) != (kinds[0] == "fiat") or (target in FIAT) != (kinds[1] == "fiat"):
        raise param_error("coin and coin type do not belong together")
    rate = cut(dollars(call, source) / dollars(call, target) * Decimal("0.996"))
    amount = call.amount("requestAmount")
    is_source = call.word("requestCoinType", "fiat") == kinds[0]
    spent, gained = (amount, cut(amount * rate)) if is_source else (cut(amount / rate), amount)
    row = {
        "quoteTxId": call.account.next_id(), "exchangeRate": text(rate), "fromCoin": source, "fromCoinType": kinds[0],
        "toCoin": target, "toCoinType": kinds[1], "fromAmount": text(spent), "toAmount": text(gained),
        "expiredTime": str(call.now + _LIFE_MS),
    }  # fmt: skip
    call.account.add_row("fiatQuotes", {**row, "used": False})
    return row


@tool("confirmQuote")
def confirm_quote(call: Call) -> Row:
    quote = find_row(call.account.table("fiatQuotes"), "quoteTxId", call.word("quoteTxId"), 790000)
    if quote["used"] or call.now > int(quote["expiredTime"]):
        raise SimulatorError(790000)
    known = {str(call.account.uid), *(sub["uid"] for sub in sub_accounts(call.account))}
    if call.word("subUserId") not in known:
        raise param_error("subUserId is not known")
    quote["used"] = True
    spent, gained = Decimal(quote["fromAmount"]), Decimal(quote["toAmount"])
    entry = {"type": "FIAT_CONVERT", "time": call.now}
    if quote["fromCoinType"] == "fiat":
        _change_fiat(call, quote["fromCoin"], -spent)
        call.account.give(FUND, quote["toCoin"], gained, entry)
    else:
        call.account.take(FUND, quote["fromCoin"], spent, entry)
        _change_fiat(call, quote["toCoin"], gained)
    trade = str(call.account.next_number())
    call.account.add_row("fiatTrades", {
        "tradeNo": trade, "status": "success", "quoteTxId": quote["quoteTxId"], "exchangeRate": quote["exchangeRate"],
        "fromCoin": quote["fromCoin"], "fromCoinType": quote["fromCoinType"], "toCoin": quote["toCoin"],
        "toCoinType": quote["toCoinType"], "fromAmount": quote["fromAmount"], "toAmount": quote["toAmount"],
        "createdAt": str(call.now), "subUserId": call.word("subUserId"),
        "merchantRequestId": call.word("merchantRequestId"),
    })  # fmt: skip
    return {"tradeNo": trade, "merchantRequestId": call.word("merchantRequestId")}


@tool("queryTrade")
def trade(call: Call) -> Row:
    if not call.word("tradeNo") and not call.word("merchantRequestId"):
        raise param_error("tradeNo or merchantRequestId is required")
    field = "tradeNo" if call.word("tradeNo") else "merchantRequestId"
    return find_row(call.account.table("fiatTrades"), field, call.word(field), 131002)


@tool("queryTradeHistory")
def trade_history(call: Call) -> Row:
    rows = between(call, call.account.table("fiatTrades"), "createdAt")
    index, limit = call.whole("index", 1), call.whole("limit", 20)
    return {"list": list(reversed(rows))[(index - 1) * limit : index * limit], "total": len(rows)}
