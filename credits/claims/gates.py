"""Gates: dates before which a step of a claim is refused."""

from __future__ import annotations

from datetime import datetime

from accounts.calendar.university_calendar import format_instant
from credits.errors import Conflict


def refuse_before(gate: datetime, now: datetime, code: str, sentence: object) -> None:
    """Raise Conflict ``code`` if ``now`` is before ``gate``.

    ``sentence`` is the message to the reader; the date replaces ``%(date)s`` in it.
    """
    if now < gate:
        raise Conflict(code, str(sentence) % {"date": format_instant(gate)})
