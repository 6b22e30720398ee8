"""Where account states live: the protocol, and one in memory. The one in PostgreSQL is in services.py."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar
from uuid import UUID

import orjson

from servers.simulator.account import State, open_state

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class AccountKey:
    """One account is one registered server of one organisation."""

    organisation: UUID
    server: UUID


class UnknownAccountError(Exception):
    """No registered simulator server has this key."""


class Store(Protocol):
    """Runs one call over an account's state; what it changes is kept only when it returns."""

    def run(self, key: AccountKey, now: int, act: Callable[[State], Answer]) -> Answer: ...


def weigh(state: State) -> bytes:
    """What has to be kept: everything but how far time was followed, which any later call finds out again."""
    return orjson.dumps({**state, "settled": 0})


class MemoryStore:
    """States as bytes in this process; every key is an account."""

    def __init__(self) -> None:
        self._states: dict[AccountKey, bytes] = {}
        self._lock = threading.Lock()

    def run(self, key: AccountKey, now: int, act: Callable[[State], Answer]) -> Answer:
        with self._lock:
            kept = self._states.get(key)
            state: State = orjson.loads(kept) if kept is not None else open_state(str(key.server), now)
            answer = act(state)
            self._states[key] = orjson.dumps(state)
            return answer
