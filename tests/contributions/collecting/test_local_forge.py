"""Collecting through the real adapters over HTTP finds what the data file has, with and without faults."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.utils import timezone

from credits.contributions.collecting import collect
from credits.contributions.collecting.collect_now import collect_accounts_now
from credits.contributions.collecting.status import statuses_for_accounts
from credits.contributions.models import Contribution
from credits.contributions.storing.store import StoredCounts
from credits.forges.gitee.adapter import Gitee
from credits.forges.github.adapter import GitHub
from credits.forges.protocol import Forge
from credits.jobs.models import Job, Lane
from demo.forge import LocalForge
from tests.contributions.busiest_people import link_busiest, merged_by_file, merged_in_database
from tests.factories import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def local() -> Iterator[LocalForge]:
    with LocalForge() as serving:
        yield serving


@pytest.fixture
def adapters(local) -> Iterator[dict[str, Forge]]:
    environment = local.environment()
    made = {
        name: adapter(
            environment[f"{name.upper()}_API_URL"],
            environment[f"{name.upper()}_TOKENS"].split(","),
            timezone.now,
        )
        for name, adapter in (("github", GitHub), ("gitee", Gitee))
    }
    yield made
    for adapter in made.values():
        adapter.close()


def collected(accounts, adapters) -> StoredCounts:
    reports = collect_accounts_now(
        accounts, forge=adapters.__getitem__, clock=timezone.now, pause=lambda _seconds: None
    )
    total = StoredCounts()
    for report in reports:
        total += report.stored
    return total


def test_everything_that_was_merged_is_held_once(local, adapters):
    """The first round stores all merged work of the linked people, exactly once. A second round finds nothing new
    with a handful of requests, and a third one in full finds the same again.
    """
    accounts = link_busiest(local, "github", 6) + link_busiest(local, "gitee", 3)
    truth = merged_by_file(accounts)
    assert collected(accounts, adapters).new == sum(map(len, truth.values()))
    assert merged_in_database(accounts) == truth
    stored = list(Contribution.objects.order_by("pk").values())
    statuses = statuses_for_accounts(accounts, now=timezone.now())
    assert len(statuses) == len(accounts) == 9
    assert all(status.complete_at and not status.error for status in statuses)
    assert sum(status.contribution_count or 0 for status in statuses) >= len(stored)

    local.log.reset()
    assert collected(accounts, adapters) == StoredCounts()
    assert local.log.requests("github") == 1
    assert local.log.requests("gitee") <= 5
    collect.request_collection(accounts, now=timezone.now(), full=True, wake=False)
    again = collected(accounts, adapters)
    assert (again.new, again.changed) == (0, 0)
    assert list(Contribution.objects.order_by("pk").values()) == stored


def test_invariant_9_faults_delay_and_lose_nothing(local, adapters):
    """One answer in eight fails in every way a forge can fail: the database has what the file has in the end, and
    no account was ever complete without its work.
    """
    accounts = link_busiest(local, "github", 5) + link_busiest(local, "gitee", 2)
    truth = merged_by_file(accounts)
    for seed, kind in enumerate(("http_500", "http_502", "reset", "truncated_json", "html_200")):
        local.faults.add(kind, probability=0.025, seed=seed)
    for _round in range(60):
        collected(accounts, adapters)
        # The waits of the lanes are over.
        Lane.objects.update(closed_until=NOW)
        stored = merged_in_database(accounts)
        statuses = statuses_for_accounts(accounts, now=timezone.now())
        for status in statuses:
            if status.complete_at:
                assert stored[status.account.login] == truth[status.account.login]
        if all(status.complete_at for status in statuses):
            break
    assert merged_in_database(accounts) == truth
    assert Contribution.objects.count() == sum(map(len, truth.values()))


@pytest.mark.parametrize("kind", ["graphql_rate_limited", "secondary_limit", "primary_limit"])
def test_a_limit_closes_the_lane_until_the_time_that_the_forge_names(local, adapters, kind):
    """Until that time nothing is requested and no failure is counted; the other forge goes on."""
    accounts = link_busiest(local, "github", 2) + link_busiest(local, "gitee", 1)
    local.faults.add(kind, forge="github", times=None)
    collected(accounts, adapters)
    asked = local.log.requests("github")
    # The forge has a lane, and each of the university's tokens there has one.
    lanes = list(Lane.objects.values_list("name", flat=True))
    assert lanes
    assert all(name.startswith("github") for name in lanes)
    assert Lane.objects.get(name="github").closed_until > timezone.now()
    collected(accounts, adapters)
    assert local.log.requests("github") == asked
    assert not Job.objects.filter(failures__gt=0).exists()
    github, gitee = merged_in_database(accounts[:2]), merged_in_database(accounts[2:])
    assert (github, gitee) == ({}, merged_by_file(accounts[2:]))
