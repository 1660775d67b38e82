"""How many things to request at once, and when to give up."""

from __future__ import annotations

from datetime import timedelta

from credits.forges.errors import ForgeError

SLOW = timedelta(seconds=8)
"""GitHub aborts a query after ten seconds, and charges for it. After a query this slow, the batch does not grow."""


class AdaptiveBatch:
    """A batch size that halves when the forge fails, and grows again while it succeeds.

    ``patience`` failures in a row, of any size, mean that the forge itself is down: the last error is raised.
    It must be more than the halvings from ``most`` to 1. Otherwise a single row that always fails looks like an outage.
    """

    def __init__(self, most: int, patience: int = 12) -> None:
        self.most = most
        self.size = most
        self.patience = patience
        self._failures = 0

    def failed(self, count: int, error: ForgeError) -> None:
        """Note that a request for ``count`` things failed. Raise ``error`` after too many failures in a row."""
        self._failures += 1
        if self._failures >= self.patience:
            self._failures = 0
            raise error
        self.size = max(1, count // 2)

    def worked(self, took: timedelta = timedelta(0)) -> None:
        """Note that a request succeeded, and how long it took."""
        self._failures = 0
        if took < SLOW:
            self.size = min(self.most, self.size + max(1, self.size // 2))

    def strained(self, count: int) -> None:
        """Note that the forge answered only part of a request for ``count`` things, because it was too much."""
        self._failures = 0
        self.size = max(1, count // 2)
