"""How a result is recorded beside its credit: pass, a percentage, a letter, or 五级制.

Grades look at the points that were converted (those carried in included), so that whoever has credit has a grade.
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
"""五级制, from the best; the last one is a fail, which is never given here."""

PASS = RulebookText(zh="通过", en="Pass")


class GradeBand(FrozenModel):
    """``at_least`` so many points are recorded as ``label`` (letter and five-level) or ``mark`` (percentage)."""

    at_least: Number = Field(ge=0, le=1_000_000)
    label: RulebookText | None = None
    mark: Number | None = Field(default=None, ge=0, le=100)


class MarkFormula(FrozenModel):
    """A mark by formula: ``base`` + points × ``per_point``, at most ``at_most``, rounded to steps of ``step``."""

    base: Number = Field(ge=0, le=100)
    per_point: Number = Field(ge=0, le=100)
    at_most: Number = Field(default=Decimal(100), ge=0, le=100)
    step: Number = Field(default=Decimal(1), gt=0, le=100)
    rounding: Rounding = "down"


class GradeScheme(FrozenModel):
    """How the result is recorded; by default pass or nothing, outside the grade average; a refusal leaves no fail.

    ``pass`` has its ``label``; ``percentage`` one of ``fixed``, ``formula`` and ``bands`` of marks; ``letter`` and
    ``five-level`` have ``bands`` of labels, from the lowest."""

    scheme: Scheme = "pass"
    label: RulebookText = PASS
    in_average: YesNo = False
    fixed: Number | None = Field(default=None, ge=0, le=100)
    formula: MarkFormula | None = None
    bands: tuple[GradeBand, ...] = Field(default=(), max_length=30)


def grade_for(grade: GradeScheme, points: Decimal) -> tuple[RulebookText, Decimal | None] | None:
    """What is recorded for so many points: the label, and the mark of a percentage. None below the lowest band
    (a checked rulebook has none where there is credit)."""
    if grade.scheme == "pass":
        return grade.label, None
    reached = [band for band in grade.bands if band.at_least <= points]
    if grade.scheme == "percentage":
        mark = grade.fixed
        if grade.formula is not None:
            by = grade.formula
            mark = min(by.at_most, round_to(by.base + points * by.per_point, by.step, by.rounding))
        elif mark is None and reached:
            mark = reached[-1].mark
        return None if mark is None else (_written(mark), mark)
    if not reached or reached[-1].label is None:
        return None
    return reached[-1].label, None


def lowest_graded_points(grade: GradeScheme) -> Decimal:
    """The fewest points that have a grade."""
    return grade.bands[0].at_least if grade.bands else ZERO


def _written(mark: Decimal) -> RulebookText:
    return RulebookText(zh=to_text(mark), en=to_text(mark))
