"""A claim on its own page, for the student and for staff who may read it."""

from __future__ import annotations

from datetime import datetime

from accounts import permissions
from accounts.models import User
from credits.claims.assessment import stored
from credits.claims.models import Claim, Decision
from credits.web.presenters import claim_lines, claim_timeline, decision_rows

Status = Claim.Status


def claim_context(claim: Claim, reader: User, *, now: datetime) -> dict[str, object]:
    """Return the context of the page: progress, decisions, and each contribution with the decision in force."""
    decisions = list(
        claim.decisions.select_related(
            "assessment__version", "decided_by", "confirmed_by", "answer"
        ).order_by("-decided_at", "-pk")
    )
    current = next(
        (decision for decision in decisions if decision.standing != Decision.Standing.REPLACED), None
    )
    submitted = stored.submitted_assessment(claim) if claim.submitted_at else None
    assessment = current.assessment if current else submitted
    estimate = stored.estimate_of(assessment) if assessment else None
    own = claim.user_id == reader.pk
    return {
        "claim": claim,
        "own": own,
        "place": _navigation_entry(reader, own),
        "way": claim_timeline.claim_stations(claim, claim.round, now=now, own=own),
        "decisions": decision_rows.claim_decisions(claim, decisions),
        "stage": decision_rows.current_stage_label(claim) if claim.status == Status.SUBMITTED else "",
        "current": current,
        "outcome": estimate.outcome if estimate else None,
        "applied_for": stored.outcome_of(submitted) if submitted else None,
        "lines": claim_lines.lines_of_claim(claim, estimate, current.lines if current else None)
        if submitted
        else [],
        "twins": claim_lines.same_work_by_ref(claim) if own else {},
        "branches": claim_lines.branch_authors_by_ref(claim),
        "flags": list(claim.flags.select_related("answered_by")),
        "may_answer": own and claim.status == Status.HEARING and current and not hasattr(current, "answer"),
        "may_withdraw": own and claim.status in {Status.SUBMITTED, Status.HEARING},
    }


def _navigation_entry(reader: User, own: bool) -> str:
    """Return the entry of the navigation under which this reader finds the claim."""
    if own:
        return "student_claim_now"
    return "registrar_ready" if permissions.is_registrar(reader) else "instructor_queue"
