"""The shapes of a rulebook: which keys there are, what they mean, their bounds and their defaults.

Defaults are the ones that hold where a university says nothing. They are written out into the canonical form, so
that a later release with other defaults changes no published version.
"""

from __future__ import annotations

import json
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, SerializerFunctionWrapHandler, StringConstraints, model_serializer
from pydantic_core import PydanticCustomError

from credits.rules import decimals
from credits.rules.document.field_types import Condition, FrozenModel, Id, Number, RulebookText, Short, Whole
from credits.rules.document.grades import GradeScheme, Rounding

Reviewers = Literal["instructors", "college-committee", "university-committee"]
"""Who decides in a stage of review."""

MAX_RULES = 50
"""How many requirements, and how many points rules, a rulebook has at most."""


class CreditCategory(FrozenModel):
    """What the credit is recorded as; ``standing`` counts what is already recognised under the same code."""

    code: Id
    title: RulebookText


class UnitNames(FrozenModel):
    """The names of the rulebook's own unit and of the university's."""

    points: RulebookText = RulebookText(zh="积分", en="points")
    credit: RulebookText = RulebookText(zh="学分", en="credits")


class WorkHours(FrozenModel):
    """Hours of work for one credit, from and to."""

    at_least: Number = Field(gt=0, le=1000)
    at_most: Number = Field(gt=0, le=1000)


class CourseUnit(FrozenModel):
    """The unit of study that the credit is recorded on (an ECTS unit, a course), where there is one."""

    code: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]
    title: RulebookText
    level: RulebookText | None = None
    outcomes: tuple[RulebookText, ...] = Field(default=(), max_length=30)
    hours_per_credit: WorkHours | None = None


class NoticeRules(FrozenModel):
    """Public notice (公示): working days, never under 3; ``surname`` shows 张*, ``full-name`` all of it."""

    working_days: Whole = Field(default=5, ge=3, le=60)
    mask: Literal["surname", "full-name"] = "surname"
    audience: Literal["members", "public"] = "members"


class AppealRules(FrozenModel):
    """Re-review within working days of the decision, appeal within days of service."""

    re_review_working_days: Whole = Field(default=10, ge=1, le=90)
    days: Whole = Field(default=10, ge=1, le=180)


