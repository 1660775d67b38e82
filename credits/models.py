"""Where Django finds the models; each is written in the room that owns it."""

from credits.claims.models import (
    Assessment,
    Claim,
    ClaimItem,
    Decision,
    HearingAnswer,
    Result,
    Round,
    RoundRulebook,
    Simulation,
    SimulationChange,
)
from credits.contributions.models import (
    Authorship,
    CatalogueEntry,
    CollectionState,
    Contribution,
    Evidence,
    Repository,
)
from credits.jobs.models import Job, Lane
from credits.ledger.models import CreditEntry
from credits.records.models import ExportBatch
from credits.rulebooks.models import Rulebook, RulebookDraft, RulebookVersion

__all__ = [
    "Assessment",
    "Authorship",
    "CatalogueEntry",
    "Claim",
    "ClaimItem",
    "CollectionState",
    "Contribution",
    "CreditEntry",
    "Decision",
    "Evidence",
    "ExportBatch",
    "HearingAnswer",
    "Job",
    "Lane",
    "Repository",
    "Result",
    "Round",
    "RoundRulebook",
    "Rulebook",
    "RulebookDraft",
    "RulebookVersion",
    "Simulation",
    "SimulationChange",
]
