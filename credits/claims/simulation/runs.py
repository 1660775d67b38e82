"""Simulations in the background: asked for by a steward, carried out by a worker batch by batch, stopped at will.

What a batch found, how far it came and the worker's hold on the job are written in one transaction: whatever
instruction a worker dies at, the next one goes on where the last batch ended, and no claim is counted twice.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Abs
from django.utils.translation import gettext_lazy as _

from accounts import audit, permissions
from accounts.models import Programme, StaffRole, User
from credits.claims.assessment.stored import four_decimals
from credits.claims.models import Round, Simulation, SimulationChange
from credits.claims.simulation.trial import (
    BATCH_SIZE,
    LARGEST_SHOWN,
    RulebookTrial,
    SimulationTally,
    TriedClaim,
    next_batch,
    submitted_claims,
    try_batch,
)
from credits.errors import Conflict, CreditsError, NotThere
from credits.jobs import queue, retry
from credits.jobs.models import Job
from credits.jobs.wake import wake_workers
from credits.rulebooks.models import RulebookVersion
from credits.rules import RulebookDocument, parse, rulebook_digest

KIND = "simulate"
LANE = "simulate"
LEASE = timedelta(minutes=5)
"""Longer than the slowest batch takes; renewed with each."""
MAX_TRIES = 3
KEPT_PER_STEWARD = 50
"""Simulations that are kept of each steward, the newest; older ones are dropped with what they found."""
Clock = Callable[[], datetime]
Status = Simulation.Status
_UNFINISHED = (Status.WAITING, Status.RUNNING)
_BY_SIZE = (
    Abs(F("credit_after") - F("credit_before")).desc(),
    Abs(F("points_after") - F("points_before")).desc(),
    F("ordinal").asc(),
)


@transaction.atomic
def request_simulation(
    rulebook: RulebookDocument,
    *,
    round_: Round,
    programme: Programme | None = None,
    against: RulebookVersion | None = None,
    version: RulebookVersion | None = None,
    by: User,
    now: datetime,
) -> Simulation:
    """Have a rulebook tried on a round's claims; ``version`` where it is a kept one. One that was asked for in the same
    words and is not done yet is handed back instead of a second. Raises NotAllowed unless ``by`` is a steward.
    """
    permissions.require(by, StaffRole.Role.STEWARD)
    scope = permissions.departments_of(by, StaffRole.Role.STEWARD)
    digest = rulebook_digest(rulebook)
    same = Simulation.objects.filter(
        asked_by=by, round=round_, programme=programme, against=against, digest=digest, status__in=_UNFINISHED
    ).first()
    if same is not None:
        return same
    made = Simulation.objects.create(
        code=rulebook.code,
        title_zh=rulebook.title.zh,
        title_en=rulebook.title.en,
        canonical=rulebook.canonical(),
        digest=digest,
        version=version,
        against=against,
        round=round_,
        programme=programme,
        departments=None if scope is None else sorted(scope),
        asked_by=by,
        asked_at=now,
    )
    queue.ensure(KIND, str(made.pk), LANE, due_at=now)
    _drop_old_simulations(by)
    audit.record(
        "simulation-asked",
        made,
        by=by,
        now=now,
        rulebook=made.code,
        digest=digest,
        round=round_.code,
        programme=programme and programme.name,
    )
    wake_workers()
    return made


@transaction.atomic
def stop(simulation: Simulation, *, by: User, now: datetime) -> Simulation:
    """Stop it; what was found so far stays. Conflict where it has ended already."""
    permissions.require(by, StaffRole.Role.STEWARD)
    locked = Simulation.objects.select_for_update().get(pk=simulation.pk)
    if locked.status not in _UNFINISHED:
        raise Conflict("simulation-ended", _("This simulation has already ended."))
    locked.status, locked.finished_at = Status.STOPPED, now
    locked.save(update_fields=["status", "finished_at"])
    audit.record("simulation-stopped", locked, by=by, now=now)
    return locked


def visible_simulations(user: User) -> QuerySet[Simulation]:
    """The simulations that a steward may see: those of everybody's claims for who may write for all departments, else
    those confined to departments of theirs. The newest first; :data:`KEPT` of each steward are there."""
    permissions.require(user, StaffRole.Role.STEWARD)
    found = Simulation.objects.select_related(
        "round", "programme", "version__rulebook", "against__rulebook", "asked_by"
    ).defer("canonical")
    scope = permissions.departments_of(user, StaffRole.Role.STEWARD)
    if scope is None:
        return found
    return found.filter(departments__contained_by=sorted(scope))


def find_simulation(user: User, public_id: uuid.UUID) -> Simulation:
    """One of :func:`seen_by`; NotThere for any other."""
    found = visible_simulations(user).filter(public_id=public_id).first()
    if found is None:
        raise NotThere("no-such-simulation", _("There is no such simulation."))
    return found


def tried_rulebook(simulation: Simulation) -> RulebookDocument:
    """The rulebook that was tried."""
    return parse(simulation.canonical)


def largest_changes(simulation: Simulation, limit: int = LARGEST_SHOWN) -> list[SimulationChange]:
    """The largest changes: by credit, then by points."""
    return list(
        simulation.changes.select_related("assessment__claim__enrolment__programme__department")
        .defer("assessment__facts", "assessment__outcome", "assessment__claim__facts")
        .order_by(*_BY_SIZE)[:limit]
    )


def is_due(*, now: datetime) -> bool:
    """Whether a worker has something to do."""
    return bool(queue.due_lanes(KIND, now=now))


def run_due(*, clock: Clock, budget: timedelta | None = None, limit: int = BATCH_SIZE) -> bool:
    """Carry out what is due, one simulation after another. True where the time budget ended with something left."""
    begun = clock()
    while jobs := queue.take(KIND, LANE, limit=1, now=clock(), lease=LEASE):
        (job,) = jobs
        try:
            while _run_batch(job, clock=clock, limit=limit):
                if budget is not None and clock() - begun >= budget:
                    queue.put_back(jobs)
                    return True
        except queue.LeaseLost:
            continue
        except Exception:
            _retry_or_give_up(job, now=clock())
            raise
        except BaseException:
            queue.put_back(jobs)
            raise
    return False


def _drop_old_simulations(by: User) -> None:
    """A simulation decides nothing and can be asked for again: of each steward the newest :data:`KEPT` stay."""
    ended = Simulation.objects.filter(asked_by=by).exclude(status__in=_UNFINISHED)
    kept = Simulation.objects.filter(asked_by=by).values("pk")[:KEPT_PER_STEWARD]
    ended.exclude(pk__in=list(kept.values_list("pk", flat=True))).delete()


def _run_batch(job: Job, *, clock: Clock, limit: int) -> bool:
    """One batch. Whether there is more to do."""
    simulation = (
        Simulation.objects.select_related("round", "programme", "against__rulebook")
        .filter(pk=int(job.key))
        .first()
    )
    if simulation is None or simulation.status not in _UNFINISHED:
        queue.finish(job, now=clock(), due_at=None)
        return False
    claims = submitted_claims(
        simulation.round, programme=simulation.programme, departments=simulation.departments
    )
    tally = SimulationTally.from_json(simulation.tally)
    numbered = tally.changes
    batch = next_batch(claims, after=simulation.cursor, limit=limit)
    trial = _compiled_trial(simulation)
    changed = [one for one in try_batch(trial, batch, tally) if one.changed]
    total = simulation.total or claims.count()
    return _store_batch(
        job, simulation, batch[-1][0].public_id if batch else None, changed, tally, numbered, total, clock()
    )


def _store_batch(
    job: Job,
    simulation: Simulation,
    cursor: uuid.UUID | None,
    changed: list[TriedClaim],
    tally: SimulationTally,
    numbered: int,
    total: int,
    now: datetime,
) -> bool:
    with transaction.atomic():
        locked = Simulation.objects.select_for_update().only("status").get(pk=simulation.pk)
        if locked.status not in _UNFINISHED:
            queue.finish(job, now=now, due_at=None)
            return False
        SimulationChange.objects.bulk_create(
            _change_row(simulation, ordinal, one) for ordinal, one in enumerate(changed, start=numbered + 1)
        )
        told = {"tally": tally.to_json(), "total": total}
        if cursor is None:
            ended = {"status": Status.DONE, "finished_at": now}
            Simulation.objects.filter(pk=simulation.pk).update(**told, **ended)
            queue.finish(job, now=now, due_at=None)
            return False
        Simulation.objects.filter(pk=simulation.pk).update(**told, status=Status.RUNNING, cursor=cursor)
        queue.hold(job, now=now, lease=LEASE, progress={"claims": tally.claims + tally.failed, "of": total})
    return True


_COMPILED: dict[tuple[str, int | None], RulebookTrial] = {}


def _compiled_trial(simulation: Simulation) -> RulebookTrial:
    """Compiled once for all batches of one simulation; the one before is let go."""
    key = (simulation.digest, simulation.against_id)
    if key not in _COMPILED:
        _COMPILED.clear()
        _COMPILED[key] = RulebookTrial(tried_rulebook(simulation), simulation.against)
    return _COMPILED[key]


def _change_row(simulation: Simulation, ordinal: int, one: TriedClaim) -> SimulationChange:
    return SimulationChange(
        simulation=simulation,
        ordinal=ordinal,
        assessment=one.assessment,
        credit_before=one.before.credit,
        credit_after=one.after.credit,
        points_before=four_decimals(one.before.points),
        points_after=four_decimals(one.after.points),
    )


def _retry_or_give_up(job: Job, *, now: datetime) -> None:
    """Tried again later; given up after :data:`TRIES`."""
    error = CreditsError(
        "simulation-broke-off",
        _("The simulation stopped unexpectedly."),
        _("If this happens again, tell the administrator."),
    )
    last = job.failures + 1 >= MAX_TRIES
    try:
        with transaction.atomic():
            due_at = None if last else now + retry.delay(job.failures + 1, job.key)
            queue.fail(job, error, now=now, due_at=due_at)
            if last:
                Simulation.objects.filter(pk=int(job.key), status__in=_UNFINISHED).update(
                    status=Status.FAILED, finished_at=now, **queue.told(error)
                )
    except queue.LeaseLost:
        return
