"""Read a roster's table, CSV or XLSX, into rows of text. What the cells mean is roster_row's."""

from __future__ import annotations

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce
from typing import Final

from django.utils.translation import gettext_lazy as _

from credits.errors import CreditsError

MAX_BYTES: Final = 20 * 1024 * 1024
MAX_ROWS: Final = 200_000
MAX_INFLATED_BYTES: Final = 300 * 1024 * 1024
MAX_CELLS: Final = 10_000_000
"""Cells of a sheet up to its farthest row and column: the reader makes room for all of them at once, and ends the
process where there is none."""

HEADINGS: Final[dict[str, tuple[str, ...]]] = {
    "student_number": ("student number", "学号"),
    "name": ("name", "姓名"),
    "email": ("email", "e-mail", "邮箱", "电子邮箱", "电子邮件"),
    "department": ("department", "学院", "院系"),
    "programme": ("programme", "program", "专业"),
    "level": ("level", "培养层次", "层次"),
    "year": ("year", "年级", "入学年份"),
    "enrolled_on": ("enrolled on", "入学日期"),
}
OPTIONAL: Final = frozenset({"enrolled_on"})

# A cell with something in it; one that is only formatted closes itself, and takes no room.
_CELL_WITH_CONTENT: Final = re.compile(rb'<(?:\w+:)?c\s(?:[^>]*?\s)?r="([A-Z]{1,3})([0-9]{1,7})"[^>]*(?<!/)>')


@dataclass(frozen=True, slots=True)
class RosterFileRow:
    """One row that is not blank. ``number`` is the file's own (the heading is row 1); ``cells`` has a text for every
    column of the file that is known; ``numbers``: the columns whose cell the file holds as a number, not as text."""

    number: int
    cells: dict[str, str]
    numbers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RosterTable:
    """``headings``: what the file calls each known column; ``ignored``: its headings that mean nothing to us."""

    headings: dict[str, str]
    ignored: tuple[str, ...]
    rows: tuple[RosterFileRow, ...]


def read(data: bytes, name: str) -> RosterTable:
    """The table in a file's bytes; ``name`` tells CSV and XLSX apart by its ending.

    CSV may be UTF-8 (with or without a byte order mark) or GB18030, separated by comma, semicolon or tab. Raises
    CreditsError: ``roster-too-large``, ``roster-unreadable``, ``roster-columns``, ``roster-empty``.
    """
    if len(data) > MAX_BYTES:
        raise _too_large()
    if name.lower().endswith((".xlsx", ".xlsm")) or data.startswith(b"PK\x03\x04"):
        records = _read_xlsx(data)
    else:
        records = _read_csv(_decode(data))
    heading = next(records, None)
    if heading is None:
        raise CreditsError("roster-empty", _("The file is empty."), _columns_hint())
    columns, headings, ignored = _match_columns([str(cell) for cell in heading])
    rows = tuple(_read_rows(records, columns))
    if not rows:
        raise CreditsError("roster-empty", _("The file has a header row but no other rows."))
    return RosterTable(headings, ignored, rows)


def _read_rows(records: Iterable[list[object]], columns: dict[int, str]) -> Iterator[RosterFileRow]:
    for number, record in enumerate(records, start=2):
        if number > MAX_ROWS + 1:
            raise _too_large()
        if not any(str(cell).strip() for cell in record):
            continue
        cells = dict.fromkeys(columns.values(), "")
        numbers = set()
        for index, column in columns.items():
            if index < len(record):
                cells[column], is_number = _cell_text(record[index])
                if is_number:
                    numbers.add(column)
        yield RosterFileRow(number, cells, frozenset(numbers))


def _cell_text(cell: object) -> tuple[str, bool]:
    """A cell as text, and whether the file holds it as a number."""
    if isinstance(cell, float | int) and not isinstance(cell, bool):
        return (f"{cell:.0f}" if float(cell).is_integer() else str(cell)), True
    if isinstance(cell, datetime):
        return cell.date().isoformat(), False
    if isinstance(cell, date):
        return cell.isoformat(), False
    return str(cell).strip(), False


