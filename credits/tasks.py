"""Celery tasks. A message only wakes a worker: each task reads from the database what is due, and does it.

So a message that is lost, doubled or late does no harm (invariant 10).
"""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from accounts.identity import forges
from credits.claims.review import flags
from credits.claims.simulation import runs
from credits.contributions.collecting import branch_authors
from credits.contributions.collecting import collect as collecting
from credits.contributions.collecting import recheck as rechecking
from credits.jobs.wake import EXPIRES_SECONDS

BUDGET = timedelta(minutes=2)
"""How long a message keeps a worker on one forge. Then it sends a new message, so that other forges get their turn."""


@shared_task(name="credits.tasks.wake")
def wake() -> None:
    """Send a message for each forge with something due, and one for simulations. The beat runs this every minute."""
    collecting.schedule_new_accounts(now=timezone.now())
    for name in collecting.due_forges(now=timezone.now()):
        collect.apply_async((name,), expires=EXPIRES_SECONDS)
    if runs.is_due(now=timezone.now()):
        simulate.apply_async(expires=EXPIRES_SECONDS)
    flags.request_due_rechecks(now=timezone.now())
    # A worker may have ended after a recheck, before it flagged the findings.
    flags.flag_findings(now=timezone.now())
    for name in rechecking.due_forges(now=timezone.now()):
        recheck.apply_async((name,), expires=EXPIRES_SECONDS)
    for name in branch_authors.due_forges(now=timezone.now()):
        look_at_branches.apply_async((name,), expires=EXPIRES_SECONDS)


@shared_task(name="credits.tasks.collect")
def collect(forge: str) -> None:
    """Collect the accounts that are due on a forge."""
    report = collecting.collect_all_due(forges.forge(forge), clock=timezone.now, budget=BUDGET)
    if report.more:
        collect.apply_async((forge,), expires=EXPIRES_SECONDS)


@shared_task(name="credits.tasks.simulate")
def simulate() -> None:
    """Run the simulations that stewards have requested."""
    if runs.run_due(clock=timezone.now, budget=BUDGET):
        simulate.apply_async(expires=EXPIRES_SECONDS)


@shared_task(name="credits.tasks.recheck")
def recheck(forge: str) -> None:
    """Recheck the contributions that are due on a forge, and flag claims with a finding."""
    rechecking.recheck_all_due(forges.forge(forge), clock=timezone.now)
    flags.flag_findings(now=timezone.now())


@shared_task(name="credits.tasks.look_at_branches")
def look_at_branches(forge: str) -> None:
    """Fetch the authors of claimed pull requests' commits from a forge."""
    branch_authors.fetch_due_branches(forges.forge(forge), clock=timezone.now, budget=BUDGET)
