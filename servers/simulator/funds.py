"""Wallet names as the many families of tools spell them, and money in and out of wallets on their behalf."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from servers.simulator.account import FUND, UNIFIED
from servers.simulator.errors import SimulatorError, param_error
from servers.simulator.instruments import COINS
from servers.simulator.registry import Call
from servers.simulator.values import Row

_WALLETS: Final = {
    "UNIFIED": UNIFIED,
    "FUND": FUND,
    "eb_convert_uta": UNIFIED,
    "eb_convert_funding": FUND,
}


def wallet_named(name: str, argument: str = "accountType") -> str:
    """The wallet behind a name; accounts of before the Unified one do not exist here."""
    wallet = _WALLETS.get(name)
    if wallet is None:
        raise param_error(f"{argument} invalid, this account has UNIFIED and FUND")
    return wallet


def known_coin(coin: str, argument: str = "coin") -> str:
    if coin not in COINS:
        raise param_error(f"{argument} {coin[:20]} is not supported")
    return coin


def pay(call: Call, wallet: str, money: tuple[str, Decimal], kind: str, code: int = 131212) -> None:
    """Take an amount of a coin from a wallet, with a ledger line of this kind; refused when it is not there."""
    coin, amount = money
    call.account.take(wallet, coin, amount, {"type": kind, "time": call.now}, code=code)


def receive(call: Call, wallet: str, money: tuple[str, Decimal], kind: str) -> None:
    coin, amount = money
    call.account.give(wallet, coin, amount, {"type": kind, "time": call.now})


def refuse_repeat(rows: list[Row], link: str, code: int = 180015) -> None:
    """Refuse an orderLinkId that one of these orders already carries."""
    if any(row.get("orderLinkId") == link for row in rows):
        raise SimulatorError(code)


def find_row(rows: list[Row], field: str, value: object, code: int) -> Row:
    """The newest record whose field has this value, compared as text; raises the given error when there is none."""
    for row in reversed(rows):
        if str(row[field]) == str(value):
            return row
    raise SimulatorError(code)
