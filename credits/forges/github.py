"""GitHub and GitHub Enterprise Server: merged pull requests of many accounts in few requests.

Two steps. A sweep asks for ids and times of update of up to a hundred accounts in one GraphQL request, each back to
its own watermark. The details of what is new come by node id, fifty at a time, whoever they belong to.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from urllib.parse import quote

from credits.forges import github_facts as facts
from credits.forges import github_queries as queries
from credits.forges.answers import (
    Clock,
    forbidden,
    listing,
    malformed,
    mapping,
    missing_account,
    missing_change,
    missing_repository,
    not_merged,
    text,
    unavailable,
)
from credits.forges.base import (
    Account,
    Ask,
    Forbidden,
    ForgeError,
    MergedChange,
    Missing,
    Page,
    RepositoryFacts,
    Spent,
    Unavailable,
)
from credits.forges.batches import Batch
from credits.forges.github_http import Answer, GitHubHttp, GraphError
from credits.forges.github_sweep import Sweep
from credits.forges.tokens import TokenPool, pool_of

ROWS_A_REQUEST = 2_500
"""Ids asked for in one request at most: GitHub allows 500,000 nodes, but only ten seconds."""


class GitHub:
    """``api_url`` is the REST root (``https://api.github.com`` or ``https://host/api/v3``); ``tokens`` the
    university's own; ``clock`` gives the present time, aware; ``timeout`` is in seconds for each request."""

    name = "github"

    def __init__(
        self,
        api_url: str,
        tokens: TokenPool | Sequence[str],
        clock: Clock,
        *,
        timeout: float = 15.0,
        accounts_a_request: int = 100,
        details_a_request: int = 50,
    ) -> None:
        self.spent = Spent()
        self._accounts_a_request = accounts_a_request
        self._details_a_request = details_a_request
        self._http = GitHubHttp(api_url, pool_of(tokens), clock, timeout, self.spent)

    def close(self) -> None:
        """Close the connections; the adapter may be used again."""
        self._http.close()

    def find_account(self, login: str) -> Account:
        if not login:
            raise missing_account()
        return facts.rest_account(self._http.rest(f"/users/{quote(login, safe='')}"))

    def account(self, account_id: str) -> Account:
        if not (account_id.isascii() and account_id.isdigit()):
            raise missing_account()
        found = facts.rest_account(self._http.rest(f"/user/{account_id}"))
        if found.id != account_id:
            raise malformed()
        return found

    def find_repository(self, full_name: str) -> RepositoryFacts:
        owner, _, name = full_name.partition("/")
        answer = self._http.graphql(queries.REPOSITORY, {"owner": owner, "name": name})
        _raise_for(answer.errors_at("repository"), missing_repository())
        if answer.data.get("repository") is None:
            raise malformed()
        return facts.repository(answer.data["repository"])

    def find_change(self, full_name: str, number: str) -> MergedChange:
        if not (number.isascii() and number.isdigit() and int(number) < 2**31):
            raise missing_change()
        owner, _, name = full_name.partition("/")
        variables = {"owner": owner, "name": name, "number": int(number)}
        answer = self._http.graphql(queries.POINTED_AT, variables)
        _raise_for(answer.errors_at("repository"), missing_change())
        node = mapping(mapping(answer.data.get("repository")).get("pullRequest"))
        if node.get("merged") is False:
            raise not_merged()
        return facts.change(node, "link")

    def merged_changes(self, asks: Sequence[Ask]) -> Iterator[Page]:
        for start in range(0, len(asks), self._accounts_a_request):
            ready: list[Sweep] = []
            for sweep in self._swept([Sweep(ask) for ask in asks[start : start + self._accounts_a_request]]):
                if sweep.left:
                    ready.append(sweep)
                else:
                    yield sweep.page()
            yield from self._detailed(ready)

    # First step: ids and times of update.

    def _swept(self, sweeps: Sequence[Sweep]) -> Iterator[Sweep]:
        """Each sweep once: with all that it wants lined up, or with its failure."""
        batch = Batch(self._accounts_a_request)
        queue: deque[Sweep] = deque()
        for sweep in sweeps:
            if sweep.account.node_id or self._located(sweep, batch):
                queue.append(sweep)
            else:
                yield sweep
        alone: deque[Sweep] = deque()
        while queue or alone:
            # Those that failed among others are tried by themselves, after the rest has been served.
            source = queue or alone
            asked = [source.popleft()] if source is alone else _take(queue, batch.size)
            try:
                answer = self._http.graphql(
                    queries.sweep([sweep.first for sweep in asked]),
                    {f"id{i}": sweep.account.node_id for i, sweep in enumerate(asked)}
                    | {f"after{i}": sweep.after for i, sweep in enumerate(asked)},
                )
            except Unavailable as error:
                batch.failed(len(asked), error)
                if len(asked) > 1:
                    queue.extendleft(reversed(asked))
                elif self._given_up(asked[0], error):
                    yield asked[0]
                else:
                    alone.append(asked[0])
                continue
            batch.worked()
            for i, sweep in enumerate(asked):
                problem = self._read_page(answer, f"a{i}", sweep)
                if problem is not None:
                    if isinstance(problem, Missing) or self._given_up(sweep, problem):
                        sweep.failure = problem
                        yield sweep
                    else:
                        alone.append(sweep)
                elif sweep.wanted is not None:
                    yield sweep
                else:
                    queue.append(sweep)

    def _read_page(self, answer: Answer, alias: str, sweep: Sweep) -> ForgeError | None:
        """Give one alias's part of the answer to its sweep; what is wrong with it, if anything."""
        errors = answer.errors_at(alias)
        if any(error.type == "NOT_FOUND" for error in errors):
            return self._moved_or_gone(sweep)
        if errors:
            return forbidden() if _is_forbidden(errors) else unavailable()
        try:
            node = mapping(answer.data.get(alias))
            if text(node.get("__typename")) != "User":
                return missing_account()
            sweep.take(node)
        except Unavailable as error:
            return error
        return None

    def _moved_or_gone(self, sweep: Sweep) -> ForgeError:
        """GitHub knows no such node: ask by the immutable number whether the account is gone, or its node id new."""
        try:
            found = self.account(sweep.account.id)
        except (Missing, Unavailable) as error:
            return error
        if found.node_id != sweep.account.node_id:
            sweep.account = replace(sweep.account, login=found.login, node_id=found.node_id)
        return unavailable()

    def _located(self, sweep: Sweep, batch: Batch) -> bool:
        """Find the node id of an account that came without; whether that worked."""
        while True:
            try:
                sweep.account = self.account(sweep.account.id)
                return True
            except Missing as error:
                sweep.failure = error
                return False
            except Unavailable as error:
                batch.failed(batch.size * 2, error)
                if self._given_up(sweep, error):
                    return False

    def _given_up(self, sweep: Sweep, error: ForgeError) -> bool:
        sweep.tries += 1
        if sweep.tries < 3:
            return False
        sweep.failure = error
        return True

    # Second step: details by node id.

    def _detailed(self, sweeps: Sequence[Sweep]) -> Iterator[Page]:
        batch = Batch(self._details_a_request)
        queue = deque((sweep, key) for sweep in sweeps for key in sweep.wanted or ())
        alone: deque[tuple[Sweep, str]] = deque()
        while queue or alone:
            again = not queue
            asked = (
                [alone.popleft()] if again else [queue.popleft() for _ in range(min(batch.size, len(queue)))]
            )
            try:
                found = self._details([key for _, key in asked])
            except Unavailable as error:
                batch.failed(len(asked), error)
                if len(asked) > 1:
                    queue.extendleft(reversed(asked))
                    continue
                found = [error]
            else:
                batch.worked()
            changes: dict[int, list[MergedChange]] = {id(sweep): [] for sweep, _ in asked}
            for (sweep, key), result in zip(asked, found, strict=True):
                if isinstance(result, MergedChange):
                    # Whose work it is decides the number, whatever the listing was asked for.
                    if result.author is not None and result.author.id == sweep.account.id:
                        changes[id(sweep)].append(result)
                    sweep.delivered(key)
                elif isinstance(result, Missing):
                    sweep.delivered(key)
                elif again or isinstance(result, Forbidden):
                    sweep.given_up(key, result)
                else:
                    sweep.postponed(key)
                    alone.append((sweep, key))
            for sweep in {id(sweep): sweep for sweep, _ in asked}.values():
                if changes[id(sweep)] or not sweep.left:
                    yield sweep.page(tuple(changes[id(sweep)]))

    def _details(self, keys: Sequence[str]) -> list[MergedChange | ForgeError]:
        """For each node id the pull request, or why it did not come; ``Missing`` only where GitHub says so."""
        answer = self._http.graphql(queries.DETAILS, {"ids": list(keys)})
        nodes = listing(answer.data.get("nodes"))
        if len(nodes) != len(keys) or any(len(error.path) < 2 for error in answer.errors):
            raise malformed()
        return [_detail(node, answer.errors_at("nodes", i)) for i, node in enumerate(nodes)]


def _detail(node: object, errors: Sequence[GraphError]) -> MergedChange | ForgeError:
    if any(error.type == "NOT_FOUND" and len(error.path) == 2 for error in errors):
        return missing_change()
    if errors:
        return forbidden() if _is_forbidden(errors) else unavailable()
    try:
        return facts.change(node, "account")
    except Unavailable as error:
        return error


def _take(queue: deque[Sweep], most: int) -> list[Sweep]:
    """The next accounts for one request: as many as it bears, by number and by rows."""
    taken = [queue.popleft()]
    rows = taken[0].first
    while queue and len(taken) < most and rows + queue[0].first <= ROWS_A_REQUEST:
        taken.append(queue.popleft())
        rows += taken[-1].first
    return taken


def _is_forbidden(errors: Sequence[GraphError]) -> bool:
    return any(error.type in ("FORBIDDEN", "INSUFFICIENT_SCOPES") for error in errors)


def _raise_for(errors: Sequence[GraphError], missing: Missing) -> None:
    """Raise what the errors at one place mean; ``missing`` where GitHub says that there is no such thing."""
    if any(error.type == "NOT_FOUND" for error in errors):
        raise missing
    if errors:
        raise forbidden() if _is_forbidden(errors) else unavailable()
