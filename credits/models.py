"""Where Django finds the models; each is written in the room that owns it."""

from credits.claims.models import (
    Assessment,
    Claim,
    ClaimFlag,
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
    AttestedWork,
    Authorship,
    CatalogueEntry,
    CollectionState,
    Contribution,
    Evidence,
    MaintainerWord,
    Recheck,
    Repository,
    ShareConsent,
    ShareProposal,
)
from credits.jobs.models import Job, Lane
from credits.ledger.models import CreditEntry
from credits.records.models import ExportBatch
from credits.rulebooks.models import Rulebook, RulebookDraft, RulebookVersion

__all__ = [
    "Assessment",
    "AttestedWork",
    "Authorship",
    "CatalogueEntry",
    "Claim",
    "ClaimFlag",
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
    "MaintainerWord",
    "Recheck",
    "Repository",
    "Result",
    "Round",
    "RoundRulebook",
    "Rulebook",
    "RulebookDraft",
    "RulebookVersion",
    "ShareConsent",
    "ShareProposal",
    "Simulation",
    "SimulationChange",
]
