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
from typing import Any

from credits.rules.decimals import ZERO, exact_arithmetic, to_text
from credits.rules.document.rulebook_model import RulebookDocument
from credits.rules.evaluation.compiled.caps import (
    compile_group_caps,
    cut_repository,
    merge_order,
    repository_limit,
)
from credits.rules.evaluation.compiled.codegen import (
    CountedContribution,
    Fallback,
    GeneratedProgram,
    generate_program,
)
from credits.rules.evaluation.contribution_points import score_contribution
from credits.rules.evaluation.conversion import exchange_points
from credits.rules.evaluation.notes import brief_text, noting_program
from credits.rules.facts import ClaimFacts, ContributionFacts, standing_of


@dataclass(frozen=True, slots=True)
class ClaimTotals:
    """``points`` of the claim's contributions, the ``credit`` that they and those carried in give, and the points
    ``carried`` to the next assessment: as in an outcome, equal in value."""

    points: Decimal
    credit: Decimal
    carried: Decimal


BriefLine = tuple[str, str, str]
"""A contribution's ref; the points that it keeps after all caps, as a decimal's text; and what each rule said, as
:func:`credits.rules.evaluation.notes.brief_text` writes it."""


@dataclass(frozen=True, slots=True)
class CompiledRulebook:
    """A rulebook ready for many claims."""

    rulebook: RulebookDocument
    _program: GeneratedProgram
    _points: Callable[[ClaimFacts], int]
    _notes: Callable[[ClaimFacts], tuple[int, list[BriefLine]]]

    def credit(self, facts: ClaimFacts) -> ClaimTotals:
        """The totals of a claim whose facts are valid (as those are that were frozen: they are not checked again).

        Raises :class:`credits.errors.CreditsError` for what a reviewer gave against the rulebook, as ``evaluate``
        does.
        """
        with exact_arithmetic():
            points = Decimal(self._points(facts)).scaleb(-self._program.places)
            return _convert_points(self.rulebook, facts, points)

    def brief(self, facts: ClaimFacts) -> tuple[ClaimTotals, list[BriefLine]]:
        """The totals, and for each contribution what it keeps and what each rule said: enough to store for a whole
        university, and to find what a change of rules did to whom. The sentences are ``evaluate``'s, from the same
        facts."""
        with exact_arithmetic():
            points, lines = self._notes(facts)
            return _convert_points(self.rulebook, facts, Decimal(points).scaleb(-self._program.places)), lines


def compile_rulebook(rulebook: RulebookDocument) -> CompiledRulebook:
    """The rulebook, which has been parsed (and so checked), as a function."""
    made = generate_program(rulebook)
    fallback = partial(_points_by_evaluation, rulebook, made.places)
    rest = compile_group_caps(rulebook, made.places)
    function = made.function(fallback)
    points = function if made.sums else lambda facts: sum(rest(sorted(function(facts), key=merge_order)))
    return CompiledRulebook(rulebook, made, points, _noting(rulebook, fallback, rest))


def _noting(
    rulebook: RulebookDocument, fallback: Fallback, rest: Callable[[list[CountedContribution]], list[int]]
) -> Callable[[ClaimFacts], tuple[int, list[BriefLine]]]:
    made = noting_program(rulebook)
    function = made.function(fallback)
    # Few notes are different: a university's contributions meet the same few rules.
    texts: dict[object, str] = {}
    numbers: dict[int, str] = {}

    def kept_by_sums(facts: ClaimFacts) -> tuple[int, dict[str, int] | None, list[Note]]:
        """With none but caps on repositories, and most often none of them reached."""
        counting, sums, notes = function(facts)
        most = repository_limit(rulebook, made.places, sums.values())
        if most is None or all(one <= most for one in sums.values()):
            return sum(sums.values()), None, notes
        kept = cut_repository(counting, most)
        return sum(kept.values()), kept, notes

    def kept_by_items(facts: ClaimFacts) -> tuple[int, dict[str, int] | None, list[Note]]:
        items, notes = function(facts)
        items.sort(key=merge_order)
        points = rest(items)
        return sum(points), {item.ref: mine for item, mine in zip(items, points, strict=True)}, notes

    keeping = kept_by_sums if made.sums else kept_by_items

    def note(facts: ClaimFacts) -> tuple[int, list[BriefLine]]:
        total, kept, notes = keeping(facts)
        lines: list[BriefLine] = []
        for ref, said, gifts, own in notes:
            key = (said, gifts, own)
            text = texts.get(key)
            if text is None:
                text = _kept(texts, key, brief_text(made.places, made.base, key))
            mine = (own or 0) if kept is None else kept.get(ref, 0)
            number = numbers.get(mine)
            if number is None:
                number = _kept(numbers, mine, to_text(Decimal(mine).scaleb(-made.places)))
            lines.append((ref, number, text))
        return total, lines

    return note


Note = tuple[str, Any, Any, int | None]
"""Ref, what the requirements said, what each rule gave, and the contribution's own worth (see ``brief_text``)."""

_MOST_KEPT = 10_000
"""Texts kept for the next time, so that memory stays flat."""


def _kept(texts: dict[Any, str], key: object, text: str) -> str:
    if len(texts) < _MOST_KEPT:
        texts[key] = text
    return text


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
