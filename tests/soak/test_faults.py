"""Forges at their worst: the database is right in the end, and no request comes before the time that a forge named."""

from __future__ import annotations

import os
import random
from datetime import timedelta

import pytest

from credits.contributions.collecting import collect
from credits.contributions.models import CollectionState
from demo.forge import LocalForge
from tests.profiles import LONG
from tests.soak.whole import ROWS, Clock, adapters, link_everybody, round_of, stored_work, too_early, truth

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(7_200)]

PEOPLE = int(os.environ.get("SOAK_PEOPLE") or (40 if LONG else 2))
"""People of each forge in a storm of faults. Use fewer on a slow machine (SOAK_PEOPLE)."""
BAD = [
    ("http_500", {}),
    ("http_502", {}),
    ("http_503", {}),
    ("http_504", {}),
    ("reset", {}),
    ("truncated_json", {}),
    ("cut_body", {}),
    ("html_200", {}),
    ("empty_200", {}),
    ("graphql_rate_limited", {"shape": "RATE_LIMITED"}),
    ("graphql_rate_limited", {"shape": "RATE_LIMIT", "seconds": 5}),
    ("graphql_resource_limits", {}),
    ("secondary_limit", {}),
    ("secondary_limit", {"retry_after": 7}),
    ("secondary_limit", {"retry_after": 90}),
    ("primary_limit", {"status": 403}),
    ("primary_limit", {"status": 429, "seconds": 600}),
    ("slow", {"seconds": 0.01}),
    ("unauthorized", {}),
    ("not_found", {}),
]


def shaken(share: float, people: int | None, seed: int) -> None:
    """Collect while ``share`` of all answers fail, evenly over all kinds, and pull requests are touched meanwhile."""
    clock = Clock()
    chance = random.Random(seed)
    with LocalForge(ROWS, clock=clock) as local:
        accounts = link_everybody(people)
        collect.schedule_new_accounts(now=clock())
        pulls = [
            pull for on in ("github", "gitee") for pull in local.world.pulls(on) if pull.state == "merged"
        ]

        def shift(_call) -> bool:
            """Comment on a pull request, so that pages shift while they are read."""
            if chance.random() < 0.1:
                local.world.touch(chance.choice(pulls), clock())
            return False

        local.faults.add("slow", when=shift, times=None)
        # Each kind of failure in turn gets its part of the answers that the earlier kinds left over.
        left = 1.0
        for turn, (kind, details) in enumerate(BAD):
            part = share / len(BAD)
            local.faults.add(kind, probability=part / left, seed=seed * 100 + turn, **details)
            left -= part
        forges = adapters(local, clock)
        wanted = truth(accounts)
        for _round in range(2):
            round_of(forges, clock)
            for key in CollectionState.objects.filter(complete_at__isnull=False).values_list(
                "account__forge", "account__forge_user_id"
            ):
                own_work = {row for row in wanted if (row[0], row[3]) == key}
                assert own_work <= stored_work(), "complete, but something is not stored"
            clock.now += collect.COLLECT_EVERY * 1.2
        assert stored_work() == wanted
        assert too_early(local) == []
        assert local.log.requests() > len(accounts)
        for forge in forges.values():
            forge.close()


def test_invariant_9_one_answer_in_twenty_fails():
    """With every kind of failure, a complete account has all its work, exactly once."""
    shaken(0.05, None if LONG else 4, seed=1)


@pytest.mark.parametrize("seed", range(2, 12 if LONG else 3))
def test_invariant_9_a_storm_of_twenty_kinds(seed):
    """If every second answer fails, it takes longer and is just as complete."""
    shaken(0.5, PEOPLE, seed)


def test_time_passes_to_what_is_next():
    """The clock of these tests moves on with every call, and never back."""
    clock = Clock()
    assert clock() < clock() <= clock.now + timedelta(seconds=1)
