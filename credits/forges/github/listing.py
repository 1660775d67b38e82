"""How far the collection of one account from GitHub is.

First the ids of what is new are read, newest first; then the details, oldest first. So one time (the watermark) always
says how far the account is, wherever the work is interrupted. Each kind of contribution has its own sweep and its own
watermark; the account's cursor holds all of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from credits.forges.errors import ForgeError, malformed_answer
from credits.forges.json_reading import (
    format_time,
    json_array,
    json_count,
    json_id,
    json_object,
    json_text,
    parse_time,
)
from credits.forges.landing_rules import LandingRule, rules_for_repository
from credits.forges.protocol import (
    AccountOnForge,
    ChangeKind,
    CollectionPage,
    CollectionRequest,
    MergedChange,
)
from credits.forges.watermark import Watermark

RECENT = 10
"""Number of rows to read first for an account that was complete before: most often there is nothing new."""

WHOLE = 100
"""Number of rows on a page otherwise. GitHub gives no more."""

LISTED_KINDS: tuple[ChangeKind, ...] = ("pull_request", "review", "issue")

_MOST_ROUNDS = 5
_YEAR = timedelta(days=365)
"""The longest period that GitHub's collection of contributions covers."""

_APPEARS_LATE = timedelta(days=2)
"""How late a contribution may appear there. An account without reviews reads so much again each time."""


class GitHubAccountProgress:
    """An account during a collection: a sweep for each kind that was requested."""

    def __init__(self, ask: CollectionRequest, now: datetime, rules: Sequence[LandingRule]) -> None:
        self.account: AccountOnForge = ask.account
        known = _read_cursor(ask.cursor)
        # Keep what is known of a kind that is not requested this time.
        self._resting = {
            kind: value for kind, value in known.items() if kind in LISTED_KINDS and kind not in ask.kinds
        }
        self.sweeps: list[Sweep] = [
            _SWEEPS[kind](self, kind, known.get(kind), now, rules)
            for kind in LISTED_KINDS
            if kind in ask.kinds
        ]

    @property
    def ended(self) -> bool:
        return all(sweep.ended for sweep in self.sweeps)

    def page(self, changes: tuple[MergedChange, ...] = ()) -> CollectionPage:
        """Return a page with these changes. On the last page nothing is left of any kind."""
        failures = [sweep.failure for sweep in self.sweeps if sweep.failure is not None]
        kinds = {**self._resting, **{sweep.kind: sweep.to_json() for sweep in self.sweeps}}
        return CollectionPage(
            account=self.account,
            changes=changes,
            cursor=json.dumps({"v": 1, "kinds": kinds}, sort_keys=True, separators=(",", ":")),
            done=self.ended and not failures,
            failure=failures[0] if self.ended and failures else None,
        )


class Sweep:
    """The listing of one kind of an account's work; in this class, pull requests."""

    def __init__(
        self,
        progress: GitHubAccountProgress,
        kind: ChangeKind,
        known: object,
        now: datetime,
        rules: Sequence[LandingRule],
    ) -> None:
        self.progress = progress
        self.kind: ChangeKind = kind
        self.after: str | None = None
        self.tries = 0
        self.failure: ForgeError | None = None
        self.wanted: tuple[str, ...] | None = None
        """The ids to fetch, oldest update first. None while the ids are still being read."""
        self.left = 0
        """How many of these are neither delivered nor given up."""
        self.now = now
        self.rules = rules
        self.mark, self._was_complete = _read_mark(known)
        self._rows: dict[str, datetime] = {}
        self._closed: set[str] = set()
        self._pages = 0
        self._rounds = 0
        self._rows_before = 0

    @property
    def account(self) -> AccountOnForge:
        return self.progress.account

    @account.setter
    def account(self, account: AccountOnForge) -> None:
        self.progress.account = account

    @property
    def first(self) -> int:
        """How many rows to request."""
        return RECENT if self._was_complete and self._pages == 0 else WHOLE

    @property
    def ended(self) -> bool:
        return self.left == 0 and (self.wanted is not None or self.failure is not None)

    def sort_of(self, key: str) -> str:
        """Return which details to request."""
        return "closed" if key in self._closed else self.kind

    def variables(self, at: int) -> dict[str, Any]:
        return {f"id{at}": self.account.node_id, f"after{at}": self.after}

    def take(self, user: Mapping[str, Any]) -> None:
        """Read one page of ids. Raise :class:`ForgeUnavailable` before anything changes if it is malformed."""
        if json_id(user.get("databaseId")) != self.account.id:
            raise malformed_answer()
        connection = self._connection(user)
        rows = [self._row(json_object(row)) for row in json_array(connection.get("nodes"))]
        page = json_object(connection.get("pageInfo"))
        total = json_count(connection.get("totalCount"))
        more = page.get("hasNextPage")
        if not isinstance(more, bool) or (
            more and (not rows or json_text(page.get("endCursor")) == self.after)
        ):
            raise malformed_answer()

        self.account = replace(
            self.account, login=json_text(user.get("login")), node_id=json_text(user.get("id"))
        )
        self.tries = 0
        self._rows.update((key, time) for key, time, _ in rows)
        self._closed.update(key for key, _, closed in rows if closed)
        self._closed.difference_update(key for key, _, closed in rows if not closed)
        self._pages += 1
        if more and not self.mark.reached(rows[-1][1]):
            self.after = json_text(page.get("endCursor"))
        elif self._is_consistent(total):
            self._end_of_list(user)
        else:
            self._read_again()

    def _connection(self, user: Mapping[str, Any]) -> Mapping[str, Any]:
        return json_object(user.get("pullRequests"))

    def _row(self, row: Mapping[str, Any]) -> tuple[str, datetime, bool]:
        """Return the id, the time of update, and whether it was closed and not merged."""
        closed = json_text(row.get("state")) != "MERGED"
        key = json_text(row.get("id"))
        if closed and not rules_for_repository(
            self.rules, json_text(json_object(row.get("repository")).get("nameWithOwner"))
        ):
            # Closed, in a repository without a landing rule: it is listed, but there is nothing to fetch.
            return f"-{key}", parse_time(row.get("updatedAt")), True
        return key, parse_time(row.get("updatedAt")), closed

    def _end_of_list(self, user: Mapping[str, Any]) -> None:
        self._plan()

    def _is_consistent(self, total: int) -> bool:
        """Return whether no row can have moved between pages while they were read."""
        if self._pages == 1 or (self.mark.seen is None and len(self._rows) >= total):
            return True
        return self._rounds > 0 and len(self._rows) == self._rows_before

    def _read_again(self) -> None:
        self._rounds += 1
        if self._rounds >= _MOST_ROUNDS:
            raise malformed_answer()
        self._rows_before = len(self._rows)
        self.after = None

    def _plan(self) -> None:
        new = [
            key
            for _, key in sorted(
                (time, key)
                for key, time in self._rows.items()
                if not key.startswith("-") and self.mark.wants(key, time)
            )
        ]
        self.wanted = (*new, *(key for key in self.mark.owed if key not in set(new)))
        self.left = len(self.wanted)
        if not self.left:
            self._all_delivered()

    def _all_delivered(self) -> None:
        """Move the mark past rows without anything to fetch too, when everything before them is delivered."""
        for time in self._rows.values():
            self.mark = self.mark.advanced(time)

    def delivered(self, key: str) -> None:
        """Note that this change is in a page now, or that GitHub says that it is gone or does not count."""
        updated = self._rows.get(key)
        self.mark = self.mark.settled(key) if updated is None else self.mark.passed(key, updated)
        self._count_down()

    def postponed(self, key: str) -> None:
        """Note that this change failed this time: the mark moves on, and the cursor remembers that it is owed."""
        updated = self._rows.get(key)
        if updated is not None:
            self.mark = self.mark.advanced(updated)
        self.mark = self.mark.owing([key])

    def given_up(self, key: str, error: ForgeError) -> None:
        """Give this change up for this collection: it stays owed, and the account is not complete."""
        self.postponed(key)
        self.failure = error
        self._count_down()

    def _count_down(self) -> None:
        self.left -= 1
        if not self.left:
            self._all_delivered()

    def to_json(self) -> dict[str, Any]:
        complete = (self.ended and self.failure is None) or self._was_complete
        return {"mark": self.mark.to_json(), "complete": complete}


