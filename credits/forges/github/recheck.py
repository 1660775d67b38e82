"""Seeing again on GitHub what is held already: how it stands now, and its commits."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from credits.forges.adaptive_batch import Batch
from credits.forges.errors import (
    Forbidden,
    ForgeError,
    Missing,
    Unavailable,
    cannot,
    malformed,
    missing_change,
    missing_commit,
)
from credits.forges.github import parse as facts
from credits.forges.github import queries
from credits.forges.github.http import GitHubHttp, nodes_of, raise_for
from credits.forges.json_reading import listing, mapping, text
from credits.forges.landing_rules import LandingRule
from credits.forges.protocol import ChangeRef, CommitFacts, MergedChange, Standing

MOST_COMMITS = 250
MOST_MENTIONS = 1_000
"""Mentions of a pull request that are read at most to learn whether one of them took it back."""


class Recheck:
    """Things seen again, as many a request as ``batch`` allows."""

    def __init__(self, http: GitHubHttp, rules: Sequence[LandingRule], batch: Batch) -> None:
        self._http = http
        self._rules = rules
        self._batch = batch

    def run(self, refs: Sequence[ChangeRef]) -> Iterator[Standing]:
        queues: dict[str, deque[tuple[ChangeRef, int]]] = {}
        for ref in refs:
            try:
                key = ref.node_id or node_id_of(self._http, ref)
            except (Missing, Unavailable, Forbidden) as error:
                yield _without(ref, error)
            except ForgeError as error:
                if error.code != "forge-cannot":
                    raise
                yield _without(ref, error)
            else:
                queues.setdefault(ref.kind, deque()).append((replace(ref, node_id=key), 0))
        for kind, queue in queues.items():
            yield from self._kind(kind, queue)

    def _kind(self, kind: str, queue: deque[tuple[ChangeRef, int]]) -> Iterator[Standing]:
        while queue:
            asked = [queue.popleft() for _ in range(min(self._batch.size, len(queue)))]
            try:
                found = nodes_of(self._http, queries.STANDING[kind], [ref.node_id for ref, _ in asked])
            except Unavailable as error:
                self._batch.failed(len(asked), error)
                if len(asked) > 1:
                    queue.extendleft(reversed(asked))
                    continue
                found = [error]
            else:
                self._batch.worked()
            found = [self._with_mentions(outcome) for outcome in found]
            standings = [self._standing(ref, outcome) for (ref, _), outcome in zip(asked, found, strict=True)]
            for (ref, tries), standing in zip(asked, self._put_in_again(standings, found), strict=True):
                if isinstance(standing.failure, Unavailable) and tries < 2:
                    queue.append((ref, tries + 1))
                else:
                    yield standing

    def _with_mentions(self, outcome: object | ForgeError) -> object | ForgeError:
        """The same with older mentions, where the newest fifty do not tell of a revert and are not all."""
        if isinstance(outcome, ForgeError):
            return outcome
        try:
            node = mapping(outcome)
            while "mentions" in node and not facts.reverted_by(node)[0]:
                told = mapping(node["mentions"])
                page, nodes = mapping(told.get("pageInfo")), listing(told.get("nodes"))
                if page.get("hasPreviousPage") is not True or len(nodes) >= MOST_MENTIONS:
                    break
                before = {"id": text(node.get("id")), "before": text(page.get("startCursor"))}
                answer = self._http.graphql(queries.EARLIER_MENTIONS, before)
                earlier = mapping(mapping(answer.data.get("node")).get("mentions"))
                rest = listing(earlier.get("nodes"))
                node = {**node, "mentions": {"pageInfo": earlier.get("pageInfo"), "nodes": [*rest, *nodes]}}
        except Unavailable as error:
            return error
        return node

    def _standing(self, ref: ChangeRef, outcome: object | ForgeError) -> Standing:
        if isinstance(outcome, ForgeError):
            return _without(ref, outcome)
        try:
            change = self._fact(ref, outcome)
            if change is None:
                return Standing(ref, "unknown")
            if (change.repository.id, change.number) != (ref.repository_id, ref.number):
                raise malformed()
            back, _ = facts.reverted_by(outcome) if ref.kind == "pull_request" else ("", "")
        except Unavailable as error:
            return Standing(ref, "unknown", failure=error)
        return Standing(ref, "reverted" if back else change.status, change, back)

    def _put_in_again(
        self, standings: Sequence[Standing], found: Sequence[object | ForgeError]
    ) -> list[Standing]:
        """A revert that was itself reverted took nothing back: those that did are looked at once more."""
        told = list(standings)
        by = {
            at: facts.reverted_by(found[at])[1]
            for at, standing in enumerate(told)
            if standing.status == "reverted"
        }
        if not by:
            return told
        try:
            again = nodes_of(self._http, queries.STANDING["pull_request"], list(by.values()))
            for at, outcome in zip(by, again, strict=True):
                change = told[at].change
                if not isinstance(outcome, ForgeError) and change and facts.reverted_by(outcome)[0]:
                    told[at] = Standing(told[at].ref, change.status, change)
        except Unavailable as error:
            for at in by:
                told[at] = Standing(told[at].ref, "unknown", failure=error)
        return told

    def _fact(self, ref: ChangeRef, node: object) -> MergedChange | None:
        if ref.kind == "review":
            return facts.review(node, "account")
        if ref.kind == "issue":
            return facts.issue(node, "account")
        if mapping(node).get("merged") is True:
            return facts.change(node, "account")
        return facts.landed(node, "account", self._rules) or facts.closed(node, "account")


def _without(ref: ChangeRef, error: ForgeError) -> Standing:
    if isinstance(error, Missing):
        return Standing(ref, "gone")
    return Standing(ref, "unknown", failure=error)


def node_id_of(http: GitHubHttp, ref: ChangeRef) -> str:
    """GitHub's node id, by the numbers of the repository and of the change. ``forge-cannot`` for a review: nothing
    leads to one by its number alone."""
    if ref.kind == "review" or not (ref.repository_id.isdigit() and ref.number.isdigit()):
        raise cannot()
    where = "pulls" if ref.kind == "pull_request" else "issues"
    body = http.rest(f"/repositories/{ref.repository_id}/{where}/{ref.number}")
    return text(body.get("node_id"))


def commits_of(http: GitHubHttp, ref: ChangeRef) -> tuple[CommitFacts, ...]:
    """The commits of a branch, oldest first."""
    if ref.kind != "pull_request":
        raise cannot()
    key = ref.node_id or node_id_of(http, ref)
    found: list[CommitFacts] = []
    after: str | None = None
    while len(found) < MOST_COMMITS:
        answer = http.graphql(queries.COMMITS, {"id": key, "after": after})
        raise_for(answer.errors_at("node"), missing_change())
        commits = mapping(mapping(answer.data.get("node")).get("commits"))
        found += [facts.commit(mapping(row).get("commit")) for row in listing(commits.get("nodes"))]
        page = mapping(commits.get("pageInfo"))
        if page.get("hasNextPage") is not True:
            break
        if text(page.get("endCursor")) == after:
            raise malformed()
        after = text(page.get("endCursor"))
    return tuple(found[:MOST_COMMITS])


def find_commit(http: GitHubHttp, full_name: str, sha: str) -> CommitFacts:
    """One commit: its files from REST, its authors from GraphQL, which knows them by account."""
    owner, _, name = full_name.partition("/")
    if not re.fullmatch(r"[0-9a-fA-F]{7,64}", sha) or not owner or not name or "/" in name:
        raise missing_commit()
    try:
        body = http.rest(f"/repos/{quote(owner, safe='')}/{quote(name, safe='')}/commits/{sha}")
    except Missing:
        raise missing_commit() from None
    variables: dict[str, Any] = {"owner": owner, "name": name, "oid": text(body.get("sha"))}
    answer = http.graphql(queries.COMMIT, variables)
    raise_for(answer.errors_at("repository"), missing_commit())
    found = mapping(answer.data.get("repository")).get("object")
    if found is None:
        raise missing_commit()
    return replace(facts.commit(found), files=facts.rest_files(body))
