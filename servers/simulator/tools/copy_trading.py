"""Copy trading: leaderboards and starting to copy, for Classic leaders and TradFi (MT5) providers."""

from __future__ import annotations

from decimal import Decimal

from servers.simulator.account import FUND, UNIFIED
from servers.simulator.errors import SimulatorError, param_error
from servers.simulator.funds import find_row, pay
from servers.simulator.paths import seed_of, unit
from servers.simulator.registry import Call, tool
from servers.simulator.values import Row, cut, text

_EIGHT = Decimal(10) ** 8
_NAMES = ("Tidewater", "Quiet Carry", "Lantern", "Basalt", "Cloudberry", "Northbound", "Halfmoon", "Drift")


def _board(prefix: str, now: int) -> list[Row]:
    """Leaders ranked by their 30-day return, the same for everybody and steady within a day."""
    rows = []
    for place, name in enumerate(_NAMES):
        key = seed_of(prefix, name) ^ (now // 86_400_000 // 7)
        gain = Decimal(round(0.02 + 0.5 * unit(key), 4))
        rows.append({
            "mark": f"{prefix}{seed_of(prefix, name) % 10**9:09d}", "name": name,
            "roi": text(cut(gain, Decimal("0.0001"))),
            "drawdown": text(cut(Decimal(0.03 + 0.2 * unit(key + 1)), Decimal("0.0001"))),
            "sharpe": text(cut(Decimal(0.5 + 2.5 * unit(key + 2)), Decimal("0.01"))), "followers": 20 + place * 17,
        })  # fmt: skip
    return sorted(rows, key=lambda row: Decimal(row["roi"]), reverse=True)


@tool("getCopyTradingClassicLeaderboard")
def classic_board(call: Call) -> Row:
    rows = [{
        "leaderMark": row["mark"], "nickName": row["name"], "rank": place, "roi30d": row["roi"],
        "maxDrawdown30d": row["drawdown"], "sharpeRatio30d": row["sharpe"], "followerCount": row["followers"],
        "maxFollowerCount": 500, "profitShareRate": "0.1", "minInvestmentE8": str(50 * 10**8),
    } for place, row in enumerate(_board("L", call.now), 1)]  # fmt: skip
    return {"leaderList": rows}


@tool("getCopyTradingTradFiLeaderboard")
def tradfi_board(call: Call) -> Row:
    rows = [{
        "providerMark": row["mark"], "nickName": row["name"], "rank": place, "roi30d": row["roi"],
        "maxDrawdown30d": row["drawdown"], "sharpeRatio30d": row["sharpe"], "followerCount": row["followers"],
        "profitShareRate": "0.15", "minInvestmentE8": 10 * 10**8, "maxInvestmentE8": 50_000 * 10**8,
    } for place, row in enumerate(_board("P", call.now), 1)]  # fmt: skip
    return {"providerList": rows}


def _bind(call: Call, prefix: str, mark: str, wallet: str) -> Row:
    leader = find_row(_board(prefix, call.now), "mark", mark, 131002)
    raw = call.whole("investmentE8")
    amount = Decimal(raw) / _EIGHT
    least = Decimal(50 if prefix == "L" else 10)
    if not least <= amount <= 50_000:
        raise param_error(f"the investment must lie between {least} and 50000 USDT")
    rows = call.account.table("copies")
    if any(row["mark"] == mark for row in rows):
        raise SimulatorError(131002, "This trader is already being copied")
    pay(call, wallet, ("USDT", amount), "COPY_TRADE_INVEST", code=131212)
    call.account.add_row("copies", {"mark": mark, "investmentE8": str(raw), "since": call.now, "wallet": wallet})
    return {"bindId": str(call.account.next_number()), "nickName": leader["name"], "investmentE8": str(raw),
            "status": "FOLLOWING", "createdTime": str(call.now)}  # fmt: skip


@tool("createCopyTradeBind")
def bind_classic(call: Call) -> Row:
    return {"leaderMark": call.word("leaderMark"), **_bind(call, "L", call.word("leaderMark"), UNIFIED)}


@tool("createCopyMt5Bind")
def bind_tradfi(call: Call) -> Row:
    return {"providerMark": call.word("providerMark"), **_bind(call, "P", call.word("providerMark"), FUND)}
