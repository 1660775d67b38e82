"""The GraphQL texts sent to GitHub. Every name in them is held against the published schema by a test.

Points, by the documented formula (connections to fill, divided by a hundred): a sweep of up to 100 accounts costs 1;
details of 50 pull requests, with four connections each, cost 2.
"""

from __future__ import annotations

from collections.abc import Sequence

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

_CHANGE = """
fragment Change on PullRequest {
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
  author { ...Actor }
  mergedBy { ...Actor }
  mergeCommit { oid messageHeadline authors(first: 20) { totalCount nodes { user { id databaseId login } } } }
  files(first: 100) { nodes { path additions deletions } }
  labels(first: 50) { nodes { name } }
  reviews(first: 1) { totalCount }
  repository { ...Repository }
}
"""

DETAILS = (
    "query Details($ids: [ID!]!) { nodes(ids: $ids) { __typename ... on PullRequest { ...Change } } "
    f"{_LIMIT} }}{_CHANGE}{_ACTOR}{_REPOSITORY}"
)
"""Pull requests by node id, at most 100: ``nodes`` in the order of ``ids``."""

POINTED_AT = (
    "query PointedAt($owner: String!, $name: String!, $number: Int!) { "
    f"repository(owner: $owner, name: $name) {{ pullRequest(number: $number) {{ ...Change }} }} {_LIMIT} }}"
    f"{_CHANGE}{_ACTOR}{_REPOSITORY}"
)
"""One pull request by the repository's name and its number."""

REPOSITORY = (
    "query Repository($owner: String!, $name: String!) { "
    f"repository(owner: $owner, name: $name) {{ ...Repository }} {_LIMIT} }}{_REPOSITORY}"
)
"""One repository by its name; GitHub follows renames itself."""


def sweep(firsts: Sequence[int]) -> str:
    """A query for merged pull requests of many accounts, newest update first, ids and times only.

    Account number ``i`` is aliased ``a{i}``, lists ``firsts[i]`` rows, and takes the variables ``id{i}`` (node id)
    and ``after{i}`` (cursor, or null).
    """
    variables = ", ".join(f"$id{i}: ID!, $after{i}: String" for i in range(len(firsts)))
    accounts = "\n".join(
        f"a{i}: node(id: $id{i}) {{ __typename ... on User {{ id databaseId login pullRequests("
        f"first: {first}, after: $after{i}, states: [MERGED], orderBy: {{field: UPDATED_AT, direction: DESC}}) "
        "{ ...Ids } } }"
        for i, first in enumerate(firsts)
    )
    return (
        f"query Sweep({variables}) {{\n{accounts}\n{_LIMIT}\n}}\n"
        "fragment Ids on PullRequestConnection "
        "{ totalCount pageInfo { hasNextPage endCursor } nodes { id updatedAt } }"
    )
