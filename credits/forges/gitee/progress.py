"""How far the collection of one account from Gitee is: a watermark for each repository that is read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from credits.forges.errors import ForgeError, ForgeUnavailable
from credits.forges.json_reading import format_time, parse_time
from credits.forges.protocol import AccountOnForge, CollectionPage, CollectionRequest, MergedChange
from credits.forges.watermark import Watermark

LOOK_FOR_FORKS_EVERY = timedelta(hours=24)


@dataclass(slots=True)
class RepositoryProgress:
    """How far a repository has been read for an account. ``alone``: the first reading, of this author's pull
    requests only, is not finished. Afterwards the repository is read for all accounts together."""

    mark: Watermark = field(default_factory=Watermark)
    alone: bool = True


class GiteeAccountProgress:
    """An account during a collection. The key of a repository is its full name in lower case."""

    def __init__(self, ask: CollectionRequest) -> None:
        self.account: AccountOnForge = ask.account
        self.watched = {name.lower(): name for name in ask.repositories}
        self.failure: ForgeError | None = None
        self.is_verified = False
        """Whether this collection has checked that the login belongs to the immutable id."""
        self.forks: dict[str, str] = {}
        self.forks_at: datetime | None = None
        self.worked_in: dict[str, str] = {}
        """Repositories that the account's events named, now or earlier."""
        self._places: dict[str, RepositoryProgress] = {}
        self._read(ask.cursor)

    @property
    def repositories(self) -> dict[str, str]:
        """The repositories to read: lower-case name to name."""
        return {**self.worked_in, **self.forks, **self.watched}

    def place(self, name: str) -> RepositoryProgress:
        return self._places.setdefault(name.lower(), RepositoryProgress())

    def found_by(self, name: str) -> str:
        if name.lower() in self.watched:
            return "watched"
        return "fork" if name.lower() in self.forks else "event"

    def is_due_for_forks(self, now: datetime) -> bool:
        return self.forks_at is None or not self.forks_at <= now < self.forks_at + LOOK_FOR_FORKS_EVERY

    def has_forks_of(self, parents: Sequence[str], now: datetime) -> None:
        self.forks = {name.lower(): name for name in sorted(parents)}
        self.forks_at = now

    def has_worked_in(self, names: Sequence[str]) -> None:
        self.worked_in |= {name.lower(): name for name in names}

    def forget_candidate(self, name: str) -> None:
        """Forget a fork or an event that led to a repository which no longer exists."""
        self.forks.pop(name.lower(), None)
        self.worked_in.pop(name.lower(), None)

    def seen_as(self, account: AccountOnForge) -> None:
        """Note the login under which the forge shows the account now."""
        self.account = replace(self.account, login=account.login)

    def failed(self, error: ForgeError) -> None:
        """Note that the account is not complete. The first error is the one reported."""
        self.failure = self.failure or error

    def page(self, changes: tuple[MergedChange, ...] = (), *, last: bool = False) -> CollectionPage:
        return CollectionPage(
            account=self.account,
            changes=changes,
            cursor=self._cursor(),
            done=last and self.failure is None,
            failure=self.failure if last else None,
        )

    def _cursor(self) -> str:
        places = {
            name: {"mark": place.mark.to_json(), "alone": place.alone}
            for name, place in sorted(self._places.items())
            if not place.alone or place.mark.seen is not None
        }
        value = {
            "v": 1,
            "repositories": places,
            "forks": sorted(self.forks.values()),
            "events": sorted(self.worked_in.values()),
            "forks_at": None if self.forks_at is None else format_time(self.forks_at),
        }
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    def _read(self, cursor: str) -> None:
        """Read the cursor, or ignore it if it cannot be read: reading again is safe, skipping is not."""
        try:
            value: Any = json.loads(cursor) if cursor else None
        except ValueError:
            return
        if not isinstance(value, dict) or value.get("v") != 1:
            return
        places = value.get("repositories")
        for name, place in places.items() if isinstance(places, dict) else ():
            if isinstance(place, dict):
                mark = Watermark.from_json(place.get("mark"))
                # With an empty mark the reading starts at the beginning, whatever the flag says.
                self._places[name] = RepositoryProgress(mark, alone=place.get("alone") is not False)
        events = value.get("events")
        if isinstance(events, list) and all(isinstance(name, str) for name in events):
            self.has_worked_in(events)
        forks = value.get("forks")
        try:
            if isinstance(forks, list) and all(isinstance(name, str) for name in forks):
                self.forks = {name.lower(): name for name in forks}
                self.forks_at = parse_time(value.get("forks_at"))
        except ForgeUnavailable:
            self.forks_at = None
