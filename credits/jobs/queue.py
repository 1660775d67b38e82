"""The queue: rows that say what is due and who holds it. It knows nothing of what a job does.

A worker takes jobs under a lease and writes its token into them. Whatever it writes later counts only while its
token still stands there, so a worker that was thought dead writes nothing when it comes back. A job whose worker
died is taken again once the lease is over, and sooner where somebody knows of the death. Messages play no part in
this: lost, doubled or late, they only decide how soon a worker looks (invariant 10).

Times are handed in; workers' clocks may differ by far less than a lease.
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
"""Characters of an error's sentence that are kept."""


_FINISH_ALL = """
UPDATE credits_job j
SET holder = NULL, leased_until = NULL, failures = 0, error_code = '', error_message = '', finished_at = %s,
    due_at = CASE WHEN j.due_at > j.started_at THEN j.due_at ELSE d.due_at END
FROM unnest(%s::bigint[], %s::timestamptz[]) AS d (id, due_at)
WHERE j.id = d.id
"""


class LeaseLost(Conflict):
    """The job was taken away from this worker: by another after the lease ran out, or because it begins anew."""

    def __init__(self) -> None:
        super().__init__("lease-lost", _("Another worker has taken over this job."))


def ensure(kind: str, key: str, lane: str, *, due_at: datetime | None) -> bool:
    """See to it that the job stands; one that stands already stays as it is. Whether it was made now."""
    return ensure_many(kind, [(key, lane)], due_at=due_at) == 1


def ensure_many(kind: str, wanted: Iterable[tuple[str, str]], *, due_at: datetime | None) -> int:
    """The same for many ``(key, lane)`` at once. How many were made."""
    jobs = {key: Job(kind=kind, key=key, lane=lane, due_at=due_at) for key, lane in wanted}
    there = set(Job.objects.filter(kind=kind, key__in=jobs).values_list("key", flat=True))
    # Another worker may make the same ones in between: they stand either way.
    Job.objects.bulk_create(
        [job for key, job in sorted(jobs.items()) if key not in there],
        ignore_conflicts=True,
        batch_size=1_000,
    )
    return len(jobs) - len(there)


def ask_now(kind: str, keys: Iterable[str], *, now: datetime, anew: bool = False) -> int:
    """Make these jobs due at once; how many there are. One that waits already keeps its place. One that is running is
    done once more afterwards, since it may have looked before what is asked for was there; with ``anew`` it is
    taken away from its worker instead, whose writes are refused from then on.
    """
    with transaction.atomic():
        jobs = list(Job.objects.select_for_update().filter(kind=kind, key__in=list(keys)).order_by("pk"))
        rows = Job.objects.filter(pk__in=[job.pk for job in jobs])
        rows.filter(Q(due_at=None) | Q(due_at__gt=now) | Q(holder__isnull=False)).update(due_at=now)
        if anew:
            rows.update(holder=None, leased_until=None)
    return len(jobs)


def due_lanes(kind: str, *, now: datetime) -> list[str]:
    """The lanes in which something could be taken now, by name."""
    return sorted(
        _takeable(kind, now).exclude(lane__in=_closed(now)).values_list("lane", flat=True).distinct()
    )


def held_lanes(kind: str) -> list[str]:
    """The lanes of which somebody holds a job, or died holding one."""
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
    """Up to ``limit`` due jobs of a lane, longest due first, held by the caller until ``now + lease``.

    Left out: what another worker holds or is just taking, and everything while the lane is closed. ``keys`` narrows
    the choice. An empty list means that there is nothing to do now.
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
    """Renew the lease of all that the caller still holds, and hand those back; the others are somebody else's."""
    with transaction.atomic():
        # In one order everywhere, so that two such calls never wait for each other.
        locked = Job.objects.select_for_update().filter(_held(jobs)).order_by("pk")
        mine = set(locked.values_list("pk", flat=True))
        Job.objects.filter(pk__in=mine).update(leased_until=now + lease)
    return [job for job in jobs if job.pk in mine]


def beat(jobs: Sequence[Job], *, now: datetime, lease: timedelta) -> int:
    """Renew the lease of all that are still held, from beside the worker: what it is just writing is left to it, so
    that neither waits for the other. How many were renewed.
    """
    with transaction.atomic():
        free = Job.objects.select_for_update(skip_locked=True).filter(_held(jobs)).order_by("pk")
        mine = list(free.values_list("pk", flat=True))
        return Job.objects.filter(pk__in=mine).update(leased_until=now + lease)


def hold(job: Job, *, now: datetime, lease: timedelta, progress: Mapping[str, Any]) -> None:
    """Renew one lease and note the progress. The row stays locked until the caller's transaction ends: whatever else
    is written in it is written by the holder. Raises LeaseLost.
    """
    _write(job, leased_until=now + lease, progress=dict(progress))


