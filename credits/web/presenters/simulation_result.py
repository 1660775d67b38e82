"""What a simulation found, as its page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from accounts.models import Programme, User
from credits.claims.models import Simulation, SimulationChange
from credits.claims.simulation import runs
from credits.claims.simulation.trial import SimulationTally
from credits.rules import Outcome
from credits.web.presenters import charts


@dataclass(frozen=True, slots=True)
class LargestChange:
    """A change as it is listed: what the person is called by, and where they study."""

    change: SimulationChange
    programme: str


def simulation_state(found: Simulation, user: User) -> dict[str, Any]:
    tally = SimulationTally.from_json(found.tally)
    names = dict(
        Programme.objects.filter(pk__in=[int(key) for key in tally.programmes]).values_list("pk", "name")
    )
    programmes = [
        {**one, "name": names.get(int(key), ""), "cost": Decimal(one["after"]) - Decimal(one["before"])}
        for key, one in tally.programmes.items()
    ]
    reached = tally.claims + tally.failed
    return {
        "simulation": found,
        "tally": tally,
        "open": found.status in (Simulation.Status.WAITING, Simulation.Status.RUNNING),
        "reached": reached,
        "percent": 100 * reached // found.total if found.total else 0,
        "chart": charts.distribution_chart(tally.spread_before, tally.spread_after),
        "programmes": sorted(programmes, key=lambda one: (-abs(one["cost"]), one["name"])),
        "largest": [
            LargestChange(one, one.assessment.claim.enrolment.programme.name)
            for one in runs.largest_changes(found)
        ],
    }


def contribution_pairs(old: Outcome, new: Outcome) -> list[tuple[Any, Any]]:
    """Contributions before and after; both rulebooks were given the same ones, in the same order."""
    return list(zip(old.contributions, new.contributions, strict=True))
