"""Keyset pagination: a mark in the address names the last row of the page before (no OFFSET, no count).

A mark that cannot be read means the first page: an address is typed and copied, so it is never an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from django.db.models import Model, Q, QuerySet

Row = TypeVar("Row", bound=Model)

MAX_DIGITS = 18
"""Digits of a number in a mark: as many as always fit PostgreSQL's bigint."""


@dataclass(frozen=True, slots=True)
class RowPage(Generic[Row]):
    """The rows of one page, and whether more rows follow."""

    rows: list[Row]
    more: bool

    @property
    def last(self) -> Row | None:
        """Return the row after which the next page starts, or None if this is the last page."""
        return self.rows[-1] if self.more else None


def read_page(rows: QuerySet[Row], size: int) -> RowPage[Row]:
    """Read at most ``size`` rows, and one more to know whether rows follow. ``rows`` has an order."""
    found = list(rows[: size + 1])
    return RowPage(found[:size], len(found) > size)


def rows_below(rows: QuerySet[Row], field: str, mark: str) -> QuerySet[Row]:
    """Return the rows whose ``field`` is below the number in ``mark``, or all of them if ``mark`` is no number."""
    if not mark.isdecimal() or len(mark) > MAX_DIGITS:
        return rows
    return rows.filter(**{f"{field}__lt": int(mark)})


def time_mark(at: datetime, key: int) -> str:
    """Return the mark of a row in a list that is ordered by a time, and by its key within the same time."""
    return f"{at.isoformat()}|{key}"


def rows_before(rows: QuerySet[Row], field: str, mark: str) -> QuerySet[Row]:
    """Order by the time ``field``, newest first, and return the rows after the row that :func:`time_mark` named.

    Return all of them if ``mark`` names no row.
    """
    rows = rows.order_by(f"-{field}", "-pk")
    written_time, _bar, written_key = mark.partition("|")
    try:
        at = datetime.fromisoformat(written_time)
        key = int(written_key)
    except ValueError:
        return rows
    if at.tzinfo is None or key >= 2**63:
        return rows
    return rows.filter(Q(**{f"{field}__lt": at}) | Q(**{field: at}, pk__lt=key))
