"""Ledger entries as the lines of a record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from credits.formats.base import Line
from credits.ledger.entries import CreditEntry


def lines(entries: Iterable[CreditEntry]) -> Iterator[Line]:
    """One line an entry, in the order given. What an entry says of the person is what was true when it was posted;
    a reversal says what the entry it reverses said."""
    for entry in entries:
        details = (entry.reverses or entry).details
        yield Line(
            number=entry.number,
            student_number=entry.student_number,
            name=details.get("name", ""),
            department=details.get("department", ""),
            programme=details.get("programme", ""),
            course=details.get("course", ""),
            category=entry.category,
            term=entry.term,
            credit=entry.credit,
            grade=details.get("grade", ""),
            rulebook=details.get("rulebook", ""),
            recorded_at=entry.posted_at,
            entry_hash=entry.hash,
        )
