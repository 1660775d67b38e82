"""A student's contributions: the list with the estimate, and the page of one contribution with its shares."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from accounts.models import User
from credits.claims import rounds
from credits.claims.assessment.estimate import Estimate, estimate_claim
from credits.claims.assessment.facts import ref_of
from credits.contributions import same_work, shares
from credits.contributions.collecting import branch_authors
from credits.contributions.collecting.status import statuses_for_person
from credits.contributions.models import Authorship, Contribution, Recheck
from credits.errors import NotThere
from credits.web.presenters.explanations import explanations


def contribution_list_context(
    student: User, authorships: Sequence[Authorship], *, now: datetime
) -> dict[str, object]:
    """Return the context of a list of own contributions: whether each counts in the current round, and why."""
    estimate = _current_estimate(student, now=now)
    outcome = estimate.outcome if estimate else None
    by_ref = {contribution.ref: contribution for contribution in outcome.contributions} if outcome else {}
    refs = [ref_of(authorship) for authorship in authorships]
    return {
        "rows": [
            (authorship, by_ref.get(ref), ref) for authorship, ref in zip(authorships, refs, strict=True)
        ],
        "outcome": outcome,
        "whys": explanations(estimate, refs) if estimate else {},
        "twins": same_work.own_sibling_contributions(
            [authorship.contribution_id for authorship in authorships], student
        ),
        "asked": shares.proposals_awaiting(student),
        "accounts": statuses_for_person(student, now=now),
    }


def contribution_context(contribution: Contribution, student: User) -> dict[str, object]:
    """Return the context of the page of one contribution, for a student who has a part in it."""
    sharing = shares.load_shares(contribution)
    proposal = sharing.proposal
    return {
        "work": contribution,
        "sharing": sharing,
        "twins": same_work.own_sibling_contributions([contribution.pk], student).get(contribution.pk, []),
        "branch": branch_authors.branch_looks([contribution.pk]).get(contribution.pk),
        "seen": Recheck.objects.filter(contribution=contribution).first(),
        "may_propose": sharing.may_propose(student),
        "may_answer": sharing.may_answer(student),
        "may_withdraw": proposal is not None and proposal.proposed_by_id == student.pk,
    }


def _current_estimate(student: User, *, now: datetime) -> Estimate | None:
    """Return the estimate of everything the student could apply with now; None if no round or rulebook applies."""
    round_ = rounds.current_round(student, now=now)
    if round_ is None:
        return None
    try:
        return estimate_claim(student, round_, now=now)
    except NotThere:
        return None
