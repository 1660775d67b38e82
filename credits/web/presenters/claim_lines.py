"""The contributions of a claim as pages show them, line by line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from credits.claims.assessment.estimate import Estimate
from credits.claims.assessment.facts import frozen_of, ref_of
from credits.claims.models import Claim
from credits.contributions import same_work
from credits.contributions.collecting import branch_authors
from credits.contributions.models import BranchLook, Contribution
from credits.rules.evaluation.outcome import ContributionOutcome
from credits.rules.facts import ContributionFacts
from credits.web.presenters.explanations import Why, whys


@dataclass(frozen=True, slots=True)
class Line:
    """One contribution. ``decided`` is what a decision says of it ({} where none does). ``place`` counts from 1."""

    place: int
    facts: ContributionFacts
    outcome: ContributionOutcome | None
    decided: Mapping[str, Any]
    why: Why | None = None

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


def of_claim(claim: Claim, estimate: Estimate | None, decided: Mapping[str, Any] | None = None) -> list[Line]:
    """The lines of a submitted claim, newest merge first; without ``estimate``, the facts alone."""
    outcome = estimate.outcome if estimate else None
    explained = whys(estimate) if estimate else {}
    by_ref = {one.ref: one for one in outcome.contributions} if outcome else {}
    facts = sorted(
        frozen_of(claim).contributions,
        key=lambda one: (str(one.contribution.get("merged_at") or ""), one.ref),
        reverse=True,
    )
    return [
        Line(place, one, by_ref.get(one.ref), (decided or {}).get(one.ref, {}), explained.get(one.ref))
        for place, one in enumerate(facts, start=1)
    ]


def own_places(claim: Claim) -> dict[str, list[Contribution]]:
    """By ref, where else the student has the same work: one contribution in two places."""
    shares = [item.authorship for item in claim.items.select_related("authorship__contribution__repository")]
    found = same_work.own_places([one.contribution_id for one in shares], claim.user)
    return {ref_of(one): found.get(one.contribution_id, []) for one in shares}


def branches(claim: Claim) -> dict[str, BranchLook]:
    """By ref, how far the forge has told who wrote the commits."""
    shares = [item.authorship for item in claim.items.select_related("authorship__contribution__repository")]
    looks = branch_authors.of(one.contribution_id for one in shares)
    return {ref_of(one): looks[one.contribution_id] for one in shares if one.contribution_id in looks}
