"""The state of one simulated account: a JSON document whose money is decimal text, and the few ways to change it."""

from __future__ import annotations

import hashlib
import uuid
from decimal import Decimal
from typing import Any, Final, TypedDict

from servers.simulator.errors import SimulatorError
from servers.simulator.paths import unit
from servers.simulator.values import ZERO, Row, dec, text

UNIFIED: Final = "UNIFIED"
FUND: Final = "FUND"
DAY_MS: Final = 86_400_000
# Oldest rows are forgotten beyond these counts, so that one call never reads or writes an unbounded document.
KEPT: Final = 150

OPENING: Final = {
    UNIFIED: {"USDT": "50000", "USDC": "5000", "BTC": "0.5", "ETH": "5", "SOL": "20", "DOGE": "120.5", "MNT": "3.5"},
    FUND: {"USDT": "20000", "USDC": "2500", "BTC": "0.2", "ETH": "2", "XRP": "1500", "MNT": "40"},
}


class State(TypedDict):
    """Everything the exchange knows about one account. Times are milliseconds since 1970."""

    seed: str
    created: int
    settled: int
    counter: int
    cash: dict[str, dict[str, str]]
    borrowed: dict[str, str]
    realised: dict[str, str]
    orders: list[Row]
    closed: list[Row]
    executions: list[Row]
    positions: dict[str, Row]
    closed_pnl: list[Row]
    ledger: list[Row]
    funding_history: list[Row]
    settings: dict[str, Any]
    tables: dict[str, list[Row]]


def open_state(seed: str, now: int) -> State:
    """A fresh account that was opened thirty days before `now` with the deposits that explain its balances."""
    return State(
        seed=seed,
        created=now - 30 * DAY_MS,
        settled=now,
        counter=0,
        cash={wallet: dict(coins) for wallet, coins in OPENING.items()},
        borrowed={},
        realised={},
        orders=[],
        closed=[],
        executions=[],
        positions={},
        closed_pnl=[],
        ledger=[],
        funding_history=[],
        settings={"marginMode": "REGULAR_MARGIN", "leverage": {}, "spotMargin": "0", "spotLeverage": "3"},
        tables={},
    )


class Account:
    """A state and the operations on money that every family of tools shares."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.settings = state["settings"]

    @property
    def uid(self) -> int:
        return 100_000_000 + int.from_bytes(self._digest("uid")[:4]) % 899_999_999

    def _digest(self, *parts: object) -> bytes:
        joined = "\x1f".join(map(str, (self.state["seed"], *parts))).encode()
        return hashlib.blake2b(joined, digest_size=16).digest()

    def stable_id(self, *parts: object) -> str:
        """An identifier that these words always give on this account."""
        return str(uuid.UUID(bytes=self._digest(*parts), version=4))

    def stable_hex(self, *parts: object) -> str:
        return hashlib.blake2b(self._digest(*parts), digest_size=32).hexdigest()

    def chance(self, *parts: object) -> float:
        return unit(int.from_bytes(self._digest(*parts)[:8]))

    def next_id(self) -> str:
        self.state["counter"] += 1
        return self.stable_id("id", self.state["counter"])

    def next_number(self) -> int:
        self.state["counter"] += 1
        return 1_000_000_000 + self.uid % 1000 * 1_000_000 + self.state["counter"]

    def table(self, name: str) -> list[Row]:
        """A named list of records, newest last."""
        return self.state["tables"].setdefault(name, [])

    def add_row(self, name: str, row: Row) -> Row:
        rows = self.table(name)
        rows.append(row)
        del rows[:-KEPT]
        return row

    def cash(self, wallet: str, coin: str) -> Decimal:
        return Decimal(self.state["cash"].setdefault(wallet, {}).get(coin, "0"))

    def borrowed(self, coin: str) -> Decimal:
        return Decimal(self.state["borrowed"].get(coin, "0"))

    def set_borrowed(self, coin: str, amount: Decimal) -> None:
        if amount:
            self.state["borrowed"][coin] = text(amount)
        else:
            self.state["borrowed"].pop(coin, None)

    def locked(self, coin: str) -> Decimal:
        """What open spot orders of the Unified wallet hold of one coin."""
        return sum((Decimal(row["lockedAmount"]) for row in self.state["orders"] if row["lockedCoin"] == coin), ZERO)

    def free(self, wallet: str, coin: str) -> Decimal:
        held = self.locked(coin) if wallet == UNIFIED else ZERO
        return max(self.cash(wallet, coin) - held, ZERO)

    def book_cash(self, wallet: str, coin: str, change: Decimal, entry: Row) -> None:
        """Change a balance and write the ledger line that explains it; `entry` needs type and time."""
        balance = self.cash(wallet, coin) + change
        self.state["cash"][wallet][coin] = text(balance)
        if wallet == UNIFIED:
            self._log_unified(coin, change, balance, entry)
        else:
            self._log_funding(coin, change, entry)

    def _log_unified(self, coin: str, change: Decimal, balance: Decimal, entry: Row) -> None:
        line = {
            "id": self.next_id(),
            "symbol": "",
            "side": "None",
            "funding": "",
            "orderLinkId": "",
            "orderId": "",
            "fee": "0",
            "change": text(change),
            "cashFlow": text(change + dec(entry.get("fee", "0"))),
            "transactionTime": str(entry["time"]),
            "type": entry["type"],
            "transSubType": "",
            "feeRate": "0",
            "bonusChange": "",
            "size": "0",
            "qty": text(abs(change)),
            "cashBalance": text(balance),
            "currency": coin,
            "category": "",
            "tradePrice": "",
            "tradeId": "",
            "extraFees": "",
        }
        line.update((key, value) for key, value in entry.items() if key != "time")
        self.state["ledger"].append(line)
        del self.state["ledger"][:-KEPT]

    def _log_funding(self, coin: str, change: Decimal, entry: Row) -> None:
        rows = self.state["funding_history"]
        rows.append(
            {
                "id": self.next_id(),
                "coin": coin,
                "amount": text(change),
                "direction": "In" if change > 0 else "Out",
                "businessType": entry["type"],
                "status": "Success",
                "createTime": str(entry["time"]),
            }
        )
        del rows[:-KEPT]

    def take(self, wallet: str, coin: str, amount: Decimal, entry: Row, *, code: int = 131212) -> None:
        """Debit a wallet; raises the given error when the free balance does not cover it."""
        if amount > self.free(wallet, coin):
            raise SimulatorError(code)
        self.book_cash(wallet, coin, -amount, entry)

    def give(self, wallet: str, coin: str, amount: Decimal, entry: Row) -> None:
        if amount:
            self.book_cash(wallet, coin, amount, entry)

    def add_realised(self, coin: str, amount: Decimal) -> None:
        total = Decimal(self.state["realised"].get(coin, "0")) + amount
        self.state["realised"][coin] = text(total)
