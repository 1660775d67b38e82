"""A steward's view of one change that a simulation found: the same claim by both rulebooks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.models import User
from credits.claims.models import Claim, Simulation, SimulationChange
from credits.claims.simulation import runs
from credits.claims.simulation.anonymised_traces import anonymise
from credits.claims.simulation.sample_claims import may_see_student
from credits.claims.simulation.trial import evaluate_both
from credits.errors import NotThere
from credits.rulebooks.models import RulebookVersion
from credits.rulebooks.versions import rulebook_of
from credits.rules import ContributionOutcome, Outcome

MAX_ORDINAL = 2**31 - 1
"""The largest number that PostgreSQL's integer holds."""


@dataclass(frozen=True, slots=True)
class ViewedChange:
    """A change with both outcomes. Unless ``named``, the outcomes are anonymised and the page must not say whose claim
    it is. ``before`` is the version that the simulation compares with."""

    change: SimulationChange
    claim: Claim
    before: RulebookVersion
    old: Outcome
    new: Outcome
    named: bool

    @property
    def pairs(self) -> list[tuple[ContributionOutcome, ContributionOutcome]]:
        """Pair the contributions: both rulebooks evaluated the same ones, in the same order."""
        return list(zip(self.old.contributions, self.new.contributions, strict=True))


@transaction.atomic
def view_change(simulation: Simulation, ordinal: int, *, by: User, now: datetime) -> ViewedChange:
    """Return a change of a simulation that ``by`` may see, and write the look into the audit log (invariant 11).

    The student and the work are shown only to a person who may see them by another role. Raises NotThere if the
    simulation has no such change.
    """
    change = simulation.changes.filter(ordinal=min(ordinal, MAX_ORDINAL)).select_related("assessment").first()
    if change is None:
        raise _no_such_change()
    claim = Claim.objects.select_related("user", "version", "enrolment__programme__department").get(
        pk=change.assessment.claim_id
    )
    before = simulation.against or claim.version
    if before is None:
        raise _no_such_change()
    facts, old, new = evaluate_both(change.assessment, rulebook_of(before), runs.tried_rulebook(simulation))
    named = may_see_student(by, claim)
    if not named:
        old, new = anonymise(facts, old), anonymise(facts, new)
    audit.record(
        "simulation-trace-seen",
        simulation,
        by=by,
        now=now,
        person=claim.user,
        ordinal=change.ordinal,
        named=named,
    )
    return ViewedChange(change, claim, before, old, new, named)


def _no_such_change() -> NotThere:
    return NotThere("no-such-change", _("There is no such change in this simulation."))
