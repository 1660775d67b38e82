"""Real claims on which a steward can try a rulebook while writing it, without learning whose claims they are."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import cast

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts import audit, permissions
from accounts.models import StaffRole, User
from credits.claims.models import Assessment, Claim
from credits.claims.rounds import newest_round
from credits.claims.simulation.trial import next_batch, submitted_claims
from credits.errors import NotThere
from credits.rulebooks.worked_example import example_facts
from credits.rules.facts import ClaimFacts, facts_from_json

Role = StaffRole.Role
SAMPLES_OFFERED = 12


@dataclass(frozen=True, slots=True)
class SampleClaim:
    """A claim as the steward's list shows it. ``key`` is its public id."""

    key: str
    programme: str
    contributions: int
    points: Decimal
    credit: Decimal


@dataclass(frozen=True, slots=True)
class TrialExample:
    """Facts to try a rulebook on.

    ``key`` is empty for the made-up example. ``open`` is True if the steward may see whose claim it is, through another
    role of theirs.
    """

    key: str
    facts: ClaimFacts
    open: bool


def list_samples(user: User) -> list[SampleClaim]:
    """Return some claims of the newest round within the steward's departments; empty if there are none."""
    permissions.require(user, Role.STEWARD)
    round_ = newest_round()
    if round_ is None:
        return []
    claims = submitted_claims(round_, departments=permissions.departments_of(user, Role.STEWARD))
    return [
        SampleClaim(
            key=str(claim.public_id),
            programme=claim.enrolment.programme.name,
            contributions=len(cast("dict[str, list[object]]", assessment.facts)["contributions"]),
            points=assessment.points,
            credit=assessment.credit,
        )
        for claim, assessment in next_batch(claims, limit=SAMPLES_OFFERED)
    ]


@transaction.atomic
def open_example(user: User, key: str, *, now: datetime) -> TrialExample:
    """Return the example with this key. Write the view of another person's record to the audit log (invariant 11)."""
    chosen = read_example(user, key)
    if chosen.key:
        claim = Claim.objects.select_related("user").get(public_id=chosen.key)
        audit.record("example-seen", claim, by=user, now=now, person=claim.user, named=chosen.open)
    return chosen


def read_example(user: User, key: str) -> TrialExample:
    """Return the example with this key, or the made-up example if ``key`` is empty. It writes no audit log.

    Raises NotThere for a claim that the steward may not see or that no longer exists.
    """
    permissions.require(user, Role.STEWARD)
    if not key:
        return TrialExample("", example_facts(), open=True)
    try:
        public_id = uuid.UUID(key)
    except ValueError:
        raise _no_such_example() from None
    claim = (
        Claim.objects.select_related("round", "enrolment__programme__department")
        .filter(public_id=public_id)
        .first()
    )
    if claim is None:
        raise _no_such_example()
    scope = permissions.departments_of(user, Role.STEWARD)
    found = next_batch(submitted_claims(claim.round, departments=scope).filter(pk=claim.pk), limit=1)
    if not found:
        raise _no_such_example()
    assessment: Assessment = found[0][1]
    return TrialExample(
        key=str(claim.public_id),
        facts=facts_from_json(cast("dict[str, object]", assessment.facts)),
        open=may_see_student(user, claim),
    )


def may_see_student(user: User, claim: Claim) -> bool:
    """Return whether the steward may see whose claim it is, because they also review or record it."""
    department = claim.enrolment.programme.department
    return any(permissions.covers(user, role, department) for role in (Role.INSTRUCTOR, Role.REGISTRAR))


def _no_such_example() -> NotThere:
    return NotThere(
        "no-such-example", _("This application cannot be used as an example."), _("Choose another example.")
    )
