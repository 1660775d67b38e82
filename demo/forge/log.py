"""The log of requests, for tests and measurements that count requests and points."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime

from demo.forge.model import FORGES


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One request to an API or a page. ``points`` are GraphQL's; ``not_before`` is when the forge allowed the next
    call, if it refused this one; ``fault`` is the fault that applied."""

    at: datetime
    forge: str
    method: str
    path: str
    query: str
    status: int
    points: int
    caller: str
    fault: str | None
    not_before: datetime | None


class RequestLog:
    """Entries in the order of their answers."""

    def __init__(self) -> None:
        self._entries: list[LoggedRequest] = []
        self._lock = threading.Lock()

    def add(self, entry: LoggedRequest) -> None:
        with self._lock:
            self._entries.append(entry)

    def entries(self, forge: str | None = None, path: str = "") -> list[LoggedRequest]:
        """Return the entries of one forge (or of all) whose path contains ``path``."""
        with self._lock:
            return [e for e in self._entries if forge in (None, e.forge) and path in e.path]

    def requests(self, forge: str | None = None, path: str = "/api/") -> int:
        return len(self.entries(forge, path))

    def points(self, forge: str | None = None) -> int:
        return sum(entry.points for entry in self.entries(forge))

    def reset(self) -> None:
        with self._lock:
            self._entries.clear()

    def summary(self) -> dict[str, dict[str, int]]:
        """Return the number of API requests and points, by forge."""
        return {forge: {"requests": self.requests(forge), "points": self.points(forge)} for forge in FORGES}
