"""Why a contribution gives what it gives, and what would have to be different."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from credits.claims.assessment.estimate import Estimate
from credits.rules import ReducedContribution, RequirementRemedy

MAX_EXPLAINED = 200
"""Contributions of one page that are explained; beyond these the trace says what there is to say."""


@dataclass(frozen=True, slots=True)
class ContributionExplanation:
    """For one contribution: ``needs`` where it does not count, ``less`` where it counts with fewer points than it
    gives by itself."""

    needs: tuple[RequirementRemedy, ...] = ()
    less: ReducedContribution | None = None


def explanations(
    estimate: Estimate, refs: Collection[str] | None = None
) -> dict[str, ContributionExplanation]:
    """By ref, for the contributions of which there is more to say than their trace; of these ``refs`` only, where they
    are given. Asks no database."""
    asked = [one.ref for one in estimate.outcome.contributions] if refs is None else list(refs)
    explained = estimate.explanation(frozenset(asked[:MAX_EXPLAINED]))
    found = {ref: ContributionExplanation(less=one) for ref, one in explained.reduced.items()}
    return found | {ref: ContributionExplanation(needs=needs) for ref, needs in explained.remedies.items()}
