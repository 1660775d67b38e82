"""A student's draft: every contribution with what it gives, and the estimate."""

from __future__ import annotations

from datetime import datetime

from credits.claims import rounds
from credits.claims.application import draft
from credits.claims.application.draft import DraftCandidate
from credits.claims.assessment import estimate as assess
from credits.claims.assessment.facts import ref_of
from credits.claims.models import Claim
from credits.contributions import same_work
from credits.rulebooks.versions import rulebook_of
from credits.web.presenters.explanations import explanations


def draft_page(found: Claim, *, now: datetime) -> dict[str, object]:
    """Every own contribution with what it gives within the present choice, or would give; and the estimate."""
    choice = draft.read_choice(found, now=now)
    candidates = _counting_first(choice.candidates)
    chosen = [one.authorship for one in candidates if one.item is not None]
    estimate = assess.estimate_claim(found.user, found.round, now=now, authorships=chosen)
    outcome = estimate.outcome
    by_ref = {one.ref: one for one in outcome.contributions}
    refs = [ref_of(one.authorship) for one in candidates]
    rulebook = rulebook_of(rounds.version_for(found.round, found.enrolment))
    return {
        "rows": [(one, by_ref.get(ref_of(one.authorship)) or one.outcome) for one in candidates],
        "whys": explanations(choice.estimate, [ref for ref in refs if ref not in by_ref])
        | explanations(estimate, [ref for ref in refs if ref in by_ref]),
        "refs": dict(zip((one.authorship.pk for one in candidates), refs, strict=True)),
        "twins": same_work.own_sibling_contributions(
            [one.authorship.contribution_id for one in candidates], found.user
        ),
        "chosen": len(chosen),
        "counting": sum(one.status == "counts" for one in outcome.contributions),
        "outcome": outcome,
        "rulebook": rulebook,
        "version": rounds.version_for(found.round, found.enrolment),
    }


def _counting_first(candidates: list[DraftCandidate]) -> list[DraftCandidate]:
    """What is chosen or can count first, what cannot last; within each, newest first as they come."""
    return sorted(candidates, key=lambda one: one.item is None and one.outcome.status != "counts")
