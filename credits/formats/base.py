"""The data of a record before it is rendered, and the protocol of a renderer.

Pure: ``credits.records`` fills these classes, and a renderer writes them as bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import BinaryIO, Protocol

from credits.text import NO_TEXT, Text


@dataclass(frozen=True, slots=True)
class RecordLine:
    """One ledger entry as a record shows it. ``credit`` is signed: a reversal is negative. ``category`` and ``term``
    are codes, ``rulebook`` is its code and version."""

    number: int
    student_number: str
    name: str
    department: str
    programme: str
    course: Text
    category: str
    term: str
    credit: Decimal
    grade: Text
    rulebook: str
    recorded_at: datetime
    entry_hash: str
    term_name: Text = NO_TEXT
    rulebook_title: Text = NO_TEXT
    """The names of the term and the rulebook for people; empty if they are no longer known."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """学分认定证明: all recognised credit of one person.

    ``head_number`` and ``head_hash`` are the ledger's at ``made_at``.
    """

    name: str
    student_numbers: tuple[str, ...]
    department: str
    programme: str
    lines: tuple[RecordLine, ...]
    made_at: datetime
    head_number: int
    head_hash: str
    total: Decimal = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "total", sum((line.credit for line in self.lines), Decimal(0)))


class ExportRenderer(Protocol):
    """A renderer of an export: its identifier, the file's suffix, and a method that writes the file."""

    identifier: str
    suffix: str

    def render(self, lines: Iterable[RecordLine], to: BinaryIO) -> int:
        """Write the lines in the given order, without keeping all in memory, and return their number."""
