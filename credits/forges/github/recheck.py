"""Check again on GitHub what is stored already: its present state, and its commits."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from credits.forges.adaptive_batch import AdaptiveBatch
from credits.forges.errors import (
    Forbidden,
    ForgeError,
    ForgeUnavailable,
    MissingOnForge,
    malformed_answer,
    missing_change,
    missing_commit,
    not_supported,
)
from credits.forges.github import parse as facts
from credits.forges.github import queries
from credits.forges.github.http import GitHubHttp, fetch_nodes, raise_errors
from credits.forges.json_reading import json_array, json_object, json_text
from credits.forges.landing_rules import LandingRule
from credits.forges.protocol import ChangeRef, CommitOnForge, MergedChange, RecheckAnswer

MOST_COMMITS = 250
MOST_MENTIONS = 1_000
"""At most so many mentions of a pull request are read to find out if one of them reverted it."""


class GitHubRecheck:
    """Rechecks on GitHub, as many in one request as ``batch`` allows."""

    def __init__(self, http: GitHubHttp, rules: Sequence[LandingRule], batch: AdaptiveBatch) -> None:
        self._http = http
        self._rules = rules
        self._batch = batch

    def run(self, refs: Sequence[ChangeRef]) -> Iterator[RecheckAnswer]:
        queues: dict[str, deque[tuple[ChangeRef, int]]] = {}
        for ref in refs:
            try:
                key = ref.node_id or node_id_of(self._http, ref)
            except (MissingOnForge, ForgeUnavailable, Forbidden) as error:
                yield _failed_answer(ref, error)
            except ForgeError as error:
                if error.code != "forge-cannot":
                    raise
                yield _failed_answer(ref, error)
            else:
                queues.setdefault(ref.kind, deque()).append((replace(ref, node_id=key), 0))
        for kind, queue in queues.items():
            yield from self._kind(kind, queue)

    def _kind(self, kind: str, queue: deque[tuple[ChangeRef, int]]) -> Iterator[RecheckAnswer]:
        while queue:
            asked = [queue.popleft() for _ in range(min(self._batch.size, len(queue)))]
            try:
                found = fetch_nodes(self._http, queries.RECHECK[kind], [ref.node_id for ref, _ in asked])
            except ForgeUnavailable as error:
                self._batch.failed(len(asked), error)
                if len(asked) > 1:
                    queue.extendleft(reversed(asked))
                    continue
                found = [error]
            else:
                self._batch.worked()
            found = [self._with_mentions(outcome) for outcome in found]
            answers = [self._answer(ref, outcome) for (ref, _), outcome in zip(asked, found, strict=True)]
            for (ref, tries), answer in zip(asked, self._undo_reverted_reverts(answers, found), strict=True):
                if isinstance(answer.failure, ForgeUnavailable) and tries < 2:
                    queue.append((ref, tries + 1))
                else:
                    yield answer

    def _with_mentions(self, outcome: object | ForgeError) -> object | ForgeError:
        """Add older mentions if the newest fifty name no revert and are not all mentions."""
        if isinstance(outcome, ForgeError):
            return outcome
        try:
            node = json_object(outcome)
            while "mentions" in node and not facts.reverted_by(node)[0]:
                mentions = json_object(node["mentions"])
                page, nodes = json_object(mentions.get("pageInfo")), json_array(mentions.get("nodes"))
                if page.get("hasPreviousPage") is not True or len(nodes) >= MOST_MENTIONS:
                    break
                before = {"id": json_text(node.get("id")), "before": json_text(page.get("startCursor"))}
                answer = self._http.graphql(queries.EARLIER_MENTIONS, before)
                earlier = json_object(json_object(answer.data.get("node")).get("mentions"))
                older = json_array(earlier.get("nodes"))
                node = {**node, "mentions": {"pageInfo": earlier.get("pageInfo"), "nodes": [*older, *nodes]}}
        except ForgeUnavailable as error:
            return error
        return node

    def _answer(self, ref: ChangeRef, outcome: object | ForgeError) -> RecheckAnswer:
        if isinstance(outcome, ForgeError):
            return _failed_answer(ref, outcome)
        try:
            change = self._fact(ref, outcome)
            if change is None:
                return RecheckAnswer(ref, "unknown")
            if (change.repository.id, change.number) != (ref.repository_id, ref.number):
                raise malformed_answer()
            reverted_by, _ = facts.reverted_by(outcome) if ref.kind == "pull_request" else ("", "")
        except ForgeUnavailable as error:
            return RecheckAnswer(ref, "unknown", failure=error)
        return RecheckAnswer(ref, "reverted" if reverted_by else change.status, change, reverted_by)

    def _undo_reverted_reverts(
        self, answers: Sequence[RecheckAnswer], found: Sequence[object | ForgeError]
    ) -> list[RecheckAnswer]:
        """Check the reverts themselves: a revert that was itself reverted has no effect."""
        checked = list(answers)
        revert_ids = {
            position: facts.reverted_by(found[position])[1]
            for position, answer in enumerate(checked)
            if answer.status == "reverted"
        }
        if not revert_ids:
            return checked
        try:
            reverts = fetch_nodes(self._http, queries.RECHECK["pull_request"], list(revert_ids.values()))
            for position, revert in zip(revert_ids, reverts, strict=True):
                change = checked[position].change
                if not isinstance(revert, ForgeError) and change and facts.reverted_by(revert)[0]:
                    checked[position] = RecheckAnswer(checked[position].ref, change.status, change)
        except ForgeUnavailable as error:
            for position in revert_ids:
                checked[position] = RecheckAnswer(checked[position].ref, "unknown", failure=error)
        return checked

    def _fact(self, ref: ChangeRef, node: object) -> MergedChange | None:
        if ref.kind == "review":
            return facts.review(node, "account")
        if ref.kind == "issue":
            return facts.issue(node, "account")
        if json_object(node).get("merged") is True:
            return facts.merged_change(node, "account")
        return facts.landed_change(node, "account", self._rules) or facts.closed_change(node, "account")


def _failed_answer(ref: ChangeRef, error: ForgeError) -> RecheckAnswer:
    if isinstance(error, MissingOnForge):
        return RecheckAnswer(ref, "gone")
    return RecheckAnswer(ref, "unknown", failure=error)


def node_id_of(http: GitHubHttp, ref: ChangeRef) -> str:
    """Return GitHub's node id, by the numbers of the repository and of the change.

    Raise ``forge-cannot`` for a review: GitHub cannot find a review by its number alone.
    """
    if ref.kind == "review" or not (ref.repository_id.isdigit() and ref.number.isdigit()):
        raise not_supported()
    collection = "pulls" if ref.kind == "pull_request" else "issues"
    body = http.rest(f"/repositories/{ref.repository_id}/{collection}/{ref.number}")
    return json_text(body.get("node_id"))


def commits_of(http: GitHubHttp, ref: ChangeRef) -> tuple[CommitOnForge, ...]:
    """Return the commits of a pull request's branch, oldest first, at most :data:`MOST_COMMITS`."""
    if ref.kind != "pull_request":
        raise not_supported()
    key = ref.node_id or node_id_of(http, ref)
    found: list[CommitOnForge] = []
    after: str | None = None
    while len(found) < MOST_COMMITS:
        answer = http.graphql(queries.COMMITS, {"id": key, "after": after})
        raise_errors(answer.errors_at("node"), missing_change())
        commits = json_object(json_object(answer.data.get("node")).get("commits"))
        found += [facts.commit(json_object(row).get("commit")) for row in json_array(commits.get("nodes"))]
        page = json_object(commits.get("pageInfo"))
        if page.get("hasNextPage") is not True:
            break
        if json_text(page.get("endCursor")) == after:
            raise malformed_answer()
        after = json_text(page.get("endCursor"))
    return tuple(found[:MOST_COMMITS])


def find_commit(http: GitHubHttp, full_name: str, sha: str) -> CommitOnForge:
    """Return a commit: its files from REST, its authors from GraphQL, which knows them by account."""
    owner, _, name = full_name.partition("/")
    if not re.fullmatch(r"[0-9a-fA-F]{7,64}", sha) or not owner or not name or "/" in name:
        raise missing_commit()
    try:
        body = http.rest(f"/repos/{quote(owner, safe='')}/{quote(name, safe='')}/commits/{sha}")
    except MissingOnForge:
        raise missing_commit() from None
    variables: dict[str, Any] = {"owner": owner, "name": name, "oid": json_text(body.get("sha"))}
    answer = http.graphql(queries.COMMIT, variables)
    raise_errors(answer.errors_at("repository"), missing_commit())
    found = json_object(answer.data.get("repository")).get("object")
    if found is None:
        raise missing_commit()
    return replace(facts.commit(found), files=facts.rest_files(body))
