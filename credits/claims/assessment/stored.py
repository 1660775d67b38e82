"""Keep what a rulebook gave for frozen facts, and read it back."""

from __future__ import annotations

from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from typing import cast

from credits.claims.assessment.estimate import Estimate
from credits.claims.models import Assessment, Claim
from credits.rulebooks.models import RulebookVersion
from credits.rules import Outcome, facts


def store_assessment(
    claim: Claim, version: RulebookVersion, frozen: facts.ClaimFacts, outcome: Outcome, *, now: datetime
) -> Assessment:
    """Store an assessment; it never changes. The columns are for lists: what is exact is the outcome itself."""
    return Assessment.objects.create(
        claim=claim,
        version=version,
        facts=facts.to_json(frozen),
        facts_digest=facts.digest(frozen),
        outcome=outcome.to_json(),
        outcome_digest=outcome.digest,
        points=four_decimals(outcome.points),
        credit=outcome.credit,
        made_at=now,
    )


def outcome_of(assessment: Assessment) -> Outcome:
    """What was given, with its trace."""
    return Outcome.from_json(cast("dict[str, object]", assessment.outcome))


def estimate_of(assessment: Assessment) -> Estimate:
    """What was given, with the facts that it was given for."""
    held = facts.facts_from_json(cast("dict[str, object]", assessment.facts))
    return Estimate(assessment.version, held, outcome_of(assessment))


def submitted_outcome(claim: Claim) -> Outcome:
    """What the rulebook gave when the claim was submitted."""
    return outcome_of(submitted_assessment(claim))


def submitted_assessment(claim: Claim) -> Assessment:
    """The first assessment of a submitted claim."""
    first = claim.assessments.select_related("version__rulebook").order_by("made_at", "pk").first()
    if first is None:
        raise LookupError(f"claim {claim.pk} was never assessed")
    return first


MAX_POINTS = Decimal("999999.9999")
"""Points that a column holds."""


def four_decimals(points: Decimal) -> Decimal:
    """Points as columns keep them: cut, never rounded up, and at most :data:`MOST` (a formula may give any number)."""
    return min(points, MAX_POINTS).quantize(Decimal("0.0001"), ROUND_DOWN)
