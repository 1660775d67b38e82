"""Gitee: merged pull requests, repository by repository, because it lists none across repositories.

The adapter reads the repositories that the university watches, those that the account has forked, and those that its
public events name. The first time, it reads a repository for one author; afterwards once for all accounts together. So
a round with nothing new costs one request for each repository, for any number of students. The user's id decides who
the author is: a login may belong to somebody else by now.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote

from credits.errors import gettext_noop
from credits.forges.errors import (
    Forbidden,
    ForgeError,
    ForgeUnavailable,
    MissingOnForge,
    malformed_answer,
    missing_account,
    missing_change,
    missing_repository,
    not_merged,
)
from credits.forges.gitee import candidate_repositories
from credits.forges.gitee import parse as facts
from credits.forges.gitee.http import GiteeHttp
from credits.forges.gitee.progress import GiteeAccountProgress
from credits.forges.gitee.recheck import GiteeRecheck, repository_path
from credits.forges.json_reading import Clock, json_id, json_object, parse_time
from credits.forges.json_reading import json_array as array
from credits.forges.protocol import (
    AccountOnForge,
    ChangeKind,
    ChangeRef,
    CollectionPage,
    CollectionRequest,
    CommitOnForge,
    CrossCheckResult,
    MergedChange,
    RecheckAnswer,
    RepositoryOnForge,
    RequestCost,
)
from credits.forges.tokens import TokenPool, pool_of

_BEIJING = timezone(timedelta(hours=8))
_STEP_BACK = timedelta(seconds=2)
_ROWS_AT_ONCE = 5
"""How many pull requests, whose details cost two requests each, are yielded together. If a worker is killed, what it
has not yielded is requested again."""

Row = Mapping[str, Any]


class Gitee:
    """The adapter for Gitee. ``api_url`` includes ``/api/v5``; ``tokens`` are the university's own; ``clock`` returns
    the present time, aware; ``timeout`` is in seconds for each request."""

    name = "gitee"
    asks_at_once = 100_000
    lists: tuple[ChangeKind, ...] = ("pull_request",)

    def __init__(
        self, api_url: str, tokens: TokenPool | Sequence[str], clock: Clock, *, timeout: float = 15.0
    ) -> None:
        self.spent = RequestCost()
        self._clock = clock
        self.tokens = pool_of(tokens)
        self._http = GiteeHttp(api_url, self.tokens, clock, timeout, self.spent)
        self._repositories: dict[str, RepositoryOnForge] = {}

    def close(self) -> None:
        """Close the connections; the adapter may be used again."""
        self._http.close()

    def find_account(self, login: str) -> AccountOnForge:
        if not login:
            raise missing_account()
        found = facts.account(self._object(f"/users/{quote(login, safe='')}", missing_account()))
        if found is None:
            raise malformed_answer()
        return found

    def account(self, account_id: str) -> AccountOnForge:
        """Raise an error: Gitee has no look-up by id. It is not :class:`MissingOnForge`, because that is not known."""
        raise ForgeError(
            "forge-no-lookup-by-id",
            gettext_noop("Gitee does not support looking up an account by its id."),
            gettext_noop("Look up the account by its login and compare the id."),
        )

    def find_repository(self, full_name: str) -> RepositoryOnForge:
        return facts.repository(self._object(repository_path(full_name), missing_repository()))

    def find_change(self, full_name: str, number: str) -> MergedChange:
        if not (number.isascii() and number.isdigit()):
            raise missing_change()
        pull = self._object(f"{repository_path(full_name)}/pulls/{number}", missing_change())
        if not facts.is_merged(pull):
            raise not_merged()
        self._repositories.clear()
        return self._load_change(full_name, pull, "link")

    def find_closed(self, full_name: str, number: str) -> MergedChange:
        return GiteeRecheck(self._http, self._load_change, self.find_repository).closed(full_name, number)

    def commits_of(self, ref: ChangeRef) -> tuple[CommitOnForge, ...]:
        return GiteeRecheck(self._http, self._load_change, self.find_repository).commits_of(ref)

    def find_commit(self, full_name: str, sha: str) -> CommitOnForge:
        return GiteeRecheck(self._http, self._load_change, self.find_repository).commit(full_name, sha)

    def recheck(self, refs: Sequence[ChangeRef]) -> Iterator[RecheckAnswer]:
        """Gitee finds a repository only by name, so a missing one may be renamed or deleted. Its changes are then
        ``unknown``, with ``forge-repository-missing``, and never ``gone``."""
        self._repositories.clear()
        self._http.forget_failures()
        return GiteeRecheck(self._http, self._load_change, self.find_repository).recheck(refs, self._listing)

    def cross_check(
        self, asks: Sequence[CollectionRequest], since: datetime, until: datetime, known_ids: Container[str]
    ) -> Iterator[CrossCheckResult]:
        self._repositories.clear()
        self._http.forget_failures()
        for ask in asks:
            reader = GiteeAccountProgress(ask)
            counted: set[str] = set()
            missed: dict[str, MergedChange] = {}
            try:
                self._verify(reader)
                for name in sorted(reader.repositories.values()):
                    for row in self._merged_within(name, reader, since, until):
                        counted.add(json_id(row.get("id")))
                        if json_id(row.get("id")) not in known_ids:
                            missed[json_id(row.get("id"))] = self._load_change(name, row, "search")
            except ForgeError as error:
                self._fail_or_raise(error, [reader])
            yield CrossCheckResult(reader.account, len(counted), tuple(missed.values()), reader.failure)

    def _merged_within(
        self, name: str, reader: GiteeAccountProgress, since: datetime, until: datetime
    ) -> Iterator[Row]:
        """Yield everything of the account that was merged in a repository in this period, whatever a cursor says."""
        for rows in self._listing(name, since, reader.account.login):
            for row in rows:
                author = facts.account(row.get("user"))
                mine = author is not None and author.id == reader.account.id
                if mine and since <= parse_time(row.get("merged_at")) <= until:
                    yield row

    def merged_changes(self, asks: Sequence[CollectionRequest]) -> Iterator[CollectionPage]:
        self._repositories.clear()
        self._http.forget_failures()
        readers = [GiteeAccountProgress(ask) for ask in asks]
        for reader in readers:
            if reader.is_due_for_forks(self._clock()):
                try:
                    self._find_candidates(reader)
                except ForgeError as error:
                    self._fail_or_raise(error, [reader])
                else:
                    # Store what was found so far, in case the rest is interrupted.
                    yield reader.page()
        places: dict[str, tuple[str, list[GiteeAccountProgress]]] = {}
        for reader in readers:
            for key, name in reader.repositories.items():
                places.setdefault(key, (name, []))[1].append(reader)
        for _, (name, members) in sorted(places.items()):
            yield from self._read_for_all(
                name, [reader for reader in members if not reader.place(name).alone]
            )
            yield from self._read_for_each(name, [reader for reader in members if reader.place(name).alone])
        for reader in readers:
            yield reader.page(last=True)

    def _read_for_all(self, name: str, members: Sequence[GiteeAccountProgress]) -> Iterator[CollectionPage]:
        """Read once what was updated in a repository, for all accounts that have read it before."""
        if not members:
            return
        marks = [member.place(name).mark.since for member in members]
        known = [since for since in marks if since is not None]
        since = min(known) if len(known) == len(marks) else None
        try:
            for member in members:
                yield from self._retry_owed(name, member)
            yield from self._deliver(name, self._listing(name, since), members)
        except ForgeError as error:
            self._fail_or_raise(error, members, name)

    def _read_for_each(self, name: str, members: Sequence[GiteeAccountProgress]) -> Iterator[CollectionPage]:
        """Read a repository for the first time, one author's pull requests after another's.

        Note the time of the repository's latest update before. Afterwards the account is complete up to that time,
        although its own last pull request may be years old.
        """
        if not members:
            return
        try:
            latest = self._latest_update(name)
        except ForgeError as error:
            self._fail_or_raise(error, members, name)
            return
        for member in members:
            place = member.place(name)
            try:
                self._verify(member)
                yield from self._retry_owed(name, member)
                rows = self._listing(name, place.mark.since, member.account.login)
                yield from self._deliver(name, rows, [member])
            except ForgeError as error:
                self._fail_or_raise(error, [member], name)
                continue
            place.alone = False
            if latest is not None:
                place.mark = place.mark.advanced(latest)
            # Yield a page even if nothing was found: this need not be read again after an interruption.
            yield member.page()

    def _deliver(
        self, name: str, listing: Iterator[list[Row]], readers: Sequence[GiteeAccountProgress]
    ) -> Iterator[CollectionPage]:
        """Yield pages with the rows, oldest update first, each for the account of its author."""
        by_id = {reader.account.id: reader for reader in readers}
        for rows in listing:
            for start in range(0, len(rows), _ROWS_AT_ONCE):
                part = rows[start : start + _ROWS_AT_ONCE]
                changes: dict[str, list[MergedChange]] = {key: [] for key in by_id}
                broken: ForgeError | None = None
                for row in part:
                    author = facts.account(row.get("user"))
                    if author is None or author.id not in by_id:
                        continue
                    by_id[author.id].seen_as(author)
                    try:
                        changes[author.id].extend(self._new_change(name, row, by_id[author.id]))
                    except ForgeError as error:
                        broken = error
                        break
                if broken is None:
                    for reader in readers:
                        place = reader.place(name)
                        place.mark = place.mark.advanced(_updated_at(part[-1]))
                for key, found in changes.items():
                    if found:
                        yield by_id[key].page(tuple(found))
                if broken is not None:
                    raise broken

    def _new_change(self, name: str, row: Row, reader: GiteeAccountProgress) -> list[MergedChange]:
        """Return the pull request of a row if it is new for its author. If its details fail, it is owed from now on
        and the account is not complete; newer pull requests do not wait for it."""
        place, key, updated = reader.place(name), json_id(row.get("id")), _updated_at(row)
        if not place.mark.wants(key, updated):
            return []
        try:
            change = self._load_change(name, row, reader.found_by(name))
        except ForgeError as error:
            self._fail_or_raise(error, [reader])
            place.mark = place.mark.advanced(updated).owing([f"#{json_id(row.get('number'))}"])
            return []
        place.mark = place.mark.passed(key, updated)
        return [change]

    def _retry_owed(self, name: str, reader: GiteeAccountProgress) -> Iterator[CollectionPage]:
        """Request again, by number, what failed in earlier collections. A number is written as ``#number``, so that
        it cannot be confused with an id."""
        place = reader.place(name)
        for owed in place.mark.owed:
            changes: tuple[MergedChange, ...] = ()
            try:
                path = f"{repository_path(name)}/pulls/{owed.removeprefix('#')}"
                pull = self._object(path, missing_change())
                author = facts.account(pull.get("user"))
                if facts.is_merged(pull) and author is not None and author.id == reader.account.id:
                    changes = (self._load_change(name, pull, reader.found_by(name)),)
            except ForgeError as error:
                if error.code != "forge-change-missing":
                    self._fail_or_raise(error, [reader])
                    continue
            place.mark = place.mark.settled(owed)
            yield reader.page(changes)

    def _listing(self, name: str, since: datetime | None, author: str = "") -> Iterator[list[Row]]:
        """Yield merged pull requests, oldest update first, each version once.

        Pages shift while they are read: a row that is updated meanwhile moves to the end, and the next page would
        skip a row. So each page is requested from the time of the last row on. Page numbers are used only if more
        rows share a time than fit on a page.
        """
        params = {"state": "merged", "sort": "updated", "direction": "asc"}
        if author:
            params["author"] = author
        met: set[tuple[str, datetime]] = set()
        page, by_time = 1, True
        while True:
            if since is not None:
                params["since"] = since.astimezone(_BEIJING).replace(microsecond=0).isoformat()
            got = self._http.page(f"{repository_path(name)}/pulls", params, page)
            times = [_updated_at(row) for row in got.rows]
            if times != sorted(times):
                raise malformed_answer()
            keyed = [(json_id(row.get("id")), time) for row, time in zip(got.rows, times, strict=True)]
            new = [
                row
                for row, key in zip(got.rows, keyed, strict=True)
                if key not in met and facts.is_merged(row)
            ]
            # If a time brings nothing new, too many rows share it or the forge ignores it: count pages from here.
            by_time = by_time and (page == 1 and any(key not in met for key in keyed))
            met.update(keyed)
            if new:
                yield new
            if not got.more:
                return
            if by_time and (since is None or times[-1] - _STEP_BACK > since):
                since, page = times[-1] - _STEP_BACK, 1
            else:
                page += 1

    def _latest_update(self, name: str) -> datetime | None:
        """Return when a merged pull request of the repository was last updated, or None if it has none."""
        params = {"state": "merged", "sort": "updated", "direction": "desc"}
        rows = self._http.page(f"{repository_path(name)}/pulls", params, 1, size=1).rows
        return _updated_at(rows[0]) if rows else None

    def _find_candidates(self, reader: GiteeAccountProgress) -> None:
        self._verify(reader)
        worked_in = candidate_repositories.repositories_in_events(self._http, reader.account.login)
        reader.has_forks_of(
            candidate_repositories.parents_of_forks(self._http, reader.account.login), self._clock()
        )
        reader.has_worked_in(worked_in)

    def _verify(self, reader: GiteeAccountProgress) -> None:
        """Check that the login still belongs to the account, before any request by login."""
        if reader.is_verified:
            return
        if self.find_account(reader.account.login).id != reader.account.id:
            raise MissingOnForge(
                "forge-login-changed",
                gettext_noop("This login on Gitee now belongs to another account."),
                gettext_noop("Link the account again under its new login."),
            )
        reader.is_verified = True

    def _load_change(self, name: str, pull: Row, found_by: str) -> MergedChange:
        path = f"{repository_path(name)}/pulls/{json_id(pull.get('number'))}"
        repository = self._repositories.get(name.lower())
        if repository is None:
            repository = self._repositories[name.lower()] = self.find_repository(name)
        files = self._rows(f"{path}/files")
        log = None if self._names_merger(pull) else self._rows(f"{path}/operate_logs")
        make_change = facts.merged_change if facts.is_merged(pull) else facts.closed_change
        return make_change(pull, repository, files, log, found_by)

    def _names_merger(self, pull: Row) -> bool:
        """Return whether the pull request itself says who merged it, so that the log need not be read."""
        return False

    def _rows(self, path: str) -> list[Row] | None:
        """Return a list that belongs to an existing pull request. Gitee sometimes answers 404 here without cause.
        Then the list is unknown: return None, never an empty list."""
        try:
            _, body = self._http.get(path)
        except MissingOnForge:
            return None
        return [json_object(row) for row in array(body)]

    def _object(self, path: str, missing: MissingOnForge) -> Row:
        try:
            _, body = self._http.get(path)
        except MissingOnForge:
            raise missing from None
        return json_object(body)

    def _fail_or_raise(
        self, error: ForgeError, readers: Sequence[GiteeAccountProgress], name: str = ""
    ) -> None:
        """Mark these accounts as failed if the error concerns only them. Raise an error of the whole forge."""
        concerns_them = isinstance(error, MissingOnForge | Forbidden) or (
            isinstance(error, ForgeUnavailable) and not self._http.is_down
        )
        if not concerns_them:
            raise error
        for reader in readers:
            # A repository that somebody forked or once worked in may disappear; one that the university watches must
            # exist.
            if error.code == "forge-repository-missing" and name and reader.found_by(name) != "watched":
                reader.forget_candidate(name)
            else:
                reader.failed(error)


def _updated_at(row: Row) -> datetime:
    return parse_time(row.get("updated_at"))
