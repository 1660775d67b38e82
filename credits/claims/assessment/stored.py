"""Store the outcome of a rulebook for frozen facts, and read it back."""

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
    """Store an assessment; it never changes. The columns for points and credit serve lists; the outcome is exact."""
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
    """Return the stored outcome with its trace."""
    return Outcome.from_json(cast("dict[str, object]", assessment.outcome))


def estimate_of(assessment: Assessment) -> Estimate:
    """Return the stored outcome with the facts that it was computed from."""
    stored_facts = facts.facts_from_json(cast("dict[str, object]", assessment.facts))
    return Estimate(assessment.version, stored_facts, outcome_of(assessment))


def submitted_outcome(claim: Claim) -> Outcome:
    """Return the outcome that the claim had when it was submitted."""
    return outcome_of(submitted_assessment(claim))


def submitted_assessment(claim: Claim) -> Assessment:
    """Return the first assessment of a submitted claim. Raises LookupError if it has none."""
    first = claim.assessments.select_related("version__rulebook").order_by("made_at", "pk").first()
    if first is None:
        raise LookupError(f"claim {claim.pk} was never assessed")
    return first


MAX_POINTS = Decimal("999999.9999")
"""The most points that a column can store."""


def four_decimals(points: Decimal) -> Decimal:
    """Return points as columns store them: cut to four decimals, and at most :data:`MAX_POINTS`.

    They are never rounded up. A formula in a rulebook may give any number.
    """
    return min(points, MAX_POINTS).quantize(Decimal("0.0001"), ROUND_DOWN)
