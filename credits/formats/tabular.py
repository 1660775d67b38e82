"""Write records as tables for spreadsheets: CSV and Excel."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from decimal import Decimal
from typing import BinaryIO

from xlsxwriter import Workbook

from credits.formats.base import ExportRenderer, RecordLine

HEADINGS = (
    "学号 student_number",
    "姓名 name",
    "学院 department",
    "专业 programme",
    "课程 course",
    "类别 category",
    "学期 term",
    "学分 credit",
    "成绩 grade",
    "认定办法 rulebook",
    "认定时间 recorded_at",
    "台账号 entry",
    "台账哈希 entry_hash",
)

# A spreadsheet reads a cell that begins like this as a formula (OWASP, CSV injection). The full-width forms are
# included: a spreadsheet set to Chinese or Japanese treats them the same.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def safe_cell(text: str) -> str:
    """Return the text as a cell that no spreadsheet reads as a formula.

    A dangerous beginning gets an apostrophe before it; control characters become spaces.
    """
    clean = _without_controls(text)
    return (
        f"'{clean}" if text.startswith(FORMULA_STARTS) or clean.lstrip().startswith(FORMULA_STARTS) else clean
    )


def row_cells(line: RecordLine) -> tuple[str | int | Decimal, ...]:
    """Return a line's cells in the order of the headings. Texts are Chinese, as a university's systems expect."""
    return (
        line.student_number,
        line.name,
        line.department,
        line.programme,
        line.course.zh,
        line.category,
        line.term,
        line.credit,
        line.grade.zh,
        line.rulebook,
        line.recorded_at.isoformat(timespec="seconds"),
        line.number,
        line.entry_hash,
    )


class CsvRenderer:
    """CSV with a byte-order mark, CRLF and every field quoted, as Excel needs to show Chinese (RFC 4180).

    The negative credit of a reversal is our own number, not typed by a user, and stays a number. A spreadsheet that
    opens the file by a double click drops leading zeros; :class:`XlsxRenderer` keeps them.
    """

    identifier = "csv"
    suffix = ".csv"

    def render(self, lines: Iterable[RecordLine], to: BinaryIO) -> int:
        text = io.TextIOWrapper(to, encoding="utf-8-sig", newline="", write_through=True)
        writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
        writer.writerow(HEADINGS)
        count = 0
        for line in lines:
            count += 1
            writer.writerow(_text(cell) for cell in row_cells(line))
        text.detach()  # leave the file open for its owner
        return count


class XlsxRenderer:
    """An Excel workbook with one sheet.

    Texts are text cells, whatever they look like: leading zeros stay, and nothing becomes a formula or a link. Only
    credit is a number; Excel stores it in binary, which is exact for the amounts that we post.
    """

    identifier = "xlsx"
    suffix = ".xlsx"

    def render(self, lines: Iterable[RecordLine], to: BinaryIO) -> int:
        with Workbook(
            to, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        ) as book:
            sheet = book.add_worksheet("学分")
            heading, credit = book.add_format({"bold": True}), book.add_format({"num_format": "0.00"})
            sheet.freeze_panes(1, 0)
            sheet.set_column(0, len(HEADINGS) - 1, 18)
            for column, words in enumerate(HEADINGS):
                sheet.write_string(0, column, words, heading)
            count = 0
            for line in lines:
                count += 1
                for column, cell in enumerate(row_cells(line)):
                    if isinstance(cell, Decimal):
                        sheet.write_number(count, column, cell, credit)
                    else:
                        sheet.write_string(count, column, _without_controls(str(cell)))
        return count


RENDERERS: dict[str, ExportRenderer] = {
    renderer.identifier: renderer for renderer in (CsvRenderer(), XlsxRenderer())
}
"""All renderers, by identifier."""


def _text(cell: str | int | Decimal) -> str:
    if isinstance(cell, str):
        return safe_cell(cell)
    return format(cell, "f") if isinstance(cell, Decimal) else str(cell)


def _without_controls(text: str) -> str:
    return "".join(" " if ord(char) < 32 or ord(char) == 127 else char for char in text)