class ReviewStage(FrozenModel):
    """One stage: its name, and ``by`` whom it is reviewed: the instructors of the student's department, the members of
    its credit committee, or those of the university's."""

    id: Id
    title: RulebookText
    by: Reviewers = "instructors"

    @model_serializer(mode="wrap")
    def _as_ever(self, written: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without ``by`` where it is the default: the key is younger than versions that are published, and their
        digests stay."""
        data: dict[str, Any] = written(self)
        if self.by == "instructors":
            del data["by"]
        return data


class ReviewRules(FrozenModel):
    """The stages of review, in order. Nobody decides in two of them; public notice comes after the last."""

    stages: tuple[ReviewStage, ...] = Field(
        default=(
            ReviewStage(id="instructor", title=RulebookText(zh="指导教师审核", en="Instructor's review")),
        ),
        min_length=1,
        max_length=6,
    )


class Requirement(FrozenModel):
    """A contribution counts only where ``when`` holds. ``text`` says what is required, ``otherwise`` what to tell
    the student where it is not met."""

    id: Id
    text: RulebookText
    when: Condition
    otherwise: RulebookText | None = None


class PointsBand(FrozenModel):
    above: Whole
    give: Number = Field(ge=-1000, le=1000)


class PointsBands(FrozenModel):
    """``of`` is a whole number; the highest band that it is above gives its points, none of them gives nothing."""

    of: Condition
    steps: tuple[PointsBand, ...] = Field(min_length=1, max_length=50)


class ReviewerAward(FrozenModel):
    """A reviewer gives from ``at_least`` to ``at_most``, in steps of ``step``."""

    at_least: Number = Field(default=Decimal(0), ge=0, le=1000)
    at_most: Number = Field(gt=0, le=1000)
    step: Number = Field(default=Decimal(1), gt=0, le=1000)


class PointsRule(FrozenModel):
    """Points for a contribution that counts: exactly one of ``give`` (fixed), ``bands``, ``formula`` (a whole number
    in CEL) and ``reviewer``; ``when`` limits it."""

    id: Id
    text: RulebookText
    when: Condition | None = None
    give: Number | None = Field(default=None, ge=-1000, le=1000)
    bands: PointsBands | None = None
    formula: Condition | None = None
    reviewer: ReviewerAward | None = None


class PointsFactor(FrozenModel):
    """Multiplies the points of a contribution where ``when`` holds (always, where left out)."""

    id: Id
    text: RulebookText
    times: Number = Field(ge=0, le=100)
    when: Condition | None = None


class RepositoryCap(FrozenModel):
    """``points`` from one repository at most; ``share`` of all points (as they stood before this cap) at most, where
    there are two repositories or more (1: no such limit)."""

    points: Number | None = Field(default=None, gt=0, le=100_000)
    share: Number = Field(default=Decimal("0.5"), gt=0, le=1)


class PeriodCap(FrozenModel):
    """``points`` at most from what was merged in one day, ISO week (from Monday) or month, in the rulebook's time
    zone."""

    each: Literal["day", "week", "month"]
    points: Number = Field(gt=0, le=100_000)


class KindCap(FrozenModel):
    kind: Short
    points: Number = Field(gt=0, le=100_000)


class TierCap(FrozenModel):
    """``tier`` is the university's own catalogue's; a repository outside the catalogue has none."""

    tier: Short
    points: Number = Field(gt=0, le=100_000)


class PointsCaps(FrozenModel):
    """At most so many points from one contribution, one repository, one period, one kind of contribution, one tier
    of repositories."""

    contribution: Number | None = Field(default=None, gt=0, le=100_000)
    repository: RepositoryCap = RepositoryCap()
    periods: tuple[PeriodCap, ...] = Field(default=(), max_length=3)
    kinds: tuple[KindCap, ...] = Field(default=(), max_length=20)
    tiers: tuple[TierCap, ...] = Field(default=(), max_length=20)


class MixRule(FrozenModel):
    """The claim as a whole has ``at_least`` so many contributions, or different repositories, among those that count
    and for which ``when`` holds (all of them, where left out). Where it has fewer, nothing is recognised yet: its
    contributions count nothing and can be claimed again, together with more."""

    id: Id
    text: RulebookText
    count: Literal["contributions", "repositories"] = "contributions"
    when: Condition | None = None
    at_least: Whole = Field(ge=1, le=1000)
    otherwise: RulebookText | None = None


class SelectionRule(FrozenModel):
    """Only the ``best`` contributions count (all, where left out): of the claim, or of each repository or kind
    (``within``). With ``pay: difference``, credit already recognised in the category is deducted: whoever has
    something for a lesser achievement gets the difference to the higher one."""

    best: Whole | None = Field(default=None, ge=1, le=1000)
    within: Literal["claim", "repository", "kind"] = "claim"
    pay: Literal["full", "difference"] = "full"


class ExchangeRow(FrozenModel):
    """``at_least`` so many points give ``credit``."""

    at_least: Number = Field(gt=0, le=1_000_000)
    credit: Number = Field(gt=0, le=1000)


class ConversionRules(FrozenModel):
    """Points to credit, on the total alone: each ``points_per_step`` points give ``step`` credit, rounded to whole
    steps; or the highest row of ``table`` that is reached. Less than ``minimum`` credit gives none yet. What is left
    over is carried to the next assessment, or dropped."""

    points_per_step: Number | None = Field(default=None, gt=0, le=100_000)
    step: Number = Field(default=Decimal("0.5"), gt=0, le=100)
    table: tuple[ExchangeRow, ...] = Field(default=(), max_length=50)
    minimum: Number = Field(default=Decimal(0), ge=0, le=100)
    rounding: Rounding = "down"
    remainder: Literal["carry", "drop"] = "carry"


class RetentionRules(FrozenModel):
    """Contributions never claimed are dropped after months, frozen facts kept for years."""

    unclaimed_months: Whole = Field(default=12, ge=1, le=120)
    facts_years: Whole = Field(default=10, ge=1, le=100)


class DerivedFrom(FrozenModel):
    """The version that a variant was resolved from, and that version's digest; written by the resolution."""

    code: Id
    version: Short
    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


_HERE = ("localtime", "posixrules")
"""Not names of a zone, but of what this machine is set to."""


def _check_time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise PydanticCustomError("zone", "a time zone's name is needed") from None
    if name in _HERE:
        raise PydanticCustomError("zone", "a time zone's name is needed")
    return name


class RulebookDocument(FrozenModel):
    """A valid rulebook. Frozen; two with the same :meth:`canonical` text are the same."""

    language: Literal["1"] = "1"
    code: Id
    label: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)] | None = None
    title: RulebookText
    source: RulebookText
    about: RulebookText | None = None
    category: CreditCategory
    units: UnitNames = UnitNames()
    course: CourseUnit | None = None
    time_zone: Annotated[str, AfterValidator(_check_time_zone)] = "Asia/Shanghai"
    merged_since: Literal["enrolment", "term", "any"] = "enrolment"
    maturing_days: Whole = Field(default=7, ge=0, le=365)
    hearing_days: Whole = Field(default=5, ge=1, le=90)
    notice: NoticeRules = NoticeRules()
    appeal: AppealRules = AppealRules()
    review: ReviewRules = ReviewRules()
    requirements: tuple[Requirement, ...] = Field(default=(), max_length=MAX_RULES)
    points: tuple[PointsRule, ...] = Field(min_length=1, max_length=MAX_RULES)
    factors: tuple[PointsFactor, ...] = Field(default=(), max_length=20)
    caps: PointsCaps = PointsCaps()
    mix: tuple[MixRule, ...] = Field(default=(), max_length=20)
    selection: SelectionRule = SelectionRule()
    conversion: ConversionRules
    term_cap: Number = Field(default=Decimal(2), gt=0, le=1000)
    degree_cap: Number = Field(default=Decimal(4), gt=0, le=1000)
    grade: GradeScheme = GradeScheme()
    retention: RetentionRules = RetentionRules()
    variants: Literal["tighten", "free", "none"] = "tighten"
    derived_from: DerivedFrom | None = None

    def canonical(self) -> str:
        """The one text of this rulebook: JSON (which is YAML too), keys sorted, every default written out, decimals
        as texts. ``credits.rules.document.parser.parse`` reads it back to an equal rulebook."""
        return self._canonical

    @cached_property
    def _canonical(self) -> str:
        return (
            json.dumps(_plain_value(self.model_dump()), ensure_ascii=False, sort_keys=True, indent=1) + "\n"
        )


def _plain_value(value: Any) -> Any:
    if isinstance(value, dict):
        # What is left out has no default but "left out": writing nothing keeps it so.
        return {key: _plain_value(one) for key, one in value.items() if one is not None}
    if isinstance(value, list | tuple):
        return [_plain_value(one) for one in value]
    return decimals.to_text(value) if isinstance(value, Decimal) else value
