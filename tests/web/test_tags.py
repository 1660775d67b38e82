"""How numbers, units and enrolments are shown."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils import translation

from accounts.models import Enrolment
from credits.rules.document.rulebook_model import RulebookText
from credits.web.presenters import formatting


@pytest.mark.parametrize(
    ("number", "english", "chinese"),
    [
        ("1", "1 credit", "1 学分"),
        ("1.0", "1 credit", "1 学分"),
        ("0.5", "0.5 credits", "0.5 学分"),
        ("1.50", "1.5 credits", "1.5 学分"),
        ("0", "0 credits", "0 学分"),
    ],
)
def test_one_credit_alone_is_singular(number: str, english: str, chinese: str) -> None:
    """English uses the singular for exactly 1 only; Chinese uses 学分 for every number."""
    with translation.override("en"):
        assert formatting.with_credits(Decimal(number)) == english
        assert f"{formatting.plain_number(number)} {formatting.credit_unit(number)}" == english
    with translation.override("zh-hans"):
        assert formatting.with_credits(Decimal(number)) == chinese


def test_points_are_counted_like_credit() -> None:
    """Points are singular for exactly 1, given as Decimal or as text."""
    with translation.override("en"):
        assert [formatting.with_points(points) for points in (Decimal(1), "16", None)] == [
            "1 point",
            "16 points",
            "— points",
        ]


def test_a_rulebooks_own_unit_follows_the_number() -> None:
    """A unit's English plural loses its s for exactly 1; Chinese and ECTS do not change."""
    hours, ects = RulebookText(zh="小时", en="hours"), RulebookText(zh="学分", en="ECTS")
    with translation.override("en"):
        assert [formatting.unit_of(hours, number) for number in (Decimal(1), Decimal(2))] == ["hour", "hours"]
        assert formatting.unit_of(ects, Decimal(1)) == "ECTS"
    with translation.override("zh-hans"):
        assert formatting.unit_of(hours, Decimal(1)) == "小时"


@pytest.mark.parametrize(
    ("level", "english", "chinese"),
    [
        ("本科", "undergraduate, 2023 intake", "本科 2023级"),
        ("硕士", "master's, 2023 intake", "硕士 2023级"),
        ("PhD", "doctoral, 2023 intake", "博士 2023级"),
        ("交换生", "交换生, 2023 intake", "交换生 2023级"),
        ("", "2023 intake", "2023级"),
    ],
)
def test_level_and_entry_year_are_said_as_the_reader_says_them(
    level: str, english: str, chinese: str
) -> None:
    """Common levels are translated, other levels are shown as in the roster, and the level may be missing."""
    enrolment = Enrolment(level=level, year=2023)
    with translation.override("en"):
        assert formatting.intake(enrolment) == english
    with translation.override("zh-hans"):
        assert formatting.intake(enrolment) == chinese
