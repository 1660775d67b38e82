"""Stages of review: through which a claim goes, who decides in each, and who has decided before.

The rulebook that a claim was submitted under names them, in order. A claim is at one stage at a time; what is final
there takes it to the next, and only what is final at the last one goes on public notice. Nobody decides in two stages
of one claim: that is what a second stage is for. A trigger holds it, as it holds the order.
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
from credits.rules import Reviewers, Stage

Role = StaffRole.Role

STAGE_ROLES: dict[str, str] = {
    "instructors": Role.INSTRUCTOR,
    "college-committee": Role.COMMITTEE,
    "university-committee": Role.COMMITTEE,
}
"""The role in which one decides in a stage; the university's committee are those who hold it for all colleges."""


def stages_of(claim: Claim) -> tuple[Stage, ...]:
    """The stages of a submitted claim, in order; none for one that was never submitted."""
    return rulebook_of(claim.version).review.stages if claim.version is not None else ()


def stage_of(claim: Claim) -> Stage:
    """The stage at which a submitted claim is."""
    return stages_of(claim)[claim.stage - 1]


def is_last_stage(claim: Claim) -> bool:
    """Whether what is final at the claim's stage is the end of its review."""
    return claim.stage >= len(stages_of(claim))


def is_reviewer(user: User, by: Reviewers, department: Department) -> bool:
    """Whether the person decides, for students of this department, in stages that are reviewed ``by`` these."""
    if by == "university-committee":
        return (
            permissions.has_role(user, STAGE_ROLES[by])
            and permissions.departments_of(user, STAGE_ROLES[by]) is None
        )
    return permissions.covers(user, STAGE_ROLES[by], department)


def require_reviewer(claim: Claim, by: User) -> None:
    """Raise NotAllowed unless ``by`` reviews at the stage at which this claim is, and is not the claimant."""
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
    """Raise NotAllowed where ``by`` has decided in another stage of this claim."""
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
    """Whether the stage at which the claim is is one that ``user`` reviews."""
    department = claim.enrolment.programme.department
    return claim.user_id != user.pk and is_reviewer(user, stage_of(claim).by, department)


def may_decide(claim: Claim, user: User) -> bool:
    """Whether this is a claim for ``user`` to decide at the stage at which it is."""
    try:
        require_no_earlier_decision(claim, user)
    except NotAllowed:
        return False
    return may_review(claim, user)


def has_decided(claim: Claim, user: User) -> bool:
    """Whether the person decided on this claim, or made a proposal final, in any stage."""
    return Decision.objects.filter(_decided_or_confirmed_by(user), claim=claim).exists()


def in_reviewers_stage(user: User) -> Q:
    """The claims that are at a stage which this person reviews; never their own. Whether they decided in an earlier
    one is another question: :func:`untouched_by`."""
    turn = Q(pk__in=())
    for by in STAGE_ROLES:
        if permissions.has_role(user, STAGE_ROLES[by]):
            scope = permissions.departments_of(user, STAGE_ROLES[by])
            if scope is None:
                turn |= Q(stage_by=by)
            elif by != "university-committee":
                turn |= Q(stage_by=by, enrolment__programme__department__in=scope)
    return turn & ~Q(user=user)


def undecided_by(user: User) -> Q:
    """The claims on which this person has decided in no other stage than the present one."""
    return ~Q(
        Exists(
            Decision.objects.filter(
                _decided_or_confirmed_by(user), ~Q(stage=OuterRef("stage")), claim=OuterRef("pk")
            )
        )
    )


def lock_at_stage(claim: Claim, stage: int, *states: str) -> Claim:
    """The claim, locked (:func:`credits.claims.locking.lock_claim`), at the stage that the reviewer saw; Conflict
    ``stage-moved-on`` where somebody has decided there in the meantime."""
    now_so = lock_claim(claim, *states)
    if now_so.stage != stage:
        raise Conflict(
            "stage-moved-on",
            _("Another person has decided at this stage, and the application has moved to the next one."),
            _("Reload the page to see its current status."),
        )
    return now_so


def previous_stage_decision(claim: Claim) -> Decision | None:
    """What was finally decided in the stage before the present one; None in the first."""
    return (
        claim.decisions.filter(standing=Decision.Standing.FINAL, stage=claim.stage - 1)
        .select_related("assessment", "decided_by")
        .first()
    )


def final_decisions(claims: Iterable[Claim]) -> dict[int, Decision]:
    """For each claim that is finally decided, by its key: what stands at the end of its review."""
    found = Decision.objects.filter(
        claim__in=claims, standing=Decision.Standing.FINAL, stage=F("claim__stage")
    )
    found = found.select_related("assessment", "decided_by").defer("assessment__facts", "assessment__outcome")
    return {one.claim_id: one for one in found}


def _decided_or_confirmed_by(user: User) -> Q:
    return Q(decided_by=user) | Q(confirmed_by=user)