def finish(job: Job, *, now: datetime, due_at: datetime | None) -> None:
    """Done, and due again at ``due_at`` (None: when somebody asks), or at once where it was asked for while it ran.

    Raises LeaseLost.
    """
    _write(job, **_let_go(due_at), failures=0, error_code="", error_message="", finished_at=now)


def finish_all(jobs: Mapping[Job, datetime], *, now: datetime) -> set[Job]:
    """The same for many at once, each with when it is due again; those of them that were still held."""
    with transaction.atomic():
        locked = Job.objects.select_for_update().filter(_held(list(jobs))).order_by("pk")
        mine = set(locked.values_list("pk", flat=True))
        done = {job: due_at for job, due_at in jobs.items() if job.pk in mine}
        with connection.cursor() as cursor:
            cursor.execute(_FINISH_ALL, [now, [job.pk for job in done], list(done.values())])
    return set(done)


def fail(job: Job, error: CreditsError, *, now: datetime, due_at: datetime | None) -> None:
    """Not done, for this reason; to be tried again at ``due_at``. Raises LeaseLost."""
    _write(job, **_let_go(due_at), failures=F("failures") + 1, **told(error), finished_at=now)


def put_back(jobs: Sequence[Job], error: CreditsError | None = None) -> int:
    """Give back what could not be begun through no fault of its own: still due, no failure counted. How many were
    still held.
    """
    reason = told(error) if error else {}
    with transaction.atomic():
        locked = Job.objects.select_for_update().filter(_held(jobs)).order_by("pk")
        mine = list(locked.values_list("pk", flat=True))
        return Job.objects.filter(pk__in=mine).update(holder=None, leased_until=None, **reason)


def give_way(jobs: Sequence[Job], *, now: datetime) -> int:
    """Let others have their turn: these are due still, but behind everybody who has waited longer. How many were
    still held.
    """
    with transaction.atomic():
        locked = Job.objects.select_for_update().filter(_held(jobs)).order_by("pk")
        mine = list(locked.values_list("pk", flat=True))
        return Job.objects.filter(pk__in=mine).update(holder=None, leased_until=None, due_at=now)


def free_the_dead(kind: str, lane: str) -> int:
    """Let go of every job of a lane that somebody holds: for who is alone there (:mod:`credits.jobs.lane`), and so
    knows that the holders are no more. How many there were.
    """
    held = Job.objects.filter(kind=kind, lane=lane, holder__isnull=False)
    return held.update(holder=None, leased_until=None)


def close_lane(name: str, *, until: datetime, error: CreditsError | None = None) -> None:
    """Nothing in this lane is taken before ``until``, for the reason that ``error`` tells. Never shortens a closing."""
    reason = told(error) if error else {"error_code": "", "error_message": ""}
    Lane.objects.bulk_create([Lane(name=name)], ignore_conflicts=True)
    Lane.objects.filter(Q(closed_until=None) | Q(closed_until__lt=until), name=name).update(
        closed_until=until, **reason
    )


def closings(prefix: str, *, now: datetime) -> dict[str, datetime]:
    """What is closed now of all whose name begins so, and until when, by the rest of the name."""
    closed = Lane.objects.filter(name__startswith=prefix, closed_until__gt=now)
    return {name[len(prefix) :]: until for name, until in closed.values_list("name", "closed_until") if until}


def lane_closed(name: str, *, now: datetime) -> Lane | None:
    """The lane, where it is closed now."""
    return Lane.objects.filter(name=name, closed_until__gt=now).first()


def _takeable(kind: str, now: datetime) -> QuerySet[Job]:
    return Job.objects.filter(Q(leased_until=None) | Q(leased_until__lte=now), kind=kind, due_at__lte=now)


def _closed(now: datetime) -> QuerySet[Lane, str]:
    return Lane.objects.filter(closed_until__gt=now).values_list("name", flat=True)


def _held(jobs: Sequence[Job]) -> Q:
    """Those of the jobs in which the token that they were taken with still stands."""
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
    # Due later than it was begun: somebody asked in between.
    asked = Case(
        When(due_at__gt=F("started_at"), then=F("due_at")),
        default=Value(due_at),
        output_field=DateTimeField(),
    )
    return {"holder": None, "leased_until": None, "due_at": asked}


def told(error: CreditsError) -> dict[str, str]:
    """An error as it is stored: ``error_code``, and ``error_message`` with a sentence a line, untranslated, since
    whoever reads it later may read another language than this worker.
    """
    with translation.override(None):
        sentences = f"{error.message}\n{error.hint}".strip()
    return {"error_code": error.code, "error_message": sentences[:MESSAGE_LENGTH]}


def in_the_readers_words(error_message: str) -> str:
    """A stored error as one text in the language that is active now; empty where there is none."""
    return joined(*(gettext(sentence) for sentence in error_message.splitlines() if sentence))
