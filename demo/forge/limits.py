"""Rate limits: hourly budgets from the forges' documentation, counted for each account and pool.

GitHub: 5,000 REST requests, 5,000 GraphQL points, 30 searches a minute; 60 requests for anonymous callers. Gitee
publishes only the anonymous 60; its number for signed-in callers here is a guess. Tests set smaller ones.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class CallerBudget:
    """What a caller has left in a pool. ``allowed``: whether the call may continue."""

    resource: str
    limit: int
    used: int
    reset: datetime
    allowed: bool

    @property
    def remaining(self) -> int:
        return max(0, self.limit - self.used)


@dataclass
class ForgeLimits:
    """``limits[pool] = (units, window)``; pools are core, search, graphql, anonymous, gitee and atomgit."""

    limits: dict[str, tuple[int, timedelta]] = field(
        default_factory=lambda: {
            "core": (5000, HOUR),
            "search": (30, MINUTE),
            "graphql": (5000, HOUR),
            "anonymous": (60, HOUR),
            "gitee": (5000, HOUR),
            "gitee_anonymous": (60, HOUR),
            "atomgit": (5000, HOUR),
            "atomgit_anonymous": (60, HOUR),
        }
    )
    _used: dict[tuple[str, str], tuple[datetime, int]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def spend(self, pool: str, caller: str, units: int, now: datetime) -> CallerBudget:
        """Take units. If the budget does not cover them, nothing is taken. Zero units: only look."""
        limit, window = self.limits[pool]
        with self._lock:
            ends, used = self._used.get((pool, caller), (now + window, 0))
            if now >= ends:
                ends, used = now + window, 0
            allowed = used + units <= limit
            if allowed and units:
                used += units
                self._used[pool, caller] = (ends, used)
            elif not allowed:
                used = limit
        return CallerBudget(pool, limit, used, ends, allowed)

    def reset(self) -> None:
        with self._lock:
            self._used.clear()
