"""Working days and local midnights."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.calendar.working_days import WorkingDayCalendar, build_calendar

SHANGHAI = ZoneInfo("Asia/Shanghai")
PLAIN = WorkingDayCalendar(SHANGHAI)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        ("2025-03-10T10:00", 5, "2025-03-18T00:00"),  # Monday: Tuesday to Monday
        ("2025-03-10T00:00", 1, "2025-03-12T00:00"),
        ("2025-03-14T23:59", 1, "2025-03-18T00:00"),  # Friday night: all of Monday
        ("2025-03-15T12:00", 3, "2025-03-20T00:00"),  # Saturday
        ("2025-03-10T10:00", 0, "2025-03-11T00:00"),
    ],
)
def test_working_days_are_counted_from_the_next_day(start: str, days: int, end: str) -> None:
    """The day of the event and weekends do not count, and the period ends at a local midnight."""
    assert PLAIN.after_working_days(local(start), days) == local(end)


def test_holidays_are_left_out_and_worked_weekends_are_counted() -> None:
    """Labour Day 2025: 1 to 5 May are days off, and Sunday 27 April is worked."""
    off = [f"2025-05-0{day}" for day in range(1, 6)]
    china = build_calendar(SHANGHAI, off, ["2025-04-27"])
    # Saturday 26: Sunday 27 (worked), 28, 29, 30, then 6 May.
    assert china.after_working_days(local("2025-04-26T09:00"), 5) == local("2025-05-07T00:00")
    assert china.is_worked(date(2025, 4, 27))
    assert not china.is_worked(date(2025, 5, 1))


def test_the_local_day_decides_not_the_one_in_utc() -> None:
    """Ten in the evening in London is already the next morning in Shanghai."""
    late = datetime(2025, 3, 10, 22, tzinfo=UTC)
    assert PLAIN.next_day(late) == local("2025-03-12T00:00")


def test_a_calendar_with_no_end_of_holidays_still_answers() -> None:
    """If every day is a holiday, the result is a date far away, not an endless loop."""
    start = local("2025-03-10T10:00")
    never = WorkingDayCalendar(SHANGHAI, frozenset(start.date() + timedelta(days=n) for n in range(9000)))
    assert never.after_working_days(start, 1) > start + timedelta(days=7000)


@given(
    start=st.datetimes(local("2020-01-01").replace(tzinfo=None), local("2035-01-01").replace(tzinfo=None)),
    days=st.integers(0, 40),
    off=st.frozensets(st.dates(date(2020, 1, 1), date(2035, 1, 1)), max_size=20),
)
def test_a_period_holds_exactly_its_working_days(start: datetime, days: int, off: frozenset[date]) -> None:
    """Between start and end are exactly as many working days as asked for, and the last day is one of them."""
    calendar = WorkingDayCalendar(SHANGHAI, off)
    begin = start.replace(tzinfo=SHANGHAI)
    end = calendar.after_working_days(begin, days)
    inside = [begin.date() + timedelta(days=n) for n in range(1, (end.date() - begin.date()).days)]
    assert sum(calendar.is_worked(day) for day in inside) == days
    assert (end.hour, end.minute) == (0, 0)
    assert not days or calendar.is_worked(inside[-1])
