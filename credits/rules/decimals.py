"""Exact decimals: how points and credit are computed and written. No floats, no rounding unless a rule asks for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow, localcontext

ZERO = Decimal(0)

# Only the digits 0 to 9: digits of other scripts can look alike and mean another number.
_TEXT = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,6})?")
# 400 digits are enough for every product that a bounded rulebook can need. If not, Inexact is raised: nothing
# is rounded.
EXACT = Context(prec=400, traps=[Inexact, InvalidOperation, Overflow])


@contextmanager
def exact_arithmetic() -> Iterator[None]:
    """Make decimal arithmetic exact inside: it raises instead of rounding. Restore the caller's context afterwards."""
    with localcontext(EXACT):
        yield


def from_text(text: str) -> Decimal:
    """Read a decimal with at most nine digits before and six after the point. Raise ValueError for anything else."""
    if not _TEXT.fullmatch(text):
        raise ValueError(text)
    return Decimal(text)


def to_text(value: Decimal) -> str:
    """Return the value as text, always in the same way: no exponent, no trailing zeros, no minus before zero."""
    if value == 0:
        return "0"
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def signed_text(value: Decimal) -> str:
    """Return the value as a change: ``+5``, ``−2`` (with a real minus sign), ``±0``."""
    if value == 0:
        return "±0"
    return f"+{to_text(value)}" if value > 0 else f"−{to_text(-value)}"


def steps_of(value: Decimal, size: Decimal, rounding: str) -> Decimal:
    """Return how many steps of ``size`` are in ``value``, which is zero or more.

    ``rounding`` is ``down`` (full steps only), ``nearest`` (half a step goes up) or ``up``.
    """
    full = value // size
    rest = value - full * size
    round_up = rest > 0 if rounding == "up" else rounding == "nearest" and rest * 2 >= size
    return full + 1 if round_up else full


def round_to(value: Decimal, size: Decimal, rounding: str) -> Decimal:
    """Return ``value``, which is zero or more, rounded to a multiple of ``size``; see :func:`steps_of`."""
    return steps_of(value, size, rounding) * size
