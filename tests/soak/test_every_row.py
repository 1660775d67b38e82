"""Every merged pull request in the data is stored once, counted against the file."""

from __future__ import annotations

from datetime import timedelta

import pytest

from credits.contributions.collecting import collect
from credits.contributions.models import Contribution
from demo.forge import LocalForge
from tests.soak.whole import ROWS, Clock, adapters, link_everybody, round_of, stored_work, truth

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(1_800)]


def test_invariant_2_every_row_is_held_once_after_a_full_and_an_incremental_round():
    """The first round reads all but the last tenth, which is merged then; a second round stores it with few other
    requests. The database has what the file has, once, and a third round finds nothing.
    """
    clock = Clock()
    with LocalForge(ROWS, clock=clock) as local:
        late = sorted(ROWS, key=lambda row: row["merged_at"])[-len(ROWS) // 10 :]
        merged = [_open_again(local, row) for row in late]
        accounts = link_everybody()
        collect.schedule_new_accounts(now=clock())
        forges = adapters(local, clock)
        early = [row for row in ROWS if row not in late]

        round_of(forges, clock)
        assert stored_work() == truth(accounts, early)
        for pull, state in merged:
            pull.state, pull.merged_at, pull.closed_at, pull.merge_commit = state
            local.world.touch(pull, clock())
        clock.now += collect.COLLECT_EVERY * 1.2
        round_of(forges, clock)
        assert stored_work() == truth(accounts)
        assert len(stored_work()) == len(ROWS)

        before = list(Contribution.objects.order_by("pk").values())
        local.log.reset()
        clock.now += collect.COLLECT_EVERY * 1.2
        round_of(forges, clock)
        assert list(Contribution.objects.order_by("pk").values()) == before
        # One request for a hundred accounts, and a second one for accounts with more recent merges than a first page
        # has.
        assert local.log.requests("github") <= 2 * (len(accounts) // 100) + 3
        for forge in forges.values():
            forge.close()


def _open_again(local: LocalForge, row: dict):
    """Make a pull request open again. Return it with its merged state."""
    repository = local.world.repository(row["forge"], row["repo"])
    pull = local.world.pull(repository, row["number"])
    state = (pull.state, pull.merged_at, pull.closed_at, pull.merge_commit)
    pull.state, pull.merged_at, pull.closed_at, pull.merge_commit = "open", None, None, None
    local.world.touch(pull, pull.created_at + timedelta(seconds=1))
    return pull, state
