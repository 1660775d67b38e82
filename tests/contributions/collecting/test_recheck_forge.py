"""Rechecks over HTTP through the real adapters: renames, reverts and deletions, and no credit twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from credits.contributions.collecting import recheck
from credits.contributions.collecting.collect_now import collect_accounts_now
from credits.contributions.models import Contribution, Recheck
from credits.forges.gitee.adapter import Gitee
from credits.forges.github.adapter import GitHub
from demo.forge import LocalForge
from tests.contributions.busiest_people import link_busiest

pytestmark = pytest.mark.django_db


@pytest.fixture
def local() -> Iterator[LocalForge]:
    with LocalForge() as serving:
        yield serving


@pytest.mark.parametrize(("name", "adapter"), [("github", GitHub), ("gitee", Gitee)])
def test_what_happened_on_the_forge_is_seen(local: LocalForge, name: str, adapter: type) -> None:
    """After renames, a revert and a deletion each contribution is stored once, under its new name, with its
    finding; the others are unchanged.
    """
    environment = local.environment()
    prefix = name.upper()
    forge = adapter(
        environment[f"{prefix}_API_URL"], environment[f"{prefix}_TOKENS"].split(","), timezone.now
    )
    accounts = link_busiest(local, name, 2)
    collect_accounts_now(accounts, forge=lambda _name: forge, clock=timezone.now, pause=lambda _seconds: None)
    stored = list(Contribution.objects.select_related("repository").order_by("pk")[:20])
    count = Contribution.objects.count()
    reverted, gone = stored[0], stored[1]
    world = local.world
    pulls = {}
    for contribution in (reverted, gone):
        repository = world.repository(name, contribution.repository.full_name)
        pulls[contribution.pk] = world.pull(repository, int(contribution.number))
    world.revert(pulls[reverted.pk], timezone.now() - timedelta(hours=1), pulls[reverted.pk].author)
    world.delete_pull(pulls[gone.pk])
    # It is not known whether Gitee redirects from an old name. If it does not, a rename leaves all work unknown.
    world.gitee_redirects_renames = True
    old = stored[2].repository.full_name
    world.rename_repository(name, old, f"{old}-renamed")
    report = recheck.recheck_contributions(stored, forge=forge, now=timezone.now())
    world.gitee_redirects_renames = False
    if name == "gitee":
        stored[2].repository.full_name = old
        assert recheck.recheck_contributions([stored[2]], forge=forge, now=timezone.now()).failed == 1
        assert Contribution.objects.get(pk=stored[2].pk).status == "merged"
    forge.close()
    assert report.failed == 0
    assert report.findings.get(gone.pk) == "gone"
    assert set(report.findings.values()) <= {"gone", "reverted"}
    assert Contribution.objects.count() == count
    stored[2].repository.refresh_from_db()
    assert stored[2].repository.full_name == f"{old}-renamed"
    assert Recheck.objects.filter(seen_at__isnull=False).count() == len(stored)
    if name == "github":
        assert report.findings.get(reverted.pk) == "reverted"
