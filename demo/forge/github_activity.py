"""An account's activity other than pull requests, and what mentions a pull request: issues, reviews, mentions."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from graphql import GraphQLResolveInfo

from demo.forge.github_connections import cut, ordered
from demo.forge.github_objects import AccountContributions, ConnectionPage, NamedNode, QueryRefusal
from demo.forge.github_resolving import Resolver, call_of, living, of, place_fields, pull_path
from demo.forge.ids import node_id
from demo.forge.model import LocalAccount, LocalIssue, LocalPullRequest, LocalReview


def issues(
    account: LocalAccount,
    info: GraphQLResolveInfo,
    states: list[str] | None = None,
    labels: list[str] | None = None,
    filter_by: dict[str, Any] | None = None,
    order_by: dict[str, str] | None = None,
    **paging: Any,
) -> ConnectionPage:
    chosen = [
        issue
        for issue in call_of(info).local.world.issues_by(account)
        if states is None or ("CLOSED" if issue.closed_at else "OPEN") in states
    ]
    return ordered(chosen, order_by, **paging)


def contributions(
    account: LocalAccount,
    info: GraphQLResolveInfo,
    from_: datetime | str | None = None,
    to: datetime | str | None = None,
    **_: Any,
) -> AccountContributions:
    """At most one year, as on GitHub. Without times, the last year."""
    end = _moment(to) or call_of(info).now
    start = _moment(from_) or end - timedelta(days=365)
    if end - start > timedelta(days=366):
        raise QueryRefusal(
            "UNPROCESSABLE", "The total time spanned by 'from' and 'to' must not exceed 1 year"
        )
    return AccountContributions(account, start, end)


def _moment(value: datetime | str | None) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def _reviewed(
    asked: AccountContributions, info: GraphQLResolveInfo, order_by: Any = None, **paging: Any
) -> ConnectionPage:
    found = [
        (pull, review)
        for pull, review in call_of(info).local.world.reviews_by(asked.account)
        if asked.start <= review.submitted_at <= asked.end
    ]

    def key(reviewed: tuple[LocalPullRequest, LocalReview]) -> list[float]:
        _pull, review = reviewed
        return [review.submitted_at.timestamp(), review.id]

    return cut(sorted(found, key=key, reverse=True), key=key, **paging)


def _issue_path(issue: LocalIssue) -> str:
    return f"/{issue.repository.full_name}/issues/{issue.number}"


ACTIVITY: dict[str, dict[str, Resolver]] = {
    "Issue": {
        "id": of(lambda i: node_id("I", i.id)),
        "fullDatabaseId": of(lambda i: str(i.id)),
        "number": of(lambda i: i.number),
        "title": of(lambda i: i.title),
        "author": of(lambda i: living(i.author)),
        "state": of(lambda i: "CLOSED" if i.closed_at else "OPEN"),
        "stateReason": of(lambda i: i.reason),
        "closed": of(lambda i: i.closed_at is not None),
        "createdAt": of(lambda i: i.created_at),
        "updatedAt": of(lambda i: i.updated_at),
        "closedAt": of(lambda i: i.closed_at),
        "labels": lambda i, info, **args: cut(
            [NamedNode("LA", name, i.repository) for name in i.labels], **args
        ),
        "repository": of(lambda i: i.repository),
        **place_fields(_issue_path),
    },
    "ContributionsCollection": {
        "startedAt": of(lambda c: c.start),
        "endedAt": of(lambda c: c.end),
        "pullRequestReviewContributions": _reviewed,
    },
    "CreatedPullRequestReviewContribution": {
        "isRestricted": of(lambda pr: False),
        "occurredAt": of(lambda pr: pr[1].submitted_at),
        "pullRequest": of(lambda pr: pr[0]),
        "pullRequestReview": of(lambda pr: pr),
        "repository": of(lambda pr: pr[0].repository),
    },
    "CrossReferencedEvent": {
        "id": of(lambda m: node_id("CRE", m.pull.id, m.source.id)),
        "actor": of(lambda m: living(m.source.author)),
        "createdAt": of(lambda m: m.source.created_at),
        "referencedAt": of(lambda m: m.source.created_at),
        "isCrossRepository": of(lambda m: m.source.repository is not m.pull.repository),
        "source": of(lambda m: m.source),
        "target": of(lambda m: m.pull),
        "willCloseTarget": of(lambda m: False),
        **place_fields(lambda m: pull_path(m.source)),
    },
}
