"""The report of a collection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from accounts.models import ForgeAccount
from credits.contributions.storing.store import StoredCounts
from credits.errors import CreditsError
from credits.forges.errors import ForgeError
from credits.forges.protocol import CollectionPage


@dataclass(frozen=True, slots=True)
class FailedCollection:
    """An account that could not be collected completely, and the error."""

    account: ForgeAccount
    error: CreditsError


@dataclass(slots=True)
class CollectionReport:
    """The result of collecting on one forge.

    ``taken`` accounts were begun and ``complete`` of them finished. ``unlinked`` accounts are no longer linked; their
    jobs sleep from now on. ``lost`` accounts were taken over by another worker. The rest failed, or were put back
    because the lane was closed (``closed_by`` is the error), or gave way to other accounts.
    ``more``: the time budget ended before the work. ``busy``: another worker is on this forge, so nothing was begun.
    ``requests`` and ``points`` are the cost at the forge.
    """

    forge: str
    taken: int = 0
    unlinked: int = 0
    complete: int = 0
    lost: int = 0
    stored: StoredCounts = field(default_factory=StoredCounts)
    failed: list[FailedCollection] = field(default_factory=list)
    closed_by: ForgeError | None = None
    closed_until: datetime | None = None
    more: bool = False
    busy: bool = False
    requests: int = 0
    points: int = 0

    def add(self, other: CollectionReport) -> None:
        """Add the result of a later batch on the same forge."""
        self.taken += other.taken
        self.unlinked += other.unlinked
        self.complete += other.complete
        self.lost += other.lost
        self.stored += other.stored
        self.failed += other.failed
        self.closed_by = other.closed_by
        self.closed_until = other.closed_until
        self.busy = other.busy
        self.requests += other.requests
        self.points += other.points


ProgressCallback = Callable[[ForgeAccount, CollectionPage, StoredCounts], None]
"""Called after each page that was stored, with the account, the page and the counts."""
