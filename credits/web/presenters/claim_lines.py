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
from credits.contributions.models import Authorship, BranchLook, Contribution
from credits.rules import ContributionOutcome
from credits.rules.facts import ContributionFacts
from credits.web.presenters.explanations import ContributionExplanation, explanations


@dataclass(frozen=True, slots=True)
class ClaimLine:
    """One contribution. ``decided`` is its part of a decision ({} if there is none). ``place`` counts from 1."""

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
        """Return (kind, number of files, changed lines) of each kind of file that occurs."""
        kinds = self.facts.contribution.get("files") or {}
        return [
            (kind, counts["files"], counts["additions"] + counts["deletions"])
            for kind, counts in kinds.items()
        ]


def lines_of_claim(
    claim: Claim, estimate: Estimate | None, decided: Mapping[str, Any] | None = None
) -> list[ClaimLine]:
    """Return the lines of a submitted claim, newest merge first; without ``estimate``, with the facts only."""
    outcome = estimate.outcome if estimate else None
    explained = explanations(estimate) if estimate else {}
    by_ref = {contribution.ref: contribution for contribution in outcome.contributions} if outcome else {}
    newest_first = sorted(
        frozen_facts(claim).contributions,
        key=lambda facts: (str(facts.contribution.get("merged_at") or ""), facts.ref),
        reverse=True,
    )
    return [
        ClaimLine(
            place,
            facts,
            by_ref.get(facts.ref),
            (decided or {}).get(facts.ref, {}),
            explained.get(facts.ref),
        )
        for place, facts in enumerate(newest_first, start=1)
    ]


def same_work_by_ref(claim: Claim) -> dict[str, list[Contribution]]:
    """Return, by ref, the student's other contributions that are the same work on another forge."""
    authorships = _authorships(claim)
    siblings = same_work.own_sibling_contributions(
        [authorship.contribution_id for authorship in authorships], claim.user
    )
    return {ref_of(authorship): siblings.get(authorship.contribution_id, []) for authorship in authorships}


def branch_authors_by_ref(claim: Claim) -> dict[str, BranchLook]:
    """Return, by ref, what the forge has answered about who wrote the commits."""
    authorships = _authorships(claim)
    looks = branch_authors.branch_looks(authorship.contribution_id for authorship in authorships)
    return {
        ref_of(authorship): looks[authorship.contribution_id]
        for authorship in authorships
        if authorship.contribution_id in looks
    }


def _authorships(claim: Claim) -> list[Authorship]:
    items = claim.items.select_related("authorship__contribution__repository")
    return [item.authorship for item in items]
