"""On-chain tokens (Alpha): invented tokens, quotes, purchases and sales that the chain confirms after a while."""

from __future__ import annotations

from decimal import Decimal

from servers.simulator.account import DAY_MS, FUND
from servers.simulator.errors import SimulatorError, param_error
from servers.simulator.funds import find_row, pay, receive
from servers.simulator.paths import Path, seed_of
from servers.simulator.registry import Call, on_every_call, tool
from servers.simulator.values import ZERO, Row, cut, text

_NAMES = ("FERN", "OXIDE", "LUMO", "PAPRIKA", "GRANITE")
_PAY = {"CEX_1": "USDT", "CEX_2": "USDC"}
_CONFIRM_MS, _LIFE_MS = 20_000, 30_000
_FEE = Decimal("0.005")


def _address(name: str) -> str:
    return f"sim{seed_of('address', name):016x}{seed_of('more', name):016x}"


_TOKENS = {
    f"DEX_{place}": {
        "name": name,
        "chainCode": "SOL" if place % 2 else "BSC",
        "tokenAddress": _address(name),
        "tag": place % 3,
    }
    for place, name in enumerate(_NAMES, 1)
}
_PATHS = {code: Path(seed_of("alpha", code), 0.02 * 3 ** int(code[-1]), 0.9) for code in _TOKENS}


