"""Check again on Gitee what is stored already: its present state, and its commits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from credits.forges.errors import (
    Forbidden,
    ForgeError,
    ForgeUnavailable,
    MissingOnForge,
    missing_change,
    missing_commit,
    missing_repository,
    not_supported,
    still_open,
)
from credits.forges.gitee import parse as facts
from credits.forges.gitee.http import GiteeHttp
from credits.forges.json_reading import json_array, json_id, json_object, json_text, parse_time
from credits.forges.protocol import ChangeRef, CommitOnForge, MergedChange, RecheckAnswer, RepositoryOnForge

MOST_COMMITS = 250

Row = Mapping[str, Any]
LoadChange = Callable[[str, Row, str], MergedChange]
ListMerged = Callable[[str, datetime | None], Iterator[list[Row]]]


class GiteeRecheck:
    """Checks on Gitee. ``load_change`` makes the facts of a pull request; ``find_repository`` looks one up by name."""

    def __init__(
        self, http: GiteeHttp, load_change: LoadChange, find_repository: Callable[[str], RepositoryOnForge]
    ) -> None:
        self._http = http
        self._load_change = load_change
        self._find_repository = find_repository

    def closed(self, full_name: str, number: str) -> MergedChange:
        if not (number.isascii() and number.isdigit()):
            raise missing_change()
        pull = self._pull(full_name, number)
        if not (facts.is_merged(pull) or facts.is_closed(pull)):
            raise still_open()
        return self._load_change(full_name, pull, "link")

    def commits_of(self, ref: ChangeRef) -> tuple[CommitOnForge, ...]:
        if ref.kind != "pull_request":
            raise not_supported()
        try:
            _, body = self._http.get(
                f"{repository_path(ref.full_name)}/pulls/{quote(ref.number, safe='')}/commits"
            )
        except MissingOnForge:
            raise missing_change() from None
        found = [facts.commit(row) for row in json_array(body)[:MOST_COMMITS]]
        return tuple(sorted(found, key=_commit_time))

    def commit(self, full_name: str, sha: str) -> CommitOnForge:
        if not re.fullmatch(r"[0-9a-fA-F]{7,64}", sha):
            raise missing_commit()
        try:
            _, body = self._http.get(f"{repository_path(full_name)}/commits/{sha}")
        except MissingOnForge:
            raise missing_commit() from None
        return facts.commit(body, with_files=True)

    def recheck(
        self, refs: Sequence[ChangeRef], listing_since: Callable[[str, datetime | None], Iterator[list[Row]]]
    ) -> Iterator[RecheckAnswer]:
        """Go repository by repository: find each once, and read it once for later reverts."""
        refs_by_repository: dict[str, list[ChangeRef]] = {}
        for ref in refs:
            refs_by_repository.setdefault(ref.full_name.lower(), []).append(ref)
        for members in refs_by_repository.values():
            try:
                yield from self._in_repository(members, listing_since)
            except (MissingOnForge, Forbidden, ForgeUnavailable) as error:
                if isinstance(error, ForgeUnavailable) and self._http.is_down:
                    raise
                for ref in members:
                    yield RecheckAnswer(ref, "unknown", failure=error)

    def _in_repository(self, refs: Sequence[ChangeRef], listing_since: ListMerged) -> list[RecheckAnswer]:
        name = refs[0].full_name
        repository = self._find_repository(name)
        answers = []
        reverts = self._reverts(name, refs, listing_since)
        for ref in refs:
            if repository.id != ref.repository_id:
                # The name now belongs to another repository.
                answers.append(RecheckAnswer(ref, "unknown", failure=missing_repository()))
                continue
            answers.append(self._check(ref, repository.full_name, reverts.get(ref.number, "")))
        return answers

    def _check(self, ref: ChangeRef, name: str, reverted_by: str) -> RecheckAnswer:
        try:
            pull = self._pull(name, ref.number)
            if not (facts.is_merged(pull) or facts.is_closed(pull)):
                return RecheckAnswer(ref, "unknown")
            change = self._load_change(name, pull, "watched")
        except ForgeError as error:
            if error.code == "forge-change-missing":
                return RecheckAnswer(ref, "gone")
            if isinstance(error, MissingOnForge | Forbidden) or (
                isinstance(error, ForgeUnavailable) and not self._http.is_down
            ):
                return RecheckAnswer(ref, "unknown", failure=error)
            raise
        return RecheckAnswer(ref, "reverted" if reverted_by else change.status, change, reverted_by)

    def _reverts(self, name: str, refs: Sequence[ChangeRef], listing_since: ListMerged) -> dict[str, str]:
        """Return number to URL of its revert, from everything merged since the first of these changes."""
        times = [ref.merged_at for ref in refs if ref.merged_at is not None]
        if not times:
            return {}
        reverts: dict[str, tuple[datetime, str, str]] = {}
        for rows in listing_since(name, min(times)):
            for row in rows:
                number = facts.reverted_number(row)
                if number is not None:
                    revert = (
                        parse_time(row.get("merged_at")),
                        json_id(row.get("number")),
                        json_text(row.get("html_url")),
                    )
                    reverts[number] = max(revert, reverts.get(number, revert))
        # A revert may itself be reverted, and so on; each is later than the one before, so start with the latest.
        undone: set[str] = set()
        newest_first = sorted(reverts.items(), key=lambda entry: entry[1][0], reverse=True)
        for number, (_, reverting_number, _) in newest_first:
            if reverting_number in reverts and reverting_number not in undone:
                undone.add(number)
        return {number: url for number, (_, _, url) in reverts.items() if number not in undone}

    def _pull(self, name: str, number: str) -> Row:
        try:
            _, body = self._http.get(f"{repository_path(name)}/pulls/{quote(number, safe='')}")
        except MissingOnForge:
            raise missing_change() from None
        return json_object(body)


def _commit_time(commit: CommitOnForge) -> str:
    return "" if commit.committed_at is None else commit.committed_at.isoformat()


def repository_path(full_name: str) -> str:
    """Return the path of a repository in the API. Raise :class:`MissingOnForge` if the name is impossible."""
    owner, _, name = full_name.partition("/")
    if not owner or not name or "/" in name:
        raise missing_repository()
    return f"/repos/{quote(owner, safe='')}/{quote(name, safe='')}"
