"""A rulebook as one Python function, for whole universities: totals without a trace, exactly those of ``evaluate``.

What one contribution is worth is generated from the rulebook (:mod:`credits.rules.evaluation.compiled.codegen`):
conditions in place, points as whole numbers of a fixed small unit, so that sums need no decimals and stay exact.
What several contributions do to each other is in :mod:`credits.rules.evaluation.compiled.caps`; conversion is the
evaluation's own.

``evaluate`` stays the one that explains, and what this is held against.
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
    """``points`` of the claim's contributions, the ``credit`` that they and those carried in give, and the points
    ``carried`` to the next assessment: as in an outcome, equal in value."""

    points: Decimal
    credit: Decimal
    carried: Decimal


@dataclass(frozen=True, slots=True)
class CompiledRulebook:
    """A rulebook ready for many claims."""

    rulebook: RulebookDocument
    _program: GeneratedProgram
    _points: Callable[[ClaimFacts], int]

    def credit(self, facts: ClaimFacts) -> ClaimTotals:
        """The totals of a claim whose facts are valid (as those are that were frozen: they are not checked again).

        Raises :class:`credits.errors.CreditsError` for what a reviewer gave against the rulebook, as ``evaluate``
        does.
        """
        with exact_arithmetic():
            points = Decimal(self._points(facts)).scaleb(-self._program.places)
            return _convert_points(self.rulebook, facts, points)


def compile_rulebook(rulebook: RulebookDocument) -> CompiledRulebook:
    """The rulebook, which has been parsed (and so checked), as a function."""
    made = generate_program(rulebook)
    fallback = partial(_points_by_evaluation, rulebook, made.places)
    rest = compile_group_caps(rulebook, made.places)
    function = made.function(fallback)
    points = function if made.sums else lambda facts: sum(rest(sorted(function(facts), key=merge_order)))
    return CompiledRulebook(rulebook, made, points)


def _points_by_evaluation(
    rulebook: RulebookDocument, places: int, facts: ClaimFacts, one: ContributionFacts
) -> int | None:
    """A contribution's worth by the evaluation itself, where a condition failed; None where it does not count."""
    item = score_contribution(rulebook, facts, one)
    return int(item.points.scaleb(places)) if item.status == "counts" else None


def _convert_points(rulebook: RulebookDocument, facts: ClaimFacts, points: Decimal) -> ClaimTotals:
    had = points + (standing_of(facts, "points_carried") or ZERO)
    term, degree = standing_of(facts, "credit_this_term"), standing_of(facts, "credit")
    if term is None or degree is None:
        return ClaimTotals(points, ZERO, had)
    rules = rulebook.conversion
    swap = exchange_points(rulebook, had)
    gained, used = swap.gained, swap.used
    if gained and gained < rules.minimum:
        gained, used = ZERO, ZERO
    if gained:
        if rulebook.selection.pay == "difference":
            gained -= min(gained, degree)
        gained = min(gained, max(ZERO, rulebook.term_cap - term), max(ZERO, rulebook.degree_cap - degree))
    return ClaimTotals(points, gained, had - used if rules.remainder == "carry" else ZERO)
