"""Requests for quote: the account asks desks for prices, desks ask the account, blocks are traded on a quote."""

from __future__ import annotations

from decimal import Decimal

from servers.simulator import blocks
from servers.simulator.errors import SimulatorError, param_error
from servers.simulator.funds import find_row
from servers.simulator.pages import between, listed, select
from servers.simulator.paths import seed_of
from servers.simulator.registry import Call, tool
from servers.simulator.values import Row, dec, text

_DESKS = ("NORTHDESK", "BASALT", "MERIDIAN")
_LIFE_MS, _HOUR_MS = 600_000, 3_600_000
_MOST_LEGS = 25


def _mine(call: Call) -> str:
    return f"DESK{call.account.uid % 10_000:04d}"


@tool("getRfqConfig")
def config(call: Call) -> Row:
    return {
        "deskCode": _mine(call),
        "maxLegs": _MOST_LEGS,
        "maxLP": len(_DESKS),
        "maxActiveRfq": 10,
        "rfqExpireTime": _LIFE_MS // 60_000,
        "minLimitQtySpotOrder": 10,
        "minLimitQtyContractOrder": 10,
        "minLimitQtyOptionOrder": 1,
        "strategyTypes": [{"strategyName": name} for name in ("custom", "FundingRate", "CarryTrade", "Straddle")],
        "counterparties": [{"traderName": desk.title(), "deskCode": desk, "type": "LP"} for desk in _DESKS],
    }


@tool("createRfq")
def create(call: Call) -> Row:
    legs, desks, link = call.args["list"], call.args["counterparties"], call.word("rfqLinkId")
    if not desks or not set(desks) <= set(_DESKS):
        raise param_error("counterparties must name desks of getRfqConfig")
    if not 1 <= len(legs) <= _MOST_LEGS:
        raise param_error(f"list must hold 1 to {_MOST_LEGS} legs")
    items = [call.market.instrument(leg["category"], leg["symbol"], call.now) for leg in legs]
    if len({(item.base, item.settle) for item in items}) != 1:
        raise param_error("all legs must share base and settle coin")
    for leg, item in zip(legs, items, strict=True):
        if dec(leg["qty"], "qty") < item.min_qty:
            raise param_error(f"qty of {item.symbol} is too small")
    rows = call.account.table("rfqs")
    if link and any(row["rfqLinkId"] == link for row in rows):
        raise param_error("rfqLinkId is duplicate")
    row = call.account.add_row("rfqs", {
        "rfqId": call.account.next_id(), "rfqLinkId": link, "counterparties": desks,
        "expiresAt": str(call.now + _LIFE_MS),
        "strategyType": call.word("strategyType", "custom"), "status": "Active", "acceptOtherQuoteStatus": False,
        "deskCode": "" if call.flag("anonymous") else _mine(call), "createdAt": str(call.now),
        "updatedAt": str(call.now),
        "legs": [dict(leg) for leg in legs],
    })  # fmt: skip
    return {name: row[name] for name in ("rfqId", "rfqLinkId", "status", "expiresAt", "deskCode")}


def _live(row: Row, now: int, expiry: str) -> Row:
    """Let a request or quote expire when its time has come."""
    if row["status"] == "Active" and now >= int(row[expiry]):
        row["status"], row["updatedAt"] = "Expired", row[expiry]
    return row


def _own(call: Call) -> list[Row]:
    return [_live(row, call.now, "expiresAt") for row in call.account.table("rfqs")]


