"""GitHub's GraphQL: executed over the published types, priced by the documented formula, with its error shapes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import requests
from graphql import OperationDefinitionNode, parse

from demo.forge import LocalForge
from demo.forge.github_cost import price
from demo.forge.github_graphql import schema
from demo.forge.github_shapes import account_node, pull_node
from tests.demo.forge.conftest import NOW, Ask

LIST = """query($login: String!, $after: String, $first: Int = 10) { user(login: $login) { pullRequests(
  first: $first, after: $after, states: [MERGED], orderBy: {field: UPDATED_AT, direction: DESC}) {
    totalCount pageInfo { hasNextPage endCursor } nodes { number updatedAt } } } }"""


def _cost(text: str, **values: Any) -> Any:
    document = parse(text)
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    return price(schema(), document, operation, values)


def test_points_follow_the_documented_formula() -> None:
    """One list of fifty with three lists in each takes 151 requests: two points; ten such users, fifteen."""
    lists = (
        "commits(first: 1) { totalCount } labels(first: 20) { totalCount } reviews(first: 20) { totalCount }"
    )
    inner = f"{{ nodes {{ {lists} }} }}"
    one_user = f'user(login: "a") {{ pullRequests(first: 50) {inner} }}'
    assert (_cost(f"{{ {one_user} }}").requests, _cost(f"{{ {one_user} }}").points) == (151, 2)
    ten = " ".join(f"u{n}: {one_user}" for n in range(10))
    assert _cost(f"{{ {ten} }}").points == 15


def test_a_sweep_of_a_hundred_accounts_costs_one_point() -> None:
    """Lists of a hundred nodes by id are a hundred requests; three lists nested in ten rows each make it 31 points."""
    ids = [str(n) for n in range(100)]
    text = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on User { pullRequests(first: 10) { nodes { %s } } } } }"
    assert _cost(text % "id", ids=ids).points == 1
    nested = "files(first: 5) { totalCount } labels(first: 5) { totalCount } reviews(first: 5) { totalCount }"
    assert _cost(text % nested, ids=ids).points == 31


MANY = (
    '{ user(login: "a") { pullRequests(first: 100) { nodes { files(first: 100) { totalCount } '
    "commits(first: 100) { nodes { commit { authors(first: 100) { totalCount } } } } } } } }"
)
IDS = ", ".join(['"x"'] * 101)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('{ user(login: "a") { pullRequests { totalCount } } }', "MISSING_PAGINATION_BOUNDARIES"),
        ('{ user(login: "a") { pullRequests(first: 101) { totalCount } } }', "EXCESSIVE_PAGINATION"),
        (MANY, "MAX_NODE_LIMIT_EXCEEDED"),
        (f"{{ nodes(ids: [{IDS}]) {{ id }} }}", "ARGUMENT_LIMIT"),
    ],
)
def test_a_query_that_asks_too_much_is_refused(ask: Ask, text: str, kind: str) -> None:
    """No length, a length above a hundred, over 500,000 nodes, over a hundred ids: an error and no data."""
    answer = ask(text)
    assert answer["errors"][0]["type"] == kind
    assert "data" not in answer


def test_a_list_is_read_page_by_page(forge: LocalForge, ask: Ask) -> None:
    """Cursors lead through all merged pull requests of a person, newest update first, each exactly once."""
    account = forge.world.account("github", "ember-dove-1322")
    assert account is not None
    seen: list[dict[str, Any]] = []
    after = None
    while True:
        page = ask(LIST, login=account.login, after=after)["data"]["user"]["pullRequests"]
        seen += page["nodes"]
        assert page["totalCount"] == 39
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert [row["updatedAt"] for row in seen] == sorted((row["updatedAt"] for row in seen), reverse=True)
    merged = {pull.number for pull in forge.world.pulls_by(account) if pull.state == "merged"}
    assert sorted(row["number"] for row in seen) == sorted(merged)


def test_a_cursor_stays_right_when_rows_move(forge: LocalForge, ask: Ask) -> None:
    """A row that is updated while pages are read moves to the front; no other row is skipped or shown twice."""
    account = forge.world.account("github", "cedar-hare-3080")
    assert account is not None
    first = ask(LIST, login=account.login)["data"]["user"]["pullRequests"]
    last = min(forge.world.pulls_by(account), key=lambda pull: pull.updated_at)
    forge.world.touch(last, NOW)
    rest = ask(LIST, login=account.login, after=first["pageInfo"]["endCursor"], first=100)
    numbers = [row["number"] for row in first["nodes"] + rest["data"]["user"]["pullRequests"]["nodes"]]
    assert len(numbers) == len(set(numbers)) == first["totalCount"] - 1


def test_an_unknown_name_spoils_only_its_own_part(ask: Ask) -> None:
    """An unknown alias is null with NOT_FOUND and its path; the other alias has its data."""
    answer = ask('{ a: user(login: "ember-dove-1322") { login } b: user(login: "nobody-here") { login } }')
    assert answer["data"] == {"a": {"login": "ember-dove-1322"}, "b": None}
    assert [(e["type"], e["path"]) for e in answer["errors"]] == [("NOT_FOUND", ["b"])]


def test_nodes_come_in_the_order_asked_with_null_for_the_missing(forge: LocalForge, ask: Ask) -> None:
    """Ids of a repository, a person and a pull request are resolved; an unknown id is null with an error."""
    pull = forge.world.pulls("github")[0]
    person = account_node(pull.author)
    answer = ask(
        "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }",
        ids=[pull_node(pull), "PR_kwDOnope", person],
    )
    assert [node and node["__typename"] for node in answer["data"]["nodes"]] == ["PullRequest", None, "User"]
    assert answer["errors"][0]["path"] == ["nodes", 1]


def test_a_deleted_author_is_null(forge: LocalForge, ask: Ask) -> None:
    """The pull request of a deleted account stays, without an author; the account's id finds nothing."""
    pull = forge.world.pulls("github")[0]
    person = account_node(pull.author)
    forge.world.delete_account("github", pull.author.login)
    text = (
        "query($pull: ID!, $person: ID!) { a: node(id: $pull) { ... on PullRequest { author { login } } } "
        "b: node(id: $person) { id } }"
    )
    answer = ask(text, pull=pull_node(pull), person=person)
    assert answer["data"] == {"a": {"author": None}, "b": None}


