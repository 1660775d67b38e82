"""How much to ask for at once, and when to stop asking."""

from __future__ import annotations

from datetime import timedelta

from credits.forges.errors import ForgeError

SLOW = timedelta(seconds=8)
"""GitHub cuts a query off after ten seconds, and charges for it; where one took so long, no more is asked for."""


class AdaptiveBatch:
    """A size that halves when the forge fails on it and grows again while it succeeds.

    ``patience`` failures in a row, whatever their size, mean that the forge itself is down: the last one is raised.
    It must exceed the halvings from ``most`` to one, or a single poisonous row would pass for an outage.
    """

    def __init__(self, most: int, patience: int = 12) -> None:
        self.most = most
        self.size = most
        self.patience = patience
        self._failures = 0

    def failed(self, count: int, error: ForgeError) -> None:
        """A request for ``count`` things failed."""
        self._failures += 1
        if self._failures >= self.patience:
            self._failures = 0
            raise error
        self.size = max(1, count // 2)

    def worked(self, took: timedelta = timedelta(0)) -> None:
        """A request was answered, in so much time."""
        self._failures = 0
        if took < SLOW:
            self.size = min(self.most, self.size + max(1, self.size // 2))

    def strained(self, count: int) -> None:
        """A request for ``count`` things was answered in part, because it was too much."""
        self._failures = 0
        self.size = max(1, count // 2)
