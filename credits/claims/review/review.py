"""Review: the reviewers' queue, the preview of a decision, and the decision with its hearing.

The program never awards and never refuses (个人信息保护法 第二十四条). A person does each step here: not the claimant,
and with the claim in their scope (invariant 8). If the rulebook has several stages of review, each stage decides as if
it were the only one, sees the earlier decision and its reasons, and is done by another person
(``credits.claims.stages``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.calendar.university_calendar import load_calendar
from accounts.models import User
from credits.claims.assessment import stored
from credits.claims.assessment.double_claims import lock_same_work, same_patch_of_others
from credits.claims.assessment.estimate import Estimate, estimate_from_facts, evaluate_version
from credits.claims.assessment.facts import frozen_facts, ref_of
from credits.claims.gates import refuse_before
from credits.claims.locking import lock_claim
from credits.claims.models import CLAIM_RELATIONS, Assessment, Claim, Decision, HearingAnswer
from credits.claims.review import review_lines
from credits.claims.stages import (
    in_reviewers_stage,
    is_last_stage,
    lock_at_stage,
    previous_stage_decision,
    require_no_earlier_decision,
    require_reviewer,
    stage_of,
    undecided_by,
)
from credits.errors import Conflict, CreditsError, NotAllowed
from credits.rulebooks.models import RulebookVersion
from credits.rulebooks.versions import rulebook_of
from credits.rules import Outcome
from credits.rules.facts import ClaimFacts

Status = Claim.Status
Standing = Decision.Standing
Verdict = Decision.Verdict

_MAX_ANSWER_LENGTH = 5_000


def review_queue(user: User, *, now: datetime) -> QuerySet[Claim]:
    """Return the claims that wait for this reviewer, the oldest submission first.

    They are submitted, or a proposal on them was answered or its days to answer are over. They are at a stage that the
    person reviews. Their own claims, and claims on which they decided in an earlier stage, are not included.
    """
    answered = Decision.objects.filter(claim=OuterRef("pk"), standing=Standing.PROPOSED, answer__isnull=False)
    heard = Q(status=Status.HEARING) & (Q(hearing_until__lte=now) | Exists(answered))
    waiting = Claim.objects.filter(
        in_reviewers_stage(user), undecided_by(user), Q(status=Status.SUBMITTED) | heard
    )
    return waiting.select_related(*CLAIM_RELATIONS).order_by("submitted_at", "pk")


def preview_outcome(claim: Claim, lines: Mapping[str, Any]) -> Outcome:
    """Return only the outcome of :func:`preview_estimate`."""
    return preview_estimate(claim, lines).outcome


def preview_estimate(claim: Claim, lines: Mapping[str, Any]) -> Estimate:
    """Return what a decision with these lines would give. It decides and stores nothing.

    Raises as :func:`decide` does for lines that cannot be read.
    """
    version, frozen = _version_and_facts(claim)
    return estimate_from_facts(
        version,
        review_lines.apply_lines(frozen, _lines_of_stage(lines, frozen, previous_stage_decision(claim))),
    )


@transaction.atomic
def decide(
    claim: Claim,
    lines: Mapping[str, Any],
    *,
    by: User,
    now: datetime,
    reason: str = "",
    stage: int | None = None,
    seen: str | None = None,
) -> Decision:
    """Decide on a claim at its current stage.

    ``lines`` is ``{ref: {accepted, awarded, reason}}``. A line left out stays as the stage before decided it, or in the
    first stage as the rulebook has it. The verdict follows from comparing the lines' outcome with the outcome at
    submission and with that of the stage before.

    If nothing is reduced, the decision is final: the next stage begins, or public notice after the last stage. If
    something is reduced, it is a proposal, and the student has working days to answer before it can become final. After
    these days, in this stage or in the stage before, a decision that is no worse than what the student was heard on is
    final.

    ``stage`` is the stage that the reviewer saw (None: the stage in ``claim``). ``seen`` is the proposal and answer
    that they saw, as :func:`proposal_key` names them (None: no check).

    Raises NotAllowed for the reviewer's own claim, a claim outside their scope, or a claim on which they decided in an
    earlier stage. Raises Conflict if the claim does not wait for a decision or has moved to the next stage, if there is
    a proposal or an answer that they did not see, or if the student still has days to answer. Raises CreditsError for
    unreadable lines or a missing reason.
    """
    claim = lock_at_stage(claim, stage or claim.stage, Status.SUBMITTED, Status.HEARING)
    require_reviewer(claim, by)
    require_no_earlier_decision(claim, by)
    proposal = _open_proposal(claim)
    _refuse_unseen(proposal, seen)
    version, frozen = _version_and_facts(claim)
    before = previous_stage_decision(claim)
    read = _lines_of_stage(lines, frozen, before)
    decided = review_lines.apply_lines(frozen, read)
    outcome = evaluate_version(version, decided)
    _refuse_unexplained_duplicates(claim, read, outcome)
    compared = [stored.submitted_outcome(claim)]
    if before is not None:
        compared.append(stored.outcome_of(before.assessment))
    verdict = review_lines.derive_verdict(outcome, *compared)
    if verdict == Verdict.APPROVE:
        final_reason = review_lines.clean_reason(reason)
    else:
        final_reason = review_lines.require_reason(read, reason, outcome, *compared)
    was_heard = _was_heard(claim, before, proposal, outcome, verdict, now)
    if proposal is not None:
        proposal.standing = Standing.REPLACED
        proposal.save(update_fields=["standing"])
    final = verdict == Verdict.APPROVE or was_heard
    decision = Decision.objects.create(
        claim=claim,
        stage=claim.stage,
        verdict=verdict,
        standing=Standing.FINAL if final else Standing.PROPOSED,
        assessment=_find_or_store_assessment(claim, version, decided, outcome, now),
        lines={ref: line.to_json() for ref, line in sorted(read.items())},
        reason=final_reason,
        decided_by=by,
        decided_at=now,
    )
    if final:
        _enter_next_state(claim, decision, now)
    else:
        claim.status = Status.HEARING
        claim.hearing_until = load_calendar().after_working_days(now, rulebook_of(version).hearing_days)
        claim.save(update_fields=["status", "hearing_until"])
    audit.record(
        "claim-decided",
        claim,
        by=by,
        now=now,
        person=claim.user,
        decision=decision.pk,
        stage=decision.stage,
        verdict=decision.verdict,
        standing=decision.standing,
        credit=str(outcome.credit),
        outcome_digest=outcome.digest,
        **_audit_dates(claim),
    )
    return decision


@transaction.atomic
def agree_with_previous_stage(
    claim: Claim, *, by: User, now: datetime, stage: int | None = None, seen: str | None = None
) -> Decision:
    """Decide as the stage before did, with its reasons.

    Raises as :func:`decide`, and Conflict ``nothing-to-agree-with`` in the first stage.
    """
    claim = lock_at_stage(claim, stage or claim.stage, Status.SUBMITTED, Status.HEARING)
    before = previous_stage_decision(claim)
    if before is None:
        raise Conflict("nothing-to-agree-with", _("There is no earlier decision on this application."))
    return decide(claim, {}, by=by, now=now, reason=before.reason, seen=seen)


@transaction.atomic
def answer_proposal(
    claim: Claim, text: str, *, by: User, now: datetime, proposal: str | None = None
) -> HearingAnswer:
    """Store the student's answer to a proposed decision.

    A student answers a proposal once, until it is made final; a late answer is accepted. ``proposal`` is the key of the
    proposal that they read (None: no check). Raises NotAllowed for anyone but the claimant, CreditsError if the text is
    empty or too long, Conflict if nothing is proposed, the proposal is already answered, or another proposal has
    replaced it.
    """
    claim = lock_claim(claim, Status.HEARING)
    if claim.user_id != by.pk:
        raise NotAllowed("not-your-claim", _("Only the student who made this application can respond."))
    answer_text = text.replace("\x00", "").strip()
    if not answer_text or len(answer_text) > _MAX_ANSWER_LENGTH:
        raise CreditsError(
            "answer-length",
            _("A response must have 1 to %(most)s characters.") % {"most": _MAX_ANSWER_LENGTH},
        )
    current = _open_proposal(claim)
    if current is None or HearingAnswer.objects.filter(decision=current).exists():
        raise Conflict("already-answered", _("You have already responded to this proposal."))
    if proposal is not None and proposal != str(current.pk):
        raise Conflict(
            "proposal-replaced",
            _("The reviewer has made a new proposal, so your response was not sent."),
            _("Read the new proposal first."),
        )
    answer = HearingAnswer.objects.create(decision=current, text=answer_text, answered_at=now)
    audit.record("claim-answered", claim, by=by, now=now, person=by, decision=current.pk)
    return answer


@transaction.atomic
def confirm_proposal(
    claim: Claim, *, by: User, now: datetime, stage: int | None = None, seen: str | None = None
) -> Decision:
    """Make a proposed decision final, after the student's answer or when the days to answer are over.

    ``stage`` and ``seen`` are as in :func:`decide`. Raises NotAllowed as :func:`decide` does, and Conflict, with the
    date, before the student has answered or the days are over.
    """
    claim = lock_at_stage(claim, stage or claim.stage, Status.HEARING)
    require_reviewer(claim, by)
    require_no_earlier_decision(claim, by)
    proposal = _open_proposal(claim)
    if proposal is None:
        raise Conflict("nothing-proposed", _("There is no proposal to respond to."))
    _refuse_unseen(proposal, seen)
    _refuse_before_heard(claim, proposal, now)
    proposal.standing = Standing.FINAL
    proposal.confirmed_by, proposal.confirmed_at = by, now
    proposal.save(update_fields=["standing", "confirmed_by", "confirmed_at"])
    _enter_next_state(claim, proposal, now)
    audit.record(
        "decision-confirmed",
        claim,
        by=by,
        now=now,
        person=claim.user,
        decision=proposal.pk,
        stage=proposal.stage,
        verdict=proposal.verdict,
        proposed_by=proposal.decided_by.username,
        **_audit_dates(claim),
    )
    return proposal


@transaction.atomic
def approve_undisputed(claims: Iterable[Claim], *, by: User, now: datetime) -> list[Decision]:
    """Approve several claims, all or none: as submitted, or as the previous stage decided them.

    Raises Conflict ``needs-a-look`` if a claim is not :func:`is_undisputed`. A reviewer must open such a claim, because
    a decision on one of its lines could change the credit.
    """
    decisions = []
    for listed in sorted(claims, key=lambda claim: claim.pk):
        # Read it again under the lock: a colleague may have made a proposal since the list was read.
        claim = lock_at_stage(listed, listed.stage, Status.SUBMITTED, Status.HEARING)
        if not is_undisputed(claim):
            raise Conflict(
                "needs-a-look",
                _(
                    "The application of %(student)s cannot be approved together with others: not "
                    "every contribution in it is eligible."
                )
                % {"student": claim.enrolment},
                _("Open it and decide on each contribution."),
            )
        decisions.append(decide(claim, {}, by=by, now=now))
    return decisions


def proposal_key(decision: Decision | None) -> str:
    """Return a text that identifies an open proposal and whether it is answered; empty if ``decision`` is no proposal.

    A page sends it back, to show which proposal and answer its reader saw.
    """
    if decision is None or decision.standing != Standing.PROPOSED:
        return ""
    return f"{decision.pk}-answered" if hasattr(decision, "answer") else str(decision.pk)


def is_answered(claim: Claim) -> bool:
    """Return whether the student has answered the open proposal."""
    proposed = Decision.Standing.PROPOSED
    return HearingAnswer.objects.filter(decision__claim=claim, decision__standing=proposed).exists()


def is_undisputed(claim: Claim) -> bool:
    """Return whether a submitted claim may be approved in bulk.

    Every line must count by the rulebook, the stage before (if any) must have reduced nothing, and no award that a
    reviewer could give may change the credit.
    """
    if claim.status != Status.SUBMITTED or same_patch_of_others(claim):
        return False
    submitted = stored.submitted_outcome(claim)
    if any(contribution.status != "counts" for contribution in submitted.contributions):
        return False
    before = previous_stage_decision(claim) if claim.stage > 1 else None
    if before is not None and (
        before.verdict != Verdict.APPROVE or before.assessment.credit != submitted.credit
    ):
        return False
    version, frozen = _version_and_facts(claim)
    most = {
        rule.id: rule.reviewer.at_most for rule in rulebook_of(version).points if rule.reviewer is not None
    }
    if not most:
        return True
    generous = {ref: review_lines.ReviewLine(awarded=most) for ref in review_lines.counting_refs(submitted)}
    return evaluate_version(version, review_lines.apply_lines(frozen, generous)).credit == submitted.credit


def _version_and_facts(claim: Claim) -> tuple[RulebookVersion, ClaimFacts]:
    if claim.version is None or claim.facts is None:
        raise Conflict("not-submitted", _("This application has not been submitted."))
    return claim.version, frozen_facts(claim)


def _lines_of_stage(
    lines: Mapping[str, Any], frozen: ClaimFacts, before: Decision | None
) -> dict[str, review_lines.ReviewLine]:
    """Return the lines of the stage before, replaced by those of this stage where it has them."""
    settled = review_lines.read_lines(before.lines, frozen) if before is not None else {}
    return {**settled, **review_lines.read_lines(lines, frozen)}


def _find_or_store_assessment(
    claim: Claim, version: RulebookVersion, decided: ClaimFacts, outcome: Outcome, now: datetime
) -> Assessment:
    """Return the stored assessment with this version and outcome, or store a new one."""
    same = claim.assessments.filter(version=version, outcome_digest=outcome.digest).first()
    return same or stored.store_assessment(claim, version, decided, outcome, now=now)


def _open_proposal(claim: Claim) -> Decision | None:
    return (
        claim.decisions.filter(standing=Standing.PROPOSED)
        .select_related("assessment", "decided_by", "answer")
        .first()
    )


def _refuse_unseen(proposal: Decision | None, seen: str | None) -> None:
    """Raise Conflict if a proposal or an answer is newer than the page that the reviewer sent."""
    if seen is not None and seen != proposal_key(proposal):
        raise Conflict(
            "not-seen-yet",
            _("After you opened this page, a new proposal was made or the student responded."),
            _("Reload the page, read it, and then decide."),
        )


def _was_heard(
    claim: Claim,
    before: Decision | None,
    proposal: Decision | None,
    outcome: Outcome,
    verdict: Verdict,
    now: datetime,
) -> bool:
    """Return whether the student was heard, in this stage or the one before, on everything that ``outcome`` reduces."""
    if verdict == Verdict.APPROVE:
        return False
    if before is not None and before.verdict != Verdict.APPROVE and _is_no_worse(outcome, before):
        return True
    if proposal is None:
        return False
    _refuse_before_heard(claim, proposal, now)
    return _is_no_worse(outcome, proposal)


def _is_no_worse(outcome: Outcome, decision: Decision) -> bool:
    return not review_lines.is_worse(outcome, stored.outcome_of(decision.assessment))


def _refuse_before_heard(claim: Claim, proposal: Decision, now: datetime) -> None:
    if claim.hearing_until is None or HearingAnswer.objects.filter(decision=proposal).exists():
        return
    refuse_before(
        claim.hearing_until,
        now,
        "hearing-not-over",
        _("The student can respond until %(date)s; credit cannot be refused or reduced before then."),
    )


def _refuse_unexplained_duplicates(claim: Claim, read: Mapping[str, Any], outcome: Outcome) -> None:
    """Raise Conflict if the same work of two people would count without a reviewer's reason in words (invariant 2)."""
    shares = [item.authorship for item in claim.items.select_related("authorship__contribution__repository")]
    lock_same_work(shares)
    claimed_by_others = same_patch_of_others(claim)
    counts = review_lines.counting_refs(outcome)
    for share in shares:
        ref = ref_of(share)
        if share.pk in claimed_by_others and ref in counts and not (ref in read and read[ref].reason):
            raise Conflict(
                "same-work-of-another",
                _("%(contribution)s looks like work that is also in another student's application.")
                % {"contribution": share.contribution},
                _("Refuse it, or explain beside it why it counts for both students."),
            )


