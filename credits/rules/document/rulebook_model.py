"""The types of a rulebook: its keys, their meaning, their limits and their defaults.

A default applies if a university does not set a key. Defaults are written out into the canonical form, so a later
release with other defaults changes no published version. The docstrings of the classes become descriptions in
``rulebooks/schema.json``.
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
"""Who decides in a stage of the review."""

MAX_RULES = 50
"""The most requirements, and the most points rules, of a rulebook."""


class CreditCategory(FrozenModel):
    """The category in which credit is recorded. ``standing`` counts credit already recognised under the same code."""

    code: Id
    title: RulebookText


class UnitNames(FrozenModel):
    """The names of the rulebook's unit (points) and of the university's unit (credit)."""

    points: RulebookText = RulebookText(zh="积分", en="points")
    credit: RulebookText = RulebookText(zh="学分", en="credits")


class WorkHours(FrozenModel):
    """The hours of work for one credit, from ``at_least`` to ``at_most``."""

    at_least: Number = Field(gt=0, le=1000)
    at_most: Number = Field(gt=0, le=1000)


class CourseUnit(FrozenModel):
    """The unit of study on which the credit is recorded, for example an ECTS unit or a course, if there is one."""

    code: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]
    title: RulebookText
    level: RulebookText | None = None
    outcomes: tuple[RulebookText, ...] = Field(default=(), max_length=30)
    hours_per_credit: WorkHours | None = None


class NoticeRules(FrozenModel):
    """Public notice (公示): its working days, never fewer than 3, and who sees it. ``surname`` shows names as 张*."""

    working_days: Whole = Field(default=5, ge=3, le=60)
    mask: Literal["surname", "full-name"] = "surname"
    audience: Literal["members", "public"] = "members"


class AppealRules(FrozenModel):
    """A re-review takes ``re_review_working_days`` at most; an appeal is possible within ``days`` of service."""

    re_review_working_days: Whole = Field(default=10, ge=1, le=90)
    days: Whole = Field(default=10, ge=1, le=180)


class ReviewStage(FrozenModel):
    """One stage of the review. ``by`` says who decides in it: the instructors of the student's department, its credit
    committee, or the university's credit committee."""

    id: Id
    title: RulebookText
    by: Reviewers = "instructors"

    @model_serializer(mode="wrap")
    def _without_default_reviewers(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave ``by`` out if it is the default.

        Published versions are older than this key, and their digests must stay.
        """
        data: dict[str, Any] = dump(self)
        if self.by == "instructors":
            del data["by"]
        return data


class ReviewRules(FrozenModel):
    """The stages of the review, in order. A person decides in one of them only; public notice follows the last."""

    stages: tuple[ReviewStage, ...] = Field(
        default=(
            ReviewStage(id="instructor", title=RulebookText(zh="指导教师审核", en="Instructor's review")),
        ),
        min_length=1,
        max_length=6,
    )


class Requirement(FrozenModel):
    """A contribution counts only if ``when`` is true. ``text`` says what is required, ``otherwise`` is the message to
    the student if it is not met."""

    id: Id
    text: RulebookText
    when: Condition
    otherwise: RulebookText | None = None


class PointsBand(FrozenModel):
    """A number greater than ``above`` gives ``give`` points, unless it reaches a higher band."""

    above: Whole
    give: Number = Field(ge=-1000, le=1000)


class PointsBands(FrozenModel):
    """``of`` is a whole number. It gets the points of the highest band that it exceeds, or none if it exceeds no
    band."""

    of: Condition
    steps: tuple[PointsBand, ...] = Field(min_length=1, max_length=50)


class ReviewerAward(FrozenModel):
    """The reviewer gives ``at_least`` to ``at_most`` points, in steps of ``step``."""

    at_least: Number = Field(default=Decimal(0), ge=0, le=1000)
    at_most: Number = Field(gt=0, le=1000)
    step: Number = Field(default=Decimal(1), gt=0, le=1000)


class PointsRule(FrozenModel):
    """Points for a contribution that counts, by exactly one of ``give`` (fixed), ``bands``, ``formula`` (a whole number
    in CEL) and ``reviewer``. With ``when``, the rule applies only if the condition is true."""

    id: Id
    text: RulebookText
    when: Condition | None = None
    give: Number | None = Field(default=None, ge=-1000, le=1000)
    bands: PointsBands | None = None
    formula: Condition | None = None
    reviewer: ReviewerAward | None = None


class PointsFactor(FrozenModel):
    """Multiplies the points of a contribution if ``when`` is true, or always if ``when`` is left out."""

    id: Id
    text: RulebookText
    times: Number = Field(ge=0, le=100)
    when: Condition | None = None


class RepositoryCap(FrozenModel):
    """At most ``points`` from one repository. With two or more repositories, also at most ``share`` of all points as
    they were before this cap; 1 is no such limit."""

    points: Number | None = Field(default=None, gt=0, le=100_000)
    share: Number = Field(default=Decimal("0.5"), gt=0, le=1)


class PeriodCap(FrozenModel):
    """At most ``points`` for work merged in one day, ISO week (from Monday) or month, in the rulebook's time zone."""

    each: Literal["day", "week", "month"]
    points: Number = Field(gt=0, le=100_000)


class KindCap(FrozenModel):
    """At most ``points`` from contributions of this kind."""

    kind: Short
    points: Number = Field(gt=0, le=100_000)


class TierCap(FrozenModel):
    """At most ``points`` from repositories of this ``tier`` in the university's catalogue. A repository outside the
    catalogue has no tier."""

    tier: Short
    points: Number = Field(gt=0, le=100_000)


class PointsCaps(FrozenModel):
    """Limits of the points from one contribution, repository, period, kind of contribution, or tier of repositories."""

    contribution: Number | None = Field(default=None, gt=0, le=100_000)
    repository: RepositoryCap = RepositoryCap()
    periods: tuple[PeriodCap, ...] = Field(default=(), max_length=3)
    kinds: tuple[KindCap, ...] = Field(default=(), max_length=20)
    tiers: tuple[TierCap, ...] = Field(default=(), max_length=20)


class MixRule(FrozenModel):
    """The application as a whole must have ``at_least`` so many contributions, or different repositories, that count
    and for which ``when`` is true (all that count, if ``when`` is left out). If it has fewer, nothing is recognised
    yet: its contributions get no points, and students can apply for them again together with more."""

    id: Id
    text: RulebookText
    count: Literal["contributions", "repositories"] = "contributions"
    when: Condition | None = None
    at_least: Whole = Field(ge=1, le=1000)
    otherwise: RulebookText | None = None


class SelectionRule(FrozenModel):
    """Only the ``best`` contributions count, or all if it is left out: of the application, or of each repository or
    kind (``within``). With ``pay: difference``, credit already recognised in the category is deducted: a student with
    credit for a smaller achievement gets the difference to the larger one."""

    best: Whole | None = Field(default=None, ge=1, le=1000)
    within: Literal["claim", "repository", "kind"] = "claim"
    pay: Literal["full", "difference"] = "full"


class ExchangeRow(FrozenModel):
    """From ``at_least`` points on, the credit is ``credit``."""

    at_least: Number = Field(gt=0, le=1_000_000)
    credit: Number = Field(gt=0, le=1000)


class ConversionRules(FrozenModel):
    """The conversion of the total of points to credit: each ``points_per_step`` points give ``step`` credit, rounded to
    whole steps, or the highest reached row of ``table`` gives its credit. Less than ``minimum`` credit is not given
    yet. Remaining points are carried to the next assessment, or dropped."""

    points_per_step: Number | None = Field(default=None, gt=0, le=100_000)
    step: Number = Field(default=Decimal("0.5"), gt=0, le=100)
    table: tuple[ExchangeRow, ...] = Field(default=(), max_length=50)
    minimum: Number = Field(default=Decimal(0), ge=0, le=100)
    rounding: Rounding = "down"
    remainder: Literal["carry", "drop"] = "carry"


class RetentionRules(FrozenModel):
    """The months after which contributions without an application are dropped, and the years that frozen facts are
    kept."""

    unclaimed_months: Whole = Field(default=12, ge=1, le=120)
    facts_years: Whole = Field(default=10, ge=1, le=100)


class DerivedFrom(FrozenModel):
    """The version that a variant was resolved from, and its digest. The resolution writes this, people never do."""

    code: Id
    version: Short
    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


_HERE = ("localtime", "posixrules")
"""Not names of time zones: they mean the setting of the machine."""


def _check_time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise PydanticCustomError("zone", "a time zone's name is needed") from None
    if name in _HERE:
        raise PydanticCustomError("zone", "a time zone's name is needed")
    return name


class RulebookDocument(FrozenModel):
    """A valid rulebook. It cannot be changed. Two rulebooks with the same canonical text are the same."""

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
        """Return the canonical text: JSON (which is YAML too), sorted keys, all defaults written out, decimals as
        texts.

        :func:`credits.rules.document.parser.parse` reads it back as an equal rulebook.
        """
        return self._canonical

    @cached_property
    def _canonical(self) -> str:
        return (
            json.dumps(_plain_value(self.model_dump()), ensure_ascii=False, sort_keys=True, indent=1) + "\n"
        )


def _plain_value(value: Any) -> Any:
    if isinstance(value, dict):
        # None means "left out", and these keys have no other default. So they are not written.
        return {key: _plain_value(entry) for key, entry in value.items() if entry is not None}
    if isinstance(value, list | tuple):
        return [_plain_value(entry) for entry in value]
    return decimals.to_text(value) if isinstance(value, Decimal) else value