class IssueSweep(Sweep):
    """The listing of closed issues."""

    def _connection(self, user: Mapping[str, Any]) -> Mapping[str, Any]:
        return json_object(user.get("issues"))

    def _row(self, row: Mapping[str, Any]) -> tuple[str, datetime, bool]:
        key = json_text(row.get("id"))
        counts = row.get("stateReason") == "COMPLETED"
        return key if counts else f"-{key}", parse_time(row.get("updatedAt")), False


class ReviewSweep(Sweep):
    """The listing of reviews. GitHub lists them a year at a time: from now back to the watermark, or to the account's
    creation."""

    def __init__(
        self,
        progress: GitHubAccountProgress,
        kind: ChangeKind,
        known: object,
        now: datetime,
        rules: Sequence[LandingRule],
    ) -> None:
        super().__init__(progress, kind, known, now, rules)
        self._end = now
        self._start = self._back_from(now)

    def _back_from(self, end: datetime) -> datetime:
        year_before = end - _YEAR
        return year_before if self.mark.since is None else max(year_before, min(self.mark.since, end))

    def variables(self, at: int) -> dict[str, Any]:
        window = {f"from{at}": format_time(self._start), f"to{at}": format_time(self._end)}
        return super().variables(at) | window

    def _connection(self, user: Mapping[str, Any]) -> Mapping[str, Any]:
        collection = json_object(user.get("contributionsCollection"))
        return json_object(collection.get("pullRequestReviewContributions"))

    def _row(self, row: Mapping[str, Any]) -> tuple[str, datetime, bool]:
        return (
            json_text(json_object(row.get("pullRequestReview")).get("id")),
            parse_time(row.get("occurredAt")),
            False,
        )

    def _is_consistent(self, total: int) -> bool:
        """The time of a review's submission never changes, so no row moves between pages."""
        return True

    def _all_delivered(self) -> None:
        super()._all_delivered()
        # Otherwise an account without reviews would be read back to its beginning each time.
        self.mark = self.mark.advanced(self.now - _APPEARS_LATE)

    def _end_of_list(self, user: Mapping[str, Any]) -> None:
        floor = parse_time(user.get("createdAt")) if self.mark.since is None else self.mark.since
        if self._start <= floor:
            self._plan()
            return
        self._end, self.after = self._start, None
        self._start = self._back_from(self._end)


_SWEEPS: dict[ChangeKind, type[Sweep]] = {"pull_request": Sweep, "review": ReviewSweep, "issue": IssueSweep}


def _read_cursor(cursor: str) -> Mapping[str, Any]:
    """Return what is known of each kind; nothing if the cursor is unreadable. To read again is safe, to skip is not."""
    try:
        value = json.loads(cursor) if cursor else None
    except ValueError:
        value = None
    if not isinstance(value, dict) or value.get("v") != 1:
        return {}
    kinds = value.get("kinds")
    return kinds if isinstance(kinds, dict) else {}


def _read_mark(value: object) -> tuple[Watermark, bool]:
    if not isinstance(value, dict):
        return Watermark(), False
    return Watermark.from_json(value.get("mark")), value.get("complete") is True
