"""One call from name and arguments to Bybit's answer, over one account's state; no storage and no network here."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from decimal import localcontext
from typing import Final

from servers.simulator import tools
from servers.simulator.account import Account, State
from servers.simulator.definitions import tool_definitions
from servers.simulator.errors import SimulatorError
from servers.simulator.market import Market
from servers.simulator.registry import CHORES, HANDLERS, Call
from servers.simulator.schema import check_arguments
from servers.simulator.settle import settle
from servers.simulator.values import Row

# Enough digits for the product of any two amounts that arguments may state.
PRECISION: Final = 60


class UnknownToolError(Exception):
    """The name is not one of the listed tools."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """The simulated exchange; every account of it sees the same market."""

    market: Market

    def call(self, state: State, tool: str, arguments: Row, now: int) -> Row:
        """Answer one call at `now` (milliseconds since 1970), changing `state` in place.

        Raises UnknownToolError for a name that is not listed and SimulatorError for what Bybit would refuse; after a
        SimulatorError the state may hold half of the call and is to be thrown away.
        """
        definition = tool_definitions().get(tool)
        if definition is None:
            raise UnknownToolError(tool)
        checked = check_arguments(definition["inputSchema"], arguments)
        with localcontext(prec=PRECISION):
            try:
                return self._answer(Account(state), tool, checked, now)
            except ArithmeticError:
                raise SimulatorError(10001, "params error: a number is out of range") from None

    def _answer(self, account: Account, tool: str, arguments: Row, now: int) -> Row:
        reached = settle(account, self.market, now)
        call = Call(tool, arguments, account, self.market, reached)
        for chore in CHORES:
            chore(call)
        result = HANDLERS[tool](call)
        return {"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": call.ext_info, "time": reached}


def _register_tools() -> None:
    for module in pkgutil.iter_modules(tools.__path__, tools.__name__ + "."):
        importlib.import_module(module.name)


_register_tools()
