"""Exact decimal numbers, and what counts as one. Sizes are bounded so that no argument makes arithmetic expensive."""

import re
from decimal import ROUND_CEILING, Context, Decimal
from typing import Final, TypeAlias

Number: TypeAlias = int | Decimal

_GRAMMAR: Final = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?").fullmatch
_MAX_LENGTH: Final = 300
_MAX_BITS: Final = 1_000
_MAX_EXPONENT: Final = 1_300

# With the bounds above every sum and product of arguments fits, so nothing is ever rounded; no trap can raise.
EXACT: Final = Context(prec=20_000, Emin=-999_999, Emax=999_999, traps=[])

_STEP: Final = Decimal("1e-9")
_CEILING: Final = Decimal("1e15")


def read_number(value: object) -> Number | None:
    """Read a JSON number or a string that is wholly an ASCII decimal; None for all else, `true` included.

    Strings over 300 characters, and numbers of a size that only an attack has, are no numbers.
    """
    if isinstance(value, str):
        return Decimal(value) if len(value) <= _MAX_LENGTH and _GRAMMAR(value) else None
    if isinstance(value, int):
        return value if not isinstance(value, bool) and value.bit_length() <= _MAX_BITS else None
    if isinstance(value, Decimal):
        return value if _is_bounded(value) else None
    return None


def round_amount(number: Number) -> Decimal | None:
    """Round an amount up to 9 decimals; None when it has more than 15 digits before the point."""
    if number >= _CEILING:
        return None
    if isinstance(number, int):
        return Decimal(number)
    rounded = number.quantize(_STEP, rounding=ROUND_CEILING, context=EXACT)
    return rounded if rounded < _CEILING else None


def write_number(number: Number) -> str:
    """Write a number for a sentence: `5,000`, `0.5`; scientific only where the plain form would be absurd."""
    value = Decimal(number)
    if not value.is_finite() or (value and not -15 <= value.adjusted() <= 20):
        return str(value)
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _is_bounded(value: Decimal) -> bool:
    if not value.is_finite() or not -_MAX_EXPONENT <= value.adjusted() <= _MAX_EXPONENT:
        return False
    _, digits, exponent = value.as_tuple()
    return len(digits) <= _MAX_LENGTH and isinstance(exponent, int) and exponent >= -_MAX_EXPONENT
