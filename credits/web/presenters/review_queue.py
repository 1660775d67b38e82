"""The reviewer's queue: one row for each claim that waits for a decision."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import F
from django.utils import timezone

from credits.claims.assessment import stored
from credits.claims.models import Assessment, Claim, Decision
from credits.claims.review import review
from credits.rules import Outcome
from credits.web.presenters import decision_rows
from credits.web.presenters.review_form import reviewer_criteria


def queue_rows(claims: Sequence[Claim], *, now: datetime) -> list[dict[str, Any]]:
    """Return a row for each claim, in the given order."""
    outcomes = _outcomes_under_review(claims)
    return [_queue_row(claim, outcomes[claim.pk], now) for claim in claims]


def approval_ticket(claim: Claim) -> str:
    """Return the value of a claim's checkbox. It contains the stage, so that a reviewer cannot approve a claim in a
    stage that the page did not show."""
    return f"{claim.public_id}.{claim.stage}"


def _outcomes_under_review(claims: Sequence[Claim]) -> dict[int, Outcome]:
    """Return, by the claim's key, the outcome to decide on: of the submission, or of the stage before."""
    assessments: dict[int, Assessment] = {}
    for assessment in Assessment.objects.filter(claim__in=claims).order_by("made_at", "pk").defer("facts"):
        assessments.setdefault(assessment.claim_id, assessment)
    in_later_stage = [claim.pk for claim in claims if claim.stage > 1]
    if in_later_stage:
        before = Decision.objects.filter(
            claim__in=in_later_stage, standing=Decision.Standing.FINAL, stage=F("claim__stage") - 1
        )
        assessments |= {
            decision.claim_id: decision.assessment for decision in before.select_related("assessment")
        }
    return {key: stored.outcome_of(assessment) for key, assessment in assessments.items()}


def _queue_row(claim: Claim, outcome: Outcome, now: datetime) -> dict[str, Any]:
    since = claim.submitted_at or claim.created_at
    return {
        "claim": claim,
        "ticket": approval_ticket(claim),
        "stage": decision_rows.current_stage_label(claim),
        "outcome": outcome,
        "days": (timezone.localdate(now) - timezone.localdate(since)).days,
        "counting": sum(contribution.status == "counts" for contribution in outcome.contributions),
        "answered": claim.status == Claim.Status.HEARING
        and claim.hearing_until is not None
        and now < claim.hearing_until,
        "plain": not reviewer_criteria(claim) and review.is_undisputed(claim),
    }
