"""Which function answers which tool, and what a tool's function is given; it knows no tool itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, TypeVar

from servers.simulator.account import Account
from servers.simulator.errors import param_error
from servers.simulator.market import Market
from servers.simulator.values import Row, dec


@dataclass(slots=True)
class Call:
    """One call in progress: checked arguments, the caller's account, the market, the time in milliseconds."""

    tool: str
    args: Row
    account: Account
    market: Market
    now: int
    ext_info: Row = field(default_factory=dict)

    def word(self, name: str, default: str = "") -> str:
        """A text argument, or the default when it is absent or empty."""
        value = self.args.get(name)
        return default if value in (None, "") else str(value)

    def number(self, name: str) -> Decimal:
        return dec(self.args.get(name), name)

    def amount(self, name: str) -> Decimal:
        """A decimal argument that has to be above zero."""
        value = self.number(name)
        if value <= 0:
            raise param_error(f"{name} must be greater than 0")
        return value

    def whole(self, name: str, default: int = 0) -> int:
        """An integer argument, also where the schema calls it a string."""
        value = self.args.get(name)
        if value in (None, ""):
            return default
        number = dec(value, name)
        if number != number.to_integral_value():
            raise param_error(f"{name} must be an integer")
        return int(number)

    def flag(self, name: str) -> bool:
        return self.args.get(name) is True


Handler = Callable[[Call], Row]
HANDLERS: Final[dict[str, Handler]] = {}
CHORES: Final[list[Callable[[Call], object]]] = []


def tool(*names: str) -> Callable[[Handler], Handler]:
    """Make a function answer the tools of these names; its result is the envelope's `result`."""

    def register(handler: Handler) -> Handler:
        for name in names:
            if name in HANDLERS:
                raise RuntimeError(f"two functions answer {name}")
            HANDLERS[name] = handler
        return handler

    return register


Chore = TypeVar("Chore", bound=Callable[[Call], object])


def on_every_call(chore: Chore) -> Chore:
    """Run a function before every tool: what goes on by itself while nobody asks about it."""
    CHORES.append(chore)
    return chore
