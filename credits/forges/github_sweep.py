"""What one account still needs from GitHub: first the ids of what is new, newest first; then the details, oldest
first, so that one time (the watermark) always says how far it is, wherever it is interrupted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from credits.forges.answers import id_text, listing, malformed, mapping, number, parse_time, text
from credits.forges.base import Ask, ForgeError, MergedChange, Page
from credits.forges.watermark import Watermark

RECENT = 10
"""Rows to look at first for an account that was complete before: most often there is nothing new."""

WHOLE = 100
"""Rows a page otherwise; GitHub gives no more."""

_MOST_ROUNDS = 5


class Sweep:
    """One account on its way through a collection."""

    def __init__(self, ask: Ask) -> None:
        self.account = ask.account
        self.mark, self._was_complete = _read(ask.cursor)
        self.after: str | None = None
        self.tries = 0
        self.failure: ForgeError | None = None
        self.wanted: tuple[str, ...] | None = None
        """What to fetch, oldest update first; ``None`` while the ids are still being read."""
        self.left = 0
        """How many of those have neither been delivered nor given up."""
        self._rows: dict[str, datetime] = {}
        self._pages = 0
        self._rounds = 0
        self._rows_before = 0

    @property
    def first(self) -> int:
        """How many rows to ask for."""
        return RECENT if self._was_complete and self._pages == 0 else WHOLE

    def take(self, user: Mapping[str, Any]) -> None:
        """Read one page of ids. Raises ``Unavailable``, having taken nothing."""
        if id_text(user.get("databaseId")) != self.account.id:
            raise malformed()
        connection = mapping(user.get("pullRequests"))
        rows = [
            (text(mapping(row).get("id")), parse_time(mapping(row).get("updatedAt")))
            for row in listing(connection.get("nodes"))
        ]
        page = mapping(connection.get("pageInfo"))
        total = number(connection.get("totalCount"))
        more = page.get("hasNextPage")
        if not isinstance(more, bool) or (more and (not rows or text(page.get("endCursor")) == self.after)):
            raise malformed()

        self.account = replace(self.account, login=text(user.get("login")), node_id=text(user.get("id")))
        self.tries = 0
        self._rows.update(rows)
        self._pages += 1
        if more and not self.mark.reached(rows[-1][1]):
            self.after = text(page.get("endCursor"))
        elif self._holds_together(total):
            self._plan()
        else:
            self._read_again()

    def _holds_together(self, total: int) -> bool:
        """Whether nothing can have slipped over a page's edge while the pages were read."""
        if self._pages == 1 or (self.mark.seen is None and len(self._rows) >= total):
            return True
        return self._rounds > 0 and len(self._rows) == self._rows_before

    def _read_again(self) -> None:
        self._rounds += 1
        if self._rounds >= _MOST_ROUNDS:
            raise malformed()
        self._rows_before = len(self._rows)
        self.after = None

    def _plan(self) -> None:
        new = [
            key
            for _, key in sorted(
                (time, key) for key, time in self._rows.items() if self.mark.wants(key, time)
            )
        ]
        self.wanted = (*new, *(key for key in self.mark.owed if key not in set(new)))
        self.left = len(self.wanted)

    def delivered(self, key: str) -> None:
        """This pull request is in a page now, or GitHub says that it is gone."""
        updated = self._rows.get(key)
        self.mark = self.mark.settled(key) if updated is None else self.mark.passed(key, updated)
        self.left -= 1

    def postponed(self, key: str) -> None:
        """It did not come this time: the mark moves on, and the cursor remembers what is owed."""
        updated = self._rows.get(key)
        if updated is not None:
            self.mark = self.mark.advanced(updated)
        self.mark = self.mark.owing([key])

    def given_up(self, key: str, error: ForgeError) -> None:
        """It will not come in this collection; it stays owed, and the account is not complete."""
        self.postponed(key)
        self.failure = error
        self.left -= 1

    def page(self, changes: tuple[MergedChange, ...] = ()) -> Page:
        """What was got since the last page. The last page is the one with nothing left."""
        last = self.left == 0
        complete = last and self.failure is None
        cursor = {"v": 1, "mark": self.mark.to_json(), "complete": complete or self._was_complete}
        return Page(
            account=self.account,
            changes=changes,
            cursor=json.dumps(cursor, sort_keys=True, separators=(",", ":")),
            done=complete,
            failure=self.failure if last else None,
        )


def _read(cursor: str) -> tuple[Watermark, bool]:
    try:
        value = json.loads(cursor) if cursor else None
    except ValueError:
        value = None
    if not isinstance(value, dict) or value.get("v") != 1:
        return Watermark(), False
    return Watermark.from_json(value.get("mark")), value.get("complete") is True
