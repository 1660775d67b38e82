"""CSV and Excel files that a spreadsheet opens correctly."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from credits.formats.base import RecordLine
from credits.formats.tabular import FORMULA_STARTS, HEADINGS, CsvRenderer, XlsxRenderer, safe_cell
from credits.text import Text


def line(**fields: object) -> RecordLine:
    values: dict[str, object] = {
        "number": 1,
        "student_number": "0023001",
        "name": "张𠮷",
        "department": "软件学院",
        "programme": "软件工程",
        "course": Text("开源实践", "Open-source practice"),
        "category": "open-source",
        "term": "2025-spring",
        "credit": Decimal("1.50"),
        "grade": Text("通过", "Pass"),
        "rulebook": "open-source-practice v1",
        "recorded_at": datetime(2025, 3, 1, 9, 30, tzinfo=UTC),
        "entry_hash": "ab" * 32,
    }
    return RecordLine(**{**values, **fields})  # type: ignore[arg-type]


def rendered(*lines: RecordLine) -> bytes:
    file = io.BytesIO()
    assert CsvRenderer().render(lines, file) == len(lines)
    return file.getvalue()


def rows(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_excel_knows_the_file_for_utf_8() -> None:
    """The byte-order mark comes first, lines end as RFC 4180 has it, and rare characters survive."""
    content = rendered(line())
    assert content.startswith(b"\xef\xbb\xbf")
    assert content.endswith(b"\r\n")
    assert rows(content)[1] == [
        "0023001",
        "张𠮷",
        "软件学院",
        "软件工程",
        "开源实践",
        "open-source",
        "2025-spring",
        "1.50",
        "通过",
        "open-source-practice v1",
        "2025-03-01T09:30:00+00:00",
        "1",
        "ab" * 32,
    ]


def test_an_export_of_nothing_has_its_heading() -> None:
    """No entries is a table without rows, not an empty file."""
    assert len(rows(rendered())) == 1


def test_the_credit_of_a_reversal_stays_a_number() -> None:
    """A negative amount that we write stays a number and can be summed in the spreadsheet."""
    assert rows(rendered(line(credit=Decimal("-1.50"))))[1][7] == "-1.50"


@given(st.text())
def test_no_text_becomes_a_formula(text: str) -> None:
    """No cell begins like a formula, whatever the text, even after blanks that a spreadsheet drops."""
    assert not safe_cell(text).startswith(FORMULA_STARTS)
    assert not safe_cell(text).lstrip().startswith(FORMULA_STARTS)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_a_name_cannot_break_out_of_its_cell(text: str) -> None:
    """Quotes, commas and line ends in a name do not change the columns of the table."""
    table = rows(rendered(line(name=text), line()))
    assert [len(row) for row in table] == [13, 13, 13]


def sheet(*lines: RecordLine) -> list[list[object]]:
    file = io.BytesIO()
    assert XlsxRenderer().render(lines, file) == len(lines)
    return list(CalamineWorkbook.from_filelike(io.BytesIO(file.getvalue())).get_sheet_by_index(0).to_python())


def test_a_workbook_keeps_leading_zeros_and_counts_credit() -> None:
    """The student number is a cell of text, credit a number that Excel adds up, a reversal's negative included."""
    table = sheet(line(), line(credit=Decimal("-0.50")))
    assert table[0] == list(HEADINGS)
    assert [row[0] for row in table[1:]] == ["0023001", "0023001"]
    assert [row[7] for row in table[1:]] == [1.5, -0.5]


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1))
def test_a_workbook_says_what_the_record_says(text: str) -> None:
    """A name that looks like a formula or an address is a text in the workbook, to the letter but for control
    characters."""
    assert sheet(line(name=f"={text}"))[1][1] == "=" + "".join(
        " " if ord(char) < 32 or ord(char) == 127 else char for char in text
    )
