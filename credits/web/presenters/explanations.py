"""Why a contribution gives its points, and what would have to change for it to give more."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from credits.claims.assessment.estimate import Estimate
from credits.rules import ReducedContribution, RequirementRemedy

MAX_EXPLAINED = 200
"""The most contributions that a page explains; for the others the trace is the explanation."""


@dataclass(frozen=True, slots=True)
class ContributionExplanation:
    """Why one contribution gives what it gives.

    ``needs`` is what would make it count, if it does not. ``less`` is what reduces its points, if a cap or another
    limit does.
    """

    needs: tuple[RequirementRemedy, ...] = ()
    less: ReducedContribution | None = None


def explanations(
    estimate: Estimate, refs: Collection[str] | None = None
) -> dict[str, ContributionExplanation]:
    """Return, by ref, what the trace does not say of a contribution; with ``refs``, for those contributions only.

    Makes no database query.
    """
    asked = (
        [contribution.ref for contribution in estimate.outcome.contributions] if refs is None else list(refs)
    )
    explained = estimate.explanation(frozenset(asked[:MAX_EXPLAINED]))
    found = {ref: ContributionExplanation(less=reduced) for ref, reduced in explained.reduced.items()}
    return found | {ref: ContributionExplanation(needs=needs) for ref, needs in explained.remedies.items()}
