"""Exact decimal arithmetic and its text form; binary floating point never touches money."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal, InvalidOperation
from typing import Any, Final

from servers.simulator.errors import param_error

# A JSON document in Bybit's own shape. Its members are strings, numbers, lists and further documents.
Row = dict[str, Any]

ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)
EIGHT: Final = Decimal("0.00000001")
CENT: Final = Decimal("0.01")


def dec(value: object, name: str = "number") -> Decimal:
    """The exact decimal that a string or integer states; anything else is refused with 10001."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise param_error(f"{name} must be a decimal string")
    if isinstance(value, str) and not value.isascii():
        raise param_error(f"{name} must be a decimal string")
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise param_error(f"{name} must be a decimal string") from None
    if not number.is_finite() or (number and not -18 <= number.adjusted() <= 15) or len(number.as_tuple().digits) > 36:
        raise param_error(f"{name} is out of range")
    return number


def text(number: Decimal) -> str:
    """Plain decimal notation without exponent or trailing zeros."""
    if not number:
        return "0"
    shown = format(number, "f")
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def floor_to(number: Decimal, step: Decimal) -> Decimal:
    return (number / step).to_integral_value(rounding=ROUND_DOWN) * step


def cut(number: Decimal, step: Decimal = EIGHT) -> Decimal:
    return number.quantize(step, rounding=ROUND_DOWN)


def is_multiple(number: Decimal, step: Decimal) -> bool:
    return number % step == 0
