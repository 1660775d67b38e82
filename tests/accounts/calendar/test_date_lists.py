"""Parse and format the days that a registrar types."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, timedelta

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from accounts.calendar.date_lists import MAX_DAYS, format_days, parse_days
from credits.errors import CreditsError

FIRST, LAST = date(2000, 1, 1), date(2100, 12, 31)
GOLDEN_WEEK = tuple(date(2026, 10, day) for day in range(1, 8))


@given(st.sets(st.dates(FIRST, LAST), max_size=MAX_DAYS))
def test_days_that_are_written_are_read_back(days: set[date]) -> None:
    """Formatting any set of days and parsing the text again gives the same days, sorted."""
    assert parse_days(format_days(days)) == tuple(sorted(days))


@given(st.dates(FIRST, LAST - timedelta(days=MAX_DAYS)), st.integers(1, MAX_DAYS))
def test_days_in_a_row_are_one_line(first: date, count: int) -> None:
    """Consecutive days are formatted as one range, and parsed again with both ends."""
    days = [first + timedelta(days=step) for step in range(count)]
    assert len(format_days(days).splitlines()) == 1
    assert parse_days(format_days(days)) == tuple(days)


@given(st.text(alphabet="0123456789-–~至到年月日/.,，。、 \n２", max_size=60))
def test_whatever_is_typed_is_read_or_refused_in_words(text: str) -> None:
    """No text raises anything but a CreditsError, and parsed days survive formatting and parsing again."""
    with suppress(CreditsError):
        days = parse_days(text)
        assert format_days(days) == format_days(parse_days(format_days(days)))


@pytest.mark.parametrize(
    "text",
    [
        "2026-10-01 – 2026-10-07",
        "2026-10-01–2026-10-07",
        "2026-10-01 - 2026-10-07",
        "2026-10-01—2026-10-07",
        "2026-10-01——2026-10-07",
        "2026-10-01~2026-10-07",
        "2026-10-01～2026-10-07",
        "2026-10-01至2026-10-07",
        "2026-10-01 到 2026-10-07。",
        "2026-10-01..2026-10-07",
        "2026.10.1..2026.10.7.",
        "2026年10月1日至2026年10月7日",
        "２０２６-１０-０１ – 2026/10/7",
        "\r\n 2026-10-01 – 2026-10-03, \r\n\r\n2026-10-04，2026-10-05、2026-10-06；2026-10-07.\r\n",
        "2026-10-05 – 2026-10-07\n2026-10-01 – 2026-10-06",
    ],
)
def test_a_week_is_read_however_it_is_typed(text: str) -> None:
    """Ranges with any usual sign, Chinese and full-width forms, commas and full stops, in any order and repeated."""
    assert parse_days(text) == GOLDEN_WEEK


@pytest.mark.parametrize("text", ["", "\n \n", "。", " , ，"])
def test_no_days_are_no_days(text: str) -> None:
    """An empty field, or one with only commas and full stops, has no days."""
    assert parse_days(text) == ()


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("2026-10-01\nnational day", "days-not-read", 2),
        ("2026-10-01\n\n2026-02-30", "days-not-read", 3),
        ("2026-10-07 – 2026-10-01", "days-not-read", 1),
        ("2026-10-01 – 07", "days-not-read", 1),
        ("2026-10/01", "days-not-read", 1),
        ("10-01", "days-not-read", 1),
        ("0026-10-01", "days-not-read", 1),
        ("2101-01-01", "days-not-read", 1),
        ("2026-10-01 – 2062-10-07", "too-many-days", 1),
        ("2026-01-01 – 2026-07-01\n2026-07-02 – 2026-09-01", "too-many-days", 2),
        ("<b>", "days-not-read", 1),
    ],
)
def test_a_fault_names_its_line(text: str, code: str, line: int) -> None:
    """Text that is not a day, a reversed range, an impossible year and too many days are refused with their line
    number."""
    with translation.override("en"):
        with pytest.raises(CreditsError) as error:
            parse_days(text)
        assert error.value.code == code
        assert error.value.message.startswith(f"Line {line}: ")
