"""A simulation on its page: progress, totals, chart and largest changes."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from accounts.models import Programme
from credits.claims.models import Simulation, SimulationChange
from credits.claims.simulation import runs
from credits.claims.simulation.trial import SimulationTally
from credits.web.presenters import charts


@dataclass(frozen=True, slots=True)
class LargestChange:
    """A change in the list of the largest ones, with the student's programme."""

    change: SimulationChange
    programme: str


def simulation_context(simulation: Simulation) -> dict[str, Any]:
    """Return the context of the part of the page that changes while the simulation runs."""
    tally = SimulationTally.from_json(simulation.tally)
    names = dict(
        Programme.objects.filter(pk__in=[int(key) for key in tally.programmes]).values_list("pk", "name")
    )
    programmes = [
        {
            **credit,
            "name": names.get(int(key), ""),
            "cost": Decimal(credit["after"]) - Decimal(credit["before"]),
        }
        for key, credit in tally.programmes.items()
    ]
    reached = tally.claims + tally.failed
    return {
        "simulation": simulation,
        "tally": tally,
        "open": simulation.status in (Simulation.Status.WAITING, Simulation.Status.RUNNING),
        "reached": reached,
        "percent": 100 * reached // simulation.total if simulation.total else 0,
        "chart": charts.distribution_chart(tally.spread_before, tally.spread_after),
        "programmes": sorted(programmes, key=lambda row: (-abs(row["cost"]), row["name"])),
        "largest": [
            LargestChange(change, change.assessment.claim.enrolment.programme.name)
            for change in runs.largest_changes(simulation)
        ],
    }
