"""The people around an account: its sub-accounts, referred friends and P2P traders; invented and always the same."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from servers.simulator.account import DAY_MS, Account
from servers.simulator.errors import param_error
from servers.simulator.values import ZERO, Row

_SUBS: Final = (("ladderdesk", 1, "grid and recurring buys"), ("hedgedesk", 1, "hedges of the main account"))
SUB_FUNDS: Final = {"ladderdesk": {"USDT": "1000"}, "hedgedesk": {"USDC": "250"}}
_NICKS: Final = ("northpier", "QuickFiat", "Aranya", "desk_17", "Mirko", "saltlake", "Elif", "orbit")


def sub_accounts(account: Account) -> list[Row]:
    """Sub-accounts as query-sub-members shows them."""
    return [
        {
            "uid": str(account.uid + 1_000_000 + place),
            "username": name,
            "memberType": kind,
            "status": 1,
            "accountMode": 6,
            "remark": remark,
        }
        for place, (name, kind, remark) in enumerate(_SUBS, 1)
    ]


def sub_named(account: Account, uid: str) -> Row:
    found = next((sub for sub in sub_accounts(account) if sub["uid"] == uid), None)
    if found is None:
        raise param_error(f"member {uid[:20]} is not a sub-account of this account")
    return found


def sub_balance(account: Account, uid: str, coin: str) -> Decimal:
    """Funding balance of a sub-account."""
    name = sub_named(account, uid)["username"]
    return Decimal(SUB_FUNDS[name].get(coin, "0")) if name in SUB_FUNDS else ZERO


def referred_friends(account: Account) -> list[Row]:
    return [
        {
            "userId": str(account.uid - 40_000 - place * 311),
            "status": int(place != 2),
            "createdTime": str(account.state["created"] + place * 3 * DAY_MS),
            "updatedTime": str(account.state["created"] + place * 4 * DAY_MS),
        }
        for place in range(5)
    ]


def trader(place: int) -> Row:
    """A counterparty of the P2P market or a desk, by number."""
    name = _NICKS[place % len(_NICKS)]
    return {
        "nickName": name,
        "userId": str(70_000_000 + place % len(_NICKS) * 13_577),
        "realName": f"{name[0].upper()}***",
    }
