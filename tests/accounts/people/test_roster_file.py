"""Reading a roster's table: encodings, separators, workbooks, and files that are not a roster."""

from __future__ import annotations

import contextlib
import io
import zipfile

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from accounts.people import roster_file
from accounts.people.roster_row import RosterEntry, parse_row
from credits.errors import CreditsError

HEADING = "student_number,name,email,department,programme,level,year"
ROW = "0012,张三,zhang@university.example,信息学院,软件工程,本科,2023"


def table(text: str, encoding: str = "utf-8") -> roster_file.RosterTable:
    return roster_file.read(text.encode(encoding), "roster.csv")


def only_entry(text: str, encoding: str = "utf-8") -> RosterEntry:
    """Return the entry of a table with a single valid row."""
    parsed = table(text, encoding)
    [row] = parsed.rows
    entry = parse_row(row, parsed, this_year=2025)
    assert isinstance(entry, RosterEntry), entry
    return entry


def workbook(*rows: list[object]) -> bytes:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"default_date_format": "yyyy-mm-dd"}) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            for column, cell in enumerate(row):
                if isinstance(cell, str):
                    sheet.write_string(number, column, cell)
                else:
                    sheet.write(number, column, cell)
    return file.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_what_excel_saves_is_read_in_any_encoding(encoding: str) -> None:
    """UTF-8 with and without a byte order mark and GB18030 give the same row, also with rare characters."""
    entry = only_entry(f"{HEADING}\n{ROW.replace('张三', '𠮷㐂·䶮')}\n", encoding)
    assert (entry.student_number, entry.name, entry.department) == ("0012", "𠮷㐂·䶮", "信息学院")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_separator_is_found(separator: str) -> None:
    """Comma, semicolon and tab are recognised."""
    assert only_entry(f"{HEADING}\n{ROW}\n".replace(",", separator)).programme == "软件工程"


def test_headings_may_be_chinese_in_any_order_among_others() -> None:
    """Columns are found by their headings in any order, and unknown headings are listed."""
    read = table(
        "年级,备注,姓名,学号,邮箱,学院,专业,培养层次,入学日期\n2023级,好,张三,0012,z@u.cn,信,软,本科,2023年9月3日\n"
    )
    entry = parse_row(read.rows[0], read, this_year=2025)
    assert isinstance(entry, RosterEntry)
    assert (entry.year, entry.student_number, str(entry.enrolled_on)) == (2023, "0012", "2023-09-03")
    assert read.ignored == ("备注",)


def test_rows_are_numbered_as_the_spreadsheet_numbers_them() -> None:
    """The heading is row 1, blank rows are counted and skipped, and a line break in a cell makes no new row."""
    read = table(f'{HEADING}\n\n{ROW}\n,,,,,,\n"0013","李\n四",l@u.cn,信,软,本科,2023\n')
    assert [row.number for row in read.rows] == [3, 5]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "roster-empty"),
        (HEADING.encode(), "roster-empty"),
        (f"{HEADING}\n\n".encode(), "roster-empty"),
        (b"name,email\nA,a@b.cn\n", "roster-columns"),
        (f"{HEADING},NAME\n{ROW},B\n".encode(), "roster-columns"),
        (f'{HEADING}\n"{ROW}\n'.encode(), "roster-unreadable"),
        (f"{HEADING}\n{ROW}\n".encode("utf-16"), "roster-unreadable"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "roster-unreadable"),
        (b"PK\x03\x04 not a workbook", "roster-unreadable"),
        (b"x" * (roster_file.MAX_BYTES + 1), "roster-too-large"),
    ],
)
def test_what_is_no_roster_is_refused_with_a_sentence(data: bytes, code: str) -> None:
    """Each kind of wrong file has its own code and a message."""
    with pytest.raises(CreditsError) as refusal:
        roster_file.read(data, "roster.csv")
    assert refusal.value.code == code
    assert refusal.value.message


def test_a_damaged_utf8_file_is_not_taken_for_gb18030() -> None:
    """One broken byte among good Chinese names is reported with its line, and no nonsense is stored."""
    data = f"{HEADING}\n{ROW}\n{ROW}\n".encode()
    cut = data.rindex("张".encode())
    with pytest.raises(CreditsError) as refusal:
        roster_file.read(data[:cut] + data[cut + 1 :], "roster.csv")
    assert refusal.value.code == "roster-unreadable"
    assert "3" in refusal.value.message


def test_the_number_of_rows_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """One row more than the limit is refused."""
    monkeypatch.setattr(roster_file, "MAX_ROWS", 2)
    assert len(table(f"{HEADING}\n{ROW}\n{ROW}\n").rows) == 2
    with pytest.raises(CreditsError):
        table(f"{HEADING}\n{ROW}\n{ROW}\n{ROW}\n")


def test_a_workbook_is_read_like_a_table() -> None:
    """Text stays text, a year may be a number, and a student number that Excel stored as a number is refused."""
    rows = (HEADING.split(","), ROW.split(","), [12, "李四", "l@u.cn", "信", "软", "本科", 2023])
    read = roster_file.read(workbook(*rows), "roster.xlsx")
    first, second = (parse_row(row, read, this_year=2025) for row in read.rows)
    assert isinstance(first, RosterEntry)
    assert first.student_number == "0012"
    assert isinstance(second, list)
    assert [(refusal.row, refusal.column, refusal.code) for refusal in second] == [
        (3, "student_number", "number-not-text")
    ]


