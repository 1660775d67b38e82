"""Parse and format lists of days as a registrar types them: one day or one range of days on each line.

Pure functions, except that error messages are translated.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import pairwise
from typing import Final

from django.utils.translation import gettext_lazy as _

from credits.errors import CreditsError

YEARS: Final = range(2000, 2101)
"""The years that a term may lie in. A typing error such as 0025 is refused; no page could show its local time."""
MAX_DAYS: Final = 200
"""The most days in one list. A longer list is a mistake."""
_DAY: Final = "[0-9]{4}(?:-[0-9]{1,2}-|/[0-9]{1,2}/|[.][0-9]{1,2}[.]|年[0-9]{1,2}月)[0-9]{1,2}日?"
_DAY_OR_RANGE: Final = re.compile(
    rf"(?P<first>{_DAY})(?:\s*(?:[-–—−~〜]+|[.]{{2,3}}|至|到)\s*(?P<last>{_DAY}))?"
)
_MAX_QUOTED_CHARACTERS: Final = 40


def parse_days(text: str) -> tuple[date, ...]:
    """Return the days in ``text``, sorted and without duplicates. Return an empty tuple if there are none.

    A line is one day (``2026-10-01``, ``2026/10/1``, ``2026年10月1日``) or a range that includes both ends
    (``2026-10-01 – 2026-10-07``, also with ``~``, ``至`` or ``..``). Chinese or English commas and full stops may
    separate or follow them. Raise CreditsError with the line number if a part is not a day, if the day does not exist
    in :data:`YEARS`, if a range ends before it begins, or if there are more than :data:`MAX_DAYS` days.
    """
    days: set[date] = set()
    for number, line in enumerate(text.splitlines(), start=1):
        for part in _split_line(line):
            first, last = _parse_range(part, number)
            if (last - first).days >= MAX_DAYS:
                raise _too_many(number)
            days.update(first + timedelta(days=step) for step in range((last - first).days + 1))
            if len(days) > MAX_DAYS:
                raise _too_many(number)
    return tuple(sorted(days))


def format_days(days: Iterable[date]) -> str:
    """Return the days as a text that :func:`parse_days` reads: one line for each day or range of consecutive days."""
    return "\n".join(
        first.isoformat() if first == last else f"{first.isoformat()} – {last.isoformat()}"
        for first, last in _consecutive_runs(sorted(set(days)))
    )


def _consecutive_runs(days: list[date]) -> Iterator[tuple[date, date]]:
    if not days:
        return
    first = days[0]
    for day, next_day in pairwise(days):
        if next_day - day > timedelta(days=1):
            yield first, day
            first = next_day
    yield first, days[-1]


def _split_line(line: str) -> Iterator[str]:
    """Yield the parts between commas and full stops, with full-width characters converted to plain ones."""
    for part in re.split("[,;、。]", unicodedata.normalize("NFKC", line)):
        if stripped := part.strip().removesuffix(".").strip():
            yield stripped


def _parse_range(part: str, line: int) -> tuple[date, date]:
    match = _DAY_OR_RANGE.fullmatch(part)
    if match is None:
        raise CreditsError(
            "days-not-read",
            _("Line %(line)s: “%(text)s” is neither a date nor a range of dates.")
            % {"line": line, "text": part[:_MAX_QUOTED_CHARACTERS]},
            _("Write it as 2026-10-01 or 2026-10-01 – 2026-10-07."),
        )
    first = _parse_day(match["first"], line)
    last = _parse_day(match["last"], line) if match["last"] else first
    if last < first:
        raise CreditsError(
            "days-not-read",
            _("Line %(line)s: the range “%(text)s” ends before it starts.")
            % {"line": line, "text": part[:_MAX_QUOTED_CHARACTERS]},
            _("Write the earlier date first."),
        )
    return first, last


def _parse_day(text: str, line: int) -> date:
    year, month, day = (int(number) for number in re.findall("[0-9]+", text))
    try:
        found = date(year, month, day)
    except ValueError:
        found = date.min
    if found.year not in YEARS:
        raise CreditsError(
            "days-not-read",
            _("Line %(line)s: there is no date “%(text)s” in the years %(first)s to %(last)s.")
            % {"line": line, "text": text, "first": YEARS[0], "last": YEARS[-1]},
            _("Correct the date."),
        )
    return found


def _too_many(line: int) -> CreditsError:
    return CreditsError(
        "too-many-days",
        _("Line %(line)s: the range is longer than %(most)s days.") % {"line": line, "most": MAX_DAYS},
        _("Enter the dates of one term only."),
    )
