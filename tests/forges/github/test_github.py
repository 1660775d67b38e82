"""GitHub: the contract, and tests for GitHub only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import graphql
import pytest

import demo.forge
from credits.forges.errors import (
    Forbidden,
    ForgeUnavailable,
    MissingOnForge,
    RateLimited,
    forbidden,
    forge_unavailable,
)
from credits.forges.github import parse as facts
from credits.forges.github import queries
from credits.forges.github.adapter import GitHub
from credits.forges.github.http import GraphQLAnswer, GraphQLError
from credits.forges.protocol import AccountOnForge
from credits.forges.protocol import CollectionRequest as Asked
from demo.forge import LocalForge
from tests.forges.collecting import Clock, Store, truth, until_done
from tests.forges.contract import Contract

Ask = Callable[[str, Mapping[str, Any]], GraphQLAnswer]


def _between(adapter: GitHub, wrap: Callable[[Ask, str, Mapping[str, Any]], GraphQLAnswer]) -> None:
    """Put ``wrap`` between the adapter and HTTP, for answers that the local forge does not give."""
    ask = adapter._http.graphql
    adapter._http.graphql = lambda query, variables: wrap(ask, query, variables)  # type: ignore[method-assign]


class TestContract(Contract):
    forge = "github"
    adapter = GitHub

    def many(self, local: LocalForge, clock: Clock, number: int) -> list[AccountOnForge]:
        """Make accounts with one pull request each, and with node ids, like accounts after linking."""
        for n in range(number):
            made = local.world.add_account("github", f"student-{n}")
            self.merge_one(local, clock, AccountOnForge(str(made.id), made.login))
        adapter = self.make(local, clock)
        found = [adapter.find_account(f"student-{n}") for n in range(number)]
        adapter.close()
        return found

    def test_a_hundred_accounts_cost_next_to_nothing(self, local: LocalForge, clock: Clock) -> None:
        """A round without news costs one request and one point; with one new pull request each, three and five."""
        accounts, adapter, store = self.many(local, clock, 100), self.make(local, clock), Store()
        store.collect(adapter, accounts, [])
        local.log.reset()
        store.collect(adapter, accounts, [])
        assert (local.log.requests("github"), local.log.points("github")) == (1, 1)
        clock.pass_by(hours=1)
        for account in accounts:
            self.merge_one(local, clock, account)
        local.log.reset()
        store.collect(adapter, accounts, [])
        assert local.log.requests("github") <= 3
        assert local.log.points("github") <= 5
        assert store.changes.keys() == truth(local, "github", accounts).keys()
        adapter.close()

    def test_accounts_that_have_nothing_yet_stay_as_cheap(self, local: LocalForge, clock: Clock) -> None:
        """A hundred accounts without any pull request cost one request from their second collection on."""
        adapter, store = self.make(local, clock), Store()
        made = [local.world.add_account("github", f"quiet-{n}") for n in range(100)]
        accounts = [adapter.find_account(account.login) for account in made]
        store.collect(adapter, accounts, [])
        local.log.reset()
        pages = store.collect(adapter, accounts, [])
        assert pages
        assert all(page.done for page in pages)
        assert local.log.requests("github") == 1
        adapter.close()

    def test_one_account_that_is_gone_fails_alone(self, local: LocalForge, clock: Clock) -> None:
        """NOT_FOUND for one of many accounts leaves the others complete."""
        accounts, adapter, store = self.many(local, clock, 12), self.make(local, clock), Store()
        local.world.delete_account("github", "student-5")
        pages = store.collect(adapter, accounts, [])
        failures = {page.account.login: page.failure for page in pages if page.failure}
        assert failures.keys() == {"student-5"}
        assert isinstance(failures["student-5"], MissingOnForge)
        assert sum(page.done for page in pages) == 11
        adapter.close()

    def test_a_node_id_that_is_out_of_date_is_looked_up_anew(self, local: LocalForge, clock: Clock) -> None:
        """An account with an unknown node id is found by its number, and the page has the new node id."""
        (account,), adapter, store = self.many(local, clock, 1), self.make(local, clock), Store()
        pages = store.collect(adapter, [replace(account, node_id="U_outofdate")], [])
        assert pages[-1].done
        assert pages[-1].account.node_id == account.node_id
        adapter.close()

    @pytest.mark.parametrize("node_id", ["", "U_outofdate"])
    def test_one_account_that_may_not_be_seen_fails_alone(
        self, local: LocalForge, clock: Clock, node_id: str
    ) -> None:
        """403 for an account that is looked up by its number fails only this account, not the forge."""
        accounts, adapter, store = self.many(local, clock, 3), self.make(local, clock), Store()
        hidden = replace(accounts[1], node_id=node_id)
        rest = adapter._http.rest

        def refusing(path: str) -> Mapping[str, Any]:
            if path == f"/user/{hidden.id}":
                raise forbidden()
            return rest(path)

        adapter._http.rest = refusing
        pages = store.collect(adapter, [accounts[0], hidden, accounts[2]], [])
        failures = {page.account.login: page.failure for page in pages if page.failure}
        assert failures.keys() == {hidden.login}
        assert isinstance(failures[hidden.login], Forbidden)
        assert sum(page.done for page in pages) == 2
        since, until = clock.now - timedelta(days=30), clock.now
        checked = list(adapter.cross_check([Asked(hidden)], since, until, ()))
        assert isinstance(checked[0].failure, Forbidden)
        adapter.close()

    @pytest.mark.parametrize("shape", ["RATE_LIMITED", "RATE_LIMIT"])
    def test_a_rate_limit_with_status_200(self, local: LocalForge, clock: Clock, shape: str) -> None:
        """GraphQL's limits come with status 200 in two shapes; both are limits with a time, not empty answers."""
        adapter, account = self.make(local, clock), self.busiest(local, 1)[0]
        local.faults.add("graphql_rate_limited", forge="github", times=None, shape=shape, seconds=240)
        with pytest.raises(RateLimited) as limited:
            list(Store().collect(adapter, [account], []))
        assert limited.value.until is not None
        assert limited.value.until >= clock.now + timedelta(seconds=240)
        # Only GraphQL's quota is used up; REST still works.
        assert adapter.find_account(account.login).id == account.id
        adapter.close()

    def test_resource_limits_halve_the_question_until_it_fits(self, local: LocalForge, clock: Clock) -> None:
        """A query that GitHub answers in part is repeated in smaller parts, down to one account; nothing is lost."""
        accounts, adapter, store = self.many(local, clock, 40), self.make(local, clock), Store()
        asked: list[int] = []

        def heavy(ask: Ask, query: str, variables: Mapping[str, Any]) -> GraphQLAnswer:
            asked.append(len(variables.get("ids", ())) or len(variables) // 2)
            if asked[-1] > 6:
                raise forge_unavailable()
            return ask(query, variables)

        _between(adapter, heavy)
        store.collect(adapter, accounts, [])
        assert store.changes.keys() == truth(local, "github", accounts).keys()
        assert len(asked) < 40
        adapter.close()

    def test_a_partial_answer_is_used_and_the_rest_asked_again(self, local: LocalForge, clock: Clock) -> None:
        """With answers cut by GitHub's limits at random, everything is complete in the end."""
        accounts, adapter, store = self.many(local, clock, 30), self.make(local, clock), Store()
        local.faults.add("graphql_resource_limits", forge="github", probability=0.4, seed=3)
        until_done(store, adapter, accounts, [], clock)
        assert store.changes.keys() == truth(local, "github", accounts).keys()
        adapter.close()

    @pytest.mark.parametrize(
        ("kind", "failure"), [("FORBIDDEN", Forbidden), ("SOMETHING_ELSE", ForgeUnavailable)]
    )
    def test_invariant_9_what_is_listed_but_not_shown_stays_owed(
        self, local: LocalForge, clock: Clock, kind: str, failure: type[Exception]
    ) -> None:
        """A pull request that GitHub does not show keeps the account incomplete, delays nothing else, and is delivered
        when it may be seen."""
        adapter, account, store = self.make(local, clock), self.busiest(local, 1)[0], Store()
        hidden: list[str] = []

        def hiding(ask: Ask, query: str, variables: Mapping[str, Any]) -> GraphQLAnswer:
            answer = ask(query, variables)
            ids = list(variables.get("ids", ()))
            if not hidden and ids:
                hidden.append(ids[3])
            nodes = list(answer.data.get("nodes", ()))
            errors = []
            for at, key in enumerate(ids):
                if key in hidden:
                    nodes[at] = None
                    errors.append(GraphQLError(kind, ("nodes", at)))
            return GraphQLAnswer({**answer.data, "nodes": nodes}, tuple(errors))

        _between(adapter, hiding)
        expected = truth(local, "github", [account])
        for _ in range(2):
            pages = store.collect(adapter, [account], [])
            assert isinstance(pages[-1].failure, failure)
            assert not pages[-1].done
            assert len(store.changes) == len(expected) - 1
        hidden[:] = ["nothing"]
        assert store.collect(adapter, [account], [])[-1].done
        assert store.changes.keys() == expected.keys()
        store.deliveries.clear()
        assert store.collect(adapter, [account], [])[-1].done
        assert store.deliveries == []
        adapter.close()

    def test_a_row_that_jumps_over_a_pages_edge_is_not_missed(self, local: LocalForge, clock: Clock) -> None:
        """If a page has too few rows, GitHub's count shows this, and the listing is read again."""
        account = self.many(local, clock, 1)[0]
        for _ in range(230):
            self.merge_one(local, clock, account)
        adapter, store, dropped = self.make(local, clock), Store(), Counter[str]()

        def shifting(ask: Ask, query: str, variables: Mapping[str, Any]) -> GraphQLAnswer:
            answer = ask(query, variables)
            if variables.get("after0") and not dropped["row"]:
                dropped["row"] += 1
                del answer.data["a0"]["pullRequests"]["nodes"][0]
            return answer

        _between(adapter, shifting)
        assert store.collect(adapter, [account], [])[-1].done
        assert len(store.changes) == 231
        assert dropped["row"] == 1
        adapter.close()


class TestQueries:
    SCHEMA = graphql.build_schema((Path(demo.forge.__file__).parent / "github.graphql").read_text("utf-8"))

    @pytest.mark.parametrize(
        "query",
        [
            *queries.DETAILS.values(),
            queries.RECHECK["pull_request"],
            queries.ACCOUNTS,
            queries.PULL_REQUEST,
            queries.REPOSITORY,
            queries.COMMITS,
            queries.COMMIT,
            queries.sweep_query([("pull_request", 10), ("review", 100), ("issue", 100)]),
            queries.search_query(3),
        ],
    )
    def test_every_query_is_valid(self, query: str) -> None:
        """Each query is valid for the local forge's schema, which another test compares with the published one."""
        assert graphql.validate(self.SCHEMA, graphql.parse(query)) == []


def _person(number: int, login: str = "") -> dict[str, Any]:
    return {
        "__typename": "User",
        "databaseId": number,
        "login": login or f"user-{number}",
        "id": f"U_{number}",
    }


def _commit(*people: int | None, headline: str = "Add a thing (#1)") -> dict[str, Any]:
    nodes = [{"user": None if number is None else _person(number)} for number in people]
    return {
        "oid": "c0ffee",
        "messageHeadline": headline,
        "authors": {"totalCount": len(nodes), "nodes": nodes},
    }


class TestCoAuthors:
    AUTHOR, MERGER = AccountOnForge("1", "user-1"), AccountOnForge("9", "user-9")

    @pytest.mark.parametrize(
        ("commit", "merger", "expected"),
        [
            (_commit(1), MERGER, ()),
            (_commit(1, 2, 3), MERGER, ("2", "3")),
            (_commit(1, 2, 2, 1), MERGER, ("2",)),
            (_commit(1, None), MERGER, ()),
            (_commit(9, headline="Merge pull request #1 from a/b"), MERGER, None),
            (_commit(1, headline="Merge pull request #1 from a/b"), AUTHOR, None),
            (_commit(9, 2), MERGER, ("2",)),
            (_commit(None), MERGER, None),
            (_commit(), None, None),
        ],
        ids="squash co-written twice unknown merge by-author on-behalf nobody-known none".split(),
    )
    def test_who_else_wrote_it(
        self, commit: dict[str, Any], merger: AccountOnForge | None, expected: tuple[str, ...] | None
    ) -> None:
        """Co-authors are the forge's users except the author; after a true merge commit they are unknown."""
        found = facts.co_authors(commit, self.AUTHOR, merger)
        assert (None if found is None else tuple(account.id for account in found)) == expected


class TestFacts:
    @pytest.mark.parametrize(
        ("licence", "expected"),
        [
            (None, ""),
            ({"key": "mit", "spdxId": "MIT"}, "MIT"),
            ({"key": "other", "spdxId": "NOASSERTION"}, None),
            ({"key": "other", "spdxId": None}, None),
        ],
    )
    def test_a_licence_is_known_none_or_unknown(
        self, licence: dict[str, Any] | None, expected: str | None
    ) -> None:
        """No licence is the empty text; a licence that GitHub cannot identify is unknown."""
        node = {
            "databaseId": 1, "nameWithOwner": "a/b", "url": "https://github.com/a/b", "isFork": False,
            "isPrivate": False, "isArchived": False, "isMirror": False, "stargazerCount": 0,
            "owner": _person(1), "licenseInfo": licence, "primaryLanguage": None,
        }  # fmt: skip
        assert facts.repository(node).licence == expected

    def test_a_deleted_account_is_nobody(self) -> None:
        """A null actor is no account; REST's account for deleted ones is a ghost."""
        assert facts.actor(None) is None
        ghost = facts.rest_account({"id": 10137, "login": "ghost", "type": "User", "node_id": "x"})
        assert ghost.kind == "ghost"
