"""Decisions as pages show them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from credits.claims.models import Claim, Decision
from credits.claims.stages import stages_of
from credits.web.presenters.formatting import tongue


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision. ``stage`` is its stage of review in words (empty where there is only one); ``passed_on`` says that
    it is final in its stage, while another stage comes after it."""

    decision: Decision
    stage: str
    passed_on: bool


def of_claim(claim: Claim, decisions: Iterable[Decision]) -> list[Decided]:
    """The decisions with their stages, in the order given."""
    stages = stages_of(claim)
    return [
        Decided(
            one,
            stage_words(claim, one.stage),
            one.standing == Decision.Standing.FINAL and one.stage < len(stages),
        )
        for one in decisions
    ]


def stage_now(claim: Claim) -> str:
    """The stage at which a claim is, in words; empty where there is only one."""
    return stage_words(claim, claim.stage)


def stage_words(claim: Claim, number: int) -> str:
    """A stage in words, such as “College committee (stage 2 of 2)”; empty where there is only one."""
    stages = stages_of(claim)
    if len(stages) < 2:
        return ""
    return _("%(stage)s (stage %(number)s of %(all)s)") % {
        "stage": tongue(stages[number - 1].title),
        "number": number,
        "all": len(stages),
    }