def test_a_workbook_that_would_burst_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The inflated size that an archive declares is checked before it is inflated."""
    monkeypatch.setattr(roster_file, "MAX_INFLATED_BYTES", 100_000)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in range(4):
            archive.writestr(f"xl/{part}.xml", b"\0" * (roster_file.MAX_INFLATED_BYTES // 4 + 1))
    with pytest.raises(CreditsError) as refusal:
        roster_file.read(file.getvalue(), "roster.xlsx")
    assert refusal.value.code == "roster-too-large"


@pytest.mark.parametrize(
    ("column", "cell", "code"),
    [
        ("student_number", "", "empty"),
        ("student_number", "2.02301E+11", "number-mangled"),
        ("student_number", "00 12", "not-a-student-number"),
        ("student_number", "../12", "not-a-student-number"),
        ("student_number", "1" * 41, "not-a-student-number"),
        ("name", "", "empty"),
        ("name", "=HYPERLINK(1)", "formula"),
        ("name", "@SUM(A1)", "formula"),
        ("name", "张\u202e三", "control-character"),
        ("name", "张\ufffd", "control-character"),
        ("name", "张" * 151, "too-long"),
        ("email", "zhang", "not-an-email"),
        ("department", "-1+1", "formula"),
        ("level", "", "empty"),
        ("year", "23", "not-a-year"),
        ("year", "2027", "not-a-year"),
        ("year", "1949", "not-a-year"),
    ],
)
def test_a_wrong_cell_is_named_with_its_column_and_reason(column: str, cell: str, code: str) -> None:
    """A refused cell has its row, the file's own heading, a stable code and a reason."""
    cells = dict(zip(HEADING.split(","), ROW.split(","), strict=True)) | {column: cell}
    read = table(f"{HEADING}\n{','.join(cells.values())}\n")
    [refusal] = parse_row(read.rows[0], read, this_year=2025)  # type: ignore[misc]
    assert (refusal.row, refusal.column, refusal.code) == (2, column, code)
    assert refusal.reason


def test_every_wrong_cell_of_a_row_is_told_at_once() -> None:
    """All wrong cells of a row are reported together, so that the file has to be corrected only once."""
    read = table(f"{HEADING}\n,,x,信,软,本科,23\n")
    refusals = parse_row(read.rows[0], read, this_year=2025)
    assert isinstance(refusals, list)
    assert [refusal.column for refusal in refusals] == ["student_number", "name", "email", "year"]


@pytest.mark.parametrize("cell", ['"=""0012"""', "'0012", "００１２", " 0012 "])
def test_ways_to_keep_leading_zeros_are_understood(cell: str) -> None:
    """The formula and the apostrophe that people use against Excel, and full-width digits, give the same number."""
    assert only_entry(f"{HEADING}\n{cell}{ROW[4:]}\n").student_number == "0012"


@given(number=st.from_regex(r"[0-9]{1,40}", fullmatch=True))
def test_leading_zeros_are_kept(number: str) -> None:
    """Any digits of a student number come out as they went in."""
    assert only_entry(f"{HEADING}\n{number}{ROW[4:]}\n").student_number == number


@given(data=st.binary(max_size=300))
def test_any_bytes_are_a_table_or_a_sentence(data: bytes) -> None:
    """No bytes make the reader raise anything but a CreditsError."""
    for name in ("roster.csv", "roster.xlsx"):
        for content in (data, f"{HEADING}\n".encode() + data, b"PK\x03\x04" + data):
            with contextlib.suppress(CreditsError):
                read = roster_file.read(content, name)
                for row in read.rows:
                    parse_row(row, read, this_year=2025)


@given(cells=st.lists(st.text(max_size=50), min_size=8, max_size=8))
def test_any_cells_are_an_entry_or_refusals(cells: list[str]) -> None:
    """Whatever the cells contain, a row is an entry with plain text or a list of reasons."""
    columns = dict(zip(roster_file.HEADINGS, cells, strict=True))
    read = roster_file.RosterTable({column: column for column in columns}, (), ())
    result = parse_row(roster_file.RosterFileRow(2, columns), read, this_year=2025)
    if isinstance(result, RosterEntry):
        assert not result.name.startswith(("=", "+", "-", "@"))
        assert result.email == result.email.lower()
    else:
        assert result
        assert all(refusal.reason for refusal in result)


def test_a_stray_cell_in_a_far_corner_is_refused_before_the_sheet_is_read() -> None:
    """The reader would allocate memory for every cell up to the last one, and the process would be killed if there
    is not enough."""
    stray = io.BytesIO()
    with xlsxwriter.Workbook(stray) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, HEADING.split(","))
        sheet.write_row(1, 0, ROW.split(","))
        sheet.write_string(1_048_575, 16_383, " ")
    with pytest.raises(CreditsError) as error:
        roster_file.read(stray.getvalue(), "roster.xlsx")
    assert error.value.code == "roster-too-large"


def test_cells_that_are_only_formatted_are_no_cells() -> None:
    """Borders or a colour down to the last row of a sheet do not make it too large."""
    formatted = io.BytesIO()
    with xlsxwriter.Workbook(formatted) as book:
        sheet, bold = book.add_worksheet(), book.add_format({"bold": True})
        sheet.write_row(0, 0, HEADING.split(","))
        sheet.write_row(1, 0, ROW.split(","))
        sheet.write_blank(1_048_575, 16_383, None, bold)
    assert len(roster_file.read(formatted.getvalue(), "roster.xlsx").rows) == 1
