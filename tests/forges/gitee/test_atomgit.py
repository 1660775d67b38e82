"""AtomGit: the contract, and what is AtomGit's own."""

from __future__ import annotations

from credits.forges.gitee.atomgit import AtomGit
from credits.forges.protocol import Forge
from demo.forge import LocalForge
from demo.forge.model import LocalPullRequest
from tests.forges.collecting import Clock, Store
from tests.forges.contract import Contract


class TestContract(Contract):
    forge = "atomgit"
    adapter = AtomGit
    rows_of = "gitee"

    def counted(self, pull: LocalPullRequest) -> tuple[int | None, int | None]:
        if len(pull.files) >= 300:
            return None, None
        return sum(file.additions for file in pull.files), sum(file.deletions for file in pull.files)

    def test_ids_are_text(self, local: LocalForge, adapter_: Forge) -> None:
        """An account's id is the forge's own text, and nothing takes it for a number."""
        account = self.busiest(local, 1)[0]
        assert len(account.id) == 24
        assert adapter_.find_account(account.login).id == account.id

    def test_what_it_was_merged_as_and_by_whom_comes_with_it(
        self, local: LocalForge, clock: Clock, adapter_: Forge
    ) -> None:
        """The merge commit and the merger are told by the pull request: the log is not asked."""
        account = self.busiest(local, 1)[0]
        merger = local.world.accounts("atomgit")[0]
        pull = self.merge_one(local, clock, account, merged_by=merger)
        change = adapter_.find_change(pull.repository.full_name, str(pull.number))
        assert change.merge_commit == pull.merge_commit
        assert change.merged_by is not None
        assert change.merged_by.id == self.shown(merger.id)
        assert local.log.requests("atomgit", "/operate_logs") == 0

    def test_nothing_new_is_one_request_a_repository(self, local: LocalForge, clock: Clock) -> None:
        """However many students there are, a round with nothing new asks once for each watched repository."""
        adapter, watched = self.make(local, clock), self.watched(local)
        accounts = self.busiest(local, 3)
        store = Store()
        store.collect(adapter, accounts, watched)
        local.log.reset()
        clock.pass_by(hours=2)
        assert all(page.done for page in store.collect(adapter, accounts, watched))
        assert local.log.requests("atomgit") == len(watched)
        adapter.close()
