"""How long to wait after a failure: longer each time, up to a limit, and not everybody at the same moment."""

from __future__ import annotations

import hashlib
from datetime import timedelta

FIRST = timedelta(minutes=1)
LONGEST = timedelta(hours=6)


def delay(failures: int, key: str) -> timedelta:
    """The wait after the ``failures``-th failure in a row (1 or more): doubled each time from :data:`FIRST`, at most
    :data:`LONGEST`, of which three quarters to all by ``key``.
    """
    # Past this exponent every wait is the longest, and the power itself would not end.
    doubled = FIRST * (1 << min(max(failures, 1) - 1, 16))
    return min(doubled, LONGEST) * (0.75 + 0.25 * spread(key))


def spread(key: str) -> float:
    """A number from 0 to 1 that is the same for the same key: chance would make a failing day unrepeatable."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4]) / 0xFFFF_FFFF
