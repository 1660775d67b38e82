"""Working days and local midnights, as pure functions: public notice and hearing are counted in them.

The day on which something happens does not count (民法典 第二百零一条: the count begins on the next day); a period
ends with the last instant of its last working day, that is, at the local midnight after it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class WorkingDayCalendar:
    """Where the university's days differ from Monday to Friday: holidays, and weekend days that are worked (调休).
    A day that is named in both is worked."""

    zone: tzinfo
    days_off: frozenset[date] = frozenset()
    days_worked: frozenset[date] = frozenset()

    def is_worked(self, day: date) -> bool:
        if day in self.days_worked:
            return True
        return day.weekday() < _SATURDAY and day not in self.days_off

    def midnight(self, day: date) -> datetime:
        """The first instant of a local day."""
        return datetime.combine(day, time.min, tzinfo=self.zone)

    def local_day(self, instant: datetime) -> date:
        """The local day in which an aware instant lies."""
        return instant.astimezone(self.zone).date()

    def next_day(self, instant: datetime) -> datetime:
        """The first instant of the local day after ``instant``'s."""
        return self.midnight(self.local_day(instant) + timedelta(days=1))

    def after_working_days(self, instant: datetime, days: int) -> datetime:
        """The first instant after ``days`` full working days, counted from the day after ``instant``'s."""
        day = self.local_day(instant)
        left = days
        # Twenty years of nothing but holidays are a mistake in the calendar, not a period.
        for _step in range(7300):
            if left == 0:
                break
            day += timedelta(days=1)
            left -= self.is_worked(day)
        return self.midnight(day + timedelta(days=1))


def build_calendar(zone: tzinfo, days_off: Iterable[str], days_worked: Iterable[str]) -> WorkingDayCalendar:
    """A calendar from ISO dates (``2025-05-01``), as terms keep them; ValueError for anything else."""
    return WorkingDayCalendar(
        zone,
        frozenset(date.fromisoformat(day) for day in days_off),
        frozenset(date.fromisoformat(day) for day in days_worked),
    )
