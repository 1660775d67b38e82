"""The contract of every adapter, tested over real HTTP against the local forge.

For a new forge, subclass `Contract` and set ``forge`` and ``adapter``: then all of these tests run for it.
"""

from __future__ import annotations

import logging
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, timedelta
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credits.forges.errors import (
    ForgeError,
    ForgeUnavailable,
    MissingOnForge,
    NotMerged,
    RateLimited,
    TokenRefused,
)
from credits.forges.protocol import AccountOnForge, ChangeRef, CollectionRequest, Forge
from credits.forges.tokens import TokenPool
from demo.forge import LocalForge
from demo.forge.ids import read_id, shown_id
from demo.forge.model import LocalFile, LocalPullRequest, LocalRepository
from demo.forge.rows import CARRIED, Row, read
from tests import profiles
from tests.forges.collecting import Clock, Store, ends, ids, truth, until_done

PASSING = "http_500 http_502 http_503 http_504 reset truncated_json cut_body html_200 empty_200".split()
CURSORS = ["nonsense", "{}", "[]", '{"v":1}', '{"v":2,"mark":{}}', '{"v":1,"mark":7}', "0"]


class Contract:
    forge: ClassVar[Any]
    adapter: ClassVar[Callable[..., Any]]

    # -- what the tests use

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def local(self, clock: Clock) -> Iterator[LocalForge]:
        with LocalForge(rows=self.rows(), clock=clock) as local:
            yield local

    rows_of: ClassVar[str] = ""
    """The forge whose example rows are served, if this forge has none of its own."""

    def rows(self, most: int = 1000) -> list[Row]:
        """Return the example rows of this forge, without authors of more than ``most`` rows."""
        name = self.rows_of or self.forge
        rows = [{**row, "forge": self.forge} for row in read(CARRIED) if row["forge"] == name]
        counts = Counter(row["author"]["id"] for row in rows)
        return [row for row in rows if counts[row["author"]["id"]] <= most]

    def tokens(self, local: LocalForge) -> list[str]:
        return local.environment()[f"{self.forge.upper()}_TOKENS"].split(",")

    def make(self, local: LocalForge, clock: Clock, **options: Any) -> Any:
        api_url = local.environment()[f"{self.forge.upper()}_API_URL"]
        return type(self).adapter(api_url, options.pop("tokens", self.tokens(local)), clock, **options)

    @pytest.fixture
    def adapter_(self, local: LocalForge, clock: Clock) -> Iterator[Any]:
        adapter = self.make(local, clock)
        yield adapter
        adapter.close()

    def busiest(self, local: LocalForge, most: int = 6) -> list[AccountOnForge]:
        """Return the accounts with most merged work, as the university knows them: only id and login."""
        merged = [pull for pull in local.world.pulls(self.forge) if pull.state == "merged"]
        people = {pull.author.id: pull.author for pull in merged}
        counts = Counter(pull.author.id for pull in merged)
        return [AccountOnForge(self.shown(key), people[key].login) for key, _ in counts.most_common(most)]

    def shown(self, number: int) -> str:
        """Return an account's id as the forge writes it, as text."""
        return str(shown_id(self.forge, number))

    def watched(self, local: LocalForge) -> list[str]:
        return [repo.full_name for repo in local.world.repositories(self.forge) if repo.parent is None]

    def merge_one(
        self, local: LocalForge, clock: Clock, account: AccountOnForge, **more: Any
    ) -> LocalPullRequest:
        """Add new work of this account, merged at the clock's present time."""
        author = local.world.account_by_id(self.forge, read_id(self.forge, account.id))
        assert author is not None
        repository = more.pop("repository", None) or self.some_repository(local)
        given = {
            "title": "New work",
            "created_at": clock.now,
            "merged_at": clock.now,
            "files": [LocalFile("a.py", 3, 1)],
        }
        return local.world.add_pull(repository, author, **{**given, **more})

    def some_repository(self, local: LocalForge) -> LocalRepository:
        found = local.world.repository(self.forge, self.watched(local)[0])
        assert found is not None
        return found

    def why_not(
        self, store: Store, adapter: Forge, accounts: list[AccountOnForge], watched: list[str]
    ) -> ForgeError | None:
        """Collect accounts where this cannot succeed, and return the error. No account may be complete."""
        try:
            pages = store.collect(adapter, accounts, watched)
        except ForgeError as error:
            return error
        assert not any(page.done or page.changes for page in pages)
        return next((page.failure for page in pages if page.failure), None)

    def counted(self, pull: LocalPullRequest) -> tuple[int | None, int | None]:
        """Return the numbers of lines that this forge can give for a pull request."""
        return pull.additions, pull.deletions

    # -- look-ups

    def test_an_account_is_found_by_its_login(self, local: LocalForge, adapter_: Forge) -> None:
        """A look-up by login gives the forge's immutable id, as text, and the login as the forge writes it."""
        wanted = self.busiest(local, 1)[0]
        found = adapter_.find_account(wanted.login.upper())
        assert (found.id, found.login, found.kind) == (wanted.id, wanted.login, "user")

    @pytest.mark.parametrize("login", ["nobody-has-this-login", "", "../users", "a b", "统一"])
    def test_a_login_that_nobody_has(self, adapter_: Forge, login: str) -> None:
        """An unknown or impossible login is missing, not an error of the program."""
        with pytest.raises(MissingOnForge):
            adapter_.find_account(login)

    def test_a_repository_is_found_after_a_rename(self, local: LocalForge, adapter_: Forge) -> None:
        """An old name leads to the same repository, by the same id, under its new name."""
        name = self.watched(local)[0]
        before = adapter_.find_repository(name)
        local.world.gitee_redirects_renames = True
        local.world.rename_repository(self.forge, name, "elsewhere/renamed")
        after = adapter_.find_repository(name)
        assert (after.id, after.full_name) == (before.id, "elsewhere/renamed")
        assert not before.url.endswith(".git")

    @pytest.mark.parametrize("name", ["no/such", "nonsense", "", "a/b/c", "/", "a/"])
    def test_a_repository_that_is_not_there(self, adapter_: Forge, name: str) -> None:
        """An unknown or impossible name is missing."""
        with pytest.raises(MissingOnForge):
            adapter_.find_repository(name)

    def test_a_change_that_a_student_points_at(self, local: LocalForge, adapter_: Forge) -> None:
        """A pull request found by repository and number has the forge's numbers, files and times."""
        pull = next(
            pull for pull in local.world.pulls(self.forge) if pull.state == "merged" and len(pull.files) > 1
        )
        change = adapter_.find_change(pull.repository.full_name, str(pull.number))
        assert change.found_by == "link"
        assert change.author is not None
        assert change.author.id == self.shown(pull.author.id)
        assert (change.id, change.number) == (str(pull.id), str(pull.number))
        assert (change.additions, change.deletions) == self.counted(pull)
        assert change.files is not None
        assert {file.path for file in change.files} == {file.path for file in pull.files}
        assert change.merged_at == pull.merged_at
        assert change.merged_at.utcoffset() is not None
        assert change.repository.id == str(pull.repository.id)
        assert change.co_authors is None or change.author not in change.co_authors

    def test_a_change_that_is_not_merged_or_not_there(
        self, local: LocalForge, clock: Clock, adapter_: Forge
    ) -> None:
        """Open and closed pull requests are "not merged", and missing ones are "missing"."""
        account = self.busiest(local, 1)[0]
        opened = self.merge_one(local, clock, account, state="open", merged_at=None)
        closed = self.merge_one(local, clock, account, state="closed", merged_at=None, closed_at=clock.now)
        name = opened.repository.full_name
        for pull in (opened, closed):
            with pytest.raises(NotMerged):
                adapter_.find_change(name, str(pull.number))
        for number in ("999999", "0", "x", "", "-1", "9" * 30):
            with pytest.raises(MissingOnForge):
                adapter_.find_change(name, number)

    # -- collecting

    def test_all_that_was_merged_is_delivered_once(
        self, local: LocalForge, clock: Clock, adapter_: Forge
    ) -> None:
        """A first collection of several accounts gives exactly what the forge has; each account ends once."""
        accounts, store = self.busiest(local), Store()
        pages = store.collect(adapter_, accounts, self.watched(local))
        expected = truth(local, self.forge, accounts)
        assert {key: change.merged_at for key, change in store.changes.items()} == expected
        assert len(store.deliveries) == len(expected) > 50
        assert sorted(page.account.id for page in pages if page.done) == sorted(a.id for a in accounts)
        assert all(page.failure is None for page in pages)
        authors = [(change.author, page.account.id) for page in pages for change in page.changes]
        assert authors
        assert all(author and author.id == account for author, account in authors)

    def test_a_link_and_a_collection_tell_the_same(self, local: LocalForge, adapter_: Forge) -> None:
        """A pull request has the same facts if it was collected or found by its link."""
        account, store = self.busiest(local, 1)[0], Store()
        store.collect(adapter_, [account], self.watched(local))
        change = next(iter(store.changes.values()))
        linked = adapter_.find_change(change.repository.full_name, change.number)
        names = [name for name in type(change).__slots__ if name != "found_by"]
        assert [getattr(change, name) for name in names] == [getattr(linked, name) for name in names]

    def test_only_what_is_new_comes_the_second_time(
        self, local: LocalForge, clock: Clock, adapter_: Forge
    ) -> None:
        """Without news nothing is delivered; a new pull request comes alone; an updated one comes again."""
        accounts, store, watched = self.busiest(local), Store(), self.watched(local)
        store.collect(adapter_, accounts, watched)
        store.deliveries.clear()
        assert ends(store.collect(adapter_, accounts, watched)) == dict.fromkeys(ids(accounts), True)
        assert store.deliveries == []
        clock.pass_by(minutes=1)
        new = self.merge_one(local, clock, accounts[1])
        store.collect(adapter_, accounts, watched)
        assert store.deliveries == [str(new.id)]
        clock.pass_by(hours=1)
        old = local.world.pull_by_id(self.forge, int(next(iter(truth(local, self.forge, accounts[:1])))))
        assert old is not None
        local.world.label(old, ["spam"], clock.now)
        store.collect(adapter_, accounts, watched)
        assert store.deliveries == [str(new.id), str(old.id)]
        assert store.changes[str(old.id)].labels == ("spam",)

    def test_nothing_but_merged_work_is_delivered(
        self, local: LocalForge, clock: Clock, adapter_: Forge
    ) -> None:
        """Open and closed pull requests of the account are left out until they are merged."""
        account, store, watched = self.busiest(local, 1)[0], Store(), self.watched(local)
        pull = self.merge_one(local, clock, account, state="open", merged_at=None)
        closed = self.merge_one(local, clock, account, state="closed", merged_at=None, closed_at=clock.now)
        store.collect(adapter_, [account], watched)
        assert not {str(pull.id), str(closed.id)} & set(store.changes)
        clock.pass_by(minutes=5)
        local.world.merge(pull, clock.now)
        store.collect(adapter_, [account], watched)
        assert str(pull.id) in store.changes

    def test_many_that_were_merged_in_the_same_second(
        self, local: LocalForge, clock: Clock, adapter_: Forge
    ) -> None:
        """250 pull requests with the same time of update, more than fit on a page, are all delivered."""
        account, store, watched = self.busiest(local, 1)[0], Store(), self.watched(local)
        for _ in range(250):
            self.merge_one(local, clock, account)
        store.collect(adapter_, [account], watched)
        assert store.changes.keys() == truth(local, self.forge, [account]).keys()

    def test_an_account_that_was_renamed(self, local: LocalForge, clock: Clock, adapter_: Forge) -> None:
        """New work is found although only the old login was known, and the page has the new login."""
        account, store, watched = self.busiest(local, 1)[0], Store(), self.watched(local)
        store.collect(adapter_, [account], watched)
        local.world.rename_account(self.forge, account.login, "a-new-login")
        clock.pass_by(minutes=1)
        new = self.merge_one(local, clock, account)
        pages = store.collect(adapter_, [account], watched)
        assert str(new.id) in store.changes
        assert pages[-1].done
        assert pages[-1].account.login == "a-new-login"

    def test_a_login_that_went_to_somebody_else(
        self, local: LocalForge, clock: Clock, adapter_: Forge
    ) -> None:
        """Work of a new owner of a login is not credited to the former owner: the id decides."""
        account, store, watched = self.busiest(local, 1)[0], Store(), self.watched(local)
        local.world.rename_account(self.forge, account.login, "moved-on")
        other = local.world.add_account(self.forge, account.login)
        theirs = self.merge_one(local, clock, AccountOnForge(self.shown(other.id), other.login))
        pages = store.collect(adapter_, [account], watched)
        assert str(theirs.id) not in store.changes
        # The account may be incomplete, but never complete with less than there is.
        if pages[-1].done:
            assert store.changes.keys() == truth(local, self.forge, [account]).keys()

    def test_no_account_at_all(self, adapter_: Forge) -> None:
        """A collection without accounts gives nothing and costs nothing."""
        assert list(adapter_.merged_changes([])) == []
        assert adapter_.spent.requests == 0

    def test_what_it_cost_is_counted(self, local: LocalForge, adapter_: Forge) -> None:
        """``spent`` counts exactly the requests and points that the forge served."""
        Store().collect(adapter_, self.busiest(local, 2), self.watched(local))
        assert adapter_.spent.requests == local.log.requests(self.forge)
        assert adapter_.spent.points == local.log.points(self.forge)

    # -- rechecks

    def refs(self, store: Store) -> list[ChangeRef]:
        """Return what a database would know of its changes."""
        return [
            ChangeRef(
                change.id,
                change.number,
                change.repository.id,
                change.repository.full_name,
                change.kind,
                change.node_id,
                change.merged_at,
                change.merge_commit,
            )
            for change in store.changes.values()
        ]

    def small_store(self, local: LocalForge, clock: Clock, adapter: Forge, number: int = 4) -> Store:
        """Return a few collected changes of an account, in a repository with nothing else."""
        account, store = self.busiest(local, 1)[0], Store()
        place = local.world.add_repository(self.forge, "small/place", created_at=clock.now)
        for _ in range(number):
            clock.pass_by(minutes=1)
            pull = self.merge_one(local, clock, account, repository=place)
            change = adapter.find_change("small/place", str(pull.number))
            store.changes[change.id] = change
        clock.pass_by(hours=1)
        return store

    def test_what_is_held_is_seen_again_as_it_stands_now(
        self, local: LocalForge, clock: Clock, adapter_: Forge
    ) -> None:
        """A recheck shows new labels, reverted changes and missing changes; other changes keep the same facts."""
        store = self.small_store(local, clock, adapter_)
        held = [local.world.pull_by_id(self.forge, int(key)) for key in store.changes]
        first, second, third, fourth = (pull for pull in held if pull is not None)
        local.world.label(first, ["spam"], clock.now)
        back = local.world.revert(second, clock.now, second.author)
        local.world.delete_pull(third)
        found = {answer.ref.id: answer for answer in adapter_.recheck(self.refs(store))}
        assert {key: answer.status for key, answer in found.items()} == {
            str(first.id): "merged",
            str(second.id): "reverted",
            str(third.id): "gone",
            str(fourth.id): "merged",
        }
        labelled = found[str(first.id)].change
        assert labelled is not None
        assert labelled.labels == ("spam",)
        assert found[str(second.id)].reverted_by.endswith(f"/{back.number}")
        assert found[str(third.id)].change is None
        again, before = found[str(fourth.id)].change, store.changes[str(fourth.id)]
        assert again is not None
        names = [name for name in type(before).__slots__ if name != "found_by"]
        assert [getattr(again, name) for name in names] == [getattr(before, name) for name in names]

    def test_a_revert_that_was_reverted_took_nothing_back(
        self, local: LocalForge, clock: Clock, adapter_: Forge
    ) -> None:
        """If a revert was itself reverted, the work counts as merged."""
        store = self.small_store(local, clock, adapter_, 2)
        pull = local.world.pull_by_id(self.forge, int(next(iter(store.changes))))
        assert pull is not None
        last = local.world.revert(pull, clock.now, pull.author)
        assert sorted(answer.status for answer in adapter_.recheck(self.refs(store))) == [
            "merged",
            "reverted",
        ]
        clock.pass_by(hours=1)
        local.world.revert(last, clock.now, pull.author)
        assert [answer.status for answer in adapter_.recheck(self.refs(store))] == ["merged", "merged"]

    def test_invariant_9_what_cannot_be_seen_again_is_unknown_and_not_gone(
        self, local: LocalForge, clock: Clock
    ) -> None:
        """A failing forge makes nothing disappear: each change is unknown with its reason, or there is an error."""
        adapter = self.make(local, clock, timeout=5)
        store = self.small_store(local, clock, adapter)
        assert store.changes
        for kind in ("http_502", "html_200", "truncated_json"):
            local.faults.add(kind, forge=self.forge, times=None)
            with suppress(ForgeError):
                answers = list(adapter.recheck(self.refs(store)))
                assert [answer.status for answer in answers] == ["unknown"] * len(store.changes)
                assert all(answer.failure for answer in answers)
            local.faults.clear()
        answers = list(adapter.recheck(self.refs(store)))
        assert [answer.status for answer in answers] == ["merged"] * len(store.changes)
        adapter.close()

    def test_a_second_look_finds_what_is_not_held(
        self, local: LocalForge, clock: Clock, adapter_: Forge
    ) -> None:
        """A cross-check returns exactly those changes merged in a period that are not stored yet, with their facts."""
        account = self.busiest(local, 1)[0]
        place = local.world.add_repository(self.forge, "small/place", created_at=clock.now)
        begun, pulls = clock.now, []
        for _ in range(5):
            clock.pass_by(hours=1)
            pulls.append(self.merge_one(local, clock, account, repository=place))
        since, until = begun + timedelta(minutes=90), clock.now - timedelta(minutes=30)
        ask = CollectionRequest(account, "", ("small/place",))
        (checked,) = adapter_.cross_check([ask], since, until, {str(pulls[2].id)})
        assert checked.failure is None
        assert checked.counted == 3
        assert [change.id for change in sorted(checked.missed, key=lambda change: change.merged_at)] == [
            str(pulls[1].id),
            str(pulls[3].id),
        ]
        assert {change.found_by for change in checked.missed} == {"search"}
        assert adapter_.spent.requests == local.log.requests(self.forge)

    def test_the_commits_of_a_branch_name_their_authors(
        self, local: LocalForge, clock: Clock, adapter_: Forge
    ) -> None:
        """Each commit of a pull request has its author's immutable id; a commit found by itself also has its files."""
        account, other = self.busiest(local, 2)
        helper = local.world.account(self.forge, other.login)
        assert helper is not None
        pull = self.merge_one(local, clock, account, co_authors=[helper])
        change = adapter_.find_change(pull.repository.full_name, str(pull.number))
        (ref,) = self.refs(Store(changes={change.id: change}))
        commits = adapter_.commits_of(ref)
        assert {commit.sha for commit in commits} == set(pull.commit_shas)
        people = {author.id for commit in commits for author in commit.authors if author}
        assert people == {account.id, other.id}
        alone = adapter_.find_commit(pull.repository.full_name, pull.commit_shas[0])
        assert alone.sha == pull.commit_shas[0]
        assert alone.files is not None
        assert [file.path for file in alone.files] == [file.path for file in pull.files]
        with pytest.raises(MissingOnForge):
            adapter_.find_commit(pull.repository.full_name, "0" * 40)
        with pytest.raises(MissingOnForge):
            adapter_.find_commit(pull.repository.full_name, "main")

    def test_a_closed_one_is_told_with_its_facts(
        self, local: LocalForge, clock: Clock, adapter_: Forge
    ) -> None:
        """A closed, unmerged pull request can be read and is never called merged; an open one is refused."""
        account = self.busiest(local, 1)[0]
        closed = self.merge_one(local, clock, account, state="closed", merged_at=None, closed_at=clock.now)
        opened = self.merge_one(local, clock, account, state="open", merged_at=None)
        name = closed.repository.full_name
        change = adapter_.find_closed(name, str(closed.number))
        assert (change.status, change.merged_at) == ("unknown", clock.now)
        assert change.author is not None
        assert change.author.id == account.id
        with pytest.raises(NotMerged):
            adapter_.find_closed(name, str(opened.number))
        with pytest.raises(MissingOnForge):
            adapter_.find_closed(name, "999999")

    def test_kinds_that_are_not_listed_do_no_harm(self, local: LocalForge, adapter_: Forge) -> None:
        """A request for every kind gives the kinds that the forge lists, and the account is complete."""
        account, watched = self.busiest(local, 1)[0], tuple(self.watched(local))
        ask = CollectionRequest(account, "", watched, ("pull_request", "review", "issue"))
        pages = list(adapter_.merged_changes([ask]))
        assert [page.done for page in pages if page.done or page.failure] == [True]
        kinds = {change.kind for page in pages for change in page.changes}
        assert "pull_request" in kinds
        assert kinds <= set(adapter_.lists)

    # -- interruptions

    @profiles.slow(4)
    @given(stops=st.lists(st.integers(0, 6), max_size=6), data=st.data())
    def test_any_interruption_resumed_from_its_cursor_gives_all(
        self, stops: list[int], data: st.DataObject
    ) -> None:
        """A collection cut after any page and resumed from its cursor delivers everything, also new work in between."""
        clock = Clock()
        with LocalForge(rows=self.rows(most=15), clock=clock) as local:
            adapter = self.make(local, clock)
            accounts, store, watched = self.busiest(local, 3), Store(), self.watched(local)
            for stop in stops:
                store.collect(adapter, accounts, watched, pages=stop)
                clock.pass_by(seconds=data.draw(st.sampled_from([1, 120, 3600])))
                self.merge_one(local, clock, data.draw(st.sampled_from(accounts)))
            pages = store.collect(adapter, accounts, watched)
            assert {page.account.id for page in pages if page.done} == ids(accounts)
            assert not [page.failure for page in pages if page.failure]
            assert store.changes.keys() == truth(local, self.forge, accounts).keys()
            adapter.close()

    # -- failures

    @pytest.mark.parametrize("kind", PASSING)
    def test_invariant_9_a_failed_fetch_is_never_read_as_nothing_there(
        self, local: LocalForge, clock: Clock, kind: str
    ) -> None:
        """If the forge fails in any way, no account is complete, and every look-up is an error."""
        adapter, accounts, watched = (
            self.make(local, clock, timeout=5),
            self.busiest(local, 2),
            self.watched(local),
        )
        local.faults.add(kind, forge=self.forge, times=None)
        store = Store()
        assert isinstance(self.why_not(store, adapter, accounts, watched), ForgeUnavailable)
        for look_up in (
            lambda: adapter.find_account(accounts[0].login),
            lambda: adapter.find_repository(watched[0]),
            lambda: adapter.find_change(watched[0], "1"),
        ):
            with pytest.raises(ForgeUnavailable):
                look_up()
        local.faults.clear()
        until_done(store, adapter, accounts, watched, clock)
        assert store.changes.keys() == truth(local, self.forge, accounts).keys()
        adapter.close()

    def test_invariant_9_a_forge_that_is_not_there(self, clock: Clock) -> None:
        """If nothing listens at the address, the error is that the forge is unavailable."""
        with LocalForge(rows=[], clock=clock) as gone:
            adapter = self.make(gone, clock, timeout=2)
        with pytest.raises(ForgeUnavailable):
            adapter.find_account("somebody")
        account = AccountOnForge("1", "somebody", "U_1")
        assert isinstance(self.why_not(Store(), adapter, [account], ["a/b"]), ForgeUnavailable)

    def test_invariant_9_an_account_that_is_gone_is_not_an_empty_one(
        self, local: LocalForge, adapter_: Forge
    ) -> None:
        """An account deleted before its first collection fails alone, and the others are complete."""
        gone, other = self.busiest(local, 2)
        local.world.delete_account(self.forge, gone.login)
        store = Store()
        pages = store.collect(adapter_, [gone, other], self.watched(local))
        ends = {page.account.id: page for page in pages if page.done or page.failure}
        assert isinstance(ends[gone.id].failure, MissingOnForge)
        assert not ends[gone.id].done
        assert ends[other.id].done

    @pytest.mark.parametrize("share", [0.05, 0.3])
    @pytest.mark.parametrize("seed", [1, 2])
    def test_invariant_9_faults_at_random_lose_nothing(
        self, local: LocalForge, clock: Clock, share: float, seed: int
    ) -> None:
        """With all kinds of passing faults at once, a patient worker ends with everything, and every fact is right."""
        adapter, accounts, watched = self.make(local, clock), self.busiest(local, 4), self.watched(local)
        for number, kind in enumerate(PASSING):
            local.faults.add(
                kind, forge=self.forge, probability=share / len(PASSING), seed=seed * 100 + number
            )
        store = Store()
        until_done(store, adapter, accounts, watched, clock)
        local.faults.clear()
        assert store.changes.keys() == truth(local, self.forge, accounts).keys()
        assert store.changes
        for key, change in store.changes.items():
            pull = local.world.pull_by_id(self.forge, int(key))
            assert pull is not None
            assert (change.additions, change.deletions) == self.counted(pull)
        adapter.close()

    # -- limits and tokens

    @pytest.mark.parametrize(
        ("kind", "details", "seconds"),
        [
            ("primary_limit", {"seconds": 1800}, 1800),
            ("secondary_limit", {"retry_after": 90}, 90),
            ("secondary_limit", {}, 60),
        ],
    )
    def test_a_limit_names_the_time_to_wait(
        self, local: LocalForge, clock: Clock, kind: str, details: dict[str, Any], seconds: int
    ) -> None:
        """Every limit is an error with a time (the forge's, or a minute), and no request is sent before it."""
        adapter, account = self.make(local, clock, tokens=self.tokens(local)[:1]), self.busiest(local, 1)[0]
        local.faults.add(kind, forge=self.forge, times=1, **details)
        with pytest.raises(RateLimited) as limited:
            adapter.find_account(account.login)
        until = limited.value.until
        assert until is not None
        assert timedelta(0) <= until - (clock.now + timedelta(seconds=seconds)) <= timedelta(seconds=2)
        served = local.log.requests(self.forge)
        clock.pass_by(seconds=seconds - 1)
        with pytest.raises(RateLimited):
            adapter.find_account(account.login)
        assert local.log.requests(self.forge) == served
        clock.now = until
        assert adapter.find_account(account.login).id == account.id
        adapter.close()

    def test_another_token_goes_on_where_one_must_rest(
        self, local: LocalForge, clock: Clock, adapter_: Forge
    ) -> None:
        """With two tokens, a limit on one does not stop the work, and the resting token is not used."""
        account = self.busiest(local, 1)[0]
        local.faults.add("secondary_limit", forge=self.forge, times=1, retry_after=600)
        assert adapter_.find_account(account.login).id == account.id
        local.log.reset()
        for _ in range(4):
            adapter_.find_account(account.login)
        assert len({entry.caller for entry in local.log.entries(self.forge)}) == 1

    def test_no_call_is_made_before_a_time_that_the_forge_named(
        self, local: LocalForge, clock: Clock
    ) -> None:
        """In a whole collection with limits at random, a token is never used before the time that the forge gave."""
        adapter = self.make(local, clock, tokens=self.tokens(local)[:1])
        accounts, store, watched = self.busiest(local, 3), Store(), self.watched(local)
        local.faults.add("secondary_limit", forge=self.forge, probability=0.04, seed=5, retry_after=30)
        local.faults.add("secondary_limit", forge=self.forge, probability=0.02, seed=6)
        local.faults.add("primary_limit", forge=self.forge, probability=0.04, seed=7, seconds=300)
        local.faults.add("primary_limit", forge=self.forge, times=2, seconds=120)
        until_done(store, adapter, accounts, watched, clock)
        assert store.changes.keys() == truth(local, self.forge, accounts).keys()
        named = clock.now.min.replace(tzinfo=UTC)
        for entry in local.log.entries(self.forge):
            assert named <= entry.at
            named = max(named, entry.not_before or named)
        assert named > clock.now.min.replace(tzinfo=UTC)
        adapter.close()

    def test_a_token_that_the_forge_refuses(self, local: LocalForge, clock: Clock) -> None:
        """A bad token is a typed error everywhere; together with a good token it does no harm."""
        account = self.busiest(local, 1)[0]
        bad = self.make(local, clock, tokens=["not-a-token"])
        with pytest.raises(TokenRefused):
            bad.find_account(account.login)
        with pytest.raises(TokenRefused):
            list(bad.merged_changes([CollectionRequest(account, "", tuple(self.watched(local)))]))
        mixed = self.make(local, clock, tokens=TokenPool(["not-a-token", *self.tokens(local)]))
        assert [mixed.find_account(account.login).id for _ in range(4)] == [account.id] * 4
        none = self.make(local, clock, tokens=[])
        with pytest.raises(TokenRefused) as refused:
            none.find_account(account.login)
        assert refused.value.code == "forge-token-absent"
        for adapter in (bad, mixed):
            adapter.close()

    def test_one_slip_of_the_forge_does_not_revoke_a_token(self, local: LocalForge, clock: Clock) -> None:
        """After a single 401 for a good token, the request is sent again and succeeds."""
        adapter, account = self.make(local, clock, tokens=self.tokens(local)[:1]), self.busiest(local, 1)[0]
        local.faults.add("unauthorized", forge=self.forge, times=1)
        assert adapter.find_account(account.login).id == account.id
        adapter.close()

    @pytest.mark.parametrize("kind", [*PASSING, "secondary_limit", "unauthorized", "not_found"])
    def test_no_error_and_no_log_shows_a_token(
        self, local: LocalForge, clock: Clock, caplog: pytest.LogCaptureFixture, kind: str
    ) -> None:
        """No token is in messages, in tracebacks with all their causes, or in logs at the finest level."""
        secret = self.tokens(local)[0]
        adapter = self.make(local, clock, tokens=[secret])
        local.faults.add(kind, forge=self.forge, times=None)
        with caplog.at_level(logging.DEBUG), pytest.raises(ForgeError) as raised:
            adapter.find_account(self.busiest(local, 1)[0].login)
        shown = "".join(traceback.format_exception(raised.value)) + caplog.text + repr(raised.value.__dict__)
        assert secret not in shown
        assert raised.value.__context__ is None or isinstance(raised.value.__context__, ForgeError)
        adapter.close()

    @pytest.mark.parametrize("cursor", CURSORS)
    def test_a_cursor_that_cannot_be_read_starts_anew(
        self, local: LocalForge, adapter_: Forge, cursor: str
    ) -> None:
        """An unreadable cursor, or one of another version, causes a complete reading and skips nothing."""
        account, watched = self.busiest(local, 1)[0], self.watched(local)
        store = Store(cursors={account.id: cursor})
        store.collect(adapter_, [account], watched)
        assert store.changes.keys() == truth(local, self.forge, [account]).keys()
