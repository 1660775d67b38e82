"""The contributions of a claim as pages show them, line by line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from credits.claims.assessment.estimate import Estimate
from credits.claims.assessment.facts import frozen_facts, ref_of
from credits.claims.models import Claim
from credits.contributions import same_work
from credits.contributions.collecting import branch_authors
from credits.contributions.models import BranchLook, Contribution
from credits.rules import ContributionOutcome
from credits.rules.facts import ContributionFacts
from credits.web.presenters.explanations import ContributionExplanation, explanations


@dataclass(frozen=True, slots=True)
class ClaimLine:
    """One contribution. ``decided`` is what a decision says of it ({} where none does). ``place`` counts from 1."""

    place: int
    facts: ContributionFacts
    outcome: ContributionOutcome | None
    decided: Mapping[str, Any]
    why: ContributionExplanation | None = None

    @property
    def ref(self) -> str:
        return self.facts.ref

    @property
    def refused(self) -> bool:
        return self.decided.get("accepted") is False

    @property
    def number(self) -> str:
        return self.facts.contribution.get("number") or ""

    @property
    def merged_at(self) -> datetime | None:
        return self.facts.contribution.get("merged_at")

    @property
    def files(self) -> list[tuple[str, int, int]]:
        """(kind, files, changed lines) of each kind that occurs."""
        kinds = self.facts.contribution.get("files") or {}
        return [(kind, one["files"], one["additions"] + one["deletions"]) for kind, one in kinds.items()]


def lines_of_claim(
    claim: Claim, estimate: Estimate | None, decided: Mapping[str, Any] | None = None
) -> list[ClaimLine]:
    """The lines of a submitted claim, newest merge first; without ``estimate``, the facts alone."""
    outcome = estimate.outcome if estimate else None
    explained = explanations(estimate) if estimate else {}
    by_ref = {one.ref: one for one in outcome.contributions} if outcome else {}
    facts = sorted(
        frozen_facts(claim).contributions,
        key=lambda one: (str(one.contribution.get("merged_at") or ""), one.ref),
        reverse=True,
    )
    return [
        ClaimLine(place, one, by_ref.get(one.ref), (decided or {}).get(one.ref, {}), explained.get(one.ref))
        for place, one in enumerate(facts, start=1)
    ]


def same_work_by_ref(claim: Claim) -> dict[str, list[Contribution]]:
    """By ref, where else the student has the same work: one contribution in two places."""
    shares = [item.authorship for item in claim.items.select_related("authorship__contribution__repository")]
    found = same_work.own_sibling_contributions([one.contribution_id for one in shares], claim.user)
    return {ref_of(one): found.get(one.contribution_id, []) for one in shares}


def branch_authors_by_ref(claim: Claim) -> dict[str, BranchLook]:
    """By ref, how far the forge has told who wrote the commits."""
    shares = [item.authorship for item in claim.items.select_related("authorship__contribution__repository")]
    looks = branch_authors.branch_looks(one.contribution_id for one in shares)
    return {ref_of(one): looks[one.contribution_id] for one in shares if one.contribution_id in looks}
