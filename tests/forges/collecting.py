"""A minimal collector, and the true state to compare it with, for the adapters' tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice

from credits.forges.errors import ForgeError
from credits.forges.protocol import AccountOnForge, CollectionPage, CollectionRequest, Forge, MergedChange
from demo.forge import LocalForge
from demo.forge.ids import read_id


@dataclass
class Clock:
    """A clock for both the forge and the adapter. It moves only when a test moves it."""

    now: datetime = datetime(2026, 11, 23, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class Store:
    """What a database would store: a cursor for each account, and by id the last version of each change."""

    cursors: dict[str, str] = field(default_factory=dict)
    changes: dict[str, MergedChange] = field(default_factory=dict)
    accounts: dict[str, AccountOnForge] = field(default_factory=dict)
    deliveries: list[str] = field(default_factory=list)

    def keep(self, page: CollectionPage) -> None:
        self.cursors[page.account.id] = page.cursor
        self.accounts[page.account.id] = page.account
        for change in page.changes:
            self.changes[change.id] = change
            self.deliveries.append(change.id)

    def asks(
        self, accounts: Iterable[AccountOnForge], repositories: Sequence[str]
    ) -> list[CollectionRequest]:
        return [
            CollectionRequest(self.accounts.get(a.id, a), self.cursors.get(a.id, ""), tuple(repositories))
            for a in accounts
        ]

    def collect(
        self,
        forge: Forge,
        accounts: Sequence[AccountOnForge],
        repositories: Sequence[str],
        *,
        pages: int | None = None,
    ) -> list[CollectionPage]:
        """Collect once, and stop after ``pages`` pages. Keep every page that came before an error of the forge."""
        got = []
        for page in islice(forge.merged_changes(self.asks(accounts, repositories)), pages):
            self.keep(page)
            got.append(page)
        return got


def truth(local: LocalForge, forge: str, accounts: Iterable[AccountOnForge]) -> dict[str, datetime]:
    """Return id to time of merging of everything merged for these accounts, from the forge's own state."""
    ids = {read_id(forge, account.id) for account in accounts}
    return {
        str(pull.id): pull.merged_at
        for pull in local.world.pulls(forge)  # type: ignore[arg-type]
        if pull.state == "merged" and pull.merged_at is not None and pull.author.id in ids
        if not pull.deleted and pull.repository.visible
    }


def ids(accounts: Iterable[AccountOnForge]) -> set[str]:
    """Return their immutable ids."""
    return {account.id for account in accounts}


def ends(pages: Iterable[CollectionPage]) -> dict[str, bool]:
    """Return for each account whether its last page says that it is complete."""
    return {page.account.id: page.done for page in pages}


def until_done(
    store: Store,
    forge: Forge,
    accounts: Sequence[AccountOnForge],
    repositories: Sequence[str],
    clock: Clock,
    *,
    rounds: int = 200,
    before_round: Callable[[int], None] = lambda _: None,
) -> int:
    """Collect like a patient worker: again after each failure, and never before the time that the forge gave.

    Return the number of rounds. Fail if an account is not complete after ``rounds`` rounds.
    """
    waiting = {account.id: account for account in accounts}
    for number in range(1, rounds + 1):
        before_round(number)
        try:
            for page in forge.merged_changes(store.asks(waiting.values(), repositories)):
                store.keep(page)
                if page.done:
                    del waiting[page.account.id]
        except ForgeError as error:
            clock.now = max(clock.now + timedelta(seconds=1), error.until or clock.now)
            if error.code == "forge-token-refused":
                clock.pass_by(minutes=16)
        if not waiting:
            return number
        clock.pass_by(seconds=1)
    raise AssertionError(f"not complete after {rounds} rounds: {sorted(waiting)}")
