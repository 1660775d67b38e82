"""Seeing again on Gitee what is held already: how it stands now, and its commits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from credits.forges.errors import (
    Forbidden,
    ForgeError,
    Missing,
    Unavailable,
    cannot,
    missing_change,
    missing_commit,
    missing_repository,
    still_open,
)
from credits.forges.gitee import parse as facts
from credits.forges.gitee.http import GiteeHttp
from credits.forges.json_reading import id_text, listing, mapping, parse_time, text
from credits.forges.protocol import ChangeRef, CommitFacts, MergedChange, RepositoryFacts, Standing

MOST_COMMITS = 250

Row = Mapping[str, Any]
Detailed = Callable[[str, Row, str], MergedChange]
Listing = Callable[[str, datetime | None], Iterator[list[Row]]]


class Again:
    """``detailed`` makes facts of a pull request in a repository; ``find_repository`` looks one up by name."""

    def __init__(
        self, http: GiteeHttp, detailed: Detailed, find_repository: Callable[[str], RepositoryFacts]
    ) -> None:
        self._http = http
        self._detailed = detailed
        self._find_repository = find_repository

    def closed(self, full_name: str, number: str) -> MergedChange:
        if not (number.isascii() and number.isdigit()):
            raise missing_change()
        pull = self._pull(full_name, number)
        if not (facts.is_merged(pull) or facts.is_closed(pull)):
            raise still_open()
        return self._detailed(full_name, pull, "link")

    def commits_of(self, ref: ChangeRef) -> tuple[CommitFacts, ...]:
        if ref.kind != "pull_request":
            raise cannot()
        try:
            _, body = self._http.get(
                f"{repository_path(ref.full_name)}/pulls/{quote(ref.number, safe='')}/commits"
            )
        except Missing:
            raise missing_change() from None
        found = [facts.commit(row) for row in listing(body)[:MOST_COMMITS]]
        return tuple(sorted(found, key=_when))

    def commit(self, full_name: str, sha: str) -> CommitFacts:
        if not re.fullmatch(r"[0-9a-fA-F]{7,64}", sha):
            raise missing_commit()
        try:
            _, body = self._http.get(f"{repository_path(full_name)}/commits/{sha}")
        except Missing:
            raise missing_commit() from None
        return facts.commit(body, with_files=True)

    def recheck(
        self, refs: Sequence[ChangeRef], listing_since: Callable[[str, datetime | None], Iterator[list[Row]]]
    ) -> Iterator[Standing]:
        """Repository by repository: each is asked for once, and read once for what was taken back since."""
        places: dict[str, list[ChangeRef]] = {}
        for ref in refs:
            places.setdefault(ref.full_name.lower(), []).append(ref)
        for members in places.values():
            try:
                yield from self._in_repository(members, listing_since)
            except (Missing, Forbidden, Unavailable) as error:
                if isinstance(error, Unavailable) and self._http.is_down:
                    raise
                for ref in members:
                    yield Standing(ref, "unknown", failure=error)

    def _in_repository(self, refs: Sequence[ChangeRef], listing_since: Listing) -> list[Standing]:
        name = refs[0].full_name
        repository = self._find_repository(name)
        standings = []
        taken_back = self._taken_back(name, refs, listing_since)
        for ref in refs:
            if repository.id != ref.repository_id:
                # The name belongs to another repository by now.
                standings.append(Standing(ref, "unknown", failure=missing_repository()))
                continue
            standings.append(self._standing(ref, repository.full_name, taken_back.get(ref.number, "")))
        return standings

    def _standing(self, ref: ChangeRef, name: str, taken_back: str) -> Standing:
        try:
            pull = self._pull(name, ref.number)
            if not (facts.is_merged(pull) or facts.is_closed(pull)):
                return Standing(ref, "unknown")
            change = self._detailed(name, pull, "watched")
        except ForgeError as error:
            if error.code == "forge-change-missing":
                return Standing(ref, "gone")
            if isinstance(error, Missing | Forbidden) or (
                isinstance(error, Unavailable) and not self._http.is_down
            ):
                return Standing(ref, "unknown", failure=error)
            raise
        return Standing(ref, "reverted" if taken_back else change.status, change, taken_back)

    def _taken_back(self, name: str, refs: Sequence[ChangeRef], listing_since: Listing) -> dict[str, str]:
        """Number to address of what took it back, of all that was merged since the first of these."""
        times = [ref.merged_at for ref in refs if ref.merged_at is not None]
        if not times:
            return {}
        back: dict[str, tuple[datetime, str, str]] = {}
        for rows in listing_since(name, min(times)):
            for row in rows:
                number = facts.takes_back(row)
                if number is not None:
                    told = (
                        parse_time(row.get("merged_at")),
                        id_text(row.get("number")),
                        text(row.get("html_url")),
                    )
                    back[number] = max(told, back.get(number, told))
        # What took it back may have been taken back in its turn, and so on; each is later than the one before.
        standing: set[str] = set()
        for number, (_, by, _) in sorted(back.items(), key=lambda one: one[1][0], reverse=True):
            if by in back and by not in standing:
                standing.add(number)
        return {number: address for number, (_, _, address) in back.items() if number not in standing}

    def _pull(self, name: str, number: str) -> Row:
        try:
            _, body = self._http.get(f"{repository_path(name)}/pulls/{quote(number, safe='')}")
        except Missing:
            raise missing_change() from None
        return mapping(body)


def _when(commit: CommitFacts) -> str:
    return "" if commit.committed_at is None else commit.committed_at.isoformat()


def repository_path(full_name: str) -> str:
    owner, _, name = full_name.partition("/")
    if not owner or not name or "/" in name:
        raise missing_repository()
    return f"/repos/{quote(owner, safe='')}/{quote(name, safe='')}"
