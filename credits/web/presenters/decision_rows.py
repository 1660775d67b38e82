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
    """A decision. ``stage`` is its stage of review in words (empty where there is only one); ``passed_on`` says that
    it is final in its stage, while another stage comes after it."""

    decision: Decision
    stage: str
    passed_on: bool


def claim_decisions(claim: Claim, decisions: Iterable[Decision]) -> list[DecisionRow]:
    """The decisions with their stages, in the order given."""
    stages = stages_of(claim)
    return [
        DecisionRow(
            one,
            stage_label(claim, one.stage),
            one.standing == Decision.Standing.FINAL and one.stage < len(stages),
        )
        for one in decisions
    ]


def current_stage_label(claim: Claim) -> str:
    """The stage at which a claim is, in words; empty where there is only one."""
    return stage_label(claim, claim.stage)


def stage_label(claim: Claim, number: int) -> str:
    """A stage in words, such as “College committee (stage 2 of 2)”; empty where there is only one."""
    stages = stages_of(claim)
    if len(stages) < 2:
        return ""
    return _("%(stage)s (stage %(number)s of %(all)s)") % {
        "stage": in_language(stages[number - 1].title),
        "number": number,
        "all": len(stages),
    }
