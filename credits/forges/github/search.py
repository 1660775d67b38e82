"""The cross-check: GitHub's search, which finds what a sweep may have missed, but knows less in other ways.

A search shows a thousand results at most, however many it counts. So the period is halved until a slice has fewer. A
search is expensive, is not up to date, and does not know private profiles. Use it to find more; never conclude from it
that something is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from credits.forges.adaptive_batch import AdaptiveBatch
from credits.forges.errors import (
    Forbidden,
    ForgeError,
    ForgeUnavailable,
    MissingOnForge,
    forbidden,
    forge_unavailable,
    malformed_answer,
    missing_account,
)
from credits.forges.github import parse as facts
from credits.forges.github import queries
from credits.forges.github.http import GitHubHttp, GraphQLAnswer, fetch_nodes, is_forbidden
from credits.forges.json_reading import format_time, json_array, json_count, json_id, json_object, json_text
from credits.forges.protocol import AccountOnForge, CollectionRequest

MAX_RESULTS = 1_000
SEARCHES_A_REQUEST = 20
_TRIES = 3
_SECOND = timedelta(seconds=1)

SearchResult = tuple[AccountOnForge, int, list[str], ForgeError | None]
"""Account, number of changes counted, node ids of those that are not stored yet, and the failure."""


class _AccountSearch:
    """The search for an account: the slices of time still to be searched."""

    def __init__(self, account: AccountOnForge, since: datetime, until: datetime) -> None:
        self.account = account
        self.slices = [(since, until)]
        self.after: str | None = None
        self.tries = 0
        self.counted: set[str] = set()
        self.missed: dict[str, str] = {}
        self.failure: ForgeError | None = None

    @property
    def over(self) -> bool:
        return not self.slices

    def query(self) -> str:
        since, until = self.slices[-1]
        return (
            f"is:pr is:merged author:{self.account.login} merged:{format_time(since)}..{format_time(until)}"
        )

    def take(self, found: Mapping[str, Any], known_ids: Container[str]) -> None:
        """Read one page of results. Raise :class:`ForgeUnavailable` before anything changes if it is malformed."""
        count = json_count(found.get("issueCount"))
        since, until = self.slices[-1]
        if count >= MAX_RESULTS and until - since > _SECOND and self.after is None:
            middle = (since + (until - since) / 2).replace(microsecond=0)
            if since < middle < until:
                self.slices[-1:] = [(middle + _SECOND, until), (since, middle)]
                return
        rows = []
        for row in json_array(found.get("nodes")):
            if row is None:
                # GitHub left it out because the token may not read it.
                self.failure = self.failure or forbidden()
                continue
            node = json_object(row)
            author = facts.actor(node.get("author"))
            # The search goes by login, but the id decides.
            if author is not None and author.id == self.account.id:
                rows.append((json_id(node.get("fullDatabaseId")), json_text(node.get("id"))))
        page = json_object(found.get("pageInfo"))
        more = page.get("hasNextPage")
        if not isinstance(more, bool) or (more and json_text(page.get("endCursor")) == self.after):
            raise malformed_answer()
        self.tries = 0
        for change_id, key in rows:
            self.counted.add(change_id)
            if change_id not in known_ids:
                self.missed[change_id] = key
        if more:
            self.after = json_text(page.get("endCursor"))
            return
        if count >= MAX_RESULTS:
            # A thousand results within one second: a search cannot show the rest.
            self.failure = self.failure or forge_unavailable()
        self.after = None
        self.slices.pop()

    def failed(self, error: ForgeError) -> None:
        self.tries += 1
        if self.tries >= _TRIES or isinstance(error, Forbidden):
            self.failure = error
            self.slices.clear()


class CrossCheckSearch:
    """The searches of a cross-check, many accounts in one request."""

    def __init__(
        self,
        http: GitHubHttp,
        since: datetime,
        until: datetime,
        known_ids: Container[str],
        account_by_id: Callable[[str], AccountOnForge],
    ) -> None:
        self._http = http
        self._since = since.replace(microsecond=0)
        self._until = until.replace(microsecond=0)
        self._known_ids = known_ids
        self._account_by_id = account_by_id

    def run(self, asks: Sequence[CollectionRequest]) -> Iterator[SearchResult]:
        for start in range(0, len(asks), 100):
            yield from self._search_accounts(asks[start : start + 100])

    def _search_accounts(self, asks: Sequence[CollectionRequest]) -> Iterator[SearchResult]:
        accounts_now = self._with_present_logins([ask.account for ask in asks])
        searches = [
            _AccountSearch(account, self._since, self._until)
            for account in accounts_now
            if isinstance(account, AccountOnForge)
        ]
        batch = AdaptiveBatch(SEARCHES_A_REQUEST)
        while active := [search for search in searches if not search.over][: batch.size]:
            variables: dict[str, Any] = {}
            for i, search in enumerate(active):
                variables |= {f"q{i}": search.query(), f"after{i}": search.after}
            try:
                answer = self._http.graphql(queries.search_query(len(active)), variables)
            except ForgeUnavailable as error:
                batch.failed(len(active), error)
                if len(active) == 1:
                    active[0].failed(error)
                continue
            batch.worked()
            for i, search in enumerate(active):
                self._read(search, answer, f"s{i}")
        done = iter(searches)
        for ask, account in zip(asks, accounts_now, strict=True):
            if isinstance(account, ForgeError):
                yield ask.account, 0, [], account
            else:
                search = next(done)
                yield search.account, len(search.counted), list(search.missed.values()), search.failure

    def _read(self, search: _AccountSearch, answer: GraphQLAnswer, alias: str) -> None:
        errors = answer.errors_at(alias)
        rows_only = all(len(error.path) > 2 for error in errors)
        if errors and not (rows_only and is_forbidden(errors)):
            search.failed(forbidden() if is_forbidden(errors) else forge_unavailable())
            return
        try:
            search.take(json_object(answer.data.get(alias)), self._known_ids)
        except ForgeUnavailable as error:
            search.failed(error)

    def _with_present_logins(self, accounts: Sequence[AccountOnForge]) -> list[AccountOnForge | ForgeError]:
        """Return each account with its present login: a search goes by login, and an old one may be another's now."""
        known = [account for account in accounts if account.node_id]
        by_node: dict[str, object | ForgeError] = {}
        if known:
            keys = [account.node_id for account in known]
            try:
                by_node = dict(zip(keys, fetch_nodes(self._http, queries.ACCOUNTS, keys), strict=True))
            except ForgeUnavailable:
                by_node = {}
        return [self._with_present_login(account, by_node.get(account.node_id)) for account in accounts]

    def _with_present_login(
        self, account: AccountOnForge, outcome: object | ForgeError
    ) -> AccountOnForge | ForgeError:
        if outcome is not None and not isinstance(outcome, ForgeError):
            try:
                node = json_object(outcome)
                if json_id(node.get("databaseId")) == account.id:
                    return replace(account, login=json_text(node.get("login")))
            except ForgeUnavailable:
                pass
        try:
            return self._account_by_id(account.id)
        except (MissingOnForge, ForgeUnavailable, Forbidden) as error:
            return missing_account() if isinstance(error, MissingOnForge) else error
