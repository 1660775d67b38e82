"""Compile a rulebook to one Python function, for whole universities: the totals of ``evaluate`` without a trace.

The points of one contribution are computed by code generated from the rulebook
(:mod:`credits.rules.evaluation.compiled.codegen`): conditions in place, points as whole numbers of a fixed small unit,
so that sums need no decimals and stay exact. Rules that span contributions are in
:mod:`credits.rules.evaluation.compiled.caps`; conversion uses the evaluation's own functions.

``evaluate`` explains, and tests compare the compiled totals with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from credits.rules.decimals import ZERO, exact_arithmetic
from credits.rules.document.rulebook_model import RulebookDocument
from credits.rules.evaluation.compiled.caps import compile_group_caps, merge_order
from credits.rules.evaluation.compiled.codegen import GeneratedProgram, generate_program
from credits.rules.evaluation.contribution_points import score_contribution
from credits.rules.evaluation.conversion import exchange_points
from credits.rules.facts import ClaimFacts, ContributionFacts, standing_of


@dataclass(frozen=True, slots=True)
class ClaimTotals:
    """The totals of a claim, equal to those of its outcome.

    ``points`` are those of its contributions, ``credit`` is what these and the points carried in give, and ``carried``
    are the points for the next assessment.
    """

    points: Decimal
    credit: Decimal
    carried: Decimal


@dataclass(frozen=True, slots=True)
class CompiledRulebook:
    """A rulebook that is ready to compute many claims."""

    rulebook: RulebookDocument
    _program: GeneratedProgram
    _points: Callable[[ClaimFacts], int]

    def credit(self, facts: ClaimFacts) -> ClaimTotals:
        """Return the totals of a claim. Its facts must be valid, as frozen facts are: they are not checked again.

        Raise :class:`credits.errors.CreditsError` for an award that the rulebook does not allow, as ``evaluate`` does.
        """
        with exact_arithmetic():
            points = Decimal(self._points(facts)).scaleb(-self._program.places)
            return _convert_points(self.rulebook, facts, points)


def compile_rulebook(rulebook: RulebookDocument) -> CompiledRulebook:
    """Compile a parsed (and so checked) rulebook."""
    program = generate_program(rulebook)
    fallback = partial(_points_by_evaluation, rulebook, program.places)
    cap_groups = compile_group_caps(rulebook, program.places)
    function = program.function(fallback)
    points = (
        function if program.sums else lambda facts: sum(cap_groups(sorted(function(facts), key=merge_order)))
    )
    return CompiledRulebook(rulebook, program, points)


def _points_by_evaluation(
    rulebook: RulebookDocument, places: int, facts: ClaimFacts, contribution: ContributionFacts
) -> int | None:
    """Compute a contribution with the evaluation, because a condition failed. Return None if it does not count."""
    item = score_contribution(rulebook, facts, contribution)
    return int(item.points.scaleb(places)) if item.status == "counts" else None


def _convert_points(rulebook: RulebookDocument, facts: ClaimFacts, points: Decimal) -> ClaimTotals:
    had = points + (standing_of(facts, "points_carried") or ZERO)
    term, degree = standing_of(facts, "credit_this_term"), standing_of(facts, "credit")
    if term is None or degree is None:
        return ClaimTotals(points, ZERO, had)
    rules = rulebook.conversion
    exchange = exchange_points(rulebook, had)
    gained, used = exchange.gained, exchange.used
    if gained and gained < rules.minimum:
        gained, used = ZERO, ZERO
    if gained:
        if rulebook.selection.pay == "difference":
            gained -= min(gained, degree)
        gained = min(gained, max(ZERO, rulebook.term_cap - term), max(ZERO, rulebook.degree_cap - degree))
    return ClaimTotals(points, gained, had - used if rules.remainder == "carry" else ZERO)
