"""A second look at contributions before anything is posted: labels, reverts, deletions, renames and transfers.

It finds and tells; it decides nothing. A look that fails leaves everything as it was known: only what the forge
itself says is taken back, or gone, is so. One job of the queue stands for one contribution, in the lane of its
forge; the cheapest way of asking for many at once is the adapter's.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import DataError, IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from credits.contributions.collecting import forge_session
from credits.contributions.collecting.forge_session import (
    lane_closed_until,
    missing_token_error,
    open_session,
)
from credits.contributions.models import Contribution, Recheck
from credits.contributions.storing.store import store
from credits.errors import CreditsError
from credits.forges.errors import ForgeError, ForgeUnavailable, MissingOnForge
from credits.forges.protocol import ChangeRef, Forge, RecheckAnswer
from credits.jobs import queue, retry
from credits.jobs.models import Job

KIND = "recheck"
LEASE = timedelta(minutes=5)
BATCH_SIZE = 100
ATTESTED = "attested"
Finding = Recheck.Finding
Status = Contribution.Status


@dataclass(slots=True)
class RecheckReport:
    """What looking again came to: ``seen`` answered, ``found`` of them with something that a person should see."""

    seen: int = 0
    found: int = 0
    failed: int = 0
    closed_by: ForgeError | None = None
    findings: dict[int, str] = field(default_factory=dict)

    def add(self, other: RecheckReport) -> None:
        self.seen += other.seen
        self.found += other.found
        self.failed += other.failed
        self.closed_by = other.closed_by
        self.findings |= other.findings


def unseen_since(contributions: Iterable[int], since: datetime) -> list[Contribution]:
    """Those of these keys that no forge has told of since then, at their collection or at a second look."""
    unseen = Contribution.objects.filter(pk__in=set(contributions), collected_at__lt=since).exclude(
        recheck__seen_at__gte=since
    )
    return list(unseen.select_related("repository").order_by("pk"))


def request_rechecks(contributions: Iterable[Contribution], *, now: datetime) -> int:
    """See to it that these are looked at again as soon as a worker can; how many are asked for anew. What is on its
    way already, or waits after a failure, keeps its time."""
    wanted = {str(one.pk): one.repository.forge for one in contributions}
    made = queue.ensure_many(KIND, wanted.items(), due_at=now)
    asleep = Job.objects.filter(kind=KIND, key__in=wanted, due_at=None).values_list("key", flat=True)
    return made + queue.ask_now(KIND, list(asleep), now=now)


def due_forges(*, now: datetime) -> list[str]:
    """The names of the forges on which something is to be looked at again now."""
    return forge_session.due_forges(KIND, now=now)


def recheck_contributions(
    contributions: Sequence[Contribution], *, forge: Forge, now: datetime
) -> RecheckReport:
    """Look at these now, all of one forge. What a look fails for is told in the report; what the forge as a whole
    fails for is raised, after what was seen before."""
    report = RecheckReport()
    attested = [one for one in contributions if one.found_by == ATTESTED]
    by_ref = {one.forge_id: one for one in contributions if one.found_by != ATTESTED}
    for one in attested:
        _store_answer(one, _recheck_commit(one, forge), forge.name, report, now)
    for standing in forge.recheck([_change_ref(one) for one in by_ref.values()]) if by_ref else ():
        held = by_ref.get(standing.ref.id)
        if held is not None:
            _store_answer(held, standing, forge.name, report, now)
    return report


def recheck_due_batch(
    forge: Forge, *, clock: Callable[[], datetime], limit: int = BATCH_SIZE
) -> RecheckReport:
    """Look at one batch of what is due on this forge. Raises nothing for what a forge does. Nothing is looked at while
    another worker is on the forge, or this process has no token for it."""
    if error := missing_token_error(forge):
        return RecheckReport(closed_by=error)
    with open_session(forge, KIND, clock=clock) as alone:
        return _recheck_batch(forge, clock, limit) if alone else RecheckReport()


def _recheck_batch(forge: Forge, clock: Callable[[], datetime], limit: int) -> RecheckReport:
    now = clock()
    report = RecheckReport()
    jobs = {int(job.key): job for job in queue.take(KIND, forge.name, limit=limit, now=now, lease=LEASE)}
    held = Contribution.objects.filter(pk__in=jobs).select_related("repository", "recheck")
    for gone in jobs.keys() - {one.pk for one in held}:
        _drop_job(jobs[gone], now)
    try:
        report = recheck_contributions(list(held), forge=forge, now=now)
    except ForgeError as error:
        until = lane_closed_until(error, clock())
        queue.close_lane(forge.name, until=until, error=error)
        report.closed_by = error
    for one in held.all():
        _finish_job(jobs[one.pk], getattr(one, "recheck", None), report, now)
    return report


def recheck_all_due(forge: Forge, *, clock: Callable[[], datetime]) -> RecheckReport:
    """Batch after batch until nothing is due or the lane is closed."""
    report = RecheckReport()
    while not report.closed_by:
        batch = recheck_due_batch(forge, clock=clock)
        report.add(batch)
        if not batch.seen + batch.failed:
            break
    return report


def _change_ref(held: Contribution) -> ChangeRef:
    return ChangeRef(
        id=held.forge_id,
        number=held.number,
        repository_id=held.repository.forge_id,
        full_name=held.repository.full_name,
        kind=held.kind,  # type: ignore[arg-type]
        node_id=held.node_id,
        merged_at=held.merged_at,
        merge_commit=held.merge_commit,
    )


def _recheck_commit(held: Contribution, forge: Forge) -> RecheckAnswer:
    """What was attested never was merged for the forge: what can be looked at is the commit by which it landed."""
    ref = _change_ref(held)
    try:
        forge.find_commit(held.repository.full_name, held.merge_commit or "")
    except MissingOnForge:
        return RecheckAnswer(ref, "gone")
    except ForgeUnavailable as error:
        return RecheckAnswer(ref, "unknown", failure=error)
    return RecheckAnswer(ref, "landed")


def _store_answer(
    held: Contribution, standing: RecheckAnswer, forge: str, report: RecheckReport, now: datetime
) -> None:
    """One answer: what is known is stored, what was found is noted, both or neither."""
    error: CreditsError | None = standing.failure
    finding, fact = "", ""
    try:
        with transaction.atomic():
            if error is None and standing.status != Status.UNKNOWN:
                finding, fact = _store_state(held, standing, forge, now)
            else:
                error = error or _nothing_known_error()
            _store_recheck(held, finding, fact, error, now)
    except (DataError, IntegrityError):
        error = ForgeUnavailable(
            "answer-not-storable", _("The platform returned something that cannot be stored."), ""
        )
        with transaction.atomic():
            _store_recheck(held, "", "", error, now)
    if error is not None:
        report.failed += 1
        return
    report.seen += 1
    if finding:
        report.found += 1
        report.findings[held.pk] = finding


def _store_state(held: Contribution, standing: RecheckAnswer, forge: str, now: datetime) -> tuple[str, str]:
    change = standing.change
    rows = Contribution.objects.filter(pk=held.pk)
    if standing.status == Status.GONE:
        rows.exclude(status=Status.GONE).update(status=Status.GONE)
        return Finding.GONE, held.url
    moved = change is not None and change.repository.id != held.repository.forge_id
    if change is not None and not moved:
        store(forge, [change], now=now)
    if standing.status == Status.REVERTED:
        rows.exclude(status=Status.REVERTED).update(status=Status.REVERTED)
        return Finding.REVERTED, standing.reverted_by or held.url
    # Seen again: what was thought gone has come back (a repository that was private for a day), and what was taken
    # back was put in again.
    rows.filter(status__in=(Status.GONE, Status.REVERTED)).update(status=standing.status)
    return (Finding.MOVED, change.url) if moved and change is not None else ("", "")


def _store_recheck(
    held: Contribution, finding: str, fact: str, error: CreditsError | None, now: datetime
) -> None:
    told = queue.told(error) if error else {"error_code": "", "error_message": "", "seen_at": now}
    kept = {} if error else {"finding": finding, "fact": fact[:500]}
    Recheck.objects.update_or_create(contribution=held, defaults={"tried_at": now, **told, **kept})


def _finish_job(job: Job, seen: Recheck | None, report: RecheckReport, now: datetime) -> None:
    """Done; or to be tried again, where this look failed. Left as it is where the forge as a whole did."""
    try:
        if seen is None or seen.tried_at != now:
            queue.put_back([job], report.closed_by)
        elif seen.error_code:
            error = ForgeUnavailable(seen.error_code, seen.error_message)
            queue.fail(job, error, now=now, due_at=now + retry.delay(job.failures + 1, job.key))
        else:
            queue.finish(job, now=now, due_at=None)
    except queue.LeaseLost:
        pass  # another worker looks at it anew


def _drop_job(job: Job, now: datetime) -> None:
    with contextlib.suppress(queue.LeaseLost):
        queue.finish(job, now=now, due_at=None)


def _nothing_known_error() -> ForgeUnavailable:
    return ForgeUnavailable(
        "recheck-unknown",
        _("The platform did not return its current status."),
        _("It will be checked again automatically."),
    )


def pending(contributions: Iterable[int]) -> QuerySet[Job]:
    """The jobs of these keys that still wait or run."""
    keys = [str(key) for key in contributions]
    return Job.objects.filter(~Q(due_at=None), kind=KIND, key__in=keys)
