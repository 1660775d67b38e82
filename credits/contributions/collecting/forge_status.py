"""Report the state of collecting for a whole forge. Zero and unknown never look alike (invariant 9)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import CharField, Count, Max, Min, Q
from django.db.models.functions import Cast

from accounts.identity import forges
from accounts.models import ForgeAccount
from accounts.permissions import students_in
from credits.contributions.collecting import collect, recheck
from credits.contributions.collecting.status import AccountStatus, statuses_for_accounts
from credits.contributions.models import CollectionState
from credits.forges.errors import TokenRefused
from credits.forges.tokens import TokenPool
from credits.jobs import queue
from credits.jobs.models import Job, Lane

MAX_SHOWN = 50


@dataclass(frozen=True, slots=True)
class ForgeStatus:
    """The state of collecting on one forge.

    Of the ``linked`` accounts, ``complete`` were collected completely at least once and ``never`` were not.
    ``failing``: the last attempt failed. ``waiting`` are due now, ``running`` are with a worker, ``rechecks`` wait
    for a recheck. ``oldest`` and ``newest`` are times of the last complete collection of an account (None: there is
    none). The whole forge is closed until ``closed_until``, for the reason ``why``. ``tokens`` is the number of
    tokens of this process; if it has none, ``why`` says so. ``resting`` of the university's tokens met a rate limit,
    the last of them until ``resting_until``.
    """

    forge: str
    linked: int
    complete: int
    failing: int
    waiting: int
    running: int
    rechecks: int
    oldest: datetime | None
    newest: datetime | None
    closed_until: datetime | None
    why: str
    tokens: int
    resting: int
    resting_until: datetime | None

    @property
    def never(self) -> int:
        return self.linked - self.complete


def load_forge_status(name: str, *, now: datetime) -> ForgeStatus:
    """Return the state of collecting on the forge. Six queries, however many accounts there are."""
    accounts = ForgeAccount.objects.filter(forge=name, unlinked_at=None)
    states = CollectionState.objects.filter(account__in=accounts).aggregate(
        complete=Count("pk", filter=Q(complete_at__isnull=False)),
        failing=Count("pk", filter=~Q(error_code="")),
        oldest=Min("complete_at"),
        newest=Max("complete_at"),
    )
    running = Q(leased_until__gt=now)
    keys = accounts.annotate(key=Cast("pk", CharField())).values("key")
    jobs = Job.objects.filter(kind=collect.KIND, lane=name, key__in=keys).aggregate(
        waiting=Count("pk", filter=Q(due_at__lte=now) & ~running),
        running=Count("pk", filter=running),
    )
    lane = Lane.objects.filter(name=name, closed_until__gt=now).first()
    pool = TokenPool(forges.forge_settings(name).tokens)
    rests = queue.closings(f"{name}/", now=now)
    return ForgeStatus(
        forge=name,
        linked=accounts.count(),
        **states,
        **jobs,
        rechecks=Job.objects.filter(kind=recheck.KIND, lane=name, due_at__isnull=False).count(),
        closed_until=lane.closed_until if lane else None,
        why=queue.in_the_readers_words(lane.error_message if lane else _missing_token_message(pool)),
        tokens=len(pool),
        # A token has a row for each resource that is exhausted, or one row for all.
        resting=len({mark.partition("/")[0] for mark in rests}),
        resting_until=max(rests.values(), default=None),
    )


def _missing_token_message(pool: TokenPool) -> str:
    try:
        pool.require()
    except TokenRefused as error:
        return queue.told(error)["error_message"]
    return ""


def accounts_in_trouble(*, now: datetime, departments: Collection[int] | None = None) -> list[AccountStatus]:
    """Return accounts, on all forges, whose last attempt failed or that were never collected completely.

    The accounts longest without success come first, MAX_SHOWN at most. ``departments`` restricts them to students
    there; None means everybody.
    """
    in_departments = Q() if departments is None else Q(user__in=students_in(departments))
    accounts = (
        ForgeAccount.objects.filter(in_departments, unlinked_at=None)
        .filter(Q(collection=None) | Q(collection__complete_at=None) | ~Q(collection__error_code=""))
        .select_related("user")
        .order_by("collection__complete_at", "pk")[:MAX_SHOWN]
    )
    return statuses_for_accounts(accounts, now=now)
