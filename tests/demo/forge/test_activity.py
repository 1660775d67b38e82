"""Issues, reviews, mentions and landed work on the local forge, and AtomGit's differences from Gitee."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import requests

from demo.forge import LocalForge
from demo.forge.credentials import ATOMGIT_TOKENS
from demo.forge.github_shapes import account_node, pull_node
from demo.forge.model import LocalPullRequest
from tests.demo.forge.conftest import Clock

Ask = Callable[..., dict[str, Any]]


def _first(forge: LocalForge, name: str = "github") -> LocalPullRequest:
    return next(pull for pull in forge.world.pulls(name) if pull.state == "merged")  # type: ignore[arg-type]


def test_reviews_are_shown_a_year_at_a_time(forge: LocalForge, clock: Clock, ask: Ask) -> None:
    """The collection of contributions contains what happened between its times, newest first, and refuses more than a
    year."""
    pull, reviewer = _first(forge), forge.world.add_account("github", "reviewer")
    old = forge.world.add_review(pull, reviewer, "APPROVED", clock.now - timedelta(days=700))
    new = forge.world.add_review(pull, reviewer, "COMMENTED", clock.now - timedelta(days=7))
    text = """query($id: ID!, $from: DateTime!, $to: DateTime!) { node(id: $id) { ... on User {
        contributionsCollection(from: $from, to: $to) { pullRequestReviewContributions(first: 10) {
            totalCount nodes { occurredAt pullRequestReview { fullDatabaseId } } } } } } }"""

    def shown(start: int, end: int) -> Any:
        times = {"from": clock.now - timedelta(days=start), "to": clock.now - timedelta(days=end)}
        answer = ask(
            text, id=account_node(reviewer), **{key: time.isoformat() for key, time in times.items()}
        )
        if "errors" in answer:
            return answer["errors"][0]["type"]
        rows = answer["data"]["node"]["contributionsCollection"]["pullRequestReviewContributions"]["nodes"]
        return [row["pullRequestReview"]["fullDatabaseId"] for row in rows]

    assert shown(365, 0) == [str(new.id)]
    assert shown(730, 365) == [str(old.id)]
    assert shown(800, 0) == "UNPROCESSABLE"


def test_issues_of_an_account_by_state(forge: LocalForge, clock: Clock, ask: Ask) -> None:
    """Closed issues give their reason; open ones are left out if only closed ones are requested."""
    pull = _first(forge)
    closed = forge.world.add_issue(
        pull.repository, pull.author, title="Broken", created_at=clock.now, closed_at=clock.now
    )
    forge.world.add_issue(pull.repository, pull.author, title="Open", created_at=clock.now)
    text = """query($id: ID!) { node(id: $id) { ... on User { issues(first: 5, states: [CLOSED]) {
        totalCount nodes { number stateReason title } } } } }"""
    issues = ask(text, id=account_node(pull.author))["data"]["node"]["issues"]
    assert issues["nodes"] == [{"number": closed.number, "stateReason": "COMPLETED", "title": "Broken"}]


def test_a_timeline_names_what_took_it_back_and_what_closed_it(
    forge: LocalForge, clock: Clock, ask: Ask
) -> None:
    """A revert mentions what it reverts. A commit that landed the work is the closer, with its own message."""
    pull = _first(forge)
    back = forge.world.revert(pull, clock.now, pull.author)
    opened = forge.world.add_pull(
        pull.repository, pull.author, title="By a bot", created_at=clock.now, state="open"
    )
    forge.world.land(opened, clock.now, "By a bot\n\nCloses #1 from a/b", ["Merged"])
    text = """query($ids: [ID!]!) { nodes(ids: $ids) { ... on PullRequest { merged timelineItems(first: 9,
        itemTypes: [CLOSED_EVENT, CROSS_REFERENCED_EVENT]) { nodes { __typename
            ... on ClosedEvent { closer { ... on Commit { oid message } } }
            ... on CrossReferencedEvent { source { ... on PullRequest { number body } } } } } } } }"""
    reverted, landed = ask(text, ids=[pull_node(pull), pull_node(opened)])["data"]["nodes"]
    mention = reverted["timelineItems"]["nodes"][-1]
    assert mention["source"] == {"number": back.number, "body": back.body}
    assert landed["merged"] is False
    closer = landed["timelineItems"]["nodes"][0]["closer"]
    assert closer == {"oid": opened.closer, "message": "By a bot\n\nCloses #1 from a/b"}


def test_atomgit_differs_from_gitee_where_it_does(forge: LocalForge, clock: Clock) -> None:
    """Ids are text, every state is listed unless a state is requested, and there is a filter by merge time."""
    world = forge.world
    author = world.add_account("atomgit", "student")
    repository = world.add_repository("atomgit", "some/where", created_at=clock.now)
    for days in (3, 1):
        at = clock.now - timedelta(days=days)
        world.add_pull(repository, author, title="x", created_at=at, merged_at=at, merged_by=author)
    world.add_pull(repository, author, title="x", created_at=clock.now, state="open")
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {ATOMGIT_TOKENS[0]}"

        def listed(**params: str) -> list[dict[str, Any]]:
            url = f"{forge.atomgit_api_url}/repos/some/where/pulls"
            rows: list[dict[str, Any]] = session.get(url, params=params, timeout=10).json()
            return rows

        assert len(listed()) == 3
        (recent,) = listed(merged_after=(clock.now - timedelta(days=2)).isoformat())
        assert recent["merged_by"]["login"] == "student"
        assert recent["merge_commit_sha"]
        user = session.get(f"{forge.atomgit_api_url}/users/student", timeout=10).json()
        assert user["id"] == f"{author.id:024x}"
