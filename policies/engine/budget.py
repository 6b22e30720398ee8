"""How much work one decision may take, in steps that do not depend on the machine. It counts and knows no clock."""

from typing import Final

# A step is one value looked at once: half a microsecond to three on the machine this was measured on.
MAX_STEPS: Final = 200_000


class BudgetError(Exception):
    """A decision that would take more steps than it may."""


class Budget:
    """The steps that are left to one decision; whoever multiplies work spends them before doing it."""

    __slots__ = ("left",)

    def __init__(self, steps: int = MAX_STEPS) -> None:
        self.left = steps

    def spend(self, steps: int) -> None:
        """Take steps off. Raises BudgetError when so many are not left, and then takes none."""
        if steps > self.left:
            raise BudgetError
        self.left -= steps


# For plans that have nothing to count. Spending from it is refused, so it never changes and can be shared.
NO_BUDGET: Final = Budget(0)
