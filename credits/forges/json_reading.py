"""Read values from a forge's JSON: a value of the documented type, or a typed error. Never a guess."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from credits.forges.errors import malformed_answer

Clock = Callable[[], datetime]

UNNAMED_WAIT = timedelta(seconds=60)
"""How long to wait after a limit without a time. GitHub's documentation asks for at least a minute."""

LONGEST_WAIT = timedelta(days=1)
"""No forge has a longer window. A longer wait in a header is cut: one wrong header could stop us for years."""

_DIGITS = re.compile(r"[0-9]+(\.[0-9]+)?")


def parse_time(value: object) -> datetime:
    """Parse ISO 8601 text with an offset or ``Z``. Raise :class:`ForgeUnavailable` for anything else."""
    if isinstance(value, str):
        try:
            time = datetime.fromisoformat(value)
        except ValueError:
            time = None
        if time is not None and time.tzinfo is not None:
            return time
    raise malformed_answer()


def format_time(time: datetime) -> str:
    """Return the instant as text in UTC, with a ``Z``, and with microseconds only if there are any."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def json_object(value: object) -> Mapping[str, Any]:
    """Return the value if it is a JSON object. Otherwise raise :class:`ForgeUnavailable`."""
    if isinstance(value, dict):
        return value
    raise malformed_answer()


def json_array(value: object) -> list[Any]:
    """Return the value if it is a JSON array. Otherwise raise :class:`ForgeUnavailable`."""
    if isinstance(value, list):
        return value
    raise malformed_answer()


def json_text(value: object) -> str:
    """Return the value if it is text and not empty. Otherwise raise :class:`ForgeUnavailable`."""
    if isinstance(value, str) and value:
        return value
    raise malformed_answer()


def json_count(value: object) -> int:
    """Return the value if it is a whole number of zero or more. Otherwise raise :class:`ForgeUnavailable`."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise malformed_answer()


def json_id(value: object) -> str:
    """Return an identifier (number or text) as text. Raise :class:`ForgeUnavailable` for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return json_text(value)


def next_allowed_call(headers: Mapping[str, str], now: datetime) -> datetime:
    """Return when the forge allows the next call: its ``Retry-After`` (seconds or a date), else the reset of an
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
    """Read seconds since 1970. Add a second, because the reset may happen at any moment within that second."""
    if not _DIGITS.fullmatch(value):
        return None
    try:
        return datetime.fromtimestamp(float(value), UTC) + timedelta(seconds=1)
    except (OverflowError, ValueError, OSError):
        return None