def test_co_authors_are_the_merge_commits_authors(forge: LocalForge, ask: Ask) -> None:
    """The merge commit lists the opener first, then each co-author with the co-author's account."""
    pull = next(pull for pull in forge.world.pulls("github") if pull.co_authors)
    text = (
        "query($id: ID!) { node(id: $id) { ... on PullRequest { mergeCommit { message authors(first: 10) "
        "{ nodes { user { databaseId } } } } } } }"
    )
    commit = ask(text, id=pull_node(pull))["data"]["node"]["mergeCommit"]
    expected = [pull.author.id, *(who.id for who in pull.co_authors)]
    assert [node["user"]["databaseId"] for node in commit["authors"]["nodes"]] == expected
    assert "Co-authored-by:" in commit["message"]


def test_a_pull_request_that_landed_though_closed_shows_its_commit(forge: LocalForge, ask: Ask) -> None:
    """The closing event of a bot-landed pull request names the commit that closed it."""
    repository = forge.world.repository("github", "InternLM/lmdeploy")
    author = forge.world.account("github", "ember-dove-1322")
    assert repository is not None
    assert author is not None
    pull = forge.world.add_pull(
        repository,
        author,
        title="Landed by a bot",
        created_at=NOW,
        state="closed",
        closed_at=NOW,
        closer="c" * 40,
        labels=["Merged"],
    )
    text = (
        "query($id: ID!) { node(id: $id) { ... on PullRequest { merged labels(first: 5) { nodes { name } } "
        "timelineItems(last: 1, itemTypes: [CLOSED_EVENT]) { nodes { ... on ClosedEvent { closer "
        "{ ... on Commit { oid } } } } } } } }"
    )
    node = ask(text, id=pull_node(pull))["data"]["node"]
    assert node["merged"] is False
    assert node["labels"]["nodes"] == [{"name": "Merged"}]
    assert node["timelineItems"]["nodes"] == [{"closer": {"oid": "c" * 40}}]


