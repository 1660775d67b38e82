"""Stages of review: which stages a claim has, who decides in each, and who decided before.

The rulebook version of a submitted claim lists the stages in order. A claim is at one stage at a time. A final decision
moves it to the next stage; only the last stage's final decision goes on public notice. Nobody decides in two stages of
the same claim, because a second stage is a second opinion. A trigger enforces this, and the order.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from accounts import permissions
from accounts.models import Department, StaffRole, User
from credits.claims.locking import lock_claim
from credits.claims.models import Claim, Decision
from credits.errors import Conflict, NotAllowed
from credits.rulebooks.versions import rulebook_of
from credits.rules import Reviewers, ReviewStage

Role = StaffRole.Role

STAGE_ROLES: dict[str, str] = {
    "instructors": Role.INSTRUCTOR,
    "college-committee": Role.COMMITTEE,
    "university-committee": Role.COMMITTEE,
}
"""The role that decides in each kind of stage. The university committee are the people with the role for all
departments."""


def stages_of(claim: Claim) -> tuple[ReviewStage, ...]:
    """Return the stages of a submitted claim, in order; empty for a claim that was never submitted."""
    return rulebook_of(claim.version).review.stages if claim.version is not None else ()


def stage_of(claim: Claim) -> ReviewStage:
    """Return the current stage of a submitted claim."""
    return stages_of(claim)[claim.stage - 1]


def is_last_stage(claim: Claim) -> bool:
    """Return whether the claim is at its last stage of review."""
    return claim.stage >= len(stages_of(claim))


def is_reviewer(user: User, by: Reviewers, department: Department) -> bool:
    """Return whether ``user`` is one of the reviewers ``by`` for students of this department."""
    if by == "university-committee":
        return (
            permissions.has_role(user, STAGE_ROLES[by])
            and permissions.departments_of(user, STAGE_ROLES[by]) is None
        )
    return permissions.covers(user, STAGE_ROLES[by], department)


def require_reviewer(claim: Claim, by: User) -> None:
    """Raise NotAllowed unless ``by`` reviews the claim's current stage and is not the claimant."""
    if claim.user_id == by.pk:
        raise NotAllowed(
            "own-claim", _("You cannot decide on your own application."), _("A colleague will decide.")
        )
    stage = stage_of(claim)
    if stage.by == "university-committee":
        permissions.require_for_university(by, STAGE_ROLES[stage.by])
    else:
        permissions.require(by, STAGE_ROLES[stage.by], claim.enrolment.programme.department)


def require_no_earlier_decision(claim: Claim, by: User) -> None:
    """Raise NotAllowed if ``by`` decided in another stage of this claim."""
    if Decision.objects.filter(_decided_or_confirmed_by(by), claim=claim).exclude(stage=claim.stage).exists():
        raise NotAllowed(
            "decided-before",
            _(
                "You decided on this application at an earlier stage, so another person must "
                "decide at this one."
            ),
            _("A colleague will decide."),
        )


def may_review(claim: Claim, user: User) -> bool:
    """Return whether ``user`` reviews the claim's current stage and is not the claimant."""
    department = claim.enrolment.programme.department
    return claim.user_id != user.pk and is_reviewer(user, stage_of(claim).by, department)


def may_decide(claim: Claim, user: User) -> bool:
    """Return whether ``user`` may decide on the claim at its current stage."""
    try:
        require_no_earlier_decision(claim, user)
    except NotAllowed:
        return False
    return may_review(claim, user)


def has_decided(claim: Claim, user: User) -> bool:
    """Return whether ``user`` decided on this claim, or made a proposal final, in any stage."""
    return Decision.objects.filter(_decided_or_confirmed_by(user), claim=claim).exists()


def in_reviewers_stage(user: User) -> Q:
    """Return a condition for the claims at a stage that ``user`` reviews, without their own claims.

    It does not exclude claims on which they decided in an earlier stage: see :func:`undecided_by`.
    """
    condition = Q(pk__in=())
    for by in STAGE_ROLES:
        if permissions.has_role(user, STAGE_ROLES[by]):
            scope = permissions.departments_of(user, STAGE_ROLES[by])
            if scope is None:
                condition |= Q(stage_by=by)
            elif by != "university-committee":
                condition |= Q(stage_by=by, enrolment__programme__department__in=scope)
    return condition & ~Q(user=user)


def undecided_by(user: User) -> Q:
    """Return a condition for the claims on which ``user`` decided in no stage except the current one."""
    return ~Q(
        Exists(
            Decision.objects.filter(
                _decided_or_confirmed_by(user), ~Q(stage=OuterRef("stage")), claim=OuterRef("pk")
            )
        )
    )


def lock_at_stage(claim: Claim, stage: int, *states: str) -> Claim:
    """Lock the claim (:func:`credits.claims.locking.lock_claim`) and return it, at the stage that the reviewer saw.

    Raises Conflict ``stage-moved-on`` if another person has decided in that stage in the meantime.
    """
    current = lock_claim(claim, *states)
    if current.stage != stage:
        raise Conflict(
            "stage-moved-on",
            _("Another person has decided at this stage, and the application has moved to the next one."),
            _("Reload the page to see its current status."),
        )
    return current


def previous_stage_decision(claim: Claim) -> Decision | None:
    """Return the final decision of the stage before the current one, or None in the first stage."""
    return (
        claim.decisions.filter(standing=Decision.Standing.FINAL, stage=claim.stage - 1)
        .select_related("assessment", "decided_by")
        .first()
    )


def final_decisions(claims: Iterable[Claim]) -> dict[int, Decision]:
    """Return the final decision of the current stage for each claim that has one, by the claim's key."""
    found = Decision.objects.filter(
        claim__in=claims, standing=Decision.Standing.FINAL, stage=F("claim__stage")
    )
    found = found.select_related("assessment", "decided_by").defer("assessment__facts", "assessment__outcome")
    return {decision.claim_id: decision for decision in found}


def _decided_or_confirmed_by(user: User) -> Q:
    return Q(decided_by=user) | Q(confirmed_by=user)
