"""The grade that is recorded with the credit: pass, a percentage, a letter, or 五级制 (five levels).

A grade depends on the points that were converted, including carried points, so everybody with credit has a grade.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import Field

from credits.rules.decimals import ZERO, round_to, to_text
from credits.rules.document.field_types import FrozenModel, Number, RulebookText, YesNo

Scheme = Literal["pass", "percentage", "letter", "five-level"]
Rounding = Literal["down", "nearest", "up"]

FIVE_LEVELS = ("优秀", "良好", "中等", "及格", "不及格")
"""五级制, from the best level to the worst. The last level is a fail, which is never given here."""

PASS = RulebookText(zh="通过", en="Pass")


class GradeBand(FrozenModel):
    """From ``at_least`` points on, the grade is ``label`` (letter and five-level) or ``mark`` (percentage)."""

    at_least: Number = Field(ge=0, le=1_000_000)
    label: RulebookText | None = None
    mark: Number | None = Field(default=None, ge=0, le=100)


class MarkFormula(FrozenModel):
    """A mark by formula: ``base`` + points × ``per_point``, rounded to steps of ``step``, and at most ``at_most``."""

    base: Number = Field(ge=0, le=100)
    per_point: Number = Field(ge=0, le=100)
    at_most: Number = Field(default=Decimal(100), ge=0, le=100)
    step: Number = Field(default=Decimal(1), gt=0, le=100)
    rounding: Rounding = "down"


class GradeScheme(FrozenModel):
    """How the result is recorded. The default is a pass outside the grade average; a refused application leaves no
    fail.

    ``pass`` has a ``label``; ``percentage`` has one of ``fixed``, ``formula`` and ``bands`` of marks; ``letter`` and
    ``five-level`` have ``bands`` of labels, from the lowest to the highest."""

    scheme: Scheme = "pass"
    label: RulebookText = PASS
    in_average: YesNo = False
    fixed: Number | None = Field(default=None, ge=0, le=100)
    formula: MarkFormula | None = None
    bands: tuple[GradeBand, ...] = Field(default=(), max_length=30)


def grade_for(grade: GradeScheme, points: Decimal) -> tuple[RulebookText, Decimal | None] | None:
    """Return the label for so many points, and the mark if the scheme is a percentage.

    Return None below the lowest band. In a checked rulebook, no credit is below it.
    """
    if grade.scheme == "pass":
        return grade.label, None
    reached = [band for band in grade.bands if band.at_least <= points]
    if grade.scheme == "percentage":
        mark = grade.fixed
        if grade.formula is not None:
            formula = grade.formula
            exact_mark = formula.base + points * formula.per_point
            mark = min(formula.at_most, round_to(exact_mark, formula.step, formula.rounding))
        elif mark is None and reached:
            mark = reached[-1].mark
        return None if mark is None else (_mark_text(mark), mark)
    if not reached or reached[-1].label is None:
        return None
    return reached[-1].label, None


def lowest_graded_points(grade: GradeScheme) -> Decimal:
    """Return the fewest points that have a grade."""
    return grade.bands[0].at_least if grade.bands else ZERO


def _mark_text(mark: Decimal) -> RulebookText:
    return RulebookText(zh=to_text(mark), en=to_text(mark))
