"""Recheck contributions before anything is posted: labels, reverts, deletions, renames and transfers.

A recheck finds and reports; it decides nothing. A failed recheck leaves everything as it was: a contribution counts as
reverted or gone only if the forge itself says so. One job of the queue stands for one contribution, in the lane of its
forge. The forge adapter knows the cheapest way to ask for many at once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import DataError, IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from credits.contributions.collecting import forge_session
from credits.contributions.collecting.forge_session import (
    lane_closed_until,
    missing_token_error,
    open_session,
)
from credits.contributions.models import FOUND_BY_ATTESTATION, Contribution, Recheck
from credits.contributions.storing.store import store
from credits.errors import CreditsError
from credits.forges.errors import ForgeError, ForgeUnavailable, MissingOnForge
from credits.forges.protocol import ChangeRef, Forge, RecheckAnswer
from credits.jobs import queue, retry
from credits.jobs.models import Job

KIND = "recheck"
LEASE = timedelta(minutes=5)
BATCH_SIZE = 100
"""The most contributions that are rechecked at once."""
Finding = Recheck.Finding
Status = Contribution.Status


@dataclass(slots=True)
class RecheckReport:
    """The result of rechecks. ``findings`` has the finding by contribution, of those that a person should see.

    ``seen`` were answered, ``found`` of them with a finding, and ``failed`` were not answered. ``closed_by`` is the
    error that closed the lane.
    """

    seen: int = 0
    found: int = 0
    failed: int = 0
    closed_by: ForgeError | None = None
    findings: dict[int, str] = field(default_factory=dict)

    def add(self, other: RecheckReport) -> None:
        """Add the result of a later batch."""
        self.seen += other.seen
        self.found += other.found
        self.failed += other.failed
        self.closed_by = other.closed_by
        self.findings |= other.findings


def unseen_since(contributions: Iterable[int], since: datetime) -> list[Contribution]:
    """Return those of these keys that no forge has returned since then, neither when collecting nor at a recheck."""
    unseen = Contribution.objects.filter(pk__in=set(contributions), collected_at__lt=since).exclude(
        recheck__seen_at__gte=since
    )
    return list(unseen.select_related("repository").order_by("pk"))


def request_rechecks(contributions: Iterable[Contribution], *, now: datetime) -> int:
    """Make these contributions due for a recheck now. Return how many of the requests are new.

    A job that is waiting, also after a failure, keeps its time.
    """
    wanted = {str(contribution.pk): contribution.repository.forge for contribution in contributions}
    made = queue.ensure_many(KIND, wanted.items(), due_at=now)
    asleep = Job.objects.filter(kind=KIND, key__in=wanted, due_at=None).values_list("key", flat=True)
    return made + queue.ask_now(KIND, list(asleep), now=now)


def due_forges(*, now: datetime) -> list[str]:
    """Return the names of the forges with a recheck that is due now."""
    return forge_session.due_forges(KIND, now=now)


def recheck_contributions(
    contributions: Sequence[Contribution], *, forge: Forge, now: datetime
) -> RecheckReport:
    """Recheck these contributions of one forge now, and store what it returns.

    A failure of one contribution goes into the report. A failure of the forge as a whole is raised, after the answers
    that came before it were stored.
    """
    report = RecheckReport()
    attested = [item for item in contributions if item.found_by == FOUND_BY_ATTESTATION]
    by_id = {item.forge_id: item for item in contributions if item.found_by != FOUND_BY_ATTESTATION}
    for contribution in attested:
        _store_answer(contribution, _recheck_commit(contribution, forge), forge.name, report, now)
    for answer in forge.recheck([_change_ref(item) for item in by_id.values()]) if by_id else ():
        rechecked = by_id.get(answer.ref.id)
        if rechecked is not None:
            _store_answer(rechecked, answer, forge.name, report, now)
    return report


def recheck_due_batch(
    forge: Forge, *, clock: Callable[[], datetime], limit: int = BATCH_SIZE
) -> RecheckReport:
    """Recheck one batch of contributions that are due on this forge. Errors of the forge go into the report.

    Nothing is rechecked while another worker is on the forge, or if this process has no token for it.
    """
    if error := missing_token_error(forge):
        return RecheckReport(closed_by=error)
    with open_session(forge, KIND, clock=clock) as alone:
        return _recheck_batch(forge, clock, limit) if alone else RecheckReport()


def _recheck_batch(forge: Forge, clock: Callable[[], datetime], limit: int) -> RecheckReport:
    now = clock()
    report = RecheckReport()
    jobs = {int(job.key): job for job in queue.take(KIND, forge.name, limit=limit, now=now, lease=LEASE)}
    stored = Contribution.objects.filter(pk__in=jobs).select_related("repository", "recheck")
    for missing in jobs.keys() - {contribution.pk for contribution in stored}:
        _drop_job(jobs[missing], now)
    try:
        report = recheck_contributions(list(stored), forge=forge, now=now)
    except ForgeError as error:
        until = lane_closed_until(error, clock())
        queue.close_lane(forge.name, until=until, error=error)
        report.closed_by = error
    for contribution in stored.all():
        _finish_job(jobs[contribution.pk], getattr(contribution, "recheck", None), report, now)
    return report


def recheck_all_due(forge: Forge, *, clock: Callable[[], datetime]) -> RecheckReport:
    """Recheck batches until nothing is due or the lane is closed."""
    report = RecheckReport()
    while not report.closed_by:
        batch = recheck_due_batch(forge, clock=clock)
        report.add(batch)
        if not batch.seen + batch.failed:
            break
    return report


def _change_ref(contribution: Contribution) -> ChangeRef:
    return ChangeRef(
        id=contribution.forge_id,
        number=contribution.number,
        repository_id=contribution.repository.forge_id,
        full_name=contribution.repository.full_name,
        kind=contribution.kind,  # type: ignore[arg-type]
        node_id=contribution.node_id,
        merged_at=contribution.merged_at,
        merge_commit=contribution.merge_commit,
    )


def _recheck_commit(contribution: Contribution, forge: Forge) -> RecheckAnswer:
    """Recheck attested work. For the forge its pull request was never merged, so look for the commit instead."""
    ref = _change_ref(contribution)
    try:
        forge.find_commit(contribution.repository.full_name, contribution.merge_commit or "")
    except MissingOnForge:
        return RecheckAnswer(ref, "gone")
    except ForgeUnavailable as error:
        return RecheckAnswer(ref, "unknown", failure=error)
    return RecheckAnswer(ref, "landed")


def _store_answer(
    contribution: Contribution, answer: RecheckAnswer, forge: str, report: RecheckReport, now: datetime
) -> None:
    """Store an answer of the forge together with its finding, both or neither."""
    error: CreditsError | None = answer.failure
    finding, fact = "", ""
    try:
        with transaction.atomic():
            if error is None and answer.status != Status.UNKNOWN:
                finding, fact = _store_state(contribution, answer, forge, now)
            else:
                error = error or _nothing_known_error()
            _store_recheck(contribution, finding, fact, error, now)
    except (DataError, IntegrityError):
        error = ForgeUnavailable(
            "answer-not-storable", _("The platform returned something that cannot be stored."), ""
        )
        with transaction.atomic():
            _store_recheck(contribution, "", "", error, now)
    if error is not None:
        report.failed += 1
        return
    report.seen += 1
    if finding:
        report.found += 1
        report.findings[contribution.pk] = finding


def _store_state(
    contribution: Contribution, answer: RecheckAnswer, forge: str, now: datetime
) -> tuple[str, str]:
    change = answer.change
    rows = Contribution.objects.filter(pk=contribution.pk)
    if answer.status == Status.GONE:
        rows.exclude(status=Status.GONE).update(status=Status.GONE)
        return Finding.GONE, contribution.url
    moved = change is not None and change.repository.id != contribution.repository.forge_id
    if change is not None and not moved:
        store(forge, [change], now=now)
    if answer.status == Status.REVERTED:
        rows.exclude(status=Status.REVERTED).update(status=Status.REVERTED)
        return Finding.REVERTED, answer.reverted_by or contribution.url
    # It is there again: a contribution that was gone has come back (its repository was private for a day), or reverted
    # work was merged again.
    rows.filter(status__in=(Status.GONE, Status.REVERTED)).update(status=answer.status)
    return (Finding.MOVED, change.url) if moved and change is not None else ("", "")


def _store_recheck(
    contribution: Contribution, finding: str, fact: str, error: CreditsError | None, now: datetime
) -> None:
    outcome = queue.told(error) if error else {"error_code": "", "error_message": "", "seen_at": now}
    found = {} if error else {"finding": finding, "fact": fact[:500]}
    Recheck.objects.update_or_create(
        contribution=contribution, defaults={"tried_at": now, **outcome, **found}
    )


def _finish_job(job: Job, seen: Recheck | None, report: RecheckReport, now: datetime) -> None:
    """Finish the job, or retry it later if its recheck failed. Put it back if the forge as a whole failed."""
    try:
        if seen is None or seen.tried_at != now:
            queue.put_back([job], report.closed_by)
        elif seen.error_code:
            error = ForgeUnavailable(seen.error_code, seen.error_message)
            queue.fail(job, error, now=now, due_at=now + retry.delay(job.failures + 1, job.key))
        else:
            queue.finish(job, now=now, due_at=None)
    except queue.LeaseLost:
        pass  # another worker rechecks it


def _drop_job(job: Job, now: datetime) -> None:
    with contextlib.suppress(queue.LeaseLost):
        queue.finish(job, now=now, due_at=None)


def _nothing_known_error() -> ForgeUnavailable:
    return ForgeUnavailable(
        "recheck-unknown",
        _("The platform did not return its current status."),
        _("It will be checked again automatically."),
    )
