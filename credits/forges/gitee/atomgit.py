"""AtomGit (GitCode): its interface is Gitee's with a few differences, so its adapter is Gitee's with these few.

Ids of accounts are text. A listing without a state means all states, so every request names the state. A pull request
itself names its merge commit and usually who merged it; then the operation log is not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from credits.forges.gitee import parse as facts
from credits.forges.gitee.adapter import Gitee
from credits.forges.gitee.progress import GiteeAccountProgress
from credits.forges.gitee.recheck import repository_path
from credits.forges.json_reading import format_time, parse_time

Row = Mapping[str, Any]


class AtomGit(Gitee):
    """The adapter for AtomGit. ``api_url`` includes ``/api/v5``; the rest is as for Gitee."""

    name = "atomgit"

    def _names_merger(self, pull: Row) -> bool:
        return isinstance(pull.get("merged_by"), dict)

    def _merged_within(
        self, name: str, reader: GiteeAccountProgress, since: datetime, until: datetime
    ) -> Iterator[Row]:
        """Filter by time of merging, which this forge can do, and still check every row."""
        params = {
            "state": "merged",
            "author": reader.account.login,
            "merged_after": format_time(since),
            "merged_before": format_time(until),
        }
        page, met = 0, set[str]()
        while True:
            page += 1
            got = self._http.page(f"{repository_path(name)}/pulls", params, page)
            for row in got.rows:
                author = facts.account(row.get("user"))
                mine = author is not None and author.id == reader.account.id and facts.is_merged(row)
                if (
                    mine
                    and str(row.get("id")) not in met
                    and since <= parse_time(row.get("merged_at")) <= until
                ):
                    met.add(str(row.get("id")))
                    yield row
            if not got.more:
                return
