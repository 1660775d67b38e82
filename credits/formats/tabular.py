"""Tables for people who work in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import BinaryIO

from credits.formats.base import Line

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

# A cell that begins like this is a formula to a spreadsheet (OWASP, CSV injection); full-width twins included, since
# a spreadsheet set to Chinese or Japanese takes them for the same.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def safe(text: str) -> str:
    """The text as a cell that no spreadsheet turns into a formula: an apostrophe before a dangerous beginning,
    control characters as blanks."""
    clean = "".join(" " if ord(char) < 32 or ord(char) == 127 else char for char in text)
    return (
        f"'{clean}" if text.startswith(FORMULA_STARTS) or clean.lstrip().startswith(FORMULA_STARTS) else clean
    )


class Csv:
    """CSV with a byte-order mark, CRLF and every field quoted, as Excel wants it to show Chinese (RFC 4180).

    Texts are the Chinese ones, as the university's own systems take them. The negative credit of a reversal is our
    own number, not a cell that somebody typed, and stays a number.
    """

    identifier = "csv"
    suffix = ".csv"

    def render(self, lines: Iterable[Line], to: BinaryIO) -> int:
        text = io.TextIOWrapper(to, encoding="utf-8-sig", newline="", write_through=True)
        writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
        writer.writerow(HEADINGS)
        count = 0
        for line in lines:
            count += 1
            writer.writerow(
                (
                    safe(line.student_number),
                    safe(line.name),
                    safe(line.department),
                    safe(line.programme),
                    safe(line.course.zh),
                    safe(line.category),
                    safe(line.term),
                    format(line.credit, "f"),
                    safe(line.grade.zh),
                    safe(line.rulebook),
                    line.recorded_at.isoformat(timespec="seconds"),
                    line.number,
                    line.entry_hash,
                )
            )
        text.detach()  # leave the file open for its owner
        return count


RENDERERS = {renderer.identifier: renderer for renderer in (Csv(),)}
"""Every form in which an export can be had."""
