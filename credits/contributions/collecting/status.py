"""How collecting stands for each linked account. Zero and unknown never look alike (invariant 9)."""

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
"""What is due so soon is due: a worker may have put it back after the reader looked at the clock."""


@dataclass(frozen=True, slots=True)
class AccountStatus:
    """How collecting stands for one linked account.

    ``complete_at``: when everything was last known to be held (None: never yet, so that ``held`` is None too: nobody
    knows). ``error``: why the last try failed, for people to read, empty where it did not. ``next_due_at``: when the
    next try is due (None: not planned yet), which may have passed while all workers are busy: ``waiting`` then.
    ``running``: a worker is at it. ``held``: contributions in which the account has a part.
    """

    account: ForgeAccount
    complete_at: datetime | None
    tried_at: datetime | None
    error_code: str
    error: str
    next_due_at: datetime | None
    waiting: bool
    running: bool
    held: int | None


def statuses_for_person(user: User, *, now: datetime) -> list[AccountStatus]:
    """One for each account that is linked to the person now, by forge and login. Four queries, however many."""
    return statuses_for_accounts(user.forge_accounts.filter(unlinked_at=None), now=now)


def statuses_for_accounts(accounts: Iterable[ForgeAccount], *, now: datetime) -> list[AccountStatus]:
    """The same for any accounts, in their order."""
    accounts = list(accounts)
    keys = {collect.job_key(account): account.pk for account in accounts}
    # In this order, while workers write: a job that is seen ended ended together with a state that is read after it.
    jobs = {keys[job.key]: job for job in Job.objects.filter(kind=collect.KIND, key__in=keys)}
    states = {state.account_id: state for state in CollectionState.objects.filter(account__in=keys.values())}
    closed = {lane.name: lane for lane in Lane.objects.filter(closed_until__gt=now)}
    parts = Authorship.objects.filter(queries.authorship_filter(accounts)).values_list(
        "forge", "forge_user_id"
    )
    held = {(forge, user_id): count for forge, user_id, count in parts.annotate(Count("pk"))}
    return [
        _account_status(
            account,
            states.get(account.pk),
            jobs.get(account.pk),
            closed.get(account.forge),
            held.get((account.forge, account.forge_user_id), 0),
            now,
        )
        for account in accounts
    ]


def _account_status(
    account: ForgeAccount,
    state: CollectionState | None,
    job: Job | None,
    closed: Lane | None,
    held: int,
    now: datetime,
) -> AccountStatus:
    due_at = job.due_at if job else None
    code, message = (state.error_code, state.error_message) if state else ("", "")
    if closed and closed.closed_until and due_at and due_at < closed.closed_until:
        # What holds up the whole forge holds up this account as well, and is what there is to know.
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
        held=held if complete_at else None,
    )


def count_never_complete(accounts: Iterable[ForgeAccount]) -> int:
    """How many of the accounts were not once collected to the end: what is held of them is not all there is."""
    keys = [account.pk for account in accounts]
    complete = CollectionState.objects.filter(account__in=keys, complete_at__isnull=False)
    return len(keys) - complete.count()
