"""Collecting while somebody waits for it: the same batches that the workers take, until the asked accounts are done."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from accounts.models import ForgeAccount
from credits.contributions.collecting import collect
from credits.contributions.collecting.collect import Clock
from credits.contributions.collecting.report import CollectionReport, ProgressCallback
from credits.forges.protocol import Forge
from credits.jobs.models import Job

PAUSE_SECONDS = 0.5


def collect_accounts_now(
    accounts: Iterable[ForgeAccount],
    *,
    forge: Callable[[str], Forge],
    clock: Clock,
    full: bool = False,
    progress: ProgressCallback | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> list[CollectionReport]:
    """Collect these accounts now, forge by forge; a report for each. ``forge`` gives the adapter of a name.

    A worker that is on the forge already is waited for: it may have some of these in hand. An account that is held up
    by a closed lane is left as it is; ``status.statuses_of`` says which became complete.
    """
    by_forge: dict[str, list[ForgeAccount]] = {}
    for account in accounts:
        by_forge.setdefault(account.forge, []).append(account)
    collect.request_collection(
        [one for some in by_forge.values() for one in some], now=clock(), full=full, wake=False
    )
    reports = []
    for name, some in sorted(by_forge.items()):
        adapter, keys = forge(name), [collect.job_key(account) for account in some]
        report = collect.collect_all_due(adapter, clock=clock, keys=keys, progress=progress)
        while not report.closed_by and (report.busy or _is_being_collected(keys)):
            pause(PAUSE_SECONDS)
            report.add(collect.collect_all_due(adapter, clock=clock, keys=keys, progress=progress))
        reports.append(report)
    return reports


def _is_being_collected(keys: list[str]) -> bool:
    """Whether some worker holds one of these: until its lease is over, or collect_all_due is alone in the lane."""
    return Job.objects.filter(kind=collect.KIND, key__in=keys, holder__isnull=False).exists()
