"""The GraphQL queries sent to GitHub. A test checks every name in them against the published schema.

Cost in points, by the documented formula (connections to fill, divided by a hundred): a sweep of up to 100 accounts
costs 1; details of 50 merged pull requests, with four connections each, cost 2.
"""

from __future__ import annotations

from collections.abc import Sequence

from credits.forges.protocol import ChangeKind

_LIMIT = "rateLimit { cost limit remaining resetAt }"

_ACTOR = """
fragment Actor on Actor {
  __typename
  login
  ... on User { id databaseId }
  ... on Bot { id databaseId }
  ... on Mannequin { id databaseId }
  ... on Organization { id databaseId }
}
"""

_REPOSITORY = """
fragment Repository on Repository {
  id
  databaseId
  nameWithOwner
  url
  isFork
  isPrivate
  isArchived
  isMirror
  stargazerCount
  owner { __typename login ... on User { id databaseId } ... on Organization { id databaseId } }
  licenseInfo { key spdxId pseudoLicense }
  primaryLanguage { name }
}
"""

_AUTHORS = "authors(first: 20) { totalCount nodes { user { id databaseId login } } }"

_CHANGE = f"""
fragment Change on PullRequest {{
  id
  fullDatabaseId
  number
  url
  title
  state
  merged
  isCrossRepository
  createdAt
  updatedAt
  mergedAt
  authorAssociation
  baseRefName
  additions
  deletions
  changedFiles
  author {{ ...Actor }}
  mergedBy {{ ...Actor }}
  mergeCommit {{ oid messageHeadline {_AUTHORS} }}
  files(first: 100) {{ nodes {{ path additions deletions }} }}
  labels(first: 50) {{ nodes {{ name }} }}
  reviews(first: 1) {{ totalCount }}
  repository {{ ...Repository }}
}}
"""

_CLOSING = f"""
fragment Closing on PullRequest {{
  closedAt
  closing: timelineItems(last: 1, itemTypes: [CLOSED_EVENT]) {{
    nodes {{
      ... on ClosedEvent {{
        createdAt
        actor {{ ...Actor }}
        closer {{ __typename ... on Commit {{ oid message messageHeadline committedDate {_AUTHORS} }} }}
      }}
    }}
  }}
}}
"""

_MENTIONED = """
    pageInfo { hasPreviousPage startCursor }
    nodes {
      ... on CrossReferencedEvent {
        source { __typename ... on PullRequest { id title body merged mergedAt url repository { databaseId } } }
      }
    }
"""

_MENTIONS = f"""
fragment Mentions on PullRequest {{
  mentions: timelineItems(last: 50, itemTypes: [CROSS_REFERENCED_EVENT]) {{{_MENTIONED}}}
}}
"""

_REVIEW = """
fragment Review on PullRequestReview {
  id
  fullDatabaseId
  state
  submittedAt
  createdAt
  updatedAt
  url
  author { ...Actor }
  pullRequest { number title state author { ...Actor } }
  repository { ...Repository }
}
"""

_ISSUE = """
fragment IssueFacts on Issue {
  id
  fullDatabaseId
  number
  url
  title
  state
  stateReason
  createdAt
  updatedAt
  closedAt
  author { ...Actor }
  labels(first: 50) { nodes { name } }
  repository { ...Repository }
}
"""


def _by_id(name: str, type_: str, spreads: str, *fragments: str) -> str:
    return (
        f"query {name}($ids: [ID!]!) {{ nodes(ids: $ids) {{ __typename ... on {type_} {{ {spreads} }} }} {_LIMIT} }}"
        + "".join((*fragments, _ACTOR, _REPOSITORY))
    )


DETAILS: dict[str, str] = {
    "pull_request": _by_id("Details", "PullRequest", "...Change", _CHANGE),
    "closed": _by_id("Closed", "PullRequest", "...Change ...Closing", _CHANGE, _CLOSING),
    "review": _by_id("Reviews", "PullRequestReview", "...Review", _REVIEW),
    "issue": _by_id("Issues", "Issue", "...IssueFacts", _ISSUE),
}
"""Queries for the details of at most 100 nodes of one sort: ``nodes`` come in the order of ``ids``. Sorts are the kinds
of contribution, and ``closed`` for a closed pull request that may have landed."""

RECHECK: dict[str, str] = {
    **DETAILS,
    "pull_request": _by_id(
        "Standing", "PullRequest", "...Change ...Closing ...Mentions", _CHANGE, _CLOSING, _MENTIONS
    ),
}
"""The same queries for a recheck: a pull request also with what closed it, and with the ones that mention it."""

EARLIER_MENTIONS = (
    "query EarlierMentions($id: ID!, $before: String) { node(id: $id) { __typename ... on PullRequest { "
    "mentions: timelineItems(last: 100, before: $before, itemTypes: [CROSS_REFERENCED_EVENT]) "
    f"{{{_MENTIONED}}} }} }} {_LIMIT} }}"
)
"""A hundred older mentions of a pull request that many others mention."""

