"""Collect accounts while somebody waits: the same batches that workers take, until these accounts are done."""

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
"""The pause between two attempts while a worker is on the forge."""


def collect_accounts_now(
    accounts: Iterable[ForgeAccount],
    *,
    forge: Callable[[str], Forge],
    clock: Clock,
    full: bool = False,
    progress: ProgressCallback | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> list[CollectionReport]:
    """Collect these accounts now, forge by forge. Return a report for each forge.

    ``forge`` returns the adapter for a name. If a worker is on a forge already, wait for it: it may be collecting some
    of these accounts. Accounts behind a closed lane stay as they are; ``status.statuses_for_accounts`` says which
    accounts became complete.
    """
    by_forge: dict[str, list[ForgeAccount]] = {}
    for account in accounts:
        by_forge.setdefault(account.forge, []).append(account)
    asked = [account for group in by_forge.values() for account in group]
    collect.request_collection(asked, now=clock(), full=full, wake=False)
    reports = []
    for name, group in sorted(by_forge.items()):
        adapter, keys = forge(name), [collect.job_key(account) for account in group]
        report = collect.collect_all_due(adapter, clock=clock, keys=keys, progress=progress)
        while not report.closed_by and (report.busy or _is_being_collected(keys)):
            pause(PAUSE_SECONDS)
            report.add(collect.collect_all_due(adapter, clock=clock, keys=keys, progress=progress))
        reports.append(report)
    return reports


def _is_being_collected(keys: list[str]) -> bool:
    """Return whether a worker has one of these jobs.

    A job that a dead worker had is free when its lease ends, or when collect_all_due is alone in the lane.
    """
    return Job.objects.filter(kind=collect.KIND, key__in=keys, holder__isnull=False).exists()
