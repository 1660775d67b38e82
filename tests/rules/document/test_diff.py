"""The differences of two rulebooks, in sentences."""

from __future__ import annotations

from pathlib import Path

import pytest

from credits.rules.document.diff import differences
from credits.rules.document.parser import parse

BASE = """
language: "1"
code: mine
title: {zh: 办法, en: Rules}
source: {zh: 测试, en: tests}
category: {code: innovation, title: {zh: 创新, en: Innovation}}
requirements:
  - id: licence
    text: {zh: 开源许可证, en: an open licence}
    when: repository.osi_approved
points:
  - id: base
    text: {zh: 基础分, en: base}
    give: 5
  - id: size
    text: {zh: 规模, en: size}
    bands: {of: contribution.changed_lines, steps: [{above: 20, give: 1}, {above: 100, give: 2}]}
caps: {repository: {points: 20}, periods: [{each: week, points: 10}]}
conversion: {points_per_step: 16, step: 0.5}
"""


def sentences(old: str, new: str) -> list[tuple[str, str]]:
    return [
        (difference.text["en"], difference.text["zh"]) for difference in differences(parse(old), parse(new))
    ]


@pytest.mark.parametrize(
    ("old", "new", "en", "zh"),
    [
        ("{points: 20}", "{points: 12}", "cap per repository 20 → 12", "单个仓库上限 20 → 12"),
        ("{points: 20}", "{share: 0.5}", "cap per repository 20 → none", "单个仓库上限 20 → 无"),
        ("week, points: 10", "week, points: 8", "cap per week 10 → 8", "每周上限 10 → 8"),
        ("give: 5", "give: 4", "points “base” 5 → 4", "计分项“base” 5 → 4"),
        (
            "{above: 100, give: 2}",
            "{above: 100, give: 3}",
            "points “size”, points above 100 2 → 3",
            "计分项“size”，高于 100 的分值 2 → 3",
        ),
        (
            "when: repository.osi_approved",
            "when: repository.stars > 5",
            "requirement “licence”: condition “repository.osi_approved” → “repository.stars > 5”",
            "要求“licence”：条件 “repository.osi_approved” → “repository.stars > 5”",
        ),
        (
            "{zh: 基础分, en: base}",
            "{zh: 基本分, en: base}",
            "points “base”: wording “基础分” → “基本分”",
            "计分项“base”：表述 “基础分” → “基本分”",
        ),
        (
            "conversion:",
            "merged_since: term\nconversion:",
            "merged since enrolment → the term",
            "合并时间的起点 入学 → 本学期",
        ),
    ],
)
def test_each_change_is_said_in_both_languages(old: str, new: str, en: str, zh: str) -> None:
    """Each change gives one sentence in both languages, with the values before and after."""
    assert sentences(BASE, BASE.replace(old, new)) == [(en, zh)]


def test_what_was_added_and_removed_is_said_with_what_it_says() -> None:
    """A new entry is described with its wording and condition, and so is a removed entry."""
    more = BASE.replace(
        "points:\n",
        "  - id: stars\n    text: {zh: 知名项目, en: a known project}\n    when: repository.stars >= 500\npoints:\n",
    )
    assert sentences(BASE, more) == [
        (
            "new requirement “stars”: a known project; condition “repository.stars >= 500”",
            "新增要求“stars”：知名项目；条件 “repository.stars >= 500”",
        )
    ]
    assert sentences(more, BASE)[0][0].startswith("removed requirement “stars”")


def test_the_order_of_entries_is_a_difference_of_its_own() -> None:
    """Two rules that changed places are reported as moved, not as added or removed."""
    first, second = BASE.index("  - id: base"), BASE.index("  - id: size")
    end = BASE.index("caps:")
    swapped = BASE[:first] + BASE[second:end] + BASE[first:second] + BASE[end:]
    (difference,) = differences(parse(BASE), parse(swapped))
    assert (difference.way, difference.place) == ("moved", "points")


def test_a_default_written_out_is_no_difference() -> None:
    """A default that is written out is no difference, because canonical forms are compared."""
    assert differences(parse(BASE), parse(BASE + "term_cap: 2\nhearing_days: 5\n")) == ()


@pytest.mark.parametrize("path", sorted(Path("rulebooks").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_rulebook_is_told_from_the_base_without_a_bare_key(path: Path) -> None:
    """Every key that a shipped rulebook uses has a label in both languages."""
    library = {
        ("open-source-practice", "2025"): Path("rulebooks/open-source-practice.yaml").read_text("utf-8")
    }
    other = parse(path.read_text("utf-8"), library)
    found = differences(parse(BASE), other)
    assert found
    for difference in found:
        assert difference.text["zh"] != difference.text["en"], difference
        assert "_" not in difference.text["en"].split("“")[0], difference.text["en"]
    back = differences(other, parse(BASE))
    assert {difference.place for difference in found} == {difference.place for difference in back}
