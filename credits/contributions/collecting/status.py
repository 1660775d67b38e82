"""Report the progress of collecting for linked accounts. Zero and unknown never look alike (invariant 9)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count

from accounts.models import ForgeAccount, User
from credits.contributions import queries
from credits.contributions.collecting import collect
from credits.contributions.models import Authorship, CollectionState
from credits.jobs import queue
from credits.jobs.models import Job, Lane

DUE_TOLERANCE = timedelta(seconds=5)
"""A job due this soon counts as due now: a worker may have put it back after the caller read the clock."""


@dataclass(frozen=True, slots=True)
class AccountStatus:
    """The progress of collecting for a linked account.

    ``complete_at`` is the end of the last complete collection, ``None`` if there was none. ``contribution_count`` is
    the number of contributions in which the account has a part; without a complete collection it is unknown, so
    ``None``. ``error`` says for people why the last attempt failed, empty if it did not. ``next_due_at`` is the time
    of the next attempt, ``None`` if it is not planned yet; if it has passed while all workers are busy, the account
    is ``waiting``. ``running``: a worker is collecting it now.
    """

    account: ForgeAccount
    complete_at: datetime | None
    tried_at: datetime | None
    error_code: str
    error: str
    next_due_at: datetime | None
    waiting: bool
    running: bool
    contribution_count: int | None


def statuses_for_person(user: User, *, now: datetime) -> list[AccountStatus]:
    """Return the status of each account that is linked to the person now, by forge and login. Four queries in all."""
    return statuses_for_accounts(user.forge_accounts.filter(unlinked_at=None), now=now)


def statuses_for_accounts(accounts: Iterable[ForgeAccount], *, now: datetime) -> list[AccountStatus]:
    """Return the status of each of these accounts, in the given order. Four queries in all."""
    accounts = list(accounts)
    keys = {collect.job_key(account): account.pk for account in accounts}
    # Jobs first, then states: workers end a job together with its state, so a job seen as ended has a state to match.
    jobs = {keys[job.key]: job for job in Job.objects.filter(kind=collect.KIND, key__in=keys)}
    states = {state.account_id: state for state in CollectionState.objects.filter(account__in=keys.values())}
    closed = {lane.name: lane for lane in Lane.objects.filter(closed_until__gt=now)}
    parts = Authorship.objects.filter(queries.authorship_filter(accounts)).values_list(
        "forge", "forge_user_id"
    )
    counts = {(forge, user_id): count for forge, user_id, count in parts.annotate(Count("pk"))}
    return [
        _account_status(
            account,
            states.get(account.pk),
            jobs.get(account.pk),
            closed.get(account.forge),
            counts.get((account.forge, account.forge_user_id), 0),
            now,
        )
        for account in accounts
    ]


def _account_status(
    account: ForgeAccount,
    state: CollectionState | None,
    job: Job | None,
    closed: Lane | None,
    count: int,
    now: datetime,
) -> AccountStatus:
    due_at = job.due_at if job else None
    code, message = (state.error_code, state.error_message) if state else ("", "")
    if closed and closed.closed_until and due_at and due_at < closed.closed_until:
        # The whole forge is closed, so that is the error to show for each of its accounts.
        code, message = closed.error_code or code, closed.error_message or message
        due_at = closed.closed_until
    complete_at = state.complete_at if state else None
    running = bool(job and job.holder and job.leased_until and job.leased_until > now)
    return AccountStatus(
        account=account,
        complete_at=complete_at,
        tried_at=state.tried_at if state else None,
        error_code=code,
        error=queue.in_the_readers_words(message),
        next_due_at=due_at,
        waiting=not running and due_at is not None and due_at <= now + DUE_TOLERANCE,
        running=running,
        contribution_count=count if complete_at else None,
    )


def count_never_complete(accounts: Iterable[ForgeAccount]) -> int:
    """Return how many of the accounts were never collected completely, so that some of their work may be missing."""
    keys = [account.pk for account in accounts]
    complete = CollectionState.objects.filter(account__in=keys, complete_at__isnull=False)
    return len(keys) - complete.count()