def _price(code: str, at: int) -> Decimal:
    return Decimal(_PATHS[code].at(at // 1000)).quantize(Decimal("0.0000001"))


def _token_at(chain: str, address: str) -> str:
    for code, token in _TOKENS.items():
        if token["chainCode"] == chain and token["tokenAddress"] == address:
            return code
    raise param_error("the token does not exist on this chain")


def _named(call: Call) -> str:
    return _token_at(call.word("chainCode"), call.word("tokenAddress"))


def _show(code: str) -> Row:
    token = _TOKENS[code]
    return {
        "tokenCode": code, "tokenSymbol": token["name"], "chainCode": token["chainCode"],
        "tokenAddress": token["tokenAddress"],
        "tokenTag": token["tag"], "riskFlag": 0, "tradeStatus": 1, "minBuyAmount": "5", "maxBuyAmount": "20000",
        "minSellAmount": "1", "payTokens": list(_PAY), "decimals": 9,
    }  # fmt: skip


@tool("getBizTokenList")
def tokens(call: Call) -> Row:
    wanted = call.word("tokenTag")
    return {"list": [_show(code) for code, token in _TOKENS.items() if wanted in ("", str(token["tag"]))]}


@tool("getBizTokenDetails")
def token_details(call: Call) -> Row:
    code = _named(call)
    name = str(_TOKENS[code]["name"])
    return {**_show(code), "description": f"{name} is an invented token of the simulated market.", "website": "",
            "socialLinks": [], "whitepaper": "", "notice": "", "noticeLink": ""}  # fmt: skip


@tool("getBizTokenPriceList")
def token_prices(call: Call) -> Row:
    rows = []
    for entry in call.args["tokenAddressInfo"]:
        code = _token_at(entry["chainCode"], entry["tokenAddress"])
        now, before = _price(code, call.now), _price(code, call.now - DAY_MS)
        rows.append({
            **entry, "tokenCode": code, "price": text(now),
            "priceChange24h": text(cut((now - before) / before, Decimal("0.0001"))),
            "volume24h": text(cut(now * 3_000_000)), "marketCap": text(cut(now * 10**8)),
            "liquidity": text(cut(now * 5_000_000)), "holders": 4_000 + seed_of(code) % 9_000,
        })  # fmt: skip
    return {"list": rows}


@tool("getPayTokenList")
def pay_tokens(call: Call) -> Row:
    _named(call)
    rows = [{"tokenCode": code, "tokenSymbol": coin, "maxTradeAmount": "20000", "chainCodes": ["SOL", "BSC"],
             "balance": text(call.account.free(FUND, coin))} for code, coin in _PAY.items()]  # fmt: skip
    return {"list": rows}


def _terms(call: Call) -> tuple[bool, str, str]:
    """Whether it is a purchase, the token, and the coin that pays or is paid."""
    source, target = call.word("fromTokenCode"), call.word("toTokenCode")
    if source in _PAY and target in _TOKENS:
        return True, target, _PAY[source]
    if source in _TOKENS and target in _PAY:
        return False, source, _PAY[target]
    raise param_error("fromTokenCode and toTokenCode must be an exchange coin and a token")


@tool("getTradeQuote")
def trade_quote(call: Call) -> Row:
    is_buy, code, _ = _terms(call)
    if is_buy != (call.word("tradeType") == "1"):
        raise param_error("tradeType does not fit the token codes")
    amount, price = call.amount("fromTokenAmount"), _price(code, call.now)
    gas = Decimal("0.05")
    gained = cut((amount * (1 - _FEE) - gas) / price) if is_buy else cut(amount * price * (1 - _FEE) - gas)
    if gained <= 0 or (is_buy and not 5 <= amount <= 20_000):
        raise SimulatorError(131002, "The amount is outside the limits of the token")
    quote = call.account.add_row("alphaQuotes", {
        "quoteData": call.account.next_id(), "correctingCode": call.account.stable_hex("code", call.now)[:8],
        "fromTokenCode": call.word("fromTokenCode"), "fromTokenAmount": text(amount),
        "toTokenCode": call.word("toTokenCode"),
        "toTokenAmount": text(gained), "expires": call.now + _LIFE_MS, "used": False,
    })  # fmt: skip
    shown = {name: value for name, value in quote.items() if name not in ("expires", "used")}
    return {**shown, "rate": text(cut(gained / amount)), "platformFee": text(cut(amount * _FEE)), "gas": text(gas),
            "slippage": "0.01", "quoteMode": int(call.word("quoteMode", "0")),
            "expireTime": str(call.now + _LIFE_MS)}  # fmt: skip


@tool("executePurchase", "executeRedeem")
def execute(call: Call) -> Row:
    is_buy, code, coin = _terms(call)
    if is_buy != (call.tool == "executePurchase"):
        raise param_error("fromTokenCode and toTokenCode are the wrong way round")
    quote = find_row(call.account.table("alphaQuotes"), "quoteData", call.word("quoteData"), 790000)
    same = ("fromTokenCode", "toTokenCode", "correctingCode")
    if any(quote[name] != call.word(name) for name in same) or call.number("fromTokenAmount") != Decimal(
        quote["fromTokenAmount"]
    ):
        raise SimulatorError(790000, "The order does not fit its quote")
    if quote["used"] or call.now > quote["expires"]:
        raise SimulatorError(790000)
    quote["used"] = True
    amount = Decimal(quote["fromTokenAmount"])
    if is_buy:
        pay(call, FUND, (coin, amount), "ALPHA_PURCHASE")
    else:
        _take_token(call, code, amount)
    order = call.account.add_row("alphaOrders", {
        "orderNo": str(call.account.next_number()), "tradeType": 1 if is_buy else 2, "tokenCode": code, "coin": coin,
        "fromTokenCode": quote["fromTokenCode"], "fromTokenAmount": quote["fromTokenAmount"],
        "toTokenCode": quote["toTokenCode"], "toTokenAmount": quote["toTokenAmount"], "orderStatus": 1,
        "gas": call.word("gas"), "slippage": call.word("slippage"), "platformFee": text(cut(amount * _FEE)),
        "createTime": call.now, "updateTime": call.now,
    })  # fmt: skip
    return {"orderNo": order["orderNo"]}


def _holdings(call: Call) -> dict[str, Row]:
    held: dict[str, Row] = call.account.settings.setdefault("alpha", {})
    return held


def _take_token(call: Call, code: str, amount: Decimal) -> None:
    held = _holdings(call).get(code)
    if held is None or Decimal(held["amount"]) < amount:
        raise SimulatorError(131212)
    total = Decimal(held["amount"])
    held["cost"] = text(cut(Decimal(held["cost"]) * (total - amount) / total))
    held["amount"] = text(total - amount)
    if total == amount:
        del _holdings(call)[code]


@on_every_call
def confirm(call: Call) -> None:
    """Credit what the chain has confirmed."""
    for order in call.account.table("alphaOrders"):
        if order["orderStatus"] != 1 or call.now < order["createTime"] + _CONFIRM_MS:
            continue
        order["orderStatus"], order["updateTime"] = 2, order["createTime"] + _CONFIRM_MS
        gained = Decimal(order["toTokenAmount"])
        if order["tradeType"] == 2:
            receive(call, FUND, (order["coin"], gained), "ALPHA_REDEEM")
            continue
        held = _holdings(call).setdefault(order["tokenCode"], {"amount": "0", "cost": "0"})
        held["amount"] = text(Decimal(held["amount"]) + gained)
        held["cost"] = text(Decimal(held["cost"]) + Decimal(order["fromTokenAmount"]))


def _asset(call: Call, code: str, held: Row) -> Row:
    amount, cost, price = Decimal(held["amount"]), Decimal(held["cost"]), _price(code, call.now)
    return {**_show(code), "amount": held["amount"], "usdValue": text(cut(amount * price)), "price": text(price),
            "costPrice": text(cut(cost / amount)), "unrealizedPnl": text(cut(amount * price - cost)),
            "canSell": True}  # fmt: skip


@tool("getAssetList")
def assets(call: Call) -> Row:
    rows = [_asset(call, code, held) for code, held in sorted(_holdings(call).items())]
    return {"list": rows, "totalUsdValue": text(sum((Decimal(row["usdValue"]) for row in rows), ZERO))}


@tool("getAssetDetail")
def asset_detail(call: Call) -> Row:
    code = _named(call)
    held = _holdings(call).get(code)
    return {"list": [] if held is None else [_asset(call, code, held)]}


@tool("getOrderList")
def orders(call: Call) -> Row:
    rows = list(reversed(call.account.table("alphaOrders")))
    kind, code, states = call.word("tradeType", "0"), call.word("tokenCode"), call.args.get("orderStatus") or []
    rows = [row for row in rows if kind in ("0", str(row["tradeType"])) and code in ("", row["tokenCode"])]
    rows = [row for row in rows if not states or row["orderStatus"] in [int(state) for state in states]]
    if call.whole("days"):
        rows = [row for row in rows if row["createTime"] >= call.now - call.whole("days") * DAY_MS]
    number, limit = call.whole("pageIndex", 1), call.whole("limit", 20)
    if call.word("direction") == "prev":
        number = max(number - 1, 1)
    return {"list": rows[(number - 1) * limit : number * limit], "total": len(rows), "pageIndex": number}
