"""Record a result: the registrar's act, and the only way from a claim to the ledger."""

from __future__ import annotations

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

_AWAITING_RECORD = Q(status=Status.NOTICE) | Q(status=Status.REFUSED, result=None)


def ready_to_record(*, now: datetime, by: User | None = None) -> QuerySet[Claim]:
    """Claims whose result can be recorded at ``now``: finally decided, notice over, recording begun; by student
    number. With ``by``, those of the departments for which that registrar records."""
    return _finally_decided(by).filter(
        Q(status=Status.REFUSED) | Q(notice_until__lte=now), round__record_from__lte=now
    )


def waiting_to_record(*, now: datetime, by: User | None = None) -> QuerySet[Claim]:
    """Finally decided claims that wait for a date: :func:`waits_until` says which. The soonest first."""
    return (
        _finally_decided(by)
        .filter(Q(status=Status.NOTICE, notice_until__gt=now) | Q(round__record_from__gt=now))
        .order_by(F("notice_until").asc(nulls_first=True), "enrolment__student_number")
    )


def recordable_from(claim: Claim) -> datetime:
    """The instant from which a finally decided claim can be recorded."""
    if claim.status == Status.NOTICE and claim.notice_until is not None:
        return max(claim.notice_until, claim.round.record_from)
    return claim.round.record_from


@transaction.atomic
def record_result(claim: Claim, *, by: User, now: datetime, despite: str = "") -> Result:
    """Record what stands, and post it where it is more than nothing. Everything is looked at again in here.

    Raises NotAllowed unless ``by`` is a registrar for the student's department, neither the claimant nor one who
    decided in any stage of review; Conflict, with the date, before public notice is over or recording has begun,
    where it is recorded already, where the frozen facts do not give what was decided or a cap would be broken, and
    where something found on the forge waits for a reviewer or was not looked at lately (``despite``: why it is
    recorded all the same).
    """
    # The person first, as in submitting; the ledger last: so no two registrars wait for each other.
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
    """Record several, all or none: the first that cannot be recorded stops it with its reason."""
    chosen = sorted(claims, key=lambda one: (one.user_id, one.pk))
    for claim in chosen:
        lock_person(claim.user)
    return [record_result(claim, by=by, now=now, despite=despite) for claim in chosen]


def ledger_reference(result: Result) -> str:
    """What the ledger calls this result."""
    return f"result:{result.public_id}"


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
    """What was decided, computed once more from what was frozen (invariant 4); the same, or nothing is recorded."""
    assessment = decision.assessment
    decided = facts.facts_from_json(assessment.facts)
    outcome = evaluate_version(assessment.version, decided)
    frozen = facts.facts_from_json(cast("dict[str, object]", claim.facts))
    if (
        outcome.digest != assessment.outcome_digest
        or facts.digest(frozen) != claim.facts_digest
        or assessment.version_id != claim.version_id
        or {one.ref for one in decided.contributions} != {one.ref for one in frozen.contributions}
    ):
        raise Conflict(
            "assessment-differs",
            _("The saved data no longer give the result that was decided, so nothing was recorded."),
            _("Tell the administrator: stored data was changed."),
            status=500,
        )
    return outcome


def _refuse_over_caps(claim: Claim, rulebook: RulebookDocument, credit: Decimal) -> None:
    """Caps follow the person. What stands may have grown since the facts were frozen; then the decision was made on
    a standing that is gone."""
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
        reference=ledger_reference(result),
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
    """Contributions that earned nothing may be claimed again: not yet mature, unknown, or finally refused."""
    counts = counting_refs(outcome)
    for item in claim.items.filter(live=True).select_related("authorship__contribution__repository"):
        if ref_of(item.authorship) not in counts:
            item.live = False
            item.save(update_fields=["live"])