ACCOUNTS = (
    "query Accounts($ids: [ID!]!) { nodes(ids: $ids) { __typename ... on User { id databaseId login } } "
    f"{_LIMIT} }}"
)
"""The present logins of accounts by node id."""

PULL_REQUEST = (
    "query PointedAt($owner: String!, $name: String!, $number: Int!) { "
    "repository(owner: $owner, name: $name) { "
    f"pullRequest(number: $number) {{ __typename ...Change ...Closing }} }} {_LIMIT} }}"
    f"{_CHANGE}{_CLOSING}{_ACTOR}{_REPOSITORY}"
)
"""One pull request by the repository's name and its number."""

REPOSITORY = (
    "query Repository($owner: String!, $name: String!) { "
    f"repository(owner: $owner, name: $name) {{ ...Repository }} {_LIMIT} }}{_REPOSITORY}"
)
"""One repository by its name; GitHub follows renames itself."""

_COMMIT = f"oid message committedDate commitUrl {_AUTHORS}"

COMMITS = (
    "query Commits($id: ID!, $after: String) { node(id: $id) { __typename ... on PullRequest { "
    "commits(first: 100, after: $after) { pageInfo { hasNextPage endCursor } "
    f"nodes {{ commit {{ {_COMMIT} }} }} }} }} }} {_LIMIT} }}"
)
"""A hundred commits of a pull request's branch."""

COMMIT = (
    "query Commit($owner: String!, $name: String!, $oid: GitObjectID!) { "
    f"repository(owner: $owner, name: $name) {{ object(oid: $oid) {{ ... on Commit {{ {_COMMIT} }} }} }} {_LIMIT} }}"
)
"""One commit by its whole name."""

_IDS = {
    "pull_request": "totalCount pageInfo { hasNextPage endCursor } "
    "nodes { id updatedAt state repository { nameWithOwner } }",
    "issue": "totalCount pageInfo { hasNextPage endCursor } nodes { id updatedAt stateReason }",
    "review": "totalCount pageInfo { hasNextPage endCursor } nodes { occurredAt pullRequestReview { id } }",
}
_NEWEST_FIRST = "orderBy: {field: UPDATED_AT, direction: DESC}"


def sweep_query(asked: Sequence[tuple[ChangeKind, int]]) -> str:
    """Return a query for the work of many accounts, newest first, with ids and times only.

    Account number ``i`` is aliased ``a{i}``, lists ``asked[i][1]`` rows of the kind ``asked[i][0]``, and takes the
    variables ``id{i}`` (node id) and ``after{i}`` (cursor, or null); for reviews also ``from{i}`` and ``to{i}``.
    """
    variables, accounts = [], []
    for i, (kind, first) in enumerate(asked):
        variables.append(f"$id{i}: ID!, $after{i}: String")
        paging = f"first: {first}, after: $after{i}"
        if kind == "review":
            variables.append(f"$from{i}: DateTime!, $to{i}: DateTime!")
            rows = (
                f"createdAt contributionsCollection(from: $from{i}, to: $to{i}) "
                f"{{ pullRequestReviewContributions({paging}) {{ {_IDS[kind]} }} }}"
            )
        elif kind == "issue":
            rows = f"issues({paging}, states: [CLOSED], {_NEWEST_FIRST}) {{ {_IDS[kind]} }}"
        else:
            rows = f"pullRequests({paging}, states: [MERGED, CLOSED], {_NEWEST_FIRST}) {{ ...Ids }}"
        accounts.append(
            f"a{i}: node(id: $id{i}) {{ __typename ... on User {{ id databaseId login {rows} }} }}"
        )
    text = f"query Sweep({', '.join(variables)}) {{\n" + "\n".join(accounts) + f"\n{_LIMIT}\n}}\n"
    if any(kind == "pull_request" for kind, _ in asked):
        text += f"fragment Ids on PullRequestConnection {{ {_IDS['pull_request']} }}"
    return text


def search_query(count: int) -> str:
    """Return a query for ``count`` searches: number ``i`` is aliased ``s{i}`` and takes ``q{i}`` and ``after{i}``."""
    variables = ", ".join(f"$q{i}: String!, $after{i}: String" for i in range(count))
    searches = "\n".join(
        f"s{i}: search(type: ISSUE_ADVANCED, query: $q{i}, first: 100, after: $after{i}) {{ issueCount "
        "pageInfo { hasNextPage endCursor } "
        "nodes { ... on PullRequest { id fullDatabaseId author { ...Actor } } } }"
        for i in range(count)
    )
    return f"query Search({variables}) {{\n{searches}\n{_LIMIT}\n}}\n{_ACTOR}"