def _match_columns(heading: list[str]) -> tuple[dict[int, str], dict[str, str], tuple[str, ...]]:
    known = {
        _normalise_heading(spelling): column
        for column, spellings in HEADINGS.items()
        for spelling in spellings
    }
    columns: dict[int, str] = {}
    headings: dict[str, str] = {}
    ignored = []
    for index, cell in enumerate(heading):
        column = known.get(_normalise_heading(cell))
        if column is None:
            if cell.strip():
                ignored.append(cell.strip()[:100])
        elif column in headings:
            raise CreditsError(
                "roster-columns",
                _("The column %(column)s occurs twice.") % {"column": cell.strip()},
                _columns_hint(),
            )
        else:
            columns[index], headings[column] = column, cell.strip()
    missing = [column for column in HEADINGS if column not in headings and column not in OPTIONAL]
    if missing:
        raise CreditsError(
            "roster-columns",
            _("These columns are missing from the first row: %(columns)s.")
            % {"columns": ", ".join(f"{column} ({HEADINGS[column][-1]})" for column in missing)},
            _columns_hint(),
        )
    return columns, headings, tuple(ignored)


def _normalise_heading(heading: str) -> str:
    return re.sub(r"[\s_]+", " ", heading.replace("\ufeff", "")).strip().casefold()


def _read_csv(text: str) -> Iterator[list[object]]:
    first = text.split("\n", 1)[0]
    separator = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for record in reader:
            yield list(record)
    except csv.Error as error:
        raise CreditsError(
            "roster-unreadable",
            _("From line %(line)s on, the file is not valid CSV.") % {"line": reader.line_num},
            _("Look for a quotation mark that is not closed, or save the file as CSV again."),
        ) from error


def _decode(data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        text = _decode_gb18030(data, error)
    if "\x00" in text:
        raise _unreadable()
    return text


def _decode_gb18030(data: bytes, error: UnicodeDecodeError) -> str:
    """What a Chinese Excel saves. Almost any bytes pass for GB18030, so a UTF-8 file with a damaged character must
    be told apart, or its names would be stored as nonsense: in such a file nearly all characters are good UTF-8."""
    as_utf8 = data.decode("utf-8-sig", errors="replace")
    damaged = as_utf8.count("\ufffd")
    good = sum(ord(character) > 127 for character in as_utf8) - damaged
    if good > 4 * damaged:
        raise CreditsError(
            "roster-unreadable",
            _("Line %(line)s contains a damaged character.")
            % {"line": data.count(b"\n", 0, error.start) + 1},
            _("Save the file as CSV UTF-8 again."),
        )
    try:
        return data.decode("gb18030")
    except UnicodeDecodeError:
        raise _unreadable() from error


def _read_xlsx(data: bytes) -> Iterator[list[object]]:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(member.file_size for member in archive.infolist()) > MAX_INFLATED_BYTES:
                raise _too_large()
            if any(_count_cells(archive, member) > MAX_CELLS for member in archive.namelist()):
                raise _too_large()
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0)
        records = sheet.to_python(skip_empty_area=False)
    except (
        CalamineError,
        zipfile.BadZipFile,
        zlib.error,
        RuntimeError,
        ValueError,
        IndexError,
        OSError,
        EOFError,
    ) as error:
        raise _unreadable() from error
    return (list(record) for record in records)


def _count_cells(archive: zipfile.ZipFile, member: str) -> int:
    """How many cells a sheet spans; 0 for what is no sheet."""
    if not member.startswith("xl/worksheets/") or not member.endswith(".xml"):
        return 0
    columns: set[bytes] = set()
    last, rest = 0, b""
    with archive.open(member) as file:
        while chunk := file.read(1 << 20):
            text = rest + chunk
            # What begins last may go on in the next chunk.
            whole = max(text.rfind(b"<"), 0)
            for column, row in _CELL_WITH_CONTENT.findall(text, 0, whole):
                columns.add(column)
                last = max(last, int(row))
            rest = text[whole:]
    widest = max(columns, key=lambda column: (len(column), column), default=b"")
    return last * reduce(lambda number, letter: number * 26 + letter - 64, widest, 0)


def _columns_hint() -> str:
    return str(_("The first row must name the columns: %(columns)s.") % {"columns": ", ".join(HEADINGS)})


def _too_large() -> CreditsError:
    return CreditsError(
        "roster-too-large",
        _("The file is too large: at most %(megabytes)s MB and %(rows)s rows.")
        % {"megabytes": MAX_BYTES // 1024 // 1024, "rows": MAX_ROWS},
        _("Import it in parts."),
    )


def _unreadable() -> CreditsError:
    return CreditsError(
        "roster-unreadable",
        _("The file is neither a CSV table (UTF-8 or GB18030) nor an Excel workbook."),
        _("Save it as CSV UTF-8 or as XLSX."),
    )
