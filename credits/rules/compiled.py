"""A rulebook as one Python function, for whole universities: totals without a trace, exactly those of ``evaluate``.

What one contribution is worth is generated from the rulebook (:mod:`credits.rules.program`): conditions in place,
points as whole numbers of a fixed small unit, so that sums need no decimals and stay exact. What several
contributions do to each other is in :mod:`credits.rules.together`; conversion is the evaluation's own.

``evaluate`` stays the one that explains, and what this is held against.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from credits.rules.convert import exchanged
from credits.rules.decimals import ZERO, exactly
from credits.rules.facts import ClaimFacts, ContributionFacts, standing_of
from credits.rules.program import Item, Program, program
from credits.rules.shapes import Rulebook
from credits.rules.together import together
from credits.rules.worth import worth


@dataclass(frozen=True, slots=True)
class Totals:
    """``points`` of the claim's contributions, the ``credit`` that they and those carried in give, and the points
    ``carried`` to the next assessment: as in an outcome, equal in value."""

    points: Decimal
    credit: Decimal
    carried: Decimal


@dataclass(frozen=True, slots=True)
class CompiledRulebook:
    """A rulebook ready for many claims."""

    rulebook: Rulebook
    _program: Program
    _points: Callable[[ClaimFacts], int]

    def credit(self, facts: ClaimFacts) -> Totals:
        """The totals of a claim whose facts are valid (as those are that were frozen: they are not checked again).

        Raises :class:`credits.errors.CreditsError` for what a reviewer gave against the rulebook, as ``evaluate``
        does.
        """
        with exactly():
            points = Decimal(self._points(facts)).scaleb(-self._program.places)
            return _converted(self.rulebook, facts, points)


def compile_rulebook(rulebook: Rulebook) -> CompiledRulebook:
    """The rulebook, which has been parsed (and so checked), as a function."""
    made = program(rulebook)
    fallback = partial(_one, rulebook, made.places)
    if made.sums:
        return CompiledRulebook(rulebook, made, made.function(fallback))
    items: Callable[[ClaimFacts], list[Item]] = made.function(fallback)
    rest = together(rulebook, made.places)
    return CompiledRulebook(rulebook, made, lambda facts: rest(items(facts)))


def _one(rulebook: Rulebook, places: int, facts: ClaimFacts, one: ContributionFacts) -> int | None:
    """A contribution's worth by the evaluation itself, where a condition failed; None where it does not count."""
    item = worth(rulebook, facts, one)
    return int(item.points.scaleb(places)) if item.status == "counts" else None


def _converted(rulebook: Rulebook, facts: ClaimFacts, points: Decimal) -> Totals:
    had = points + (standing_of(facts, "points_carried") or ZERO)
    term, degree = standing_of(facts, "credit_this_term"), standing_of(facts, "credit")
    if term is None or degree is None:
        return Totals(points, ZERO, had)
    rules = rulebook.conversion
    swap = exchanged(rulebook, had)
    gained, used = swap.gained, swap.used
    if gained and gained < rules.minimum:
        gained, used = ZERO, ZERO
    if gained:
        if rulebook.selection.pay == "difference":
            gained -= min(gained, degree)
        gained = min(gained, max(ZERO, rulebook.term_cap - term), max(ZERO, rulebook.degree_cap - degree))
    return Totals(points, gained, had - used if rules.remainder == "carry" else ZERO)
