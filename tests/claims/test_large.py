"""Claims with more points than a database column can store."""

from __future__ import annotations

import pytest

from credits.claims.application.draft import open_draft
from credits.claims.application.submit import submit
from credits.claims.assessment import stored
from credits.claims.simulation import runs
from credits.rules.document.parser import parse
from tests import credit_factories as make
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db

POINTS = """\
  - id: lines
    text: {zh: 每行一分, en: by the line}
    formula: FORMULA
"""


@pytest.mark.parametrize(
    "formula", ["contribution.additions", "contribution.additions * contribution.additions"]
)
def test_a_claim_with_millions_of_points_goes_all_its_way(formula: str) -> None:
    """With a point for each line of a large library, the outcome is exact and the columns hold their maximum."""
    student, points = factories.student(), POINTS.replace("FORMULA", formula)
    factors = "factors: " + str([f"{{id: x{name}, text: {{zh: 多, en: more}}, times: 100}}" for name in "ab"])
    round_ = make.round_(rulebooks=[make.published_rulebook(points=points, more=factors.replace("'", ""))])
    make.authorship(student, make.contribution(additions=1_500_000))
    claim = submit(open_draft(student, round_, now=NOW), by=student, now=NOW)
    first = claim.assessments.get()
    assert first.points == stored.MAX_POINTS
    assert stored.outcome_of(first).points > 1_500_000
    result = make.recorded_claim(claim)
    assert (result.points, result.credit, result.points_carried) == (stored.MAX_POINTS, 2, 0)


def test_a_simulation_counts_claims_with_millions_of_points() -> None:
    """A simulation of a formula that gives more points than a column can store still counts who gains."""
    round_ = make.round_()
    make.submitted_claim(in_round=round_)
    text = make.RULEBOOK.format(code="tried", category="innovation", points=POINTS, more="")
    tried = parse(text.replace("FORMULA", "contribution.additions * 1000000000"))
    simulation = runs.request_simulation(tried, round_=round_, by=factories.steward(), now=NOW)
    assert not runs.run_due(clock=lambda: NOW)
    assert simulation.changes.get().points_after == stored.MAX_POINTS
