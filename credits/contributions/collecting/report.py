"""What collecting came to, for whoever asked for it."""

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
    """An account that could not be completed: the job's key, the login, and why."""

    account: ForgeAccount
    error: CreditsError


@dataclass(slots=True)
class CollectionReport:
    """What collecting came to. ``taken`` accounts were begun (``unlinked`` ones are linked no more, and sleep from now
    on), ``complete`` finished, ``lost`` went over to another worker; the rest failed or, where ``closed_by`` says why
    the lane was closed, was put back, or gave way to others when its turn was over. ``more``: stopped by the time
    budget with something left. ``busy``: somebody else is on this forge, so nothing was begun. ``requests`` and
    ``points`` are what the forge was asked.
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
"""Told after each page that was stored."""
