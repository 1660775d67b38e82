"""How long to wait after a failure: longer each time, up to a limit, and not all jobs at the same moment."""

from __future__ import annotations

import hashlib
from datetime import timedelta

FIRST = timedelta(minutes=1)
LONGEST = timedelta(hours=6)


def delay(failures: int, key: str) -> timedelta:
    """Return how long to wait after the ``failures``-th failure in a row (1 or more).

    The wait starts at :data:`FIRST` and doubles each time, up to :data:`LONGEST`. Depending on ``key``, it is between
    three quarters of that and all of it.
    """
    # Beyond this exponent every wait is the longest, and the power itself would become too large to compute.
    doubled = FIRST * (1 << min(max(failures, 1) - 1, 16))
    return min(doubled, LONGEST) * (0.75 + 0.25 * spread(key))


def spread(key: str) -> float:
    """Return a number from 0 to 1, always the same for one key: with chance, a failing day could not be repeated."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4]) / 0xFFFF_FFFF
