"""The dates that hold a step of a claim back until they are reached."""

from __future__ import annotations

from datetime import datetime

from accounts.calendar.university_calendar import format_instant
from credits.errors import Conflict


def refuse_before(gate: datetime, now: datetime, code: str, what: object) -> None:
    """Raise Conflict ``code`` with the date in its sentence unless ``now`` has reached ``gate``.

    ``what`` is the sentence, with ``%(date)s`` where the date goes.
    """
    if now < gate:
        raise Conflict(code, str(what) % {"date": format_instant(gate)})
