"""Load the university's calendar from its terms, and format times for people."""

from __future__ import annotations

from datetime import datetime
from itertools import chain

from django.utils import timezone

from accounts.calendar.working_days import WorkingDayCalendar, build_calendar
from accounts.models import Term


def load_calendar() -> WorkingDayCalendar:
    """Return the calendar of all terms together, because a period that begins in one term may end in the next."""
    rows = list(Term.objects.values_list("days_off", "days_worked"))
    return build_calendar(
        timezone.get_default_timezone(),
        chain.from_iterable(off for off, _ in rows),
        chain.from_iterable(worked for _, worked in rows),
    )


def format_instant(instant: datetime) -> str:
    """Return local date and time to the minute, in the same form in every language."""
    return timezone.localtime(instant, timezone.get_default_timezone()).strftime("%Y-%m-%d %H:%M")
