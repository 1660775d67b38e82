"""Decisions as pages show them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from credits.claims.models import Claim, Decision
from credits.claims.stages import stages_of
from credits.web.presenters.formatting import in_language


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """A decision. ``stage`` is the text of its stage of review (empty if the rulebook has only one stage);
    ``passed_on`` says that it is final in its stage and that another stage follows."""

    decision: Decision
    stage: str
    passed_on: bool


def claim_decisions(claim: Claim, decisions: Iterable[Decision]) -> list[DecisionRow]:
    """Return the decisions with their stages, in the given order."""
    stages = stages_of(claim)
    return [
        DecisionRow(
            decision,
            stage_label(claim, decision.stage),
            decision.standing == Decision.Standing.FINAL and decision.stage < len(stages),
        )
        for decision in decisions
    ]


def current_stage_label(claim: Claim) -> str:
    """Return the label of the claim's current stage; an empty text if there is only one stage."""
    return stage_label(claim, claim.stage)


def stage_label(claim: Claim, number: int) -> str:
    """Return a label such as “College committee (stage 2 of 2)”; an empty text if there is only one stage."""
    stages = stages_of(claim)
    if len(stages) < 2:
        return ""
    return _("%(stage)s (stage %(number)s of %(all)s)") % {
        "stage": in_language(stages[number - 1].title),
        "number": number,
        "all": len(stages),
    }
