"""How much to ask for at once, and when to stop asking."""

from __future__ import annotations

from credits.forges.base import ForgeError


class Batch:
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
            raise error
        self.size = max(1, count // 2)

    def worked(self) -> None:
        self._failures = 0
        self.size = min(self.most, self.size + max(1, self.size // 2))
