"""Count working days and find local midnights. Pure functions, used for the periods of public notice and hearing.

The day of the event does not count: the count begins on the next day (民法典 第二百零一条). A period ends at the end
of its last working day, that is, at the following local midnight.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class WorkingDayCalendar:
    """The university's working days: Monday to Friday, without holidays, with weekend days that are worked (调休).

    A day in both sets is worked.
    """

    zone: tzinfo
    days_off: frozenset[date] = frozenset()
    days_worked: frozenset[date] = frozenset()

    def is_worked(self, day: date) -> bool:
        if day in self.days_worked:
            return True
        return day.weekday() < _SATURDAY and day not in self.days_off

    def midnight(self, day: date) -> datetime:
        """Return the first instant of a local day."""
        return datetime.combine(day, time.min, tzinfo=self.zone)

    def local_day(self, instant: datetime) -> date:
        """Return the local day of an aware datetime."""
        return instant.astimezone(self.zone).date()

    def next_day(self, instant: datetime) -> datetime:
        """The first instant of the local day after ``instant``'s."""
        return self.midnight(self.local_day(instant) + timedelta(days=1))

    def after_working_days(self, instant: datetime, days: int) -> datetime:
        """Return the end of a period of ``days`` full working days that begins on the day after ``instant``."""
        day = self.local_day(instant)
        left = days
        # 7300 days are 20 years. If all of them are holidays, the calendar is wrong: stop instead of looping for ever.
        for _step in range(7300):
            if left == 0:
                break
            day += timedelta(days=1)
            left -= self.is_worked(day)
        return self.midnight(day + timedelta(days=1))


def build_calendar(zone: tzinfo, days_off: Iterable[str], days_worked: Iterable[str]) -> WorkingDayCalendar:
    """Return a calendar from ISO dates (``2025-05-01``), as terms store them. Raise ValueError for other text."""
    return WorkingDayCalendar(
        zone,
        frozenset(date.fromisoformat(day) for day in days_off),
        frozenset(date.fromisoformat(day) for day in days_worked),
    )
