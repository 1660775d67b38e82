"""The queue: rows that say what is due and which worker holds it. It does not know what a job does.

A worker takes jobs under a lease and writes its token into them. Its later writes count only while the token is still
there, so a worker that was thought dead writes nothing when it comes back. If a worker dies, its jobs are taken again
when the lease ends, or sooner if another worker knows that it died. Messages play no part in this: lost, doubled or
late, they only decide how soon a worker looks (invariant 10).

Callers pass the time. The clocks of workers may differ by much less than a lease.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Case, DateTimeField, F, Q, QuerySet, Value, When
from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from credits.errors import Conflict, CreditsError, joined
from credits.jobs.models import Job, Lane

MESSAGE_LENGTH = 2_000
"""Characters of an error message that are stored."""


_FINISH_ALL = """
UPDATE credits_job j
SET holder = NULL, leased_until = NULL, failures = 0, error_code = '', error_message = '', finished_at = %s,
    due_at = CASE WHEN j.due_at > j.started_at THEN j.due_at ELSE d.due_at END
FROM unnest(%s::bigint[], %s::timestamptz[]) AS d (id, due_at)
WHERE j.id = d.id
"""


class LeaseLost(Conflict):
    """This worker no longer holds the job: another took it after the lease ended, or the job was restarted."""

    def __init__(self) -> None:
        super().__init__("lease-lost", _("Another worker has taken over this job."))


def ensure(kind: str, key: str, lane: str, *, due_at: datetime | None) -> bool:
    """Create the job unless it exists; an existing one is not changed. Return whether it was created."""
    return ensure_many(kind, [(key, lane)], due_at=due_at) == 1


def ensure_many(kind: str, wanted: Iterable[tuple[str, str]], *, due_at: datetime | None) -> int:
    """Do the same for many ``(key, lane)`` at once. Return how many were created."""
    jobs = {key: Job(kind=kind, key=key, lane=lane, due_at=due_at) for key, lane in wanted}
    there = set(Job.objects.filter(kind=kind, key__in=jobs).values_list("key", flat=True))
    # Another worker may create the same jobs in between: they exist either way.
    Job.objects.bulk_create(
        [job for key, job in sorted(jobs.items()) if key not in there],
        ignore_conflicts=True,
        batch_size=1_000,
    )
    return len(jobs) - len(there)


def ask_now(kind: str, keys: Iterable[str], *, now: datetime, anew: bool = False) -> int:
    """Make these jobs due now, and return how many exist.

    A job that is already waiting keeps its place. A job that is running is run once more afterwards, because it may
    have looked before the new work was there; with ``anew`` it is taken from its worker instead, and that worker's
    writes are refused from then on.
    """
    with transaction.atomic():
        jobs = list(Job.objects.select_for_update().filter(kind=kind, key__in=list(keys)).order_by("pk"))
        rows = Job.objects.filter(pk__in=[job.pk for job in jobs])
        rows.filter(Q(due_at=None) | Q(due_at__gt=now) | Q(holder__isnull=False)).update(due_at=now)
        if anew:
            rows.update(holder=None, leased_until=None)
    return len(jobs)


def due_lanes(kind: str, *, now: datetime) -> list[str]:
    """Return the names of the lanes in which a job could be taken now, sorted."""
    return sorted(
        _takeable(kind, now).exclude(lane__in=_closed(now)).values_list("lane", flat=True).distinct()
    )


def held_lanes(kind: str) -> list[str]:
    """Return the names of the lanes in which a worker holds a job, or died while holding one, sorted."""
    held = Job.objects.filter(kind=kind, holder__isnull=False)
    return sorted(held.values_list("lane", flat=True).distinct())


def take(
    kind: str,
    lane: str,
    *,
    limit: int,
    now: datetime,
    lease: timedelta,
    keys: Sequence[str] | None = None,
) -> list[Job]:
    """Take up to ``limit`` due jobs of a lane, longest due first, until ``now + lease``.

    Jobs that another worker holds, or is taking at this moment, are left out; while the lane is closed, all are.
    ``keys`` limits the choice. An empty list means that there is nothing to do now.
    """
    with transaction.atomic():
        if lane_closed(lane, now=now):
            return []
        due = _takeable(kind, now).filter(lane=lane)
        if keys is not None:
            due = due.filter(key__in=keys)
        jobs = list(due.select_for_update(skip_locked=True).order_by("due_at", "pk")[:limit])
        held = {"holder": uuid.uuid4(), "leased_until": now + lease, "started_at": now, "progress": {}}
        if jobs:
            Job.objects.filter(pk__in=[job.pk for job in jobs]).update(**held)
    for job in jobs:
        for name, value in held.items():
            setattr(job, name, value)
    return jobs


def keep(jobs: Sequence[Job], *, now: datetime, lease: timedelta) -> list[Job]:
    """Renew the lease of the jobs that the caller still holds, and return those. The others have another holder."""
    with transaction.atomic():
        # In the same order everywhere, so that two such calls never wait for each other.
        locked = Job.objects.select_for_update().filter(_held(jobs)).order_by("pk")
        mine = set(locked.values_list("pk", flat=True))
        Job.objects.filter(pk__in=mine).update(leased_until=now + lease)
    return [job for job in jobs if job.pk in mine]


def beat(jobs: Sequence[Job], *, now: datetime, lease: timedelta) -> int:
    """Renew the lease of the jobs that are still held, from a thread beside the worker. Return how many were renewed.

    Rows that the worker is writing at this moment are skipped, so that neither waits for the other.
    """
    with transaction.atomic():
        free = Job.objects.select_for_update(skip_locked=True).filter(_held(jobs)).order_by("pk")
        mine = list(free.values_list("pk", flat=True))
        return Job.objects.filter(pk__in=mine).update(leased_until=now + lease)


def hold(job: Job, *, now: datetime, lease: timedelta, progress: Mapping[str, Any]) -> None:
    """Renew one lease and store the progress. Raise LeaseLost if the caller no longer holds the job.

    The row stays locked until the caller's transaction ends, so whatever else that transaction writes is written by
    the holder.
    """
    _write(job, leased_until=now + lease, progress=dict(progress))


def finish(job: Job, *, now: datetime, due_at: datetime | None) -> None:
    """Mark the job as done, due again at ``due_at`` (None: when someone asks).

    If someone asked for it while it ran, it is due again at once. Raise LeaseLost if the caller no longer holds it.
    """
    _write(job, **_let_go(due_at), failures=0, error_code="", error_message="", finished_at=now)


def finish_all(jobs: Mapping[Job, datetime], *, now: datetime) -> set[Job]:
    """Do the same for many jobs at once, each with its next ``due_at``. Return the jobs that were still held."""
    with transaction.atomic():
        locked = Job.objects.select_for_update().filter(_held(list(jobs))).order_by("pk")
        mine = set(locked.values_list("pk", flat=True))
        done = {job: due_at for job, due_at in jobs.items() if job.pk in mine}
        with connection.cursor() as cursor:
            cursor.execute(_FINISH_ALL, [now, [job.pk for job in done], list(done.values())])
    return set(done)


def fail(job: Job, error: CreditsError, *, now: datetime, due_at: datetime | None) -> None:
    """Mark the job as failed for this reason, to be tried again at ``due_at``. Raise LeaseLost if it is not held."""
    _write(job, **_let_go(due_at), failures=F("failures") + 1, **told(error), finished_at=now)


def put_back(jobs: Sequence[Job], error: CreditsError | None = None) -> int:
    """Release jobs that could not be started through no fault of their own. Return how many were still held.

    They stay due, and no failure is counted.
    """
    reason = told(error) if error else {}
    with transaction.atomic():
        locked = Job.objects.select_for_update().filter(_held(jobs)).order_by("pk")
        mine = list(locked.values_list("pk", flat=True))
        return Job.objects.filter(pk__in=mine).update(holder=None, leased_until=None, **reason)


def give_way(jobs: Sequence[Job], *, now: datetime) -> int:
    """Release jobs so that others get their turn. Return how many were still held.

    They stay due, but behind all jobs that have waited longer.
    """
    with transaction.atomic():
        locked = Job.objects.select_for_update().filter(_held(jobs)).order_by("pk")
        mine = list(locked.values_list("pk", flat=True))
        return Job.objects.filter(pk__in=mine).update(holder=None, leased_until=None, due_at=now)


def free_the_dead(kind: str, lane: str) -> int:
    """Release every held job of a lane, and return how many there were.

    Only for a worker that is alone in the lane (:mod:`credits.jobs.lane`) and so knows that the holders are dead.
    """
    held = Job.objects.filter(kind=kind, lane=lane, holder__isnull=False)
    return held.update(holder=None, leased_until=None)


def close_lane(name: str, *, until: datetime, error: CreditsError | None = None) -> None:
    """Close the lane: no job in it is taken before ``until``. ``error`` is the reason. Never shorten a closing."""
    reason = told(error) if error else {"error_code": "", "error_message": ""}
    Lane.objects.bulk_create([Lane(name=name)], ignore_conflicts=True)
    Lane.objects.filter(Q(closed_until=None) | Q(closed_until__lt=until), name=name).update(
        closed_until=until, **reason
    )


def closings(prefix: str, *, now: datetime) -> dict[str, datetime]:
    """Return until when each lane with this prefix is closed, by the rest of its name. Open lanes are left out."""
    closed = Lane.objects.filter(name__startswith=prefix, closed_until__gt=now)
    return {name[len(prefix) :]: until for name, until in closed.values_list("name", "closed_until") if until}


def lane_closed(name: str, *, now: datetime) -> Lane | None:
    """Return the lane if it is closed now, or None."""
    return Lane.objects.filter(name=name, closed_until__gt=now).first()


def _takeable(kind: str, now: datetime) -> QuerySet[Job]:
    return Job.objects.filter(Q(leased_until=None) | Q(leased_until__lte=now), kind=kind, due_at__lte=now)


def _closed(now: datetime) -> QuerySet[Lane, str]:
    return Lane.objects.filter(closed_until__gt=now).values_list("name", flat=True)


def _held(jobs: Sequence[Job]) -> Q:
    """Match the jobs whose row still has the token with which they were taken."""
    holders: dict[uuid.UUID | None, list[int]] = {}
    for job in jobs:
        holders.setdefault(job.holder, []).append(job.pk)
    held = Q(pk__in=[])
    for holder, keys in holders.items():
        held |= Q(pk__in=keys, holder=holder)
    return held


def _write(job: Job, **changes: Any) -> None:
    if job.holder is None or not Job.objects.filter(pk=job.pk, holder=job.holder).update(**changes):
        raise LeaseLost


def _let_go(due_at: datetime | None) -> dict[str, Any]:
    # Due later than it was started: someone asked in between.
    asked = Case(
        When(due_at__gt=F("started_at"), then=F("due_at")),
        default=Value(due_at),
        output_field=DateTimeField(),
    )
    return {"holder": None, "leased_until": None, "due_at": asked}


def told(error: CreditsError) -> dict[str, str]:
    """Return an error as it is stored: ``error_code``, and ``error_message`` with one sentence on each line.

    The sentences are stored untranslated, because a later reader may use another language than this worker.
    """
    with translation.override(None):
        sentences = f"{error.message}\n{error.hint}".strip()
    return {"error_code": error.code, "error_message": sentences[:MESSAGE_LENGTH]}


def in_the_readers_words(error_message: str) -> str:
    """Return a stored error as one text in the active language; empty if there is no error."""
    return joined(*(gettext(sentence) for sentence in error_message.splitlines() if sentence))
