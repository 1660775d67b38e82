"""What workers are sent. A message only wakes: each task looks at the database, and does what is due there."""

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
"""How long one message keeps a worker on one forge before it asks for another turn: the next in line may be another
forge."""


@shared_task(name="credits.tasks.wake")
def wake() -> None:
    """Send a worker to each forge on which something is due, and one to the simulations; the beat sends this every
    minute."""
    collecting.schedule_new_accounts(now=timezone.now())
    for name in collecting.due_forges(now=timezone.now()):
        collect.apply_async((name,), expires=EXPIRES_SECONDS)
    if runs.is_due(now=timezone.now()):
        simulate.apply_async(expires=EXPIRES_SECONDS)
    flags.request_due_rechecks(now=timezone.now())
    # A worker may have ended between looking and raising what it found.
    flags.flag_findings(now=timezone.now())
    for name in rechecking.due_forges(now=timezone.now()):
        recheck.apply_async((name,), expires=EXPIRES_SECONDS)
    for name in branch_authors.due_forges(now=timezone.now()):
        look_at_branches.apply_async((name,), expires=EXPIRES_SECONDS)


@shared_task(name="credits.tasks.collect")
def collect(forge: str) -> None:
    """Collect what is due on one forge."""
    report = collecting.collect_all_due(forges.forge(forge), clock=timezone.now, budget=BUDGET)
    if report.more:
        collect.apply_async((forge,), expires=EXPIRES_SECONDS)


@shared_task(name="credits.tasks.simulate")
def simulate() -> None:
    """Try the rulebooks that stewards want tried."""
    if runs.run_due(clock=timezone.now, budget=BUDGET):
        simulate.apply_async(expires=EXPIRES_SECONDS)


@shared_task(name="credits.tasks.recheck")
def recheck(forge: str) -> None:
    """Look again at what is due on one forge, and flag the claims that what was found concerns."""
    rechecking.recheck_all_due(forges.forge(forge), clock=timezone.now)
    flags.flag_findings(now=timezone.now())


@shared_task(name="credits.tasks.look_at_branches")
def look_at_branches(forge: str) -> None:
    """Ask one forge who wrote the commits of what was claimed."""
    branch_authors.fetch_due_branches(forges.forge(forge), clock=timezone.now, budget=BUDGET)
