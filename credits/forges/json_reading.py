"""Reading what a forge answered: values of the promised shape, or a typed error. Never a guess."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from credits.forges.errors import malformed_answer

Clock = Callable[[], datetime]

UNNAMED_WAIT = timedelta(seconds=60)
"""How long to wait after a limit that names no time. GitHub's documentation asks for at least a minute."""

LONGEST_WAIT = timedelta(days=1)
"""No forge's window is longer; a header that says more is not believed, or one slip would stop us for years."""

_DIGITS = re.compile(r"[0-9]+(\.[0-9]+)?")


def parse_time(value: object) -> datetime:
    """An aware time from ISO 8601 text with an offset or ``Z``; :class:`Unavailable` for anything else."""
    if isinstance(value, str):
        try:
            time = datetime.fromisoformat(value)
        except ValueError:
            time = None
        if time is not None and time.tzinfo is not None:
            return time
    raise malformed_answer()


def format_time(time: datetime) -> str:
    """The same instant in UTC, with a ``Z``, to the microsecond only where there is one."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def json_object(value: object) -> Mapping[str, Any]:
    """The value as a JSON object; :class:`Unavailable` when it is none."""
    if isinstance(value, dict):
        return value
    raise malformed_answer()


def json_array(value: object) -> list[Any]:
    """The value as a JSON array; :class:`Unavailable` when it is none."""
    if isinstance(value, list):
        return value
    raise malformed_answer()


def json_text(value: object) -> str:
    """The value as text that is not empty; :class:`Unavailable` when it is none."""
    if isinstance(value, str) and value:
        return value
    raise malformed_answer()


def json_count(value: object) -> int:
    """The value as a whole number of zero or more; :class:`Unavailable` when it is none."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise malformed_answer()


def json_id(value: object) -> str:
    """An identifier, number or text, as text; :class:`Unavailable` when it is neither."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return json_text(value)


def next_allowed_call(headers: Mapping[str, str], now: datetime) -> datetime:
    """When the forge allows the next call: its ``Retry-After`` (seconds or a date), else the reset of an
    exhausted limit, else a minute from ``now``. ``headers`` have lower-case names."""
    named = _retry_after(headers.get("retry-after", "").strip(), now)
    if named is None and headers.get("x-ratelimit-remaining", "").strip() == "0":
        named = _reset_time(headers.get("x-ratelimit-reset", "").strip())
    if named is None:
        return now + UNNAMED_WAIT
    return max(now, min(named, now + LONGEST_WAIT))


def _retry_after(value: str, now: datetime) -> datetime | None:
    if _DIGITS.fullmatch(value):
        return now + min(timedelta(seconds=min(float(value), 1e6)), LONGEST_WAIT)
    try:
        named = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    return named if named.tzinfo is not None else None


def _reset_time(value: str) -> datetime | None:
    """Seconds since 1970. A second more: it is not said when within its second the reset happens."""
    if not _DIGITS.fullmatch(value):
        return None
    try:
        return datetime.fromtimestamp(float(value), UTC) + timedelta(seconds=1)
    except (OverflowError, ValueError, OSError):
        return None
