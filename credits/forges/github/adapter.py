"""GitHub and GitHub Enterprise Server: merged pull requests of many accounts in few requests.

There are two steps. A sweep reads ids and times of update of up to a hundred accounts in one GraphQL request, each
account back to its own watermark. Then the details of what is new are read by node id, fifty at a time, for all
accounts together.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

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
    missing_change,
    missing_repository,
    not_merged,
    still_open,
)
from credits.forges.github import parse as facts
from credits.forges.github import queries
from credits.forges.github.http import GitHubHttp, GraphQLAnswer, fetch_nodes, is_forbidden, raise_errors
from credits.forges.github.listing import LISTED_KINDS, GitHubAccountProgress, Sweep
from credits.forges.github.recheck import GitHubRecheck, commits_of, find_commit
from credits.forges.github.search import CrossCheckSearch
from credits.forges.json_reading import Clock, json_object, json_text
from credits.forges.landing_rules import LANDING_RULES, LandingRule
from credits.forges.protocol import (
    AccountOnForge,
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

DetailResult = MergedChange | ForgeError | None

ROWS_A_REQUEST = 2_500
"""At most so many ids in one request: GitHub allows 500,000 nodes, but only ten seconds."""


class GitHub:
    """The adapter for GitHub. ``api_url`` is the REST root (``https://api.github.com`` or ``https://host/api/v3``);
    ``tokens`` are the university's own; ``clock`` returns the present time, aware; ``timeout`` is in seconds for each
    request."""

    name = "github"
    lists = LISTED_KINDS

    def __init__(
        self,
        api_url: str,
        tokens: TokenPool | Sequence[str],
        clock: Clock,
        *,
        timeout: float = 15.0,
        accounts_a_request: int = 100,
        details_a_request: int = 50,
        landing_rules: Sequence[LandingRule] = LANDING_RULES,
    ) -> None:
        self.spent = RequestCost()
        self.asks_at_once = accounts_a_request
        self._clock = clock
        self._rules = landing_rules
        # Keep the sizes between collections: a batch that was too big an hour ago still is, and sizes grow quickly.
        self._sweep_size = AdaptiveBatch(accounts_a_request)
        self._detail_size = AdaptiveBatch(details_a_request)
        self.tokens = pool_of(tokens)
        self._http = GitHubHttp(api_url, self.tokens, clock, timeout, self.spent)

    def close(self) -> None:
        """Close the connections; the adapter may be used again."""
        self._http.close()

    def find_account(self, login: str) -> AccountOnForge:
        if not login:
            raise missing_account()
        return facts.rest_account(self._http.rest(f"/users/{quote(login, safe='')}"))

    def account(self, account_id: str) -> AccountOnForge:
        if not (account_id.isascii() and account_id.isdigit()):
            raise missing_account()
        found = facts.rest_account(self._http.rest(f"/user/{account_id}"))
        if found.id != account_id:
            raise malformed_answer()
        return found

    def find_repository(self, full_name: str) -> RepositoryOnForge:
        owner, _, name = full_name.partition("/")
        answer = self._http.graphql(queries.REPOSITORY, {"owner": owner, "name": name})
        raise_errors(answer.errors_at("repository"), missing_repository())
        if answer.data.get("repository") is None:
            raise malformed_answer()
        return facts.repository(answer.data["repository"])

    def find_change(self, full_name: str, number: str) -> MergedChange:
        node = self._pull_request(full_name, number)
        if node.get("merged") is not False:
            return facts.merged_change(node, "link")
        landed = facts.landed_change(node, "link", self._rules)
        if landed is None:
            raise not_merged()
        return landed

    def find_closed(self, full_name: str, number: str) -> MergedChange:
        node = self._pull_request(full_name, number)
        if node.get("merged") is not False:
            return facts.merged_change(node, "link")
        found = facts.landed_change(node, "link", self._rules) or facts.closed_change(node, "link")
        if found is None:
            raise still_open()
        return found

    def _pull_request(self, full_name: str, number: str) -> Mapping[str, Any]:
        if not (number.isascii() and number.isdigit() and int(number) < 2**31):
            raise missing_change()
        owner, _, name = full_name.partition("/")
        variables = {"owner": owner, "name": name, "number": int(number)}
        answer = self._http.graphql(queries.PULL_REQUEST, variables)
        raise_errors(answer.errors_at("repository"), missing_change())
        return json_object(json_object(answer.data.get("repository")).get("pullRequest"))

    def commits_of(self, ref: ChangeRef) -> tuple[CommitOnForge, ...]:
        return commits_of(self._http, ref)

    def find_commit(self, full_name: str, sha: str) -> CommitOnForge:
        return find_commit(self._http, full_name, sha)

    def recheck(self, refs: Sequence[ChangeRef]) -> Iterator[RecheckAnswer]:
        return GitHubRecheck(self._http, self._rules, self._detail_size).run(refs)

    def cross_check(
        self, asks: Sequence[CollectionRequest], since: datetime, until: datetime, known_ids: Container[str]
    ) -> Iterator[CrossCheckResult]:
        search = CrossCheckSearch(self._http, since, until, known_ids, self.account)
        for account, counted, keys, failure in search.run(asks):
            missed: list[MergedChange] = []
            for start in range(0, len(keys), self._detail_size.size):
                part = keys[start : start + self._detail_size.size]
                try:
                    found = self._details("pull_request", part)
                except ForgeUnavailable as error:
                    failure = error
                    continue
                for result in found:
                    if isinstance(result, MergedChange):
                        missed.append(replace(result, found_by="search"))
                    elif isinstance(result, ForgeError) and not isinstance(result, MissingOnForge):
                        failure = result
            yield CrossCheckResult(account, counted, tuple(missed), failure)

    def merged_changes(self, asks: Sequence[CollectionRequest]) -> Iterator[CollectionPage]:
        for start in range(0, len(asks), self.asks_at_once):
            now = self._clock()
            accounts = [
                GitHubAccountProgress(ask, now, self._rules)
                for ask in asks[start : start + self.asks_at_once]
            ]
            for progress in accounts:
                if not progress.sweeps:
                    yield progress.page()
            ready: list[Sweep] = []
            for sweep in self._run_sweeps([sweep for progress in accounts for sweep in progress.sweeps]):
                if sweep.left:
                    ready.append(sweep)
                elif sweep.progress.ended:
                    yield sweep.progress.page()
            yield from self._read_details(ready)

    # First step: ids and times of update.

    def _run_sweeps(self, sweeps: Sequence[Sweep]) -> Iterator[Sweep]:
        """Yield each sweep once: when all ids that it wants are known, or when it failed."""
        batch = self._sweep_size
        queue: deque[Sweep] = deque()
        for sweep in sweeps:
            if sweep.account.node_id or self._find_node_id(sweep, batch):
                queue.append(sweep)
            else:
                yield sweep
        alone: deque[Sweep] = deque()
        while queue or alone:
            # A sweep that failed together with others is tried by itself, after all the others.
            source = queue or alone
            asked = [source.popleft()] if source is alone else _take_batch(queue, batch.size)
            variables: dict[str, Any] = {}
            for i, sweep in enumerate(asked):
                variables |= sweep.variables(i)
            begun = self._clock()
            try:
                answer = self._http.graphql(
                    queries.sweep_query([(sweep.kind, sweep.first) for sweep in asked]), variables
                )
            except ForgeUnavailable as error:
                batch.failed(len(asked), error)
                if len(asked) > 1:
                    queue.extendleft(reversed(asked))
                elif self._count_failure(asked[0], error):
                    yield asked[0]
                else:
                    alone.append(asked[0])
                continue
            if answer.was_too_much:
                batch.strained(len(asked))
            else:
                batch.worked(self._clock() - begun)
            for i, sweep in enumerate(asked):
                problem = self._read_page(answer, f"a{i}", sweep)
                if problem is not None:
                    if isinstance(problem, MissingOnForge) or self._count_failure(sweep, problem):
                        sweep.failure = problem
                        yield sweep
                    else:
                        alone.append(sweep)
                elif sweep.wanted is not None:
                    yield sweep
                else:
                    queue.append(sweep)

    def _read_page(self, answer: GraphQLAnswer, alias: str, sweep: Sweep) -> ForgeError | None:
        """Give the part of the answer under an alias to its sweep. Return what is wrong with it, or None."""
        errors = answer.errors_at(alias)
        if any(error.type == "NOT_FOUND" for error in errors):
            return self._moved_or_gone(sweep)
        if errors:
            return forbidden() if is_forbidden(errors) else forge_unavailable()
        try:
            node = json_object(answer.data.get(alias))
            if json_text(node.get("__typename")) != "User":
                return missing_account()
            sweep.take(node)
        except ForgeUnavailable as error:
            return error
        return None

    def _moved_or_gone(self, sweep: Sweep) -> ForgeError:
        """GitHub does not know this node: check by the immutable number if the account is gone or has a new node id."""
        try:
            found = self.account(sweep.account.id)
        except (MissingOnForge, ForgeUnavailable, Forbidden) as error:
            return error
        if found.node_id != sweep.account.node_id:
            sweep.account = replace(sweep.account, login=found.login, node_id=found.node_id)
        return forge_unavailable()

    def _find_node_id(self, sweep: Sweep, batch: AdaptiveBatch) -> bool:
        """Find the node id of an account that has none yet. Return whether that worked."""
        while True:
            try:
                sweep.account = self.account(sweep.account.id)
                return True
            except (MissingOnForge, Forbidden) as error:
                sweep.failure = error
                return False
            except ForgeUnavailable as error:
                batch.failed(batch.size * 2, error)
                if self._count_failure(sweep, error):
                    return False

    def _count_failure(self, sweep: Sweep, error: ForgeError) -> bool:
        """Count a failure of the sweep. Return whether it was the third; then the sweep has failed."""
        sweep.tries += 1
        if sweep.tries < 3:
            return False
        sweep.failure = error
        return True

    # Second step: details by node id.

    def _read_details(self, sweeps: Sequence[Sweep]) -> Iterator[CollectionPage]:
        batch = self._detail_size
        queue = deque((sweep, key) for sweep in sweeps for key in sweep.wanted or ())
        alone: deque[tuple[Sweep, str]] = deque()
        while queue or alone:
            again = not queue
            asked = (
                [alone.popleft()] if again else [queue.popleft() for _ in range(min(batch.size, len(queue)))]
            )
            begun = self._clock()
            try:
                found = self._details_of(asked)
            except ForgeUnavailable as error:
                batch.failed(len(asked), error)
                if len(asked) > 1:
                    queue.extendleft(reversed(asked))
                    continue
                found = [error]
            else:
                batch.worked(self._clock() - begun)
            changes: dict[int, list[MergedChange]] = {id(sweep.progress): [] for sweep, _ in asked}
            for (sweep, key), result in zip(asked, found, strict=True):
                if isinstance(result, MergedChange):
                    # The immutable id decides who the author is, whatever account was listed.
                    if result.author is not None and result.author.id == sweep.account.id:
                        changes[id(sweep.progress)].append(result)
                    sweep.delivered(key)
                elif result is None or isinstance(result, MissingOnForge):
                    sweep.delivered(key)
                elif again or isinstance(result, Forbidden):
                    sweep.given_up(key, result)
                else:
                    sweep.postponed(key)
                    alone.append((sweep, key))
            for progress in {id(sweep.progress): sweep.progress for sweep, _ in asked}.values():
                if changes[id(progress)] or progress.ended:
                    yield progress.page(tuple(changes[id(progress)]))

    def _details_of(self, asked: Sequence[tuple[Sweep, str]]) -> list[DetailResult]:
        """Send one request for each sort of thing; nearly always there is only one sort."""
        sorts: dict[str, list[int]] = {}
        for at, (sweep, key) in enumerate(asked):
            sorts.setdefault(sweep.sort_of(key), []).append(at)
        found: dict[int, DetailResult] = {}
        for sort, places in sorts.items():
            found.update(zip(places, self._details(sort, [asked[at][1] for at in places]), strict=True))
        return [found[at] for at in range(len(asked))]

    def _details(self, sort: str, keys: Sequence[str]) -> list[DetailResult]:
        """Return for each node id the change, None if it does not count, or the error; :class:`MissingOnForge` only
        if GitHub says so."""
        return [
            outcome if isinstance(outcome, ForgeError) else self._fact(sort, outcome)
            for outcome in fetch_nodes(self._http, queries.DETAILS[sort], keys)
        ]

    def _fact(self, sort: str, node: object) -> DetailResult:
        try:
            if sort == "closed" and json_object(node).get("merged") is not True:
                return facts.landed_change(node, "account", self._rules)
            if sort == "review":
                return facts.review(node, "account")
            if sort == "issue":
                return facts.issue(node, "account")
            return facts.merged_change(node, "account")
        except ForgeUnavailable as error:
            return error


def _take_batch(queue: deque[Sweep], most: int) -> list[Sweep]:
    """Take the next accounts for one request: as many as fit, by number of accounts and of rows."""
    taken = [queue.popleft()]
    rows = taken[0].first
    while queue and len(taken) < most and rows + queue[0].first <= ROWS_A_REQUEST:
        taken.append(queue.popleft())
        rows += taken[-1].first
    return taken
