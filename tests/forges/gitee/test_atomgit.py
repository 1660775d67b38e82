"""AtomGit: the tests of the contract where it can differ from Gitee, and tests for AtomGit only.

Its adapter is Gitee's with two methods of its own. ``make soak`` runs the whole contract.
"""

from __future__ import annotations

from credits.forges.gitee.atomgit import AtomGit
from credits.forges.protocol import Forge
from demo.forge import LocalForge
from demo.forge.model import LocalPullRequest
from tests.forges.collecting import Clock, Store, ends, ids
from tests.forges.contract import Contract
from tests.profiles import LONG

OVERRIDDEN = {"name", "_names_merger", "_merged_within"}
"""What AtomGit's adapter does not inherit. If you add to it, add the tests that this can break to ``DIFFERS``."""
DIFFERS = {
    # Ids of accounts are text.
    "test_an_account_is_found_by_its_login",
    "test_a_login_that_went_to_somebody_else",
    "test_invariant_9_an_account_that_is_gone_is_not_an_empty_one",
    "test_the_commits_of_a_branch_name_their_authors",
    "test_only_what_is_new_comes_the_second_time",
    # A listing without a state gives every state.
    "test_all_that_was_merged_is_delivered_once",
    "test_nothing_but_merged_work_is_delivered",
    "test_a_change_that_is_not_merged_or_not_there",
    "test_a_closed_one_is_told_with_its_facts",
    # A pull request carries its merge commit and its merger.
    "test_a_change_that_a_student_points_at",
    "test_a_link_and_a_collection_tell_the_same",
    "test_what_is_held_is_seen_again_as_it_stands_now",
    "test_a_revert_that_was_reverted_took_nothing_back",
    # The cross-check filters by time of merging.
    "test_a_second_look_finds_what_is_not_held",
}
WHOLE = {name for name in vars(Contract) if name.startswith("test_")}


def test_no_more_is_overridden_than_the_contract_is_tried_for() -> None:
    """The tests named above exist, and the adapter overrides only what they were chosen for."""
    assert DIFFERS <= WHOLE
    assert {name for name in vars(AtomGit) if not name.startswith("__")} == OVERRIDDEN


class TestContract(Contract):
    forge = "atomgit"
    adapter = AtomGit
    rows_of = "gitee"

    def counted(self, pull: LocalPullRequest) -> tuple[int | None, int | None]:
        if len(pull.files) >= 300:
            return None, None
        return sum(file.additions for file in pull.files), sum(file.deletions for file in pull.files)

    def test_ids_are_text(self, local: LocalForge, adapter_: Forge) -> None:
        """An account's id is text, and nothing treats it as a number."""
        account = self.busiest(local, 1)[0]
        assert len(account.id) == 24
        assert adapter_.find_account(account.login).id == account.id

    def test_what_it_was_merged_as_and_by_whom_comes_with_it(
        self, local: LocalForge, clock: Clock, adapter_: Forge
    ) -> None:
        """The pull request names the merge commit and who merged it, so the log is not read."""
        account = self.busiest(local, 1)[0]
        merger = local.world.accounts("atomgit")[0]
        pull = self.merge_one(local, clock, account, merged_by=merger)
        change = adapter_.find_change(pull.repository.full_name, str(pull.number))
        assert change.merge_commit == pull.merge_commit
        assert change.merged_by is not None
        assert change.merged_by.id == self.shown(merger.id)
        assert local.log.requests("atomgit", "/operate_logs") == 0

    def test_nothing_new_is_one_request_a_repository(self, local: LocalForge, clock: Clock) -> None:
        """A round without news costs one request for each watched repository, for any number of students."""
        adapter, watched = self.make(local, clock), self.watched(local)
        accounts = self.busiest(local, 3)
        store = Store()
        store.collect(adapter, accounts, watched)
        local.log.reset()
        clock.pass_by(hours=2)
        assert ends(store.collect(adapter, accounts, watched)) == dict.fromkeys(ids(accounts), True)
        assert local.log.requests("atomgit") == len(watched)
        adapter.close()


if not LONG:
    for _name in WHOLE - DIFFERS:
        setattr(TestContract, _name, None)
