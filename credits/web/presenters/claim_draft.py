"""A student's draft: every contribution with its points, and the estimate."""

from __future__ import annotations

from datetime import datetime

from credits.claims import rounds
from credits.claims.application import draft
from credits.claims.application.draft import DraftCandidate
from credits.claims.assessment.estimate import estimate_claim
from credits.claims.assessment.facts import ref_of
from credits.claims.models import Claim
from credits.contributions import same_work
from credits.rulebooks.versions import rulebook_of
from credits.web.presenters.explanations import explanations


def draft_context(claim: Claim, *, now: datetime) -> dict[str, object]:
    """Return the context of the application page: each own contribution with what it gives if the present choice is
    submitted (or would give if it were chosen), and the estimate of the present choice."""
    choice = draft.read_choice(claim, now=now)
    candidates = _eligible_first(choice.candidates)
    chosen = [candidate.authorship for candidate in candidates if candidate.item is not None]
    estimate = estimate_claim(claim.user, claim.round, now=now, authorships=chosen)
    outcome = estimate.outcome
    by_ref = {contribution.ref: contribution for contribution in outcome.contributions}
    refs = [ref_of(candidate.authorship) for candidate in candidates]
    version = rounds.version_for(claim.round, claim.enrolment)
    return {
        "rows": [
            (candidate, by_ref.get(ref) or candidate.outcome)
            for candidate, ref in zip(candidates, refs, strict=True)
        ],
        "whys": explanations(choice.estimate, [ref for ref in refs if ref not in by_ref])
        | explanations(estimate, [ref for ref in refs if ref in by_ref]),
        "refs": {candidate.authorship.pk: ref for candidate, ref in zip(candidates, refs, strict=True)},
        "twins": same_work.own_sibling_contributions(
            [candidate.authorship.contribution_id for candidate in candidates], claim.user
        ),
        "chosen": len(chosen),
        "counting": sum(contribution.status == "counts" for contribution in outcome.contributions),
        "outcome": outcome,
        "rulebook": rulebook_of(version),
        "version": version,
    }


def _eligible_first(candidates: list[DraftCandidate]) -> list[DraftCandidate]:
    """Put chosen and eligible candidates before the others; keep the given order (newest first) within each group."""
    return sorted(
        candidates, key=lambda candidate: candidate.item is None and candidate.outcome.status != "counts"
    )