def _audit_dates(claim: Claim) -> dict[str, Any]:
    """Return the dates for the audit log: the end of the days to answer, or begin and end of the public notice."""
    dates = (
        {"notice_from": claim.notice_from, "notice_until": claim.notice_until}
        if claim.status == Status.NOTICE
        else {"hearing_until": claim.hearing_until}
    )
    return {name: instant.isoformat() for name, instant in dates.items() if instant is not None}


def _enter_next_state(claim: Claim, decision: Decision, now: datetime) -> None:
    """Move the claim on after a final decision.

    It goes to the next stage of review; after the last stage, to public notice, or to refused if nothing counts.
    """
    if not is_last_stage(claim):
        claim.stage += 1
        claim.stage_by = stage_of(claim).by
        claim.status = Status.SUBMITTED
        claim.hearing_until = None
    elif decision.verdict == Verdict.REFUSE:
        claim.status = Status.REFUSED
    else:
        version, _facts = _version_and_facts(claim)
        calendar = load_calendar()
        claim.status = Status.NOTICE
        claim.notice_from = calendar.next_day(now)
        claim.notice_until = calendar.after_working_days(now, rulebook_of(version).notice.working_days)
    claim.save(update_fields=["status", "stage", "stage_by", "hearing_until", "notice_from", "notice_until"])
