"""Find what is well-formed in a rulebook and makes no sense, when it is read and not when a student is assessed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from credits.rules.decimals import exact_arithmetic, to_text
from credits.rules.document.conversion_consistency import (
    find_conversion_inconsistencies,
    find_grade_inconsistencies,
)
from credits.rules.document.rulebook_model import PointsRule, RulebookDocument
from credits.rules.faults import FaultTexts, Path

_WAYS = ("give", "bands", "formula", "reviewer")


def find_inconsistencies(rulebook: RulebookDocument) -> Iterator[tuple[Path, FaultTexts]]:
    """Yield each place that makes no sense, with the texts for the author."""
    yield from _ids(rulebook)
    for index, rule in enumerate(rulebook.points):
        yield from _points(("points", index), rule)
    with exact_arithmetic():
        yield from find_conversion_inconsistencies(rulebook)
    if rulebook.degree_cap < rulebook.term_cap:
        yield (
            ("degree_cap",),
            (
                (
                    f"The cap for the degree ({to_text(rulebook.degree_cap)}) is below the one for a term "
                    f"({to_text(rulebook.term_cap)})."
                ),
                "Raise it, or lower the cap per term.",
                f"学位上限（{to_text(rulebook.degree_cap)}）低于学期上限（{to_text(rulebook.term_cap)}）。",
                "请提高学位上限或降低学期上限。",
            ),
        )
    course = rulebook.course
    if (
        course
        and course.hours_per_credit
        and course.hours_per_credit.at_most < course.hours_per_credit.at_least
    ):
        yield ("course", "hours_per_credit", "at_most"), _backwards()
    for key, name in (("kinds", "kind"), ("tiers", "tier"), ("periods", "each")):
        seen = Counter(getattr(cap, name) for cap in getattr(rulebook.caps, key))
        for index, cap in enumerate(getattr(rulebook.caps, key)):
            if seen[getattr(cap, name)] > 1:
                yield ("caps", key, index, name), _twice(getattr(cap, name))
    with exact_arithmetic():
        yield from find_grade_inconsistencies(rulebook)


def _ids(rulebook: RulebookDocument) -> Iterator[tuple[Path, FaultTexts]]:
    places: list[tuple[Path, str]] = []
    for key in ("requirements", "points", "factors", "mix"):
        places += [((key, index, "id"), rule.id) for index, rule in enumerate(getattr(rulebook, key))]
    seen: set[str] = set()
    for path, name in places:
        if name in seen:
            yield path, _twice(name)
        seen.add(name)
    stages: set[str] = set()
    for index, stage in enumerate(rulebook.review.stages):
        if stage.id in stages:
            yield ("review", "stages", index, "id"), _twice(stage.id)
        stages.add(stage.id)


def _points(path: Path, rule: PointsRule) -> Iterator[tuple[Path, FaultTexts]]:
    given = [way for way in _WAYS if getattr(rule, way) is not None]
    if len(given) != 1:
        found = " and ".join(given) or "nothing"
        yield (
            path,
            (
                f"A points rule must give points in exactly one way; this one has {found}.",
                f"Keep one of: {', '.join(_WAYS)}.",
                f"一条计分规则只能用一种方式给分，此处有：{'、'.join(given) or '无'}。",
                f"请在以下方式中保留一种：{'、'.join(_WAYS)}。",
            ),
        )
    steps = rule.bands.steps if rule.bands else ()
    for index in range(1, len(steps)):
        if steps[index].above <= steps[index - 1].above:
            yield (
                (*path, "bands", "steps", index, "above"),
                (
                    (
                        f"This band starts at {steps[index].above}, which is not above the band before it "
                        f"({steps[index - 1].above})."
                    ),
                    "List the bands from the lowest to the highest.",
                    f"本档起点 {steps[index].above} 不高于上一档（{steps[index - 1].above}）。",
                    "请按从低到高排列。",
                ),
            )
    if rule.reviewer and rule.reviewer.at_most <= rule.reviewer.at_least:
        yield (*path, "reviewer", "at_most"), _backwards()


def _twice(name: str) -> FaultTexts:
    return (
        f"“{name}” is already used above.",
        "Choose another name.",
        f"“{name}”在上文已经使用。",
        "请换一个名称。",
    )


def _backwards() -> FaultTexts:
    return (
        "This must be more than “at_least”.",
        "Swap the two.",
        "此处应大于“at_least”。",
        "请对调两个数。",
    )