def test_points_are_spent_and_run_out(forge: LocalForge, ask: Ask) -> None:
    """Each answer shows what is left. Above the budget it is HTTP 200 with RATE_LIMITED, until the hour is over."""
    forge.limits.limits["graphql"] = (2, timedelta(hours=1))
    text = "{ viewer { login } rateLimit { cost limit remaining used resetAt } }"
    limit = ask(text)["data"]["rateLimit"]
    assert (limit["cost"], limit["remaining"], limit["used"]) == (1, 1, 1)
    assert limit["resetAt"] == "2026-09-01T09:00:00Z"
    assert ask("{ rateLimit(dryRun: true) { cost remaining } }")["data"]["rateLimit"] == {
        "cost": 1,
        "remaining": 1,
    }
    ask(text)
    assert ask(text) == {
        "errors": [
            {"type": "RATE_LIMITED", "message": f"API rate limit exceeded for user ID {_collector(forge)}."}
        ]
    }
    forge.clock.now = NOW + timedelta(hours=1)  # type: ignore[attr-defined]
    assert ask(text)["data"]["rateLimit"]["remaining"] == 1
    assert forge.log.points("github") == 3


def _collector(forge: LocalForge) -> int:
    account = forge.world.account("github", "yuanfen-collector-1")
    assert account is not None
    return account.id


def test_what_the_schema_does_not_have_is_an_error(ask: Ask) -> None:
    """A field that GitHub does not have is refused with its position, and nothing runs."""
    answer = ask("{ viewer { shoeSize } }")
    assert "shoeSize" in answer["errors"][0]["message"]
    assert answer["errors"][0]["locations"] == [{"line": 1, "column": 12}]


def test_without_a_token_there_is_no_answer(forge: LocalForge) -> None:
    """GraphQL needs a token; a wrong token is refused as everywhere."""
    url = f"{forge.github_url}/api/graphql"
    assert requests.post(url, json={"query": "{ viewer { login } }"}, timeout=20).status_code == 401
    wrong = requests.post(
        url, json={"query": "{ viewer { login } }"}, headers={"Authorization": "token x"}, timeout=20
    )
    assert (wrong.status_code, wrong.json()["message"]) == (401, "Bad credentials")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("is:pr is:merged author:ember-dove-1322", 39),
        ("is:pr is:merged author:ember-dove-1322 merged:2024-03-01..2024-03-31", None),
        ("is:pr is:merged author:ember-dove-1322 author:cedar-hare-3080", 0),
        ("is:pr is:merged (author:ember-dove-1322 OR author:cedar-hare-3080)", 63),
        ("is:pr is:merged author:nobody-here", 0),
    ],
)
def test_search_reads_githubs_qualifiers(forge: LocalForge, ask: Ask, query: str, found: int | None) -> None:
    """Adjacent qualifiers mean AND, alternatives need OR and brackets, days are closed intervals in UTC."""
    text = (
        "query($q: String!) { search(type: ISSUE_ADVANCED, query: $q, first: 100) "
        "{ issueCount nodes { ... on PullRequest { mergedAt } } } }"
    )
    result = ask(text, q=query)["data"]["search"]
    if found is None:
        assert result["issueCount"] > 0
        assert result["nodes"]
        assert all(node["mergedAt"].startswith("2024-03") for node in result["nodes"])
    else:
        assert result["issueCount"] == found
