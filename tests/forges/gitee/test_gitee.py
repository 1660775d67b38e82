"""Gitee: the contract, and tests for Gitee only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from credits.forges.errors import ForgeError, ForgeUnavailable, MissingOnForge
from credits.forges.gitee import parse as facts
from credits.forges.gitee.adapter import Gitee
from credits.forges.protocol import AccountOnForge, CollectionRequest
from demo.forge import LocalForge
from demo.forge.model import LocalFile, LocalPullRequest
from tests.forges.collecting import Clock, Store, ends, ids, truth
from tests.forges.contract import Contract


class TestContract(Contract):
    forge = "gitee"
    adapter = Gitee

    def counted(self, pull: LocalPullRequest) -> tuple[int | None, int | None]:
        # Gitee gives no counts, so they are the sums of the files that it lists, at most 300.
        if len(pull.files) >= 300:
            return None, None
        return sum(file.additions for file in pull.files), sum(file.deletions for file in pull.files)

    @pytest.fixture
    def small(self, clock: Clock) -> Iterator[LocalForge]:
        with LocalForge(rows=self.rows(most=6), clock=clock) as local:
            yield local

    def test_nothing_new_is_one_request_a_repository(self, small: LocalForge, clock: Clock) -> None:
        """A round without news costs one request for each watched repository, for any number of students."""
        adapter, store, watched = self.make(small, clock), Store(), self.watched(small)
        accounts = self.busiest(small, 5)
        store.collect(adapter, accounts, watched)
        small.log.reset()
        clock.pass_by(hours=2)
        assert ends(store.collect(adapter, accounts, watched)) == dict.fromkeys(ids(accounts), True)
        assert small.log.requests("gitee") == len(watched)
        adapter.close()

    def test_other_peoples_work_is_not_read_again_and_again(self, small: LocalForge, clock: Clock) -> None:
        """An account's mark moves with the repository, although it has nothing new there itself."""
        adapter, store, watched = self.make(small, clock), Store(), self.watched(small)
        account, other = self.busiest(small, 2)
        store.collect(adapter, [account], watched)
        for _ in range(3):
            for _ in range(120):
                clock.pass_by(seconds=30)
                self.merge_one(small, clock, other)
            store.collect(adapter, [account], watched)
        small.log.reset()
        clock.pass_by(hours=1)
        store.collect(adapter, [account], watched)
        assert small.log.requests("gitee") == len(watched)
        assert store.changes.keys() == truth(small, "gitee", [account]).keys()
        adapter.close()

    def test_parents_of_forks_are_looked_into(self, small: LocalForge, clock: Clock) -> None:
        """Work in an unwatched repository is found if the account has forked it, and ``found_by`` says so."""
        adapter, store = self.make(small, clock), Store()
        account = self.busiest(small, 1)[0]
        upstream = small.world.add_repository("gitee", "somewhere/upstream", created_at=clock.now)
        small.world.add_repository(
            "gitee", f"{account.login}/upstream", created_at=clock.now, parent=upstream
        )
        pull = self.merge_one(small, clock, account, repository=upstream)
        store.collect(adapter, [account], [])
        assert store.changes[str(pull.id)].found_by == "fork"
        watched = store.collect(adapter, [account], ["somewhere/upstream"])
        assert watched[-1].done
        adapter.close()

    def test_a_new_fork_is_noticed_the_next_day(self, small: LocalForge, clock: Clock) -> None:
        """Forks are searched once a day, by the adapter's clock."""
        adapter, store = self.make(small, clock), Store()
        account = self.busiest(small, 1)[0]
        store.collect(adapter, [account], [])
        upstream = small.world.add_repository("gitee", "somewhere/upstream", created_at=clock.now)
        small.world.add_repository(
            "gitee", f"{account.login}/upstream", created_at=clock.now, parent=upstream
        )
        pull = self.merge_one(small, clock, account, repository=upstream)
        clock.pass_by(hours=23)
        store.collect(adapter, [account], [])
        assert str(pull.id) not in store.changes
        clock.pass_by(hours=2)
        store.collect(adapter, [account], [])
        assert str(pull.id) in store.changes
        adapter.close()

    def test_events_lead_to_where_an_account_works(self, small: LocalForge, clock: Clock) -> None:
        """Work in a repository that is neither watched nor forked is found through public events, and still found when
        the event is no longer shown."""
        adapter, store = self.make(small, clock), Store()
        account = self.busiest(small, 1)[0]
        place = small.world.add_repository("gitee", "somewhere/new", created_at=clock.now)
        first = self.merge_one(small, clock, account, repository=place)
        store.collect(adapter, [account], self.watched(small)[:1])
        assert store.changes[str(first.id)].found_by == "event"
        clock.pass_by(days=2)
        second = self.merge_one(small, clock, account, repository=place)
        small.faults.add("not_found", forge="gitee", path="/events", times=None)
        assert store.collect(adapter, [account], self.watched(small)[:1])[-1].done
        assert str(second.id) in store.changes
        adapter.close()

    def test_more_events_than_are_shown_at_once(self, small: LocalForge, clock: Clock) -> None:
        """Older events are read by the id of the last event."""
        adapter, account = self.make(small, clock), self.busiest(small, 1)[0]
        place = small.world.add_repository("gitee", "somewhere/old", created_at=clock.now)
        clock.pass_by(minutes=1)
        wanted = self.merge_one(small, clock, account, repository=place)
        for _ in range(130):
            clock.pass_by(seconds=40)
            self.merge_one(small, clock, account, state="open", merged_at=None)
        store = Store()
        store.collect(adapter, [account], ["mindspore/models"])
        assert str(wanted.id) in store.changes
        assert small.log.requests("gitee", "/events/public") == 2
        adapter.close()

    def test_invariant_9_a_repository_that_may_be_renamed_is_not_called_gone(
        self, small: LocalForge, clock: Clock
    ) -> None:
        """Gitee knows repositories only by name: after a 404, or if another has the name now, a change is unknown."""
        adapter = self.make(small, clock)
        store = self.small_store(small, clock, adapter, 2)
        small.world.rename_repository("gitee", "small/place", "small/renamed")
        for taken in (False, True):
            if taken:
                small.world.add_repository("gitee", "small/place", created_at=clock.now)
            answers = list(adapter.recheck(self.refs(store)))
            assert len(answers) == 2
            for answer in answers:
                assert answer.status == "unknown"
                assert answer.failure is not None
                assert answer.failure.code == "forge-repository-missing"
        adapter.close()

    def test_invariant_9_a_watched_repository_that_is_gone_is_not_an_empty_one(
        self, small: LocalForge, clock: Clock
    ) -> None:
        """If a watched repository is missing, the account is not complete, but the other repositories are read."""
        adapter, store, account = self.make(small, clock), Store(), self.busiest(small, 1)[0]
        pages = store.collect(adapter, [account], ["not/there", *self.watched(small)])
        assert isinstance(pages[-1].failure, MissingOnForge)
        assert store.changes.keys() == truth(small, "gitee", [account]).keys()
        adapter.close()

    def test_a_redirect_keeps_the_question(self, small: LocalForge, clock: Clock) -> None:
        """After a rename the same filters are used at the new address, so no open pull request is delivered."""
        adapter, store, account = self.make(small, clock), Store(), self.busiest(small, 1)[0]
        old = self.watched(small)
        small.world.gitee_redirects_renames = True
        for at, name in enumerate(old):
            small.world.rename_repository("gitee", name, f"elsewhere/renamed-{at}")
        store.collect(adapter, [account], old)
        assert store.changes.keys() == truth(small, "gitee", [account]).keys()
        adapter.close()

    def test_a_renamed_repository_without_a_redirect_is_said_to_be_missing(
        self, small: LocalForge, clock: Clock
    ) -> None:
        """If Gitee answers 404 for an old name, the repository is missing."""
        adapter, name = self.make(small, clock), self.watched(small)[0]
        small.world.rename_repository("gitee", name, "elsewhere/renamed")
        with pytest.raises(MissingOnForge):
            adapter.find_repository(name)
        adapter.close()

    def test_a_false_404_is_asked_again_and_a_lasting_one_is_unknown(
        self, small: LocalForge, clock: Clock
    ) -> None:
        """Gitee's passing 404s do no harm; without the files the counts are unknown, never zero."""
        adapter = self.make(small, clock)
        pull = next(pull for pull in small.world.pulls("gitee") if pull.state == "merged")
        find = (pull.repository.full_name, str(pull.number))
        small.faults.add("not_found", forge="gitee", path="/files", times=1)
        assert adapter.find_change(*find).additions == self.counted(pull)[0]
        small.faults.add("not_found", forge="gitee", path="/files", times=2)
        change = adapter.find_change(*find)
        assert (change.additions, change.deletions, change.changed_files, change.files) == (None,) * 4
        small.faults.add("not_found", forge="gitee", path="/operate_logs", times=2)
        assert adapter.find_change(*find).merged_by is None
        adapter.close()

    def test_invariant_9_one_that_does_not_come_is_owed_and_holds_nothing_up(
        self, small: LocalForge, clock: Clock
    ) -> None:
        """A pull request whose files always fail keeps the account incomplete, does not delay newer ones, and is
        delivered when it can be read."""
        adapter, store, watched = self.make(small, clock), Store(), self.watched(small)
        account = self.busiest(small, 1)[0]
        bad = self.merge_one(small, clock, account)
        clock.pass_by(hours=1)
        new = self.merge_one(small, clock, account)
        small.faults.add("http_500", forge="gitee", path=f"/pulls/{bad.number}/files", times=None)
        for _ in range(2):
            pages = store.collect(adapter, [account], watched)
            assert isinstance(pages[-1].failure, ForgeUnavailable)
            assert str(new.id) in store.changes
            assert str(bad.id) not in store.changes
        small.faults.clear()
        assert store.collect(adapter, [account], watched)[-1].done
        assert store.changes.keys() == truth(small, "gitee", [account]).keys()
        adapter.close()

    def test_invariant_9_what_is_owed_stays_so_whatever_ids_the_newer_ones_have(
        self, small: LocalForge, clock: Clock
    ) -> None:
        """On a small private Gitee the id of a pull request may be the number of another."""
        adapter, store, watched = self.make(small, clock), Store(), self.watched(small)
        account = self.busiest(small, 1)[0]
        bad = self.merge_one(small, clock, account)
        clock.pass_by(hours=1)
        new = self.merge_one(small, clock, account)
        new.id = bad.number
        fault = small.faults.add("http_500", forge="gitee", path=f"/pulls/{bad.number}/files", times=None)
        store.collect(adapter, [account], watched)
        assert str(bad.id) not in store.changes
        fault.times = 0
        assert store.collect(adapter, [account], watched)[-1].done
        assert store.changes.keys() == truth(small, "gitee", [account]).keys()
        adapter.close()

    @pytest.mark.parametrize("what", ["touch", "delete"])
    @pytest.mark.parametrize("at", [1, 2, 3])
    def test_pages_that_shift_while_they_are_read_lose_nothing(
        self, small: LocalForge, clock: Clock, what: str, at: int
    ) -> None:
        """If a row moves or disappears while pages are read, no other row is skipped."""
        adapter, store, watched = self.make(small, clock), Store(), self.watched(small)
        account = self.busiest(small, 1)[0]
        pulls = []
        for _ in range(260):
            clock.pass_by(seconds=40)
            pulls.append(self.merge_one(small, clock, account, files=[LocalFile("a.py", 1, 0)]))
        served = 0

        def shift(call: Any) -> bool:
            nonlocal served
            if call.request.path.endswith("/pulls") and "author" in call.request.args:
                served += 1
                if served == at + 1:
                    early = pulls[10]
                    small.world.touch(early, clock.now) if what == "touch" else small.world.delete_pull(early)
            return False

        small.faults.add("http_500", forge="gitee", times=None, when=shift)
        store.collect(adapter, [account], watched)
        assert served > at
        assert truth(small, "gitee", [account]).keys() <= store.changes.keys()
        adapter.close()

    def test_a_login_that_changed_before_the_first_reading(self, small: LocalForge, clock: Clock) -> None:
        """If the login now belongs to somebody else, the account fails with its own error code."""
        adapter, account = self.make(small, clock), self.busiest(small, 1)[0]
        small.world.rename_account("gitee", account.login, "moved-on")
        small.world.add_account("gitee", account.login)
        pages = list(adapter.merged_changes([CollectionRequest(account, "", tuple(self.watched(small)))]))
        assert pages[-1].failure is not None
        assert pages[-1].failure.code == "forge-login-changed"
        adapter.close()

    def test_an_account_cannot_be_looked_up_by_its_number(self, adapter_: Gitee) -> None:
        """A look-up that Gitee does not support is an error, never "missing"."""
        with pytest.raises(ForgeError) as refused:
            adapter_.account("1")
        assert not isinstance(refused.value, MissingOnForge)
        assert refused.value.code == "forge-no-lookup-by-id"


