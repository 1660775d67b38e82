"""Review: what waits for whom, what a decision would give, and the decision itself.

A machine never awards and never refuses (个人信息保护法 第二十四条): every verb here has a person behind it, who is not
the claimant and within whose scope the claim lies (invariant 8).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts import audit, permissions
from accounts.models import StaffRole, User
from credits.claims import assessments
from credits.claims import lines as line_book
from credits.claims.assess import evaluated
from credits.claims.dates import universitys_calendar
from credits.claims.elsewhere import credited_to_others, lock_same_work
from credits.claims.facts import frozen_of, ref_of
from credits.claims.lock import locked, not_before
from credits.claims.models import WHOLE, Assessment, Claim, Decision, HearingAnswer
from credits.errors import Conflict, CreditsError, NotAllowed
from credits.rulebooks.models import RulebookVersion
from credits.rulebooks.versions import rulebook_of
from credits.rules.evaluate import Outcome
from credits.rules.facts import ClaimFacts

Status = Claim.Status
Standing = Decision.Standing
Verdict = Decision.Verdict

_LONGEST_ANSWER = 10_000


def queue(user: User, *, now: datetime) -> QuerySet[Claim]:
    """The claims that wait for this reviewer, oldest first: submitted, or proposed to be reduced and since answered or
    past its days. Those in their departments, never their own; nothing for whoever is no instructor."""
    if not permissions.has_role(user, StaffRole.Role.INSTRUCTOR):
        return Claim.objects.none()
    answered = Decision.objects.filter(claim=OuterRef("pk"), standing=Standing.PROPOSED, answer__isnull=False)
    heard = Q(status=Status.HEARING) & (Q(hearing_until__lte=now) | Exists(answered))
    waiting = Claim.objects.filter(Q(status=Status.SUBMITTED) | heard).exclude(user=user)
    scope = permissions.departments_of(user, StaffRole.Role.INSTRUCTOR)
    if scope is not None:
        waiting = waiting.filter(enrolment__programme__department__in=scope)
    return waiting.select_related(*WHOLE).order_by("submitted_at", "pk")


def preview(claim: Claim, lines: Mapping[str, Any]) -> Outcome:
    """What a decision with these lines would give. Decides and stores nothing; raises as :func:`decide` does for
    lines that cannot be read."""
    version, frozen = _frozen(claim)
    return evaluated(version, line_book.applied(frozen, line_book.read(lines, frozen)))


@transaction.atomic
def decide(claim: Claim, lines: Mapping[str, Any], *, by: User, now: datetime, reason: str = "") -> Decision:
    """Decide on a claim: ``lines`` is ``{ref: {accepted, awarded, reason}}``, a line left out stays as the rulebook
    has it. The verdict follows from comparing what the lines give with what the claim was submitted for.

    Nothing taken off: final, and public notice begins. Something taken off: a proposal, which the student has
    working days to answer before it can become final; once they had them, a decision that is no worse than the
    proposal is final.

    Raises NotAllowed for the own claim or one outside the reviewer's scope; Conflict where the claim is not waiting,
    or the student still has days to answer; CreditsError for unreadable lines or a missing reason.
    """
    claim = locked(claim, Status.SUBMITTED, Status.HEARING)
    require_reviewer(claim, by)
    version, frozen = _frozen(claim)
    read = line_book.read(lines, frozen)
    decided = line_book.applied(frozen, read)
    outcome = evaluated(version, decided)
    _refuse_unexplained_twins(claim, read, outcome)
    submitted = assessments.submitted_outcome(claim)
    verdict = line_book.verdict(outcome, submitted)
    if verdict == Verdict.APPROVE:
        said = line_book.trimmed(reason)
    else:
        said = line_book.reason_for(read, reason, outcome, submitted)
    proposal = _proposal(claim)
    heard = _heard(claim, proposal, outcome, verdict, now)
    if proposal is not None:
        proposal.standing = Standing.REPLACED
        proposal.save(update_fields=["standing"])
    final = verdict == Verdict.APPROVE or heard
    decision = Decision.objects.create(
        claim=claim,
        verdict=verdict,
        standing=Standing.FINAL if final else Standing.PROPOSED,
        assessment=_assessment(claim, version, decided, outcome, now),
        lines={ref: line.to_json() for ref, line in sorted(read.items())},
        reason=said,
        decided_by=by,
        decided_at=now,
    )
    if final:
        _close(claim, decision, now)
    else:
        claim.status = Status.HEARING
        claim.hearing_until = universitys_calendar().after_working_days(
            now, rulebook_of(version).hearing_days
        )
        claim.save(update_fields=["status", "hearing_until"])
    audit.record(
        "claim-decided",
        claim,
        by=by,
        now=now,
        person=claim.user,
        decision=decision.pk,
        verdict=decision.verdict,
        standing=decision.standing,
        credit=str(outcome.credit),
        outcome_digest=outcome.digest,
        **_dates(claim),
    )
    return decision


@transaction.atomic
def answer(claim: Claim, text: str, *, by: User, now: datetime) -> HearingAnswer:
    """The student's answer to a proposed decision: once, for as long as nobody has made it final (a late answer is
    still read). Raises NotAllowed for anybody else, CreditsError for an empty or endless text, Conflict where
    nothing is proposed or it is answered already."""
    claim = locked(claim, Status.HEARING)
    if claim.user_id != by.pk:
        raise NotAllowed("not-your-claim", _("Only the student whose claim it is can answer."))
    said = text.replace("\x00", "").strip()
    if not said or len(said) > _LONGEST_ANSWER:
        raise CreditsError(
            "answer-length",
            _("An answer has between 1 and %(most)s characters.") % {"most": _LONGEST_ANSWER},
        )
    proposal = _proposal(claim)
    if proposal is None or HearingAnswer.objects.filter(decision=proposal).exists():
        raise Conflict("already-answered", _("You have answered this proposal already."))
    made = HearingAnswer.objects.create(decision=proposal, text=said, answered_at=now)
    audit.record("claim-answered", claim, by=by, now=now, person=by, decision=proposal.pk)
    return made


@transaction.atomic
def confirm(claim: Claim, *, by: User, now: datetime) -> Decision:
    """Make a proposed decision final, after the student's answer or once the days to answer are over. Raises
    NotAllowed as :func:`decide` does, Conflict before that, with the date."""
    claim = locked(claim, Status.HEARING)
    require_reviewer(claim, by)
    proposal = _proposal(claim)
    if proposal is None:
        raise Conflict("nothing-proposed", _("Nothing is proposed on this claim."))
    _refuse_before_heard(claim, proposal, now)
    proposal.standing = Standing.FINAL
    proposal.save(update_fields=["standing"])
    _close(claim, proposal, now)
    audit.record(
        "decision-confirmed",
        claim,
        by=by,
        now=now,
        person=claim.user,
        decision=proposal.pk,
        verdict=proposal.verdict,
        proposed_by=proposal.decided_by.username,
        **_dates(claim),
    )
    return proposal


@transaction.atomic
def decide_many(claims: Iterable[Claim], *, by: User, now: datetime) -> list[Decision]:
    """Approve claims as they were submitted, all or none. Only :func:`undisputed` ones: where a line decided could
    change the credit, each claim is looked at by itself (Conflict ``needs-a-look``)."""
    decisions = []
    for claim in sorted(claims, key=lambda one: one.pk):
        if not undisputed(claim):
            raise Conflict(
                "needs-a-look",
                _("The claim of %(student)s cannot be approved together with others: not every line counts.")
                % {"student": claim.enrolment},
                _("Open it and decide line by line."),
            )
        decisions.append(decide(claim, {}, by=by, now=now))
    return decisions


def undisputed(claim: Claim) -> bool:
    """Whether a submitted claim may be approved in bulk: every line counts by the rulebook, and all that a reviewer
    might still award would change nothing about the credit."""
    if claim.status != Status.SUBMITTED or credited_to_others(claim):
        return False
    submitted = assessments.submitted_outcome(claim)
    if any(one.status != "counts" for one in submitted.contributions):
        return False
    version, frozen = _frozen(claim)
    most = {
        rule.id: rule.reviewer.at_most for rule in rulebook_of(version).points if rule.reviewer is not None
    }
    if not most:
        return True
    generous = {ref: line_book.Line(awarded=most) for ref in line_book.counting(submitted)}
    return evaluated(version, line_book.applied(frozen, generous)).credit == submitted.credit


def require_reviewer(claim: Claim, by: User) -> None:
    """Raise NotAllowed unless ``by`` may decide on this claim: an instructor for its department, not the claimant."""
    if claim.user_id == by.pk:
        raise NotAllowed("own-claim", _("Nobody decides on their own claim."), _("A colleague will decide."))
    permissions.require(by, StaffRole.Role.INSTRUCTOR, claim.enrolment.programme.department)


def _frozen(claim: Claim) -> tuple[RulebookVersion, ClaimFacts]:
    if claim.version is None or claim.facts is None:
        raise Conflict("not-submitted", _("This claim has not been submitted."))
    return claim.version, frozen_of(claim)


def _assessment(
    claim: Claim, version: RulebookVersion, decided: ClaimFacts, outcome: Outcome, now: datetime
) -> Assessment:
    """The stored assessment of exactly this, or a new one."""
    same = claim.assessments.filter(version=version, outcome_digest=outcome.digest).first()
    return same or assessments.keep(claim, version, decided, outcome, now=now)


def _proposal(claim: Claim) -> Decision | None:
    return (
        claim.decisions.filter(standing=Standing.PROPOSED).select_related("assessment", "decided_by").first()
    )


def _heard(
    claim: Claim, proposal: Decision | None, outcome: Outcome, verdict: Verdict, now: datetime
) -> bool:
    """Whether the student was heard on at least what ``outcome`` takes off."""
    if proposal is None or verdict == Verdict.APPROVE:
        return False
    _refuse_before_heard(claim, proposal, now)
    return not line_book.diminishes(outcome, assessments.outcome_of(proposal.assessment))


def _refuse_before_heard(claim: Claim, proposal: Decision, now: datetime) -> None:
    if claim.hearing_until is None or HearingAnswer.objects.filter(decision=proposal).exists():
        return
    not_before(
        claim.hearing_until,
        now,
        "hearing-not-over",
        _("The student has until %(date)s to answer; nothing is refused or reduced before."),
    )


def _refuse_unexplained_twins(claim: Claim, read: Mapping[str, Any], outcome: Outcome) -> None:
    """The same work earns once (invariant 2), unless a person says in words why two people's counts."""
    shares = [item.authorship for item in claim.items.select_related("authorship__contribution__repository")]
    lock_same_work(shares)
    others = credited_to_others(claim)
    counts = line_book.counting(outcome)
    for share in shares:
        ref = ref_of(share)
        if share.pk in others and ref in counts and not (ref in read and read[ref].reason):
            raise Conflict(
                "same-work-of-another",
                _("%(contribution)s looks like the same work that stands in another student's claim.")
                % {"contribution": share.contribution},
                _("Do not accept it, or write beside it why it counts for both."),
            )


def _dates(claim: Claim) -> dict[str, Any]:
    """When the student may answer until, or from when until when the notice is out: for the audit log."""
    dates = (
        {"notice_from": claim.notice_from, "notice_until": claim.notice_until}
        if claim.status == Status.NOTICE
        else {"hearing_until": claim.hearing_until}
    )
    return {name: instant.isoformat() for name, instant in dates.items() if instant is not None}


def _close(claim: Claim, decision: Decision, now: datetime) -> None:
    """What follows a final decision: public notice, or, where nothing counts, none."""
    if decision.verdict == Verdict.REFUSE:
        claim.status = Status.REFUSED
    else:
        version, _facts = _frozen(claim)
        calendar = universitys_calendar()
        claim.status = Status.NOTICE
        claim.notice_from = calendar.next_day(now)
        claim.notice_until = calendar.after_working_days(now, rulebook_of(version).notice.working_days)
    claim.save(update_fields=["status", "notice_from", "notice_until"])
