"""Evaluate a claim's facts by a rulebook: a pure function, the same bytes in any order of input (invariant 4).

The order of steps is fixed, and each stands where it does for a reason:

1. requirements   only what counts may influence anything that follows
2. points         what one contribution is worth by itself
3. factors        weigh that worth before it is divided
4. share          the student's part of it
5. caps           on one contribution, then one repository, one period (day, week, month), one kind, one tier: from
                  the narrow to the wide, so that a wide cap sees what the narrow ones left
6. mix            asked of the claim as a whole, of all that counts, before selection leaves parts of it out
7. selection      the best of what the caps left, so that a place is not wasted on capped points
8. conversion     points to credit once, on the total: rounding single contributions would lose small ones; then, where
                  only the difference is paid, what already stands is deducted
9. term cap, degree cap   on credit, with what already stands; last, as nothing may lift credit above them
10. grade         beside the credit, where there is any; it changes no number

Within a cap, what was merged first keeps its points first. Texts in both languages are in ``trace_texts``.
"""

from __future__ import annotations

from credits.rules import facts as fact_book
from credits.rules.decimals import ZERO, exact_arithmetic
from credits.rules.document.parser import digest
from credits.rules.document.rulebook_model import RulebookDocument
from credits.rules.evaluation import trace_texts
from credits.rules.evaluation.contribution_points import ContributionScore, score_contribution
from credits.rules.evaluation.conversion import convert
from credits.rules.evaluation.group_caps import cap_groups
from credits.rules.evaluation.mix_and_selection import hold_mix, select
from credits.rules.evaluation.outcome import ContributionOutcome, Outcome, TraceLine
from credits.rules.facts import ClaimFacts

__all__ = ["ContributionOutcome", "Outcome", "TraceLine", "evaluate"]


def evaluate(rulebook: RulebookDocument, facts: ClaimFacts) -> Outcome:
    """Return the outcome with its trace.

    Raise :class:`credits.errors.CreditsError`: ``facts-invalid`` for facts of the wrong type, ``award-unknown`` and
    ``award-out-of-range`` for an award that the rulebook does not allow. An unknown fact raises nothing: the rule that
    needs it is undecided.
    """
    facts_digest = fact_book.digest(facts)
    with exact_arithmetic():
        items = [
            score_contribution(rulebook, facts, contribution)
            for contribution in sorted(facts.contributions, key=lambda contribution: contribution.ref)
        ]
        lines = _total(rulebook, items)
        points = lines[-1].after
        given = convert(rulebook, facts, points)
    return Outcome(
        rulebook=digest(rulebook),
        facts=facts_digest,
        points=points,
        credit=given.credit,
        carried=given.carried,
        contributions=tuple(item.outcome() for item in items),
        lines=(*lines, *given.lines),
        grade=given.grade,
    )


def _total(rulebook: RulebookDocument, items: list[ContributionScore]) -> list[TraceLine]:
    counting = [item for item in items if item.status == "counts"]
    total = sum((item.points for item in counting), ZERO)
    text = trace_texts.sentence("sum", count=len(counting), total=total, points=rulebook.units.points)
    lines = [TraceLine("sum", "sum", text, {}, ZERO, total, total)]
    cap_groups(rulebook, counting, lines)
    if hold_mix(rulebook, counting, lines):
        select(rulebook, counting, lines)
    return lines