PULL: dict[str, Any] = {
    "id": 7,
    "number": 3,
    "state": "merged",
    "title": "Fix",
    "html_url": "https://gitee.com/a/b/pulls/3",
    "created_at": "2026-03-01T08:00:00+08:00",
    "updated_at": "2026-03-02T08:00:00+08:00",
    "merged_at": "2026-03-02T08:00:00+08:00",
    "user": {"id": 1, "login": "x", "type": "User"},
    "labels": [],
}
REPOSITORY = facts.repository(
    {"id": 5, "full_name": "a/b", "html_url": "https://gitee.com/a/b.git", "license": None}
)


class TestFacts:
    def test_numbers_of_lines_are_read_from_text(self) -> None:
        """Counts are sums over the files, which Gitee writes as text."""
        rows: list[dict[str, Any]] = [
            {"filename": "a", "additions": "5", "deletions": "6"},
            {"filename": "b", "additions": 1, "deletions": 0},
        ]
        change = facts.merged_change(PULL, REPOSITORY, rows, [], "watched")
        assert (change.additions, change.deletions, change.changed_files) == (6, 6, 2)

    @pytest.mark.parametrize("value", [None, "", "many", "-1", -1, 1.5, True, "１"])
    def test_one_count_that_cannot_be_read_makes_the_sum_unknown(self, value: object) -> None:
        """If one file has no count, all counts are unknown: a sum over the rest would be wrong."""
        rows = [{"filename": "a", "additions": value, "deletions": "6"}]
        change = facts.merged_change(PULL, REPOSITORY, rows, None, "watched")
        assert (change.additions, change.files) == (None, None)

    def test_a_list_of_files_that_may_have_been_cut_gives_no_sum(self) -> None:
        """Gitee lists at most 300 files; then the counts are unknown, but the files listed are kept."""
        rows = [{"filename": f"f{n}", "additions": "1", "deletions": "0"} for n in range(300)]
        change = facts.merged_change(PULL, REPOSITORY, rows, None, "watched")
        assert (change.additions, change.changed_files) == (None, None)
        assert change.files is not None
        assert len(change.files) == 300

    def test_who_merged_it_is_in_the_operation_log(self) -> None:
        """The latest merge entry of the log names who merged; without a log this is unknown."""
        log = [
            {
                "action_type": "created_pr",
                "user": {"id": 1, "login": "x"},
                "created_at": "2026-03-01T08:00:00+08:00",
            },
            {
                "action_type": "merged_pr",
                "user": {"id": 9, "login": "m"},
                "created_at": "2026-03-02T08:00:00+08:00",
            },
        ]
        assert facts.merged_change(PULL, REPOSITORY, [], log, "watched").merged_by == AccountOnForge("9", "m")
        assert facts.merged_change(PULL, REPOSITORY, [], None, "watched").merged_by is None

    def test_what_gitee_does_not_say_is_unknown(self) -> None:
        """Merge commit, co-authors and whether a repository is a mirror are unknown, not empty."""
        change = facts.merged_change(PULL, REPOSITORY, [], [], "watched")
        assert (change.merge_commit, change.co_authors, change.repository.is_mirror) == (None, None, None)
        assert change.repository.licence == ""
        assert change.repository.url == "https://gitee.com/a/b"
