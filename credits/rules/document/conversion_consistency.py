"""Find what makes no sense in a rulebook's conversion of points to credit, and in its grades."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from credits.rules.decimals import ZERO, to_text
from credits.rules.document.grades import FIVE_LEVELS, GradeScheme, lowest_graded_points
from credits.rules.document.rulebook_model import ConversionRules, RulebookDocument
from credits.rules.faults import FaultTexts, Path


def find_conversion_inconsistencies(rulebook: RulebookDocument) -> Iterator[tuple[Path, FaultTexts]]:
    """Yield each place of the conversion and the caps on credit that makes no sense, with the texts for the author."""
    conversion = rulebook.conversion
    if (conversion.points_per_step is None) == (not conversion.table):
        yield (
            ("conversion",),
            (
                "Points must be converted in one way: by steps or by a table.",
                "Keep one of: points_per_step, table.",
                "积分只能用一种方式折算：按步长或按折算表。",
                "请在 points_per_step 和 table 中保留一种。",
            ),
        )
        return
    yield from _steps(conversion) if conversion.points_per_step else _table(conversion)
    if conversion.remainder == "carry":
        yield from _remainder_that_counts_twice(rulebook)
    least = conversion.step if conversion.points_per_step else conversion.table[0].credit
    for key in ("term_cap", "degree_cap"):
        cap = getattr(rulebook, key)
        if cap < least or cap < conversion.minimum:
            yield (
                (key,),
                (
                    f"With a cap of {to_text(cap)}, even the smallest credit cannot be given in full.",
                    "Raise it at least to the smallest credit and to the minimum.",
                    f"上限为 {to_text(cap)} 时，最少的一次学分也无法足额认定。",
                    "请至少提高到最低学分。",
                ),
            )
    yield from _hours(rulebook)


def _steps(conversion: ConversionRules) -> Iterator[tuple[Path, FaultTexts]]:
    if conversion.minimum % conversion.step != 0:
        yield (
            ("conversion", "minimum"),
            (
                (
                    f"Credit is given in steps of {to_text(conversion.step)}; "
                    f"{to_text(conversion.minimum)} is not a multiple of it."
                ),
                "Choose a multiple of the step.",
                f"学分以 {to_text(conversion.step)} 为一步，{to_text(conversion.minimum)} 不是其倍数。",
                "请改为步长的倍数。",
            ),
        )


def _table(conversion: ConversionRules) -> Iterator[tuple[Path, FaultTexts]]:
    for index in range(1, len(conversion.table)):
        before, row = conversion.table[index - 1], conversion.table[index]
        for key in ("at_least", "credit"):
            if getattr(row, key) <= getattr(before, key):
                yield ("conversion", "table", index, key), _not_rising(getattr(before, key))
    if conversion.rounding != "down":
        yield (
            ("conversion", "rounding"),
            (
                "A table gives credit for the points reached; nothing is rounded.",
                "Delete “rounding”.",
                "折算表按已达到的积分给学分，不作取整。",
                "请删除“rounding”。",
            ),
        )


def _remainder_that_counts_twice(rulebook: RulebookDocument) -> Iterator[tuple[Path, FaultTexts]]:
    if rulebook.conversion.rounding != "down":
        yield (
            ("conversion", "rounding"),
            (
                "When rounding up, no remainder can be carried over: it would count twice.",
                "Write “remainder: drop”, or round down.",
                "向上取整后不能再结转余数，否则会重复计算。",
                "请写“remainder: drop”，或改为 down。",
            ),
        )
    if rulebook.selection.pay == "difference":
        yield (
            ("selection", "pay"),
            (
                "If only the difference is recognised, no remainder can be carried over: it would count twice.",
                "Write “remainder: drop” under “conversion”.",
                "只认定差额时不能结转余数，否则会重复计算。",
                "请在“conversion”下写“remainder: drop”。",
            ),
        )


def _hours(rulebook: RulebookDocument) -> Iterator[tuple[Path, FaultTexts]]:
    conversion = rulebook.conversion
    hours = rulebook.course.hours_per_credit if rulebook.course else None
    if hours is None or hours.at_most < hours.at_least:
        return
    prices: list[tuple[Path, Decimal, Decimal]] = [
        (("conversion", "table", index, "at_least"), row.at_least, row.credit)
        for index, row in enumerate(conversion.table)
    ]
    if conversion.points_per_step is not None:
        prices = [(("conversion", "points_per_step"), conversion.points_per_step, conversion.step)]
    for path, points, credit in prices:
        low, high = hours.at_least * credit, hours.at_most * credit
        if not low <= points <= high:
            yield (
                path,
                (
                    f"By the course's hours, {to_text(credit)} credit means {to_text(low)} to {to_text(high)} hours.",
                    "Choose a value in that range, or change the course's hours.",
                    f"按课程学时，{to_text(credit)} 学分对应 {to_text(low)} 至 {to_text(high)} 小时。",
                    "请改到此范围内，或修改课程学时。",
                ),
            )


def find_grade_inconsistencies(rulebook: RulebookDocument) -> Iterator[tuple[Path, FaultTexts]]:
    """Yield each place of the grades that makes no sense, with the texts for the author."""
    grade = rulebook.grade
    yield from _scheme(grade)
    for index, band in enumerate(grade.bands):
        if index and band.at_least <= grade.bands[index - 1].at_least:
            yield ("grade", "bands", index, "at_least"), _not_rising(grade.bands[index - 1].at_least)
        yield from _band(grade, index)
    first = least_points_for_credit(rulebook)
    if grade.bands and first is not None and (lowest := lowest_graded_points(grade)) > first:
        yield (
            ("grade", "bands", 0, "at_least"),
            (
                (
                    f"Credit starts at {to_text(first)} points, the grades at {to_text(lowest)}: between them"
                    " there is credit without a grade."
                ),
                f"Start the lowest grade at {to_text(first)} or below.",
                f"满 {to_text(first)} 分即有学分，成绩档却从 {to_text(lowest)} 分开始，其间有学分而无成绩。",
                f"请把最低档改为不高于 {to_text(first)} 分。",
            ),
        )


def least_points_for_credit(rulebook: RulebookDocument) -> Decimal | None:
    """Return the fewest points that give credit. Return None if the conversion itself makes no sense."""
    rules = rulebook.conversion
    if rules.points_per_step is None:
        return next((row.at_least for row in rules.table if row.credit >= rules.minimum), None)
    steps = max(Decimal(1), rules.minimum / rules.step if rules.minimum % rules.step == 0 else ZERO)
    full_price = steps * rules.points_per_step
    if rules.rounding == "down":
        return full_price
    if rules.rounding == "nearest":
        return full_price - rules.points_per_step / 2
    # Any fraction of a point above the previous step is rounded up to this step.
    return full_price - rules.points_per_step


def _scheme(grade: GradeScheme) -> Iterator[tuple[Path, FaultTexts]]:
    given = [way for way in ("fixed", "formula", "bands") if getattr(grade, way) not in (None, ())]
    allowed = {"pass": [], "percentage": ["fixed", "formula", "bands"]}.get(grade.scheme, ["bands"])
    if (not given and not allowed) or (len(given) == 1 and given[0] in allowed):
        return
    wanted, has = " / ".join(allowed) or "–", " / ".join(given) or "–"
    yield (
        ("grade",),
        (
            f"The scheme “{grade.scheme}” needs one of: {wanted}. This rulebook has: {has}.",
            "Keep only what the scheme needs.",
            f"“{grade.scheme}”可用的方式：{wanted}；此处有：{has}。",
            "请只保留该记载方式所需的内容。",
        ),
    )


def _band(grade: GradeScheme, index: int) -> Iterator[tuple[Path, FaultTexts]]:
    band = grade.bands[index]
    needs, other = ("mark", "label") if grade.scheme == "percentage" else ("label", "mark")
    if getattr(band, needs) is None or getattr(band, other) is not None:
        yield (
            ("grade", "bands", index),
            (
                f"With the scheme “{grade.scheme}”, each band must have “{needs}” and no “{other}”.",
                "",
                f"“{grade.scheme}”的每一档应有“{needs}”，不应有“{other}”。",
                "",
            ),
        )
    elif grade.scheme == "five-level" and band.label is not None and band.label.zh not in FIVE_LEVELS[:-1]:
        names = "、".join(FIVE_LEVELS[:-1])
        yield (
            ("grade", "bands", index, "label", "zh"),
            (
                f"五级制 has {names} (and 不及格, which is never recorded here).",
                "Use one of them.",
                f"五级制只有{names}（不及格不在此记载）。",
                "请选用其中之一。",
            ),
        )


def _not_rising(before: Decimal) -> FaultTexts:
    return (
        f"This must be more than the value before it ({to_text(before)}).",
        "List them from the lowest to the highest.",
        f"此处不大于上一项（{to_text(before)}）。",
        "请按从低到高排列。",
    )
