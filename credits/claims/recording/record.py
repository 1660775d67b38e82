"""Record a result. Only a registrar does so, and it is the only way from a claim to the ledger."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import cast

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts import audit, permissions
from accounts.calendar.university_calendar import format_instant
from accounts.models import StaffRole, User
from credits.claims.assessment import stored
from credits.claims.assessment.estimate import evaluate_version
from credits.claims.assessment.facts import ref_of
from credits.claims.gates import refuse_before
from credits.claims.locking import lock_claim, lock_person
from credits.claims.models import CLAIM_RELATIONS, Claim, Decision, Result
from credits.claims.review.flags import require_rechecked
from credits.claims.review.review_lines import counting_refs
from credits.claims.stages import has_decided
from credits.errors import Conflict, NotAllowed
from credits.ledger import entries
from credits.rulebooks.models import RulebookVersion
from credits.rulebooks.versions import rulebook_of
from credits.rules import Outcome, RulebookDocument, facts

Status = Claim.Status

_REFERENCE_PREFIX = "result:"
_AWAITING_RECORD = Q(status=Status.NOTICE) | Q(status=Status.REFUSED, result=None)


def ready_to_record(*, now: datetime, by: User | None = None) -> QuerySet[Claim]:
    """Return the claims whose result can be recorded at ``now``, by student number.

    They are finally decided, their notice is over, and recording has begun. With ``by``, only those of the departments
    for which that registrar records.
    """
    return _finally_decided(by).filter(
        Q(status=Status.REFUSED) | Q(notice_until__lte=now), round__record_from__lte=now
    )


def waiting_to_record(*, now: datetime, by: User | None = None) -> QuerySet[Claim]:
    """Return the finally decided claims that wait for a date (see :func:`recordable_from`), the earliest first."""
    return (
        _finally_decided(by)
        .filter(Q(status=Status.NOTICE, notice_until__gt=now) | Q(round__record_from__gt=now))
        .order_by(F("notice_until").asc(nulls_first=True), "enrolment__student_number")
    )


def recordable_from(claim: Claim) -> datetime:
    """Return the instant from which a finally decided claim can be recorded."""
    if claim.status == Status.NOTICE and claim.notice_until is not None:
        return max(claim.notice_until, claim.round.record_from)
    return claim.round.record_from


@transaction.atomic
def record_result(claim: Claim, *, by: User, now: datetime, despite: str = "") -> Result:
    """Record the final decision and, if it gives credit, post it to the ledger.

    Every check is repeated inside the transaction. Raises NotAllowed unless ``by`` is a registrar for the student's
    department who is not the claimant and decided in no stage of review. Raises Conflict, with the date, before the
    public notice is over or recording has begun; if the result is already recorded; if the frozen facts no longer give
    what was decided; if a cap would be exceeded; if a finding on the forge waits for a reviewer's answer; or if a
    contribution was not rechecked recently and ``despite`` gives no reason to record it anyway.
    """
    # Lock the person first, as submitting does, and the ledger last: so two registrars cannot deadlock.
    lock_person(claim.user)
    claim = lock_claim(claim, Status.NOTICE, Status.REFUSED, Status.RECORDED)
    if Result.objects.filter(claim=claim).exists():
        raise Conflict("already-recorded", _("This result is already recorded."))
    decision = claim.decisions.select_related("assessment__version").get(
        standing=Decision.Standing.FINAL, stage=claim.stage
    )
    _require_recorder(claim, by)
    _refuse_before_dates(claim, now)
    rulebook = rulebook_of(cast(RulebookVersion, claim.version))
    outcome = _recompute_outcome(claim, decision)
    require_rechecked(claim, decision, by=by, now=now, despite=despite)
    _refuse_over_caps(claim, rulebook, outcome.credit)
    result = Result.objects.create(
        claim=claim,
        decision=decision,
        credit=outcome.credit,
        points=stored.four_decimals(outcome.points),
        points_carried=stored.four_decimals(outcome.carried),
        grade=outcome.grade.scheme if outcome.grade else "",
        recorded_by=by,
        recorded_at=now,
    )
    if outcome.credit > 0:
        _post_to_ledger(result, rulebook, outcome, decision, by=by, now=now)
    _release_uncounted_items(claim, outcome)
    if claim.status == Status.NOTICE:
        claim.status = Status.RECORDED
        claim.save(update_fields=["status"])
    audit.record(
        "result-recorded",
        result,
        by=by,
        now=now,
        person=claim.user,
        claim=str(claim.public_id),
        credit=str(outcome.credit),
        decision=decision.pk,
        outcome_digest=outcome.digest,
    )
    return result


@transaction.atomic
def record_results(claims: Iterable[Claim], *, by: User, now: datetime, despite: str = "") -> list[Result]:
    """Record several results, all or none. The first that cannot be recorded raises its error."""
    chosen = sorted(claims, key=lambda claim: (claim.user_id, claim.pk))
    for claim in chosen:
        lock_person(claim.user)
    return [record_result(claim, by=by, now=now, despite=despite) for claim in chosen]


def ledger_reference(public_id: uuid.UUID) -> str:
    """Return the reference by which the ledger names the result with this public id."""
    return f"{_REFERENCE_PREFIX}{public_id}"


def result_id_of(reference: str) -> uuid.UUID | None:
    """Return the public id of the result that a ledger reference names, or None if it names no result."""
    prefix, _colon, public_id = reference.partition(":")
    try:
        return uuid.UUID(public_id) if prefix + _colon == _REFERENCE_PREFIX else None
    except ValueError:
        return None


def _finally_decided(by: User | None) -> QuerySet[Claim]:
    decided = Claim.objects.filter(_AWAITING_RECORD)
    scope = permissions.departments_of(by, StaffRole.Role.REGISTRAR) if by is not None else None
    if scope is not None:
        decided = decided.filter(enrolment__programme__department__in=scope)
    return decided.select_related(*CLAIM_RELATIONS).defer("facts").order_by("enrolment__student_number")


def _require_recorder(claim: Claim, by: User) -> None:
    permissions.require(by, StaffRole.Role.REGISTRAR, claim.enrolment.programme.department)
    if claim.user_id == by.pk:
        raise NotAllowed(
            "own-claim",
            _("You cannot record the result of your own application."),
            _("Ask another registrar."),
        )
    if has_decided(claim, by):
        raise NotAllowed(
            "decided-by-yourself",
            _("You decided on this application, so another person must record it."),
            _("Ask another registrar."),
        )


def _refuse_before_dates(claim: Claim, now: datetime) -> None:
    if claim.status == Status.NOTICE and claim.notice_until is not None:
        refuse_before(
            claim.notice_until,
            now,
            "notice-not-over",
            _("This result is on public notice until %(date)s; it can be recorded after that."),
        )
    refuse_before(
        claim.round.record_from,
        now,
        "recording-not-begun",
        _("Results of this round can be recorded from %(date)s."),
    )


def _recompute_outcome(claim: Claim, decision: Decision) -> Outcome:
    """Compute the decided outcome again from the frozen facts (invariant 4). Raises Conflict if anything differs."""
    assessment = decision.assessment
    decided = facts.facts_from_json(assessment.facts)
    outcome = evaluate_version(assessment.version, decided)
    frozen = facts.facts_from_json(cast("dict[str, object]", claim.facts))
    if (
        outcome.digest != assessment.outcome_digest
        or facts.digest(frozen) != claim.facts_digest
        or assessment.version_id != claim.version_id
        or {contribution.ref for contribution in decided.contributions}
        != {contribution.ref for contribution in frozen.contributions}
    ):
        raise Conflict(
            "assessment-differs",
            _("The saved data no longer give the result that was decided, so nothing was recorded."),
            _("Tell the administrator: stored data was changed."),
            status=500,
        )
    return outcome


def _refuse_over_caps(claim: Claim, rulebook: RulebookDocument, credit: Decimal) -> None:
    """Raise Conflict if the credit would exceed a cap of the person.

    The person's credit may have grown since the facts were frozen. The decision was then based on an old sum.
    """
    category = rulebook.category.code
    this_term = entries.recognised(claim.user, category, term=claim.round.term.code)
    ever = entries.recognised(claim.user, category)
    if credit > 0 and (this_term + credit > rulebook.term_cap or ever + credit > rulebook.degree_cap):
        raise Conflict(
            "over-the-cap",
            _("Together with the %(ever)s credits already recognised, this would exceed the rulebook's cap.")
            % {"ever": ever},
            _("Credit was posted after this application was submitted (%(date)s); see the ledger.")
            % {"date": format_instant(cast(datetime, claim.submitted_at))},
        )


def _post_to_ledger(
    result: Result,
    rulebook: RulebookDocument,
    outcome: Outcome,
    decision: Decision,
    *,
    by: User,
    now: datetime,
) -> None:
    claim = result.claim
    version = cast(RulebookVersion, claim.version)
    entries.post(
        person=claim.user,
        student_number=claim.enrolment.student_number,
        category=rulebook.category.code,
        term=claim.round.term.code,
        credit=result.credit,
        reference=ledger_reference(result.public_id),
        details={
            "round": claim.round.code,
            "category": rulebook.category.title.model_dump(),
            "title": rulebook.title.model_dump(),
            "course": rulebook.course.model_dump(mode="json") if rulebook.course else None,
            "grade": outcome.grade.to_json() if outcome.grade else None,
            "rulebook": version.rulebook.code,
            "version": version.number,
            "rulebook_digest": version.digest,
            "facts_digest": claim.facts_digest,
            "outcome_digest": decision.assessment.outcome_digest,
            "points": str(result.points),
            "decided_by": decision.decided_by.username,
        },
        by=by,
        now=now,
    )


def _release_uncounted_items(claim: Claim, outcome: Outcome) -> None:
    """Release contributions that did not count (not yet mature, unknown or refused), so they can be claimed again."""
    counts = counting_refs(outcome)
    for item in claim.items.filter(live=True).select_related("authorship__contribution__repository"):
        if ref_of(item.authorship) not in counts:
            item.live = False
            item.save(update_fields=["live"])