def invited(call: Call) -> list[Row]:
    """One request an hour that another desk sends to this account."""
    hour = call.now // _HOUR_MS
    rows = []
    for past in range(3):
        at = (hour - past) * _HOUR_MS
        desk = _DESKS[(hour - past) % len(_DESKS)]
        row: Row = {
            "rfqId": call.account.stable_id("invited", hour - past), "rfqLinkId": "", "counterparties": [_mine(call)],
            "expiresAt": str(at + _HOUR_MS), "strategyType": "custom", "status": "Active",
            "acceptOtherQuoteStatus": False,
            "deskCode": desk, "createdAt": str(at), "updatedAt": str(at),
            "legs": [{"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "qty": "2"}],
        }  # fmt: skip
        rows.append(_live(row, call.now, "expiresAt"))
    return rows


def _offers(call: Call, rfq: Row) -> list[Row]:
    """What the asked desks quote for an own request, one quote each; prices are set when the request arrives."""
    rows = []
    at = int(rfq["createdAt"])
    for place, desk in enumerate(rfq["counterparties"]):
        edge = Decimal("0.0004") + Decimal("0.0002") * (seed_of(rfq["rfqId"], desk) % 4)
        legs: dict[str, list[Row]] = {"Buy": [], "Sell": []}
        for leg in rfq["legs"]:
            item = call.market.find(leg["category"], leg["symbol"])
            if item is None:
                raise SimulatorError(110300)
            fair = call.market.last(item, at)
            for side, sign in (("Buy", 1), ("Sell", -1)):
                toward = sign if leg["side"] == "Buy" else -sign
                price = max((fair * (1 + edge * toward) / item.tick).to_integral_value() * item.tick, item.tick)
                legs[side].append(
                    {"category": leg["category"], "symbol": leg["symbol"], "price": text(price), "qty": leg["qty"]}
                )
        row: Row = {
            "rfqId": rfq["rfqId"], "rfqLinkId": rfq["rfqLinkId"],
            "quoteId": call.account.stable_id("offer", rfq["rfqId"], desk),
            "quoteLinkId": "", "deskCode": desk, "expiresAt": rfq["expiresAt"], "quoteBuyList": legs["Buy"],
            "quoteSellList": legs["Sell"], "execQuoteSide": rfq.get("side", "") if rfq.get("desk") == desk else "",
            "createdAt": str(at + 400 + place * 150), "updatedAt": rfq["updatedAt"], "status": rfq["status"],
        }  # fmt: skip
        if rfq["status"] == "Filled" and rfq.get("desk") != desk:
            row["status"] = "Canceled"
        rows.append(row)
    return [row for row in rows if int(row["createdAt"]) <= call.now]


@tool("acceptNonLpQuote")
def accept_others(call: Call) -> Row:
    _active(call, _own(call), "rfqId", call.word("rfqId"))["acceptOtherQuoteStatus"] = True
    return {"rfqId": call.word("rfqId")}


def _active(call: Call, rows: list[Row], field: str, value: str) -> Row:
    row = find_row(rows, field, value, 110300)
    if row["status"] != "Active":
        raise SimulatorError(110300, f"The request is {row['status'].lower()}")
    return row


@tool("cancelRfq")
def cancel(call: Call) -> Row:
    field = "rfqId" if call.word("rfqId") else "rfqLinkId"
    if not call.word(field):
        raise param_error("rfqId or rfqLinkId is required")
    row = _active(call, _own(call), field, call.word(field))
    row["status"], row["updatedAt"] = "Canceled", str(call.now)
    return {"rfqId": row["rfqId"], "rfqLinkId": row["rfqLinkId"]}


@tool("cancelAllRfqs")
def cancel_all(call: Call) -> Row:
    rows = [row for row in _own(call) if row["status"] == "Active"]
    for row in rows:
        row["status"], row["updatedAt"] = "Canceled", str(call.now)
    return {"list": [{"rfqId": row["rfqId"], "rfqLinkId": row["rfqLinkId"], "code": 0, "msg": ""} for row in rows]}


@tool("createQuote")
def create_quote(call: Call) -> Row:
    rfq = _active(call, invited(call), "rfqId", call.word("rfqId"))
    sides = {name: call.args.get(name) or [] for name in ("quoteBuyList", "quoteSellList")}
    if not any(sides.values()):
        raise param_error("quoteBuyList or quoteSellList is required")
    wanted = [leg["symbol"] for leg in rfq["legs"]]
    for legs in sides.values():
        if legs and [leg["symbol"] for leg in legs] != wanted:
            raise param_error("a quote must price every leg of the request")
        for leg in legs:
            if dec(leg["price"], "price") <= 0:
                raise param_error("price must be greater than 0")
    row = call.account.add_row("quotes", {
        "rfqId": rfq["rfqId"], "rfqLinkId": "", "quoteId": call.account.next_id(),
        "quoteLinkId": call.word("quoteLinkId"),
        "deskCode": "" if call.flag("anonymous") else _mine(call), "status": "Active", "createdAt": str(call.now),
        "expiresAt": str(call.now + call.whole("expireIn", 60) * 1000), "updatedAt": str(call.now), "execQuoteSide": "",
        **sides,
    })  # fmt: skip
    return {name: row[name] for name in ("rfqId", "quoteId", "quoteLinkId", "expiresAt", "deskCode", "status")}


def _quotes(call: Call) -> list[Row]:
    return [_live(row, call.now, "expiresAt") for row in call.account.table("quotes")]


@tool("cancelQuote")
def cancel_quote(call: Call) -> Row:
    field = next((name for name in ("quoteId", "quoteLinkId", "rfqId") if call.word(name)), "")
    if not field:
        raise param_error("quoteId, quoteLinkId or rfqId is required")
    rows = [row for row in _quotes(call) if row["status"] == "Active" and row[field] == call.word(field)]
    if not rows:
        raise SimulatorError(110301)
    return {**_withdraw(call, rows)["list"][0], "rfqId": rows[0]["rfqId"]}


def _withdraw(call: Call, rows: list[Row]) -> Row:
    for row in rows:
        row["status"], row["updatedAt"] = "Canceled", str(call.now)
    return {"list": [{"rfqId": row["rfqId"], "quoteId": row["quoteId"], "quoteLinkId": row["quoteLinkId"], "code": 0,
                      "msg": ""} for row in rows]}  # fmt: skip


@tool("cancelAllQuotes")
def cancel_all_quotes(call: Call) -> Row:
    return _withdraw(call, [row for row in _quotes(call) if row["status"] == "Active"])


@tool("executeQuote")
def execute(call: Call) -> Row:
    rfq = _active(call, _own(call), "rfqId", call.word("rfqId"))
    offer = find_row(_offers(call, rfq), "quoteId", call.word("quoteId"), 110301)
    side = call.word("quoteSide")
    priced = offer["quoteBuyList" if side == "Buy" else "quoteSellList"]
    legs = []
    for leg, price in zip(rfq["legs"], priced, strict=True):
        # Buying the quote trades the legs as they were requested, selling it the other way round.
        direction = leg["side"] if side == "Buy" else blocks.flip(leg["side"])
        legs.append(blocks.Leg(leg["category"], leg["symbol"], direction, dec(leg["qty"]), dec(price["price"])))
    done = blocks.trade_block(call, legs, call.now)
    rfq |= {"status": "Filled", "side": side, "desk": offer["deskCode"], "updatedAt": str(call.now)}
    shown = [{"category": leg.category, "symbol": leg.symbol, "side": leg.side, "price": text(leg.price),
              "qty": text(leg.qty), "markPrice": "", "execFee": order["cumExecFee"], "execId": order["orderId"],
              "orderId": order["orderId"], "resultCode": 0, "resultMessage": "", "rejectParty": ""}
             for leg, order in zip(legs, done, strict=True)]  # fmt: skip
    call.account.add_row("rfqTrades", {
        "rfqId": rfq["rfqId"], "rfqLinkId": rfq["rfqLinkId"], "quoteId": offer["quoteId"], "quoteLinkId": "",
        "quoteSide": side, "strategyType": rfq["strategyType"], "status": "Filled", "rfqDeskCode": _mine(call),
        "quoteDeskCode": offer["deskCode"], "createdAt": str(call.now), "updatedAt": str(call.now), "legs": shown,
    })  # fmt: skip
    return {"rfqId": rfq["rfqId"], "rfqLinkId": rfq["rfqLinkId"], "quoteId": offer["quoteId"], "status": "PendingFill"}


def _by_role(call: Call, requested: list[Row], quoted: list[Row]) -> list[Row]:
    return requested if call.word("traderType", "quote") == "request" else quoted


@tool("getRfqs", "getRfqsRealtime")
def rfqs(call: Call) -> Row:
    rows = _by_role(call, _own(call), list(reversed(invited(call))))
    if call.tool == "getRfqsRealtime":
        rows = [row for row in rows if row["status"] == "Active"]
    shown = [{name: value for name, value in row.items() if name not in ("side", "desk")} for row in rows]
    found = listed(call, select(call, shown, rfqId="rfqId", rfqLinkId="rfqLinkId", status="status"), 50)
    return {"cursor": found["nextPageCursor"], "list": found["list"]}


@tool("getQuotes", "getQuotesRealtime")
def quotes(call: Call) -> Row:
    rows = _by_role(call, [offer for rfq in _own(call) for offer in _offers(call, rfq)], _quotes(call))
    if call.tool == "getQuotesRealtime":
        rows = [row for row in rows if row["status"] == "Active"]
    fields = {name: name for name in ("rfqId", "quoteId", "quoteLinkId", "status")}
    found = listed(call, select(call, rows, **fields), 50)
    return {"cursor": found["nextPageCursor"], "list": found["list"]}


@tool("getTradeHistory")
def trades(call: Call) -> Row:
    fields = {name: name for name in ("rfqId", "rfqLinkId", "quoteId", "quoteLinkId", "status")}
    rows = _by_role(call, call.account.table("rfqTrades"), [])
    if not call.word("traderType"):
        rows = call.account.table("rfqTrades")
    found = listed(call, select(call, rows, **fields), 50)
    return {"cursor": found["nextPageCursor"], "list": found["list"]}


def market_trade(call: Call, slot: int) -> Row:
    """The block that the rest of the market traded in one two-hour slot."""
    at = slot * 2 * _HOUR_MS
    item = call.market.instrument("linear", "BTCUSDT", call.now)
    leg = {"category": "linear", "symbol": item.symbol, "side": "Buy" if seed_of("block", slot) % 2 else "Sell",
           "price": text(call.market.last(item, at)), "qty": str(1 + seed_of("size", slot) % 20),
           "markPrice": text(call.market.mark(item, at))}  # fmt: skip
    trade = f"{seed_of('rfq trade', slot):016x}"
    return {"rfqId": trade, "strategyType": "custom", "createdAt": str(at), "updatedAt": str(at), "legs": [leg]}


@tool("getPublicTrades")
def public_trades(call: Call) -> Row:
    last = call.now // (2 * _HOUR_MS)
    rows = [market_trade(call, slot) for slot in range(last - 359, last + 1)]
    found = listed(call, between(call, rows, "createdAt"), 50)
    return {"cursor": found["nextPageCursor"], "list": found["list"]}
