"""GitHub's search of pull requests, as far as collectors use it: qualifiers, AND, OR, NOT and brackets.

Follows the advanced issue search: adjacent qualifiers must all hold, even two with the same name (so that two authors
match nothing); alternatives need OR. A search returns no more than the forge's first 1,000 results.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from demo.forge.model import ForgeName, LocalAccount, LocalPullRequest
from demo.forge.world import ForgeWorld

MOST = 1000
_TOKEN = re.compile(r"""\(|\)|-?[a-z-]+:(?:"[^"]*"|[^\s()]+)|"[^"]*"|[^\s()]+""", re.IGNORECASE)
Test = Callable[[LocalPullRequest], bool]


class UnsearchableUser(ValueError):
    """The query names a user that does not exist or is hidden."""


@dataclass
class SearchQuery:
    """A parsed query: the test, and what narrows the candidates (one author or one repository that applies to all)."""

    test: Test
    authors: list[LocalAccount] = field(default_factory=list)
    repositories: list[str] = field(default_factory=list)
    alternatives: bool = False
    oldest_first: bool = False
    by: str = "created"


def find(world: ForgeWorld, forge: ForgeName, text: str) -> list[LocalPullRequest]:
    """Return all pull requests that match, newest first unless the query sorts otherwise. Raise `UnsearchableUser`."""
    query = parse(world, forge, text)
    if query.authors and not query.alternatives:
        candidates = world.pulls_by(query.authors[0])
    elif query.repositories and not query.alternatives:
        repository = world.repository(forge, query.repositories[0])
        candidates = world.pulls_in(repository) if repository else []
    else:
        candidates = world.pulls(forge)
    found = [pull for pull in candidates if query.test(pull)]
    found.sort(
        key=lambda pull: (pull.updated_at if query.by == "updated" else pull.created_at, pull.id),
        reverse=not query.oldest_first,
    )
    return found


def parse(world: ForgeWorld, forge: ForgeName, text: str) -> SearchQuery:
    tokens = _TOKEN.findall(text)
    query = SearchQuery(lambda pull: True)

    def alternatives() -> Test:
        tests = [conjunction()]
        while tokens and tokens[0] == "OR":
            tokens.pop(0)
            query.alternatives = True
            tests.append(conjunction())
        return tests[0] if len(tests) == 1 else lambda pull: any(test(pull) for test in tests)

    def conjunction() -> Test:
        tests: list[Test] = []
        while tokens and tokens[0] not in ("OR", ")"):
            token = tokens.pop(0)
            if token == "AND":
                continue
            if token == "NOT":
                query.alternatives = True
                tests.append(_negated(atom(tokens.pop(0)) if tokens else lambda pull: False))
            else:
                tests.append(atom(token))
        return lambda pull: all(test(pull) for test in tests)

    def atom(token: str) -> Test:
        if token == "(":
            inner = alternatives()
            if tokens:
                tokens.pop(0)
            return inner
        if token.startswith("-") and ":" in token:
            query.alternatives = True
            return _negated(_qualifier(world, forge, token[1:], query))
        return _qualifier(world, forge, token, query)

    query.test = alternatives()
    return query


def _negated(test: Test) -> Test:
    return lambda pull: not test(pull)


def _qualifier(world: ForgeWorld, forge: ForgeName, token: str, query: SearchQuery) -> Test:
    name, colon, value = token.partition(":")
    value = value.strip('"')
    name = name.lower()
    if not colon:
        word = token.strip('"').lower()
        return lambda pull: word in pull.title.lower()
    if name in ("is", "type", "state"):
        return _is(value.lower())
    if name == "author":
        account = world.account(forge, value.removeprefix("app/").removeprefix("@"))
        if account is None or account.hidden:
            raise UnsearchableUser(value)
        query.authors.append(account)
        return lambda pull: pull.author is account
    if name == "repo":
        query.repositories.append(value)
        return lambda pull: pull.repository.full_name.lower() == value.lower()
    if name in ("org", "user"):
        return lambda pull: pull.repository.owner.login.lower() == value.lower()
    if name == "label":
        return lambda pull: value.lower() in (label.lower() for label in pull.labels)
    if name in ("merged", "created", "updated", "closed"):
        return _between(name, value)
    if name == "sort":
        query.by, _, direction = value.partition("-")
        query.oldest_first = direction == "asc"
    return lambda pull: True


def _is(value: str) -> Test:
    tests: dict[str, Test] = {
        "issue": lambda pull: False,
        "merged": lambda pull: pull.state == "merged",
        "unmerged": lambda pull: pull.state != "merged",
        "open": lambda pull: pull.state == "open",
        "closed": lambda pull: pull.state != "open",
        "draft": lambda pull: pull.draft,
    }
    return tests.get(value, lambda pull: True)


def _between(name: str, value: str) -> Test:
    if ".." in value:
        low, high = value.split("..", 1)
        earliest, latest = _edge(low, False), _edge(high, True)
    elif value[:2] in (">=", "<="):
        earliest = _edge(value[2:], False) if value[0] == ">" else None
        latest = _edge(value[2:], True) if value[0] == "<" else None
    elif value[:1] in (">", "<"):
        earliest = _edge(value[1:], True) if value[0] == ">" else None
        latest = _edge(value[1:], False) if value[0] == "<" else None
    else:
        earliest, latest = _edge(value, False), _edge(value, True)

    def test(pull: LocalPullRequest) -> bool:
        moment: datetime | None = getattr(pull, f"{name}_at")
        return (
            moment is not None
            and (earliest is None or moment >= earliest)
            and (latest is None or moment < latest)
        )

    return test


def _edge(text: str, end: bool) -> datetime | None:
    """Return the start or the end of a day (UTC), or an instant. ``*`` means no limit."""
    if text in ("*", ""):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    step = timedelta(days=1) if len(text) == 10 else timedelta(seconds=1)
    return moment + step if end else moment
