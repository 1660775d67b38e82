"""Exact decimals: how points and credit are computed and written (no float, and no rounding unless a rule says so)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow, localcontext

ZERO = Decimal(0)

# Digits are 0 to 9: there are others that look alike and mean another number.
_TEXT = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,6})?")
# Wide enough for every product that a bounded rulebook can ask for; were it ever not, Inexact is raised, not rounded.
EXACT = Context(prec=400, traps=[Inexact, InvalidOperation, Overflow])


@contextmanager
def exact_arithmetic() -> Iterator[None]:
    """Inside, decimal arithmetic is exact or raises; the caller's context is put back afterwards."""
    with localcontext(EXACT):
        yield


def from_text(text: str) -> Decimal:
    """The decimal written as digits with at most nine before and six after the point; ValueError otherwise."""
    if not _TEXT.fullmatch(text):
        raise ValueError(text)
    return Decimal(text)


def to_text(value: Decimal) -> str:
    """The one way to write a value: no exponent, no trailing zeros, no minus before zero."""
    if value == 0:
        return "0"
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def signed_text(value: Decimal) -> str:
    """As a change: ``+5``, ``−2`` (a real minus sign), ``±0``."""
    if value == 0:
        return "±0"
    return f"+{to_text(value)}" if value > 0 else f"−{to_text(-value)}"


def steps_of(value: Decimal, size: Decimal, rounding: str) -> Decimal:
    """How many steps of ``size`` a ``value`` of zero or more makes: whole ones (``down``), to the ``nearest`` (half a
    step goes up), or ``up``."""
    full = value // size
    rest = value - full * size
    more = rest > 0 if rounding == "up" else rounding == "nearest" and rest * 2 >= size
    return full + 1 if more else full


def round_to(value: Decimal, size: Decimal, rounding: str) -> Decimal:
    """The ``value``, zero or more, as a multiple of ``size``."""
    return steps_of(value, size, rounding) * size
