"""Read a roster from CSV or XLSX into rows of text. ``roster_row`` checks what the cells mean."""

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
"""The most cells of a sheet, counted up to its last row and last column.

The reader allocates memory for all of them at once, and the process is killed if there is not enough.
"""

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

# A cell with content. A cell that is only formatted is a self-closing element and takes no memory.
_CELL_WITH_CONTENT: Final = re.compile(rb'<(?:\w+:)?c\s(?:[^>]*?\s)?r="([A-Z]{1,3})([0-9]{1,7})"[^>]*(?<!/)>')


@dataclass(frozen=True, slots=True)
class RosterFileRow:
    """A row that is not blank.

    ``number`` is its row number in the file (the heading is row 1). ``cells`` has a text for each known column of the
    file. ``numbers`` are the columns whose cell the file stores as a number instead of text.
    """

    number: int
    cells: dict[str, str]
    numbers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RosterTable:
    """The rows of a file. ``headings``: the file's name for each known column. ``ignored``: the unknown headings."""

    headings: dict[str, str]
    ignored: tuple[str, ...]
    rows: tuple[RosterFileRow, ...]


def read(data: bytes, name: str) -> RosterTable:
    """Return the table in a file's bytes. It is read as XLSX if its name or its first bytes say so, otherwise as CSV.

    CSV may be UTF-8 (with or without a byte order mark) or GB18030, separated by comma, semicolon or tab. Raise
    CreditsError ``roster-too-large``, ``roster-unreadable``, ``roster-columns`` or ``roster-empty``.
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
    """Return a cell as text, and whether the file stores it as a number."""
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
    """Decode GB18030, which a Chinese Excel saves. Raise CreditsError if the file is damaged UTF-8 instead.

    Almost any bytes are valid GB18030, so names of a UTF-8 file with one damaged character would be stored as nonsense.
    Such a file is recognised because nearly all of its other characters are valid UTF-8.
    """
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
    """Return how many cells a sheet spans, or 0 if the archive member is not a sheet."""
    if not member.startswith("xl/worksheets/") or not member.endswith(".xml"):
        return 0
    columns: set[bytes] = set()
    last, rest = 0, b""
    with archive.open(member) as file:
        while chunk := file.read(1 << 20):
            text = rest + chunk
            # The last element of this chunk may continue in the next one.
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
