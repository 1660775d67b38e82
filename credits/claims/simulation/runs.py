"""Simulations in the background: a steward requests and stops them, a worker runs them batch by batch.

The findings of a batch, its progress and the renewal of the job's lease are written in one transaction. A worker may
die at any instruction: the next worker continues after the last batch, and no claim is counted twice.
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
"""Longer than the slowest batch takes; each batch renews the lease."""
MAX_TRIES = 3
KEPT_PER_STEWARD = 50
"""How many simulations of each steward are kept, the newest; older ones are deleted with their findings."""
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
    """Request a simulation of a rulebook on a round's claims.

    ``version`` is set if the rulebook is a stored version. If the steward has an unfinished simulation with the same
    rulebook, round, programme and comparison, return that instead. Raises NotAllowed unless ``by`` is a steward.
    """
    permissions.require(by, StaffRole.Role.STEWARD)
    scope = permissions.departments_of(by, StaffRole.Role.STEWARD)
    digest = rulebook_digest(rulebook)
    same = Simulation.objects.filter(
        asked_by=by, round=round_, programme=programme, against=against, digest=digest, status__in=_UNFINISHED
    ).first()
    if same is not None:
        return same
    simulation = Simulation.objects.create(
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
    queue.ensure(KIND, str(simulation.pk), LANE, due_at=now)
    _drop_old_simulations(by)
    audit.record(
        "simulation-asked",
        simulation,
        by=by,
        now=now,
        rulebook=simulation.code,
        digest=digest,
        round=round_.code,
        programme=programme and programme.name,
    )
    wake_workers()
    return simulation


@transaction.atomic
def stop(simulation: Simulation, *, by: User, now: datetime) -> Simulation:
    """Stop the simulation; its findings so far stay. Raises Conflict if it has already ended."""
    permissions.require(by, StaffRole.Role.STEWARD)
    locked = Simulation.objects.select_for_update().get(pk=simulation.pk)
    if locked.status not in _UNFINISHED:
        raise Conflict("simulation-ended", _("This simulation has already ended."))
    locked.status, locked.finished_at = Status.STOPPED, now
    locked.save(update_fields=["status", "finished_at"])
    audit.record("simulation-stopped", locked, by=by, now=now)
    return locked


def visible_simulations(user: User) -> QuerySet[Simulation]:
    """Return the simulations that a steward may see, newest first.

    A steward for all departments may see all of them, others those limited to their own departments. At most
    :data:`KEPT_PER_STEWARD` of each steward exist.
    """
    permissions.require(user, StaffRole.Role.STEWARD)
    found = Simulation.objects.select_related(
        "round", "programme", "version__rulebook", "against__rulebook", "asked_by"
    ).defer("canonical")
    scope = permissions.departments_of(user, StaffRole.Role.STEWARD)
    if scope is None:
        return found
    return found.filter(departments__contained_by=sorted(scope))


def find_simulation(user: User, public_id: uuid.UUID) -> Simulation:
    """Return a simulation of :func:`visible_simulations`. Raises NotThere for any other."""
    found = visible_simulations(user).filter(public_id=public_id).first()
    if found is None:
        raise NotThere("no-such-simulation", _("There is no such simulation."))
    return found


def tried_rulebook(simulation: Simulation) -> RulebookDocument:
    """Return the rulebook that was tried."""
    return parse(simulation.canonical)


def largest_changes(simulation: Simulation, limit: int = LARGEST_SHOWN) -> list[SimulationChange]:
    """Return the largest changes: by credit, then by points."""
    return list(
        simulation.changes.select_related("assessment__claim__enrolment__programme__department")
        .defer("assessment__facts", "assessment__outcome", "assessment__claim__facts")
        .order_by(*_BY_SIZE)[:limit]
    )


def is_due(*, now: datetime) -> bool:
    """Return whether a simulation waits for a worker."""
    return bool(queue.due_lanes(KIND, now=now))


def run_due(*, clock: Clock, budget: timedelta | None = None, limit: int = BATCH_SIZE) -> bool:
    """Run the due simulations one after another. Return True if the time budget ended before the work did."""
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
    """Delete ended simulations of the steward, except the newest :data:`KEPT_PER_STEWARD`.

    They decide nothing and can be requested again.
    """
    ended = Simulation.objects.filter(asked_by=by).exclude(status__in=_UNFINISHED)
    kept = Simulation.objects.filter(asked_by=by).values("pk")[:KEPT_PER_STEWARD]
    ended.exclude(pk__in=list(kept.values_list("pk", flat=True))).delete()


def _run_batch(job: Job, *, clock: Clock, limit: int) -> bool:
    """Run one batch of the job. Return whether there is more to do."""
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
    changes_before = tally.changes
    batch = next_batch(claims, after=simulation.cursor, limit=limit)
    trial = _compiled_trial(simulation)
    changed = [tried for tried in try_batch(trial, batch, tally) if tried.changed]
    total = simulation.total or claims.count()
    return _store_batch(
        job,
        simulation,
        batch[-1][0].public_id if batch else None,
        changed,
        tally,
        changes_before,
        total,
        clock(),
    )


def _store_batch(
    job: Job,
    simulation: Simulation,
    cursor: uuid.UUID | None,
    changed: list[TriedClaim],
    tally: SimulationTally,
    changes_before: int,
    total: int,
    now: datetime,
) -> bool:
    with transaction.atomic():
        locked = Simulation.objects.select_for_update().only("status").get(pk=simulation.pk)
        if locked.status not in _UNFINISHED:
            queue.finish(job, now=now, due_at=None)
            return False
        SimulationChange.objects.bulk_create(
            _change_row(simulation, ordinal, tried)
            for ordinal, tried in enumerate(changed, start=changes_before + 1)
        )
        progress = {"tally": tally.to_json(), "total": total}
        if cursor is None:
            ended = {"status": Status.DONE, "finished_at": now}
            Simulation.objects.filter(pk=simulation.pk).update(**progress, **ended)
            queue.finish(job, now=now, due_at=None)
            return False
        Simulation.objects.filter(pk=simulation.pk).update(**progress, status=Status.RUNNING, cursor=cursor)
        queue.hold(job, now=now, lease=LEASE, progress={"claims": tally.claims + tally.failed, "of": total})
    return True


_COMPILED: dict[tuple[str, int | None], RulebookTrial] = {}


def _compiled_trial(simulation: Simulation) -> RulebookTrial:
    """Return the compiled rulebook, kept for all batches of a simulation; only the latest is kept."""
    key = (simulation.digest, simulation.against_id)
    if key not in _COMPILED:
        _COMPILED.clear()
        _COMPILED[key] = RulebookTrial(tried_rulebook(simulation), simulation.against)
    return _COMPILED[key]


def _change_row(simulation: Simulation, ordinal: int, tried: TriedClaim) -> SimulationChange:
    return SimulationChange(
        simulation=simulation,
        ordinal=ordinal,
        assessment=tried.assessment,
        credit_before=tried.before.credit,
        credit_after=tried.after.credit,
        points_before=four_decimals(tried.before.points),
        points_after=four_decimals(tried.after.points),
    )


def _retry_or_give_up(job: Job, *, now: datetime) -> None:
    """Schedule the job again after an error, or mark the simulation as failed after :data:`MAX_TRIES`."""
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
