"""Review: what waits for whom, what a decision would give, and the decision itself.

A machine never awards and never refuses (个人信息保护法 第二十四条): every verb here has a person behind it, who is not
the claimant and within whose scope the claim lies (invariant 8). Where the rulebook names several stages of review,
each decides as if it were the only one, sees what was decided before it and why, and is done by somebody else
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
from credits.claims.review import review_lines as line_book
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
    """The claims that wait for this reviewer, oldest first: submitted, or proposed to be reduced and since answered or
    past its days. Those at a stage of review that is theirs, never their own, nor any on which they have decided in
    an earlier stage."""
    answered = Decision.objects.filter(claim=OuterRef("pk"), standing=Standing.PROPOSED, answer__isnull=False)
    heard = Q(status=Status.HEARING) & (Q(hearing_until__lte=now) | Exists(answered))
    waiting = Claim.objects.filter(
        in_reviewers_stage(user), undecided_by(user), Q(status=Status.SUBMITTED) | heard
    )
    return waiting.select_related(*CLAIM_RELATIONS).order_by("submitted_at", "pk")


def preview_outcome(claim: Claim, lines: Mapping[str, Any]) -> Outcome:
    """The outcome of :func:`previewed`."""
    return preview_estimate(claim, lines).outcome


def preview_estimate(claim: Claim, lines: Mapping[str, Any]) -> Estimate:
    """What a decision with these lines would give. Decides and stores nothing; raises as :func:`decide` does for
    lines that cannot be read."""
    version, frozen = _version_and_facts(claim)
    return estimate_from_facts(
        version, line_book.apply_lines(frozen, _lines_of_stage(lines, frozen, previous_stage_decision(claim)))
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
    """Decide on a claim at its stage: ``lines`` is ``{ref: {accepted, awarded, reason}}``, a line left out stays as
    the stage before has it, in the first as the rulebook has it. The verdict follows from comparing what the lines
    give with what the claim was submitted for, and with what the stage before gave.

    Nothing taken off: final, and the next stage begins, or public notice after the last. Something taken off: a
    proposal, which the student has working days to answer before it can become final; once they had them, in this
    stage or in the one before, a decision that is no worse than what they were heard on is final.

    ``stage`` is the one that the reviewer saw (None: the one that ``claim`` was read at), ``seen`` the proposal and
    answer that they saw there, as :func:`seen_in` names them (None: they do not say).

    Raises NotAllowed for the own claim, one outside the reviewer's scope, or one that they have decided on in an
    earlier stage; Conflict where the claim is not waiting or has gone on to the next stage, where a proposal or an
    answer came in that they did not see, or the student still has days to answer; CreditsError for unreadable lines
    or a missing reason.
    """
    claim = lock_at_stage(claim, stage or claim.stage, Status.SUBMITTED, Status.HEARING)
    require_reviewer(claim, by)
    require_no_earlier_decision(claim, by)
    proposal = _open_proposal(claim)
    _refuse_unseen(proposal, seen)
    version, frozen = _version_and_facts(claim)
    before = previous_stage_decision(claim)
    read = _lines_of_stage(lines, frozen, before)
    decided = line_book.apply_lines(frozen, read)
    outcome = evaluate_version(version, decided)
    _refuse_unexplained_twins(claim, read, outcome)
    held = [stored.submitted_outcome(claim)]
    if before is not None:
        held.append(stored.outcome_of(before.assessment))
    verdict = line_book.derive_verdict(outcome, *held)
    if verdict == Verdict.APPROVE:
        said = line_book.clean_reason(reason)
    else:
        said = line_book.require_reason(read, reason, outcome, *held)
    heard = _was_heard(claim, before, proposal, outcome, verdict, now)
    if proposal is not None:
        proposal.standing = Standing.REPLACED
        proposal.save(update_fields=["standing"])
    final = verdict == Verdict.APPROVE or heard
    decision = Decision.objects.create(
        claim=claim,
        stage=claim.stage,
        verdict=verdict,
        standing=Standing.FINAL if final else Standing.PROPOSED,
        assessment=_find_or_store_assessment(claim, version, decided, outcome, now),
        lines={ref: line.to_json() for ref, line in sorted(read.items())},
        reason=said,
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
    """Decide as the stage before did, for its reasons. Raises as :func:`decide` does, and Conflict
    ``nothing-to-agree-with`` in the first stage."""
    claim = lock_at_stage(claim, stage or claim.stage, Status.SUBMITTED, Status.HEARING)
    before = previous_stage_decision(claim)
    if before is None:
        raise Conflict("nothing-to-agree-with", _("There is no earlier decision on this application."))
    return decide(claim, {}, by=by, now=now, reason=before.reason, seen=seen)


@transaction.atomic
def answer_proposal(
    claim: Claim, text: str, *, by: User, now: datetime, proposal: str | None = None
) -> HearingAnswer:
    """The student's answer to a proposed decision: once, for as long as nobody has made it final (a late answer is
    still read). ``proposal`` is the key of the one that they read (None: they do not say). Raises NotAllowed for
    anybody else, CreditsError for an empty or endless text, Conflict where nothing is proposed, it is answered
    already, or another one has taken its place."""
    claim = lock_claim(claim, Status.HEARING)
    if claim.user_id != by.pk:
        raise NotAllowed("not-your-claim", _("Only the student who made this application can respond."))
    said = text.replace("\x00", "").strip()
    if not said or len(said) > _MAX_ANSWER_LENGTH:
        raise CreditsError(
            "answer-length",
            _("A response must have 1 to %(most)s characters.") % {"most": _MAX_ANSWER_LENGTH},
        )
    standing = _open_proposal(claim)
    if standing is None or HearingAnswer.objects.filter(decision=standing).exists():
        raise Conflict("already-answered", _("You have already responded to this proposal."))
    if proposal is not None and proposal != str(standing.pk):
        raise Conflict(
            "proposal-replaced",
            _("The reviewer has made a new proposal, so your response was not sent."),
            _("Read the new proposal first."),
        )
    made = HearingAnswer.objects.create(decision=standing, text=said, answered_at=now)
    audit.record("claim-answered", claim, by=by, now=now, person=by, decision=standing.pk)
    return made


@transaction.atomic
def confirm_proposal(
    claim: Claim, *, by: User, now: datetime, stage: int | None = None, seen: str | None = None
) -> Decision:
    """Make a proposed decision final, after the student's answer or once the days to answer are over. ``stage`` and
    ``seen`` as in :func:`decide`. Raises NotAllowed as it does, Conflict before that, with the date."""
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
    """Approve claims as they were submitted, or as the stage before decided, all or none. Only :func:`undisputed`
    ones: where a line decided could change the credit, each claim is looked at by itself (Conflict
    ``needs-a-look``)."""
    decisions = []
    for listed in sorted(claims, key=lambda one: one.pk):
        # As it stands now: a colleague may have proposed something since the list was read.
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
    """What a page that shows this decision at the claim's stage has shown of a proposal and its answer; empty where it
    shows none."""
    if decision is None or decision.standing != Standing.PROPOSED:
        return ""
    return f"{decision.pk}-answered" if hasattr(decision, "answer") else str(decision.pk)


def is_answered(claim: Claim) -> bool:
    """Whether the student has answered to what is proposed now."""
    proposed = Decision.Standing.PROPOSED
    return HearingAnswer.objects.filter(decision__claim=claim, decision__standing=proposed).exists()


def is_undisputed(claim: Claim) -> bool:
    """Whether a submitted claim may be approved in bulk: every line counts by the rulebook, the stage before (where
    there is one) took nothing off, and all that a reviewer might award or take back would change nothing about the
    credit."""
    if claim.status != Status.SUBMITTED or same_patch_of_others(claim):
        return False
    submitted = stored.submitted_outcome(claim)
    if any(one.status != "counts" for one in submitted.contributions):
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
    generous = {ref: line_book.ReviewLine(awarded=most) for ref in line_book.counting_refs(submitted)}
    return evaluate_version(version, line_book.apply_lines(frozen, generous)).credit == submitted.credit


def _version_and_facts(claim: Claim) -> tuple[RulebookVersion, ClaimFacts]:
    if claim.version is None or claim.facts is None:
        raise Conflict("not-submitted", _("This application has not been submitted."))
    return claim.version, frozen_facts(claim)


def _lines_of_stage(
    lines: Mapping[str, Any], frozen: ClaimFacts, before: Decision | None
) -> dict[str, line_book.ReviewLine]:
    """The lines of this stage laid over those of the stage before."""
    settled = line_book.read_lines(before.lines, frozen) if before is not None else {}
    return {**settled, **line_book.read_lines(lines, frozen)}


def _find_or_store_assessment(
    claim: Claim, version: RulebookVersion, decided: ClaimFacts, outcome: Outcome, now: datetime
) -> Assessment:
    """The stored assessment of exactly this, or a new one."""
    same = claim.assessments.filter(version=version, outcome_digest=outcome.digest).first()
    return same or stored.store_assessment(claim, version, decided, outcome, now=now)


def _open_proposal(claim: Claim) -> Decision | None:
    return (
        claim.decisions.filter(standing=Standing.PROPOSED)
        .select_related("assessment", "decided_by", "answer")
        .first()
    )


def _refuse_unseen(proposal: Decision | None, seen: str | None) -> None:
    """A page may have been open for a while: what a colleague proposed or the student answered since is read first."""
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
    """Whether the student was heard on at least what ``outcome`` takes off: in the stage before, or in this one."""
    if verdict == Verdict.APPROVE:
        return False
    if before is not None and before.verdict != Verdict.APPROVE and _is_no_worse(outcome, before):
        return True
    if proposal is None:
        return False
    _refuse_before_heard(claim, proposal, now)
    return _is_no_worse(outcome, proposal)


def _is_no_worse(outcome: Outcome, than: Decision) -> bool:
    return not line_book.is_worse(outcome, stored.outcome_of(than.assessment))


def _refuse_before_heard(claim: Claim, proposal: Decision, now: datetime) -> None:
    if claim.hearing_until is None or HearingAnswer.objects.filter(decision=proposal).exists():
        return
    refuse_before(
        claim.hearing_until,
        now,
        "hearing-not-over",
        _("The student can respond until %(date)s; credit cannot be refused or reduced before then."),
    )


def _refuse_unexplained_twins(claim: Claim, read: Mapping[str, Any], outcome: Outcome) -> None:
    """The same work earns once (invariant 2), unless a person says in words why two people's counts."""
    shares = [item.authorship for item in claim.items.select_related("authorship__contribution__repository")]
    lock_same_work(shares)
    others = same_patch_of_others(claim)
    counts = line_book.counting_refs(outcome)
    for share in shares:
        ref = ref_of(share)
        if share.pk in others and ref in counts and not (ref in read and read[ref].reason):
            raise Conflict(
                "same-work-of-another",
                _("%(contribution)s looks like work that is also in another student's application.")
                % {"contribution": share.contribution},
                _("Refuse it, or explain beside it why it counts for both students."),
            )


def _audit_dates(claim: Claim) -> dict[str, Any]:
    """When the student may answer until, or from when until when the notice is out: for the audit log."""
    dates = (
        {"notice_from": claim.notice_from, "notice_until": claim.notice_until}
        if claim.status == Status.NOTICE
        else {"hearing_until": claim.hearing_until}
    )
    return {name: instant.isoformat() for name, instant in dates.items() if instant is not None}


def _enter_next_state(claim: Claim, decision: Decision, now: datetime) -> None:
    """What follows a final decision: the next stage of review; after the last one public notice, or, where nothing
    counts, none."""
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
