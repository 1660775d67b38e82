"""Check one row of a roster. Pure functions, except that error messages are translated."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from accounts.models import canonical_email
from accounts.people.roster_file import RosterFileRow, RosterTable

FIRST_YEAR: Final = 1950
MAX_LENGTHS: Final = {
    "student_number": 40,
    "name": 150,
    "email": 150,
    "department": 150,
    "programme": 150,
    "level": 40,
}
# Characters that change the direction of text, and the one that programs put in place of a damaged character.
DECEPTIVE_CHARACTERS: Final = re.compile("[\u202a-\u202e\u2066-\u2069\ufffd]")


@dataclass(frozen=True, slots=True)
class RosterEntry:
    """A valid row. ``enrolled_on`` is None if the file does not give it."""

    row: int
    student_number: str
    name: str
    email: str
    department: str
    programme: str
    level: str
    year: int
    enrolled_on: date | None


@dataclass(frozen=True, slots=True)
class RefusedRosterCell:
    """Why a row is refused. ``column`` is the file's own heading, ``code`` is stable, ``reason`` is a sentence."""

    row: int
    column: str
    code: str
    reason: str


class _CellRefused(Exception):
    """Carry the code and the sentence of a refused cell up to :func:`parse_row`."""


def parse_row(
    row: RosterFileRow, table: RosterTable, *, this_year: int
) -> RosterEntry | list[RefusedRosterCell]:
    """Return the entry of a row, or all reasons to refuse it. ``this_year`` limits the year of entry."""
    values: dict[str, object] = {}
    refusals = []
    for column, heading in table.headings.items():
        try:
            values[column] = _parse_cell(column, row, this_year)
        except _CellRefused as refused:
            refusals.append(RefusedRosterCell(row.number, heading, *refused.args))
    if refusals:
        return refusals
    values.setdefault("enrolled_on", None)
    return RosterEntry(row=row.number, **values)  # type: ignore[arg-type]


def _parse_cell(column: str, row: RosterFileRow, this_year: int) -> object:
    text = row.cells[column]
    if column == "student_number":
        return _parse_student_number(text, is_number=column in row.numbers)
    if column == "enrolled_on" and not text:
        return None
    _require_plain_text(text)
    if column == "year":
        return _parse_year(text, this_year)
    if column == "enrolled_on":
        return _parse_date(text, this_year)
    if len(text) > MAX_LENGTHS[column]:
        raise _CellRefused("too-long", _("At most %(length)s characters.") % {"length": MAX_LENGTHS[column]})
    return _parse_email(text) if column == "email" else text


def _require_plain_text(text: str) -> None:
    if not text:
        raise _CellRefused("empty", _("This cell is empty."))
    if text[0] in "=+-@":
        raise _CellRefused("formula", _("This cell looks like a formula. Enter plain text."))
    if DECEPTIVE_CHARACTERS.search(text) or any(
        unicodedata.category(character) in {"Cc", "Cs"} for character in text
    ):
        raise _CellRefused("control-character", _("This cell contains an invisible or damaged character."))


def _parse_student_number(text: str, *, is_number: bool) -> str:
    # People write ="0012" in a CSV file, or '0012 in a cell, to make Excel keep the leading zeros.
    text = re.sub(r'^(?:="([^"]*)"|\'(.*))$', lambda match: match[1] or match[2] or "", text, count=1)
    if re.fullmatch(r"\d(\.\d+)?[eE]\+?\d+", text):
        raise _CellRefused(
            "number-mangled",
            _("Excel has rounded this number. Format the column as text and enter the number again."),
        )
    if is_number:
        raise _CellRefused(
            "number-not-text",
            _("This is stored as a number, so leading zeros are lost. Format the column as text."),
        )
    _require_plain_text(text)
    text = unicodedata.normalize("NFKC", text)
    if len(text) > MAX_LENGTHS["student_number"] or not re.fullmatch(r"\w[\w.-]*", text):
        raise _CellRefused(
            "not-a-student-number",
            _(
                "A student number consists of letters, digits, dots and hyphens, at most "
                "%(length)s characters."
            )
            % {"length": MAX_LENGTHS["student_number"]},
        )
    return text


def _parse_email(text: str) -> str:
    try:
        validate_email(text)
    except ValidationError:
        raise _CellRefused("not-an-email", _("This is not a valid e-mail address.")) from None
    return canonical_email(text) or ""


def _parse_year(text: str, this_year: int) -> int:
    match = re.fullmatch(r"([0-9]{4})[级年]?", unicodedata.normalize("NFKC", text))
    if not match or not FIRST_YEAR <= int(match[1]) <= this_year + 1:
        raise _CellRefused(
            "not-a-year",
            _("The entry year has four digits, from %(first)s to %(last)s.")
            % {"first": FIRST_YEAR, "last": this_year + 1},
        )
    return int(match[1])


def _parse_date(text: str, this_year: int) -> date:
    match = re.fullmatch(r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?", text)
    try:
        if match and FIRST_YEAR <= int(match[1]) <= this_year + 1:
            return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        pass
    raise _CellRefused("not-a-date", _("Write dates as year-month-day, for example 2023-09-01."))
